"""One thread a process: tests run beside each other, and two OpenMP teams on two cores stall."""

import os

import torch

os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)
