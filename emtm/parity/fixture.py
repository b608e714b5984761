"""Reading fixtures, comparing arrays, and finding who can check what."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from emtm.data.features.arrays import BROKEN
from emtm.errors import UserError
from emtm.files import parse_json
from emtm.registry import model_class

TOLERANCE = 1e-5
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """Largest deviation of one output from its reference."""

    fixture: str
    model: str
    output: str
    max_abs: float | None
    tolerance: float
    ok: bool

    def to_json(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Fixture:
    """Arrays of one file, with the helpers that checks need."""

    name: str
    arrays: Mapping[str, Array]

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    def __getitem__(self, key: str) -> Array:
        return self.arrays[key]

    def tensor(self, key: str) -> Tensor:
        """Array as a tensor; integers become long."""
        tensor = torch.from_numpy(np.array(self.arrays[key]))
        return tensor if tensor.is_floating_point() else tensor.long()

    def config(self) -> dict[str, Any]:
        """Sizes and options of the model: `config_json`, or the `meta/*` scalars."""
        if "config_json" in self.arrays:
            stored: dict[str, Any] = parse_json(str(self.arrays["config_json"]))
            return stored
        return {k.removeprefix("meta/"): v.item() for k, v in self.arrays.items() if k.startswith("meta/")}

    def row(
        self,
        model: str,
        output: str,
        ours: Any,
        reference: Any,
        *,
        scale: float = 1.0,
        tolerance: float = TOLERANCE,
    ) -> Row:
        """Compare an output with its reference.

        The deviation is absolute where the reference is of order one and relative to its largest
        entry (or to `scale`, if that is larger) beyond, because float32 resolves no better; masked
        entries (-1e30) compare relatively.
        """
        a = np.asarray(ours.detach() if isinstance(ours, Tensor) else ours, np.float64)
        b = np.asarray(reference, np.float64)
        if a.shape != b.shape:
            return Row(self.name, model, output, None, tolerance, False)
        masked = np.abs(b) > 1e29
        plain = b[~masked]
        scale = max(1.0, scale, float(np.abs(plain).max(initial=0.0)))
        deviation = np.where(masked, np.abs(a / np.where(masked, b, 1.0) - 1.0), np.abs(a - b) / scale)
        largest = float(deviation.max()) if deviation.size else 0.0
        return Row(self.name, model, output, largest, tolerance, largest <= tolerance)


Check = Callable[[Fixture], Iterator[Row]]

_CHECKS = (
    "emtm.parity.distillation",
    "emtm.parity.span_family",
    "emtm.parity.vslnet",
    "emtm.parity.emb",
    "emtm.parity.tan2d",
    "emtm.parity.moment_detr",
    "emtm.parity.ban_apr",
    "emtm.parity.cca",
    "emtm.parity.map_labels",
    "emtm.parity.eamat",
    "emtm.parity.labels",
    "emtm.parity.labels_zoo",
    "emtm.parity.unification",
    "emtm.parity.emtm_data",
)
"""Modules with `recognise(fixture) -> Check | None`."""


def check_fixture(path: Path) -> list[Row]:
    """All rows of one file; a single failing row `unrecognised` if no check knows its arrays."""
    fixture = read_fixture(path)
    for name in _CHECKS:
        check: Check | None = importlib.import_module(name).recognise(fixture)
        if check is not None:
            with torch.no_grad():
                return list(check(fixture))
    return [Row(fixture.name, "unrecognised", "none", None, TOLERANCE, False)]


def read_fixture(path: Path) -> Fixture:
    """Arrays of an .npz file; raises UserError when it is not one."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return Fixture(path.name, {key: file[key] for key in file.files})
    except (*BROKEN, AttributeError) as error:
        raise UserError(f"{path} is not a readable .npz file of arrays") from error


def find_fixtures(paths: list[Path]) -> list[Path]:
    """Files given, and the .npz files directly inside directories given."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.npz"))
            if not inside:
                raise UserError(f"no .npz fixture in {path}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise UserError(f"{path} does not exist")
    return found


def model_module(name: str) -> ModuleType:
    """Module of a registered model, for what it is made of: `emtm` imports no model by itself."""
    return importlib.import_module(model_class(name).__module__)


class Recorder:
    """Keeps what submodules return, and what they are given, while a model runs."""

    def __init__(self, model: nn.Module, *names: str) -> None:
        self.outputs: dict[str, Any] = {}
        self.inputs: dict[str, Any] = {}
        for name in names:
            model.get_submodule(name).register_forward_hook(self._hook(name))

    def _hook(self, name: str) -> Callable[..., None]:
        def keep(_: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            self.inputs[name], self.outputs[name] = inputs, output

        return keep


def linear_weights(prefix: str, kernel: Tensor, bias: Tensor | None) -> dict[str, Tensor]:
    """State of a linear layer from a TensorFlow kernel `[(1,) in, out]` and bias of any shape."""
    state = {f"{prefix}.weight": kernel.reshape(kernel.shape[-2:]).t()}
    if bias is not None:
        state[f"{prefix}.bias"] = bias.flatten()
    return state
