"""What is on the disk after a kill, as its readers see it: every file that has its name is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench.results import read_run
from emtm.data.soft_labels import read_soft_labels
from emtm.errors import UserError
from emtm.files import parse_json, read_json
from emtm.temporary import SUFFIX
from emtm.training import manifest, runs
from emtm.training.history import checked_history, read_history


def is_temporary(path: Path, place: Path) -> bool:
    """Whether a file's name, or that of a folder that it is in, says that it is not there yet."""
    return any(part.startswith(".") and part.endswith(SUFFIX) for part in path.relative_to(place).parts)


def there(place: Path) -> list[Path]:
    """Files that are nobody's temporary ones."""
    return sorted(path for path in place.rglob("*") if path.is_file() and not is_temporary(path, place))


def broken(place: Path) -> Iterator[str]:
    """Every file that is no whole one, and every error that is no sentence."""
    for path in there(place):
        try:
            _read(path)
        except UserError as error:
            yield f"not whole: {path.relative_to(place)}: {error}"
        except Exception as error:
            yield f"not refused by a sentence: {path.relative_to(place)}: {type(error).__name__}: {error}"


def _read(path: Path) -> None:
    if (path.parent / manifest.MANIFEST).exists() and path.name in _OF_RUNS:
        _OF_RUNS[path.name](path.parent)
    elif path.suffix in _BY_SUFFIX:
        _BY_SUFFIX[path.suffix](path)


def _json(path: Path) -> None:
    found = read_json(path)
    if isinstance(found, dict) and found.get("schema") == "emtm-bench/result":
        read_run(path)


def _lines(path: Path) -> None:
    # What ends without an end of line is passed over by its reader, and goes before the next is written.
    lines = path.read_text("utf-8").split("\n")[:-1]
    try:
        for line in lines:
            parse_json(line)
    except ValueError as error:
        raise UserError(str(error)) from None


def _onnx(path: Path) -> None:
    import onnx

    onnx.checker.check_model(onnx.load(path))


_OF_RUNS: dict[str, Callable[[Path], object]] = {
    runs.RUN: runs.read_spec,
    runs.VOCABULARY: runs.read_vocabulary,
    runs.BEST: lambda run: runs.read_tensors(run / runs.BEST),
    runs.BRANCHES: lambda run: runs.read_tensors(run / runs.BRANCHES),
    runs.LAST: lambda run: checked_history(runs.read_tensors(run / runs.LAST)[1]["history"]),
    runs.HISTORY: read_history,
    runs.METRICS: runs.read_metrics,
}
_BY_SUFFIX: dict[str, Callable[[Path], object]] = {
    ".json": _json,
    ".jsonl": _lines,
    ".h5": read_soft_labels,
    ".npy": lambda path: np.load(path, allow_pickle=False),
    ".npz": lambda path: dict(np.load(path, allow_pickle=False)),
    ".onnx": _onnx,
}
