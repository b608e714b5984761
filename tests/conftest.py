"""One thread a process: tests run beside each other, and two OpenMP teams on two cores stall."""

import os
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

from emtm import processor

os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)

# Hypothesis fails an example that takes longer than 0.2 s, which on a busy machine says nothing about the code.
# The same examples each time: a change is not refused for what it has not touched.
# `--hypothesis-profile random` looks for others.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def products_as_before() -> Iterator[None]:
    """Commands that a test runs in its own process settle how products are taken: not for the tests after it."""
    with processor.route().taken():
        yield
