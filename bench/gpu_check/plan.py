"""What is checked, on which device, at which sizes: paper sizes on a card, small ones on a CPU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from bench.cases import PAPER, paper_shape
from bench.execution import CPU, Device, devices
from bench.subjects import Shape
from emtm.contract import ModelConfig
from emtm.errors import UserError, unknown
from emtm.registry import model_class, model_names, preset

_SMALL_CLIPS, _SMALL_WIDTH = 16, 32
_BATCH, _SMALL_BATCH = 16, 2
_ROLES = ("student", "teacher", "baseline")


@dataclass(frozen=True, slots=True)
class Subject:
    """One model at the sizes at which it is checked."""

    model: str
    dataset: str
    config: ModelConfig
    shape: Shape


@dataclass(frozen=True, slots=True)
class Plan:
    """What all parts go by."""

    device: str
    models: tuple[str, ...]
    """Registered names, students first."""
    folder: Path
    """For what is needed meanwhile."""
    threads: int
    """Of the CPU's side."""

    @property
    def small(self) -> bool:
        """Is only the way of the check tried, and no device?"""
        return self.device == CPU.name

    @property
    def batch_size(self) -> int:
        """Of a training step."""
        return _SMALL_BATCH if self.small else _BATCH

    def torch_device(self) -> Device:
        """The device that torch has under this name."""
        return next(device for device in devices() if device.name == self.device)

    def subject(self, model: str) -> Subject:
        """A model with its published configuration for the first of the three datasets that it has one for."""
        dataset = next(name for name in PAPER if name in model_class(model).presets)
        config = preset(model, dataset).config
        if self.small:
            config = preset(model, dataset, "compact").config
            config = replace(config, feature_dim=_SMALL_WIDTH)
        shape = paper_shape(dataset, config)
        if self.small:
            shape = replace(shape, num_clips=min(shape.num_clips, _SMALL_CLIPS), word_vocabulary=100)
        return Subject(model, dataset, config, shape)


def make_plan(device: str, models: tuple[str, ...], folder: Path) -> Plan:
    """A plan for the models of these names, or for all that have a published configuration.

    Raises UserError for names of none, and where there is no such device.
    """
    if device not in {found.name for found in devices()}:
        raise UserError("there is no graphics card that torch can use here; --device cpu tries all but the card itself")
    for name in models:
        if name not in model_names():
            raise UserError(unknown("model", name, model_names()))
        if name not in _published():
            raise UserError(f"{name} has no published configuration, so there are no sizes to check it at")
    return Plan(device, tuple(sorted(models or _published(), key=_order)), folder, torch.get_num_threads())


def single_precision() -> None:
    """Products in float32 are computed in float32, in libraries of NVIDIA's too."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def _published() -> list[str]:
    found = []
    for name in model_names():
        try:
            presets = model_class(name).presets
        except UserError:
            continue  # A plug-in that does not load is the harness's to report.
        if not PAPER.keys().isdisjoint(presets):
            found.append(name)
    return found


def _order(name: str) -> tuple[int, str]:
    return _ROLES.index(model_class(name).info.role), name
