"""The parts whose rows a worker makes, in order; the harness's own session comes after them."""

from __future__ import annotations

from bench.gpu_check.energy import ENERGY
from bench.gpu_check.parity import PARITY
from bench.gpu_check.part import Part
from bench.gpu_check.speed import SPEED
from bench.gpu_check.study import STUDY
from bench.gpu_check.training import TRAINING

PARTS: tuple[Part, ...] = (PARITY, SPEED, ENERGY, TRAINING, STUDY)
