"""The arrays of one fixture: read with care, compared, and none passed over in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emtm.data.features.arrays import BROKEN, member_headers
from emtm.errors import UserError
from emtm.files import parse_json
from emtm.memory import check_memory

TOLERANCE = 1e-5
UNUSED = "unused"
Array = npt.NDArray[Any]
_CONFIG, _META = "config_json", "meta/"


@dataclass(frozen=True, slots=True)
class Row:
    """Largest deviation of one output from its reference."""

    fixture: str
    model: str
    """`UNUSED` for an array that nothing was compared with or made from, whose name is then the output."""
    output: str
    max_abs: float | None
    tolerance: float
    ok: bool

    def to_json(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


class _Config(dict[str, Any]):
    """Sizes and options, the lack of which is a sentence; those that were asked for are noted."""

    def __init__(self, fixture: str, values: Mapping[str, Any], given: dict[str, Tensor | None]) -> None:
        super().__init__(values)
        self._fixture, self._asked = fixture, given

    def __getitem__(self, key: str) -> Any:
        self._asked.setdefault(f"{_META}{key}", None)
        return super().__getitem__(key)

    def __missing__(self, key: str) -> Any:
        raise UserError(f"{self._fixture}: the configuration (config_json, or meta/*) lacks '{key}'")


@dataclass(frozen=True)
class Fixture:
    """Arrays of one file, with the helpers that checks need.

    Reading an array refuses, by its name, one that is not there, holds no finite numbers, or does not fit the sizes
    that arrays before it had. What was read is remembered, so that the rest can be named.
    """

    name: str
    arrays: Mapping[str, Array]
    _sizes: dict[str, tuple[int, str]] = field(default_factory=dict, init=False, repr=False)
    """Size of each axis by its letter, and the array that set it."""
    _given: dict[str, Tensor | None] = field(default_factory=dict, init=False, repr=False)
    """Arrays that were read, in order, and as what."""
    _left: set[str] = field(default_factory=set, init=False, repr=False)

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    def __getitem__(self, key: str) -> Array:
        return self.array(key)

    def array(self, key: str, axes: str = "") -> Array:
        """An array, whose axes are called by letters: `BLV` of one array and `BL` of another agree in B and L.

        A digit is a size itself, and a dot any size.

        Raises:
            UserError: it is not there, holds something else than finite numbers, or has other axes.
        """
        if key not in self.arrays:
            raise UserError(f"{self.name} lacks the array '{key}'")
        array = self.arrays[key]
        if array.dtype.kind not in "biuf":
            raise UserError(f"{self.name}: '{key}' holds {array.dtype}, not numbers")
        if not array.size:
            raise UserError(f"{self.name}: '{key}' is empty (shape {array.shape})")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise UserError(f"{self.name}: '{key}' holds NaN or infinity")
        if axes:
            self._fit(key, array.shape, axes)
        self._given.setdefault(key, None)
        return array

    def tensor(self, key: str, axes: str = "") -> Tensor:
        """Array as a tensor; integers become long. See `array`."""
        tensor = torch.from_numpy(np.array(self.array(key, axes)))
        tensor = tensor if tensor.is_floating_point() else tensor.long()
        self._given[key] = tensor
        return tensor

    def features(self, key: str, axes: str = "") -> Tensor:
        """Array as a float32 tensor. See `array`."""
        return self.tensor(key, axes).float()

    def ids(self, key: str, axes: str = "", below: int | None = None) -> Tensor:
        """Array of indices as a long tensor; UserError, too, if they are no integers, or not from 0 to `below`."""
        array = self.array(key, axes)
        if array.dtype.kind not in "biu":
            raise UserError(f"{self.name}: '{key}' holds {array.dtype}, not indices")
        if array.min() < 0 or (below is not None and array.max() >= below):
            upper = "" if below is None else f", and {below - 1} is the largest there is"
            raise UserError(f"{self.name}: '{key}' holds indices from {array.min()} to {array.max()}{upper}")
        return self.tensor(key)

    def scalar(self, key: str) -> float:
        """A number by itself; UserError, too, where an array has axes."""
        array = self.array(key)
        if array.ndim:
            raise UserError(f"{self.name}: '{key}' has shape {array.shape}, and is one number")
        return float(array.item())

    def sized(self, **sizes: str) -> None:
        """Sizes of axes by the names that the configuration has for them."""
        config = self.config()
        for axis, key in sizes.items():
            self._sizes.setdefault(axis, (config[key], f"{key} of the configuration"))

    def size(self, key: str, axis: str) -> int:
        """A number by itself, which is the size of an axis from now on."""
        size = int(self.scalar(key))
        known, where = self._sizes.setdefault(axis, (size, key))
        if known != size:
            raise UserError(f"{self.name}: '{key}' is {size}, where '{where}' has {known}")
        return size

    def _fit(self, key: str, shape: tuple[int, ...], axes: str) -> None:
        if len(shape) != len(axes):
            raise UserError(f"{self.name}: '{key}' has shape {shape}, and {len(axes)} axes are expected")
        for axis, size in zip(axes, shape, strict=True):
            if axis == ".":
                continue
            known, where = self._sizes.setdefault(axis, (size, key)) if axis.isalpha() else (int(axis), "the model")
            if known != size:
                raise UserError(f"{self.name}: '{key}' has shape {shape}, where '{where}' has {known} for {size}")

    def config(self) -> dict[str, Any]:
        """Sizes and options of the model: `config_json`, or the `meta/*` scalars; UserError where they are damaged."""
        if _CONFIG in self.arrays:
            self._given.setdefault(_CONFIG, None)
            try:
                stored = parse_json(str(self.arrays[_CONFIG]))
            except ValueError as error:
                raise UserError(f"{self.name}: '{_CONFIG}' is damaged: {error}") from None
            if not isinstance(stored, dict):
                raise UserError(f"{self.name}: '{_CONFIG}' is no JSON object")
            return _Config(self.name, stored, self._given)
        scalars = [key for key in self.arrays if key.startswith(_META)]
        asked = set(self._given)
        values = {key: self.scalar(key) for key in scalars}
        for key in values.keys() - asked:
            del self._given[key]
        whole = {key for key in scalars if self.arrays[key].dtype.kind in "biu"}
        values = {key.removeprefix(_META): int(value) if key in whole else value for key, value in values.items()}
        return _Config(self.name, values, self._given)

    def describes(self, model: str) -> bool:
        """Whether the configuration says that the weights are of a published model, by a part of its file's name."""
        return _CONFIG in self and model in str(self.config().get("model", ""))

    def marked_by(self, *names: str) -> bool:
        """Whether all of the names are there but one at most: who lacks one is told so when it is read."""
        return sum(name in self for name in names) >= len(names) - 1

    def leave(self, *patterns: str) -> None:
        """Says of arrays, by patterns of their names, that they change nothing of what the fixture shows, read or not.

        A bias of attention's keys is one: softmax takes it out.
        """
        self._left.update(key for key in self.arrays if any(fnmatchcase(key, pattern) for pattern in patterns))

    def left_over(self) -> Iterator[Row]:
        """A row for every array that was not read, or changes nothing: ok if it is known for that, as sizes are."""
        for key in self.arrays:
            if key not in self._given or key in self._left:
                known = key in self._left or key.startswith(_META)
                yield Row(self.name, UNUSED, key, None, TOLERANCE, known)

    def source(self, tensor: Tensor) -> str | None:
        """Name of the array whose memory a tensor shares, as views of it do."""
        place = tensor.untyped_storage().data_ptr()
        given = self._given.items()
        return next((key for key, own in given if own is not None and own.untyped_storage().data_ptr() == place), None)

    @property
    def last_read(self) -> str:
        """Name of the array that was read last."""
        return next(reversed(self._given), "none")

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
        entries (-1e30) compare relatively. It is None where the shapes differ or ours is not finite.
        """
        a = np.asarray(ours.detach() if isinstance(ours, Tensor) else ours, np.float64)
        b = np.asarray(reference, np.float64)
        if a.shape != b.shape or not np.isfinite(a).all():
            return Row(self.name, model, output, None, tolerance, False)
        masked = np.abs(b) > 1e29
        plain = b[~masked]
        scale = max(1.0, scale, float(np.abs(plain).max(initial=0.0)))
        deviation = np.where(masked, np.abs(a / np.where(masked, b, 1.0) - 1.0), np.abs(a - b) / scale)
        largest = float(deviation.max()) if deviation.size else 0.0
        return Row(self.name, model, output, largest, tolerance, largest <= tolerance)


Check = Callable[[Fixture], Iterator[Row]]


def read_fixture(path: Path) -> Fixture:
    """Arrays of an .npz file; raises UserError when it is not one, or names the array that cannot be read."""
    headers = member_headers(path)
    check_memory(sum(np.dtype(dtype).itemsize * int(np.prod(shape)) for shape, dtype in headers.values()), str(path))
    arrays: dict[str, Array] = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            for key in file.files:
                if key in headers and headers[key][1].hasobject:
                    raise UserError(f"{path.name}: '{key}' holds Python objects, which are not read")
                arrays[key] = file[key]
    except (*BROKEN, AttributeError) as error:
        raise UserError(f"{path} is not a readable .npz file of arrays") from error
    return Fixture(path.name, arrays)
