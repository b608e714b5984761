"""One thread a process: tests run beside each other, and two OpenMP teams on two cores stall."""

import os

import torch
from hypothesis import settings

os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)

# Hypothesis fails an example that takes longer than 0.2 s, which on a busy machine says nothing about the code.
# The same examples each time: a change is not refused for what it has not touched.
# `--hypothesis-profile random` looks for others.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile("same")
