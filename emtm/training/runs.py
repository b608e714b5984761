"""A run directory: what training leaves behind and everything else reads.

======================  ====================================================================
``run.json``            model, config, recipe, teachers, dataset, seed, versions; written first
``vocabulary.json``     words and characters
``features.json``       origin of the features, where `python -m emtm extract` made them
``splits.json``         videos of every split of a real dataset, given or made
``best.safetensors``    weights of the best validation epoch, word vectors included; what predictions need
``branches.safetensors``  training-only branches of that epoch (EMTM alone)
``last.safetensors``    weights, optimiser and generator state after the last whole epoch
``history.jsonl``       one line an epoch
``tested.json``         IoU of the answer to each test query, where the run is of a fold (`emtm.data.folds`)
``metrics.json``        test metrics of the best weights; its presence says the run is finished
``manifest.json``       hashes of all these, checked whenever one is read; see `emtm.training.manifest`
======================  ====================================================================
"""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from emtm import __version__
from emtm.contract import AnyModel, ModelConfig
from emtm.data.features import split_paths
from emtm.data.real import EMBEDDED, features_path, shown_name
from emtm.data.records import Dataset, Query, fingerprint
from emtm.data.text import Lexicon, Vocabulary
from emtm.data.video.folder import read_origin
from emtm.errors import UserError
from emtm.files import json_text, parse_json, read_json
from emtm.memory import check_memory
from emtm.registry import model_class
from emtm.training.manifest import MANIFEST, begin, check, noted, sha256
from emtm.training.sizes import check_size
from emtm.training.spec import FORMAT, DataSource, RunSpec
from emtm.training.teachers import Teacher, read_teachers

RUN, VOCABULARY, BEST, LAST = "run.json", "vocabulary.json", "best.safetensors", "last.safetensors"
HISTORY, METRICS, TESTED = "history.jsonl", "metrics.json", "tested.json"
BRANCHES = "branches.safetensors"
FEATURES = "features.json"
SPLITS = "splits.json"
_UNSEALED = "emtm-run/1"
"""Runs of this format have no manifest."""


@dataclass(frozen=True, slots=True)
class Run:
    """A trained model with its vocabulary, ready to predict."""

    path: Path
    spec: RunSpec
    vocabulary: Vocabulary
    model: AnyModel
    weights_sha256: str
    teachers: tuple[Teacher, ...]
    """Whose soft labels it learned from, in the order of the aggregation unit's weights."""

    @property
    def name(self) -> str:
        """Registered name of the model."""
        return self.spec.model

    @property
    def dataset(self) -> str:
        """Name of the dataset it was trained on, as `Dataset` has it."""
        data = self.spec.data
        return shown_name(data.shown, data.features == EMBEDDED, data.fold)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.spec.seed

    @property
    def config(self) -> ModelConfig:
        """Model configuration."""
        return self.spec.config


def look_up(out: Path, spec: RunSpec, resume: bool, dataset: Dataset, vocabulary: Vocabulary) -> dict[str, Any] | None:
    """The metrics of `spec` if the directory `out` holds it, finished; None while there is something to train.

    Raises:
        UserError: `out` holds another run, or this one and `resume` is False, or this one of other annotations, or
            the weights of an epoch without the record of their run.
    """
    if not (out / RUN).exists():
        if (out / LAST).exists():
            raise UserError(f"{out} holds {LAST} of a run whose {RUN} is gone; choose another --out")
        return None
    if not resume:
        raise UserError(f"{out} already holds a run; add --resume to go on with it, or choose another --out")
    if read_spec(out) != spec:
        raise UserError(f"{out} holds a run with other settings; choose another --out")
    begun = _document(out).get("annotations_sha256")
    same = begun in (None, annotations_sha256(dataset)) and read_vocabulary(out) == vocabulary
    if not same:
        raise UserError(
            f"{out} was begun with other annotations or word vectors of {dataset.name}, which have changed since; "
            "choose another --out"
        )
    return read_metrics(out) if (out / METRICS).exists() else None


def annotations_sha256(dataset: Dataset) -> str:
    """Hash of all queries of all splits, and of those without a moment."""
    digest = hashlib.sha256()
    for split, queries in sorted(dataset.splits.items()):
        digest.update(f"{split} {fingerprint(queries)}\n".encode())
    if dataset.unlabelled:
        digest.update(f"unlabelled {fingerprint(dataset.unlabelled)}\n".encode())
    return digest.hexdigest()


def create(out: Path, spec: RunSpec, dataset: Dataset, vocabulary: Vocabulary, teachers: Iterable[Teacher]) -> None:
    """Make `out` the directory of `spec`, unless it is that already.

    Raises:
        UserError: it cannot be written, or the record that lies with the features is damaged.
    """
    if (out / RUN).exists():
        return
    origin = features_origin(spec.data)
    versions = {"emtm": __version__, "torch": torch.__version__, "python": platform.python_version()}
    try:
        out.mkdir(parents=True, exist_ok=True)
        begin(out)
        write_text(out / VOCABULARY, vocabulary.to_json())
        if origin is not None:
            write_json(out / FEATURES, origin)
        if not dataset.synthetic:
            write_json(out / SPLITS, {split: videos_of(queries) for split, queries in dataset.splits.items()})
        stored = {
            **spec.to_json(out),
            "teachers": [dataclasses.asdict(teacher) for teacher in teachers],
            "annotations_sha256": annotations_sha256(dataset),
            "versions": versions,
        }
        write_json(out / RUN, stored)
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}") from error


def discard(out: Path) -> None:
    """Remove a run directory in which no epoch was finished."""
    for name in (RUN, VOCABULARY, FEATURES, SPLITS, BEST, BRANCHES, MANIFEST):
        (out / name).unlink(missing_ok=True)
    if not any(out.iterdir()):
        out.rmdir()


def videos_of(queries: Iterable[Query]) -> list[str]:
    """The distinct videos, sorted."""
    return sorted({query.video_id for query in queries})


def seen_videos(path: Path, split: str, queries: Iterable[Query]) -> list[str]:
    """Videos of a split that the run at `path` was trained on and did not have in that split; none of embedded data.

    Raises:
        UserError: what it was trained on is damaged or was changed.
    """
    if not (path / SPLITS).is_file():
        return []
    check(path / SPLITS)
    stored = read_json(path / SPLITS)
    try:
        trained, then = set(stored["train"]), set(stored[split])
    except (KeyError, TypeError):
        raise UserError(f"{path / SPLITS} is damaged") from None
    return [video for video in videos_of(queries) if video in trained and video not in then]


def check_unseen(path: Path, split: str, queries: Iterable[Query]) -> None:
    """Raise UserError where videos of a split that the run at `path` did not have in it were trained on by it."""
    seen = seen_videos(path, split, queries)
    if seen:
        raise UserError(
            f"{len(seen):,} videos that are in {split} now, {seen[0]} first, were trained on by {path}: the splits are "
            f"not those of its {SPLITS}"
        )


def features_origin(data: DataSource) -> dict[str, Any] | None:
    """Where the features of a dataset came from, if `python -m emtm extract` made them; else None.

    Raises:
        UserError: the record that lies with the features is damaged.
    """
    if data.root is None or data.features == EMBEDDED:
        return None
    folders = split_paths(features_path(Path(data.root), data.features))
    return read_origin(folders[0]) if len(folders) == 1 else None


def find_runs(directory: Path) -> list[Path]:
    """Finished run directories below `directory`, sorted; none if it does not exist."""
    if not directory.is_dir():
        return []
    return sorted(p.parent for p in directory.rglob(METRICS) if (p.parent / RUN).is_file())


def load_run(path: Path, device: str = "cpu") -> Run:
    """Model of a run directory in eval mode; raises UserError when anything in it is unreadable or has changed."""
    (spec, teachers), vocabulary = _read(path), read_vocabulary(path)
    weights, _ = read_tensors(path / BEST)
    try:
        words = vocabulary.num_words - 2
        check_memory(4 * words * spec.config.word_dim, f"{words:,} word vectors of {spec.config.word_dim:,} numbers")
        table = torch.zeros(words, spec.config.word_dim)
        vectors = nn.Parameter(table) if spec.data.learns_words else table
        lexicon = Lexicon(vectors, vocabulary.num_chars, vocabulary.words)
        check_size(spec.model, spec.config, lexicon)
        model = model_class(spec.model)(spec.config, lexicon)
        expected = model.state_dict()
        # Loading would turn integers into floats, which no training has written.
        if any(value.dtype != expected[name].dtype for name, value in weights.items() if name in expected):
            raise RuntimeError("a tensor has another type")
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f"the weights in {path / BEST} do not fit the configuration in {path / RUN}") from error
    return Run(path, spec, vocabulary, model.to(device).eval(), sha256(path / BEST), teachers)


def read_vocabulary(path: Path) -> Vocabulary:
    """Vocabulary of the run at `path`; raises UserError when there is none, or it has changed."""
    file = path / VOCABULARY
    check(file)
    try:
        return Vocabulary.from_json(file.read_text("utf-8"))
    except (OSError, ValueError, UserError) as error:
        raise UserError(f"{file} is missing or damaged") from error


def read_spec(path: Path) -> RunSpec:
    """Specification of the run at `path`; raises UserError when there is none, or it has changed."""
    return _read(path)[0]


def _read(path: Path) -> tuple[RunSpec, tuple[Teacher, ...]]:
    try:
        stored = _document(path)
        spec = RunSpec.from_json(stored, path)
        return spec, read_teachers(stored, spec.data.soft_labels)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path / RUN} is damaged or from another version") from error


def _document(path: Path) -> dict[str, Any]:
    """The JSON of a run; raises UserError where it is none, or has changed since it was written."""
    file = path / RUN
    if not file.is_file():
        raise UserError(f"{path} is not a run directory: it has no {RUN}")
    check(file)
    try:
        found: dict[str, Any] = read_json(file)
        form = found["format"]
    except (KeyError, TypeError) as error:
        raise UserError(f"{file} is damaged or from another version") from error
    if form not in (FORMAT, _UNSEALED):
        raise UserError(f"{file} has format {form}, which is not one this suite reads ({FORMAT})")
    if form == FORMAT and not (path / MANIFEST).is_file():
        raise UserError(f"{path / MANIFEST} is missing: nothing says that these files are those of the run's training")
    return found


def read_metrics(path: Path) -> dict[str, Any]:
    """Test metrics of the finished run at `path`; raises UserError where they are damaged or have changed."""
    check(path / METRICS)
    metrics = read_json(path / METRICS)
    if not isinstance(metrics, dict) or not _are_metrics(metrics):
        raise UserError(f"{path / METRICS} is damaged or from another version")
    return metrics


def read_tested(path: Path, queries: Sequence[Query]) -> list[float]:
    """IoU of the answer of a finished run of a fold to each of its test queries; raises UserError as `read_metrics`."""
    check(path / TESTED)
    try:
        stored = read_json(path / TESTED)
        return [float(stored[query.query_id]) for query in queries]
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path / TESTED} is damaged or of other queries") from None


def _are_metrics(stored: Mapping[str, Any]) -> bool:
    """Whether all is there that tables show."""
    floors, ci95, texts = stored.get("floors"), stored.get("ci95"), ("model", "dataset", "split", "protocol")
    return (
        all(isinstance(stored.get(name), str) for name in texts)
        and isinstance(stored.get("queries"), int)
        and isinstance(stored.get("synthetic"), bool)
        and are_accuracies(stored)
        and isinstance(floors, dict)
        and all(isinstance(floor, dict) and are_accuracies(floor) for floor in floors.values())
        and "ci95" in stored
        and (ci95 is None or (isinstance(ci95, dict) and _are_intervals(ci95.get("r1"))))
    )


def are_accuracies(stored: Mapping[str, Any]) -> bool:
    """Whether there are recalls by threshold and a mean IoU."""
    r1 = stored.get("r1")
    numbers = [*r1.values(), stored.get("miou")] if isinstance(r1, dict) else [None]
    return all(isinstance(number, int | float) for number in numbers)


def _are_intervals(r1: Any) -> bool:
    return isinstance(r1, dict) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, int | float) for end in pair)
        for pair in r1.values()
    )


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and JSON metadata of a checkpoint; raises UserError when it cannot be read, or has changed."""
    check(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = parse_json((file.metadata() or {}).get("state", "{}"))
        if not isinstance(metadata, dict):
            raise ValueError("no state")
    except (OSError, SafetensorError, ValueError, MemoryError) as error:
        raise UserError(f"checkpoint {path} is missing or damaged") from error
    return tensors, metadata


def tensors_bytes(tensors: Mapping[str, Tensor], state: Mapping[str, Any] | None = None) -> bytes:
    """What `read_tensors` reads."""
    contiguous = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
    return save(contiguous, {"state": json_text(state or {}, None)})


def write_tensors(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any] | None = None) -> None:
    """Write a checkpoint atomically: readers see the old file or the whole new one."""
    write_files(path.parent, {path.name: tensors_bytes(tensors, state)})


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically."""
    write_text(path, json_text(value) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    write_files(path.parent, {path.name: text.encode()})


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write several files, each atomically and in this order, none before all have reached the disk."""
    with noted(*(folder / name for name in contents)) as partials:
        for partial, content in zip(partials, contents.values(), strict=True):
            partial.write_bytes(content)
