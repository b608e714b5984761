"""One thread a process: tests run beside each other, and two OpenMP teams on two cores stall."""

import os

import torch
from hypothesis import settings

os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)

# Hypothesis fails an example that takes longer than 0.2 s, which on a busy machine says nothing about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
