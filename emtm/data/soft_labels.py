"""Soft labels on disk: a teacher's start and end distributions for every query of a split.

One HDF5 file a teacher. Queries are known by their ids, so that neither order nor equal sentences
can mix them up (EMTM's pickles are matched by position and video id alone), and each keeps the
distribution over the teacher's own valid clips:

=================  =========================================================================
``query_ids``      UTF-8 bytes `[Q]`
``offsets``        int64 `[Q + 1]`; query q owns columns `offsets[q]` to `offsets[q + 1]`
``distributions``  float32 `[2, sum of clips]`; start and end, each summing to 1 in every query
``seen``           bool `[Q]`, of teachers that saw the moments of part of the training queries: which
attributes         `format`, `version`, the fields of `SoftLabelInfo`, counts, and `sha256` over all this
=================  =========================================================================
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emtm.data.distributions import resampling_weights
from emtm.data.lru import ArrayCache
from emtm.data.records import Dataset, FloatArray, fingerprint
from emtm.errors import UserError
from emtm.files import replacing

FORMAT, VERSION = "emtm-soft-labels", 1
SUM_TOLERANCE = 1e-3
_CHUNK = 16384
_WEIGHT_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class SoftLabelInfo:
    """Where soft labels come from."""

    teacher: str
    """Registered name of the model."""
    config: Mapping[str, Any]
    config_hash: str
    weights_sha256: str
    dataset: str
    split: str
    seed: int
    """Of the teacher's training."""
    accuracy: Mapping[str, Any]
    """Of the teacher on the split, in percent: `r1` by IoU and `miou`, timestamp protocol."""
    queries_sha256: str = ""
    """Of the queries as they were then; empty in files that do not say."""


@dataclass(frozen=True, slots=True)
class SoftLabelFile:
    """A teacher's soft labels, and what they must contain for the run to be the same."""

    path: str
    teacher: str
    sha256: str


class SoftLabels:
    """Soft labels in memory; `read_soft_labels` makes one.

    Args:
        path: file they were read from, for messages.
        info: where they come from.
        sha256: of the content.
        query_ids: distinct, Q of them.
        offsets: int64 `[Q + 1]`.
        distributions: float32 `[2, offsets[-1]]`.
        seen: bool `[Q]`, whether the teacher was trained on the moment; None for all of `train`, and no others.
    """

    def __init__(
        self,
        path: Path,
        info: SoftLabelInfo,
        sha256: str,
        query_ids: Sequence[str],
        offsets: npt.NDArray[np.int64],
        distributions: FloatArray,
        seen: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self.path, self.info, self.sha256 = path, info, sha256
        self._rows = {query_id: row for row, query_id in enumerate(query_ids)}
        self._offsets = offsets
        self._distributions = distributions
        self._seen = np.full(len(query_ids), info.split == "train") if seen is None else seen
        self._fitted: dict[str, FloatArray] = {}
        self._weights = ArrayCache(_WEIGHT_BYTES)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, query_id: object) -> bool:
        return query_id in self._rows

    def __getitem__(self, query_id: str) -> FloatArray:
        """Distributions `[2, clips]` over the teacher's own clips."""
        if query_id not in self._rows:
            raise UserError(f"{self.path} has no soft label of query '{query_id}'")
        row = self._rows[query_id]
        return self._distributions[:, self._offsets[row] : self._offsets[row + 1]]

    def saw(self, query_id: str) -> bool:
        """Whether the teacher was trained on the moment of a query."""
        return bool(self._seen[self._rows[query_id]])

    def check(self, dataset: Dataset, split: str) -> None:
        """Raise UserError unless these are labels of exactly the queries of that split, as they are now."""
        for what, ours, wanted in (
            ("dataset", self.info.dataset, dataset.name),
            ("split", self.info.split, split),
        ):
            if ours != wanted:
                raise UserError(f"{self.path} holds soft labels of the {what} '{ours}', not of '{wanted}'")
        queries = dataset.asked(split)
        ids = [query.query_id for query in queries]
        missing = [query_id for query_id in ids if query_id not in self._rows]
        if missing:
            raise UserError(
                f"{self.path} lacks soft labels of {len(missing)} of the {len(ids)} queries of {dataset.name} "
                f"{split}, first '{missing[0]}'"
            )
        known = set(ids)
        strange = [query_id for query_id in self._rows if query_id not in known]
        if strange:
            raise UserError(
                f"{self.path} holds soft labels of {len(strange)} queries that {dataset.name} {split} has not, "
                f"first '{strange[0]}'"
            )

        if dataset.unlabelled and not self.info.queries_sha256:
            raise UserError(f"{self.path} does not say which moments its teacher was trained on: make it again")
        if self.info.queries_sha256 not in ("", fingerprint(queries)):
            raise UserError(
                f"{self.path} was made with other annotations of {dataset.name} {split}, which have changed since: "
                "remove it, to have it made again"
            )

    def batch(self, query_ids: Sequence[str], num_clips: Tensor, length: int) -> Tensor:
        """Distributions over the student's own clips, float `[B, 2, length]`, 0 on padding.

        `num_clips`, long `[B]`, are the student's valid clips. A query keeps what was resampled for it.
        """
        labels = np.zeros((len(query_ids), 2, length), np.float32)
        for target, query_id, clips in zip(labels, query_ids, num_clips.tolist(), strict=True):
            fitted = self._fitted.get(query_id)
            if fitted is None or fitted.shape[1] != clips:
                fitted = self._fitted[query_id] = self._fit(self[query_id], clips)
            target[:, :clips] = fitted
        return torch.from_numpy(labels)

    def _fit(self, label: FloatArray, clips: int) -> FloatArray:
        """As `resample` does, with the weights of each pair of clip counts made once."""
        own = label.shape[1]
        if own == clips:
            return label
        weights = self._weights.get(f"{own}>{clips}")
        if weights is None:
            counts = torch.tensor([own]), torch.tensor([clips])
            weights = resampling_weights(*counts, own, clips)[0].T.float().contiguous().numpy()
            self._weights.put(f"{own}>{clips}", weights)
        fitted = label @ weights
        normalised: FloatArray = fitted / fitted.sum(1, keepdims=True)
        return normalised


def save_soft_labels(
    path: Path, info: SoftLabelInfo, labels: Mapping[str, npt.NDArray[Any]], seen: Collection[str] | None = None
) -> str:
    """Write distributions `[2, clips]` by query id; gives the sha256 of the content.

    `seen` are the ids of the queries whose moment the teacher was trained on, where these are not all of `train`.
    The file appears whole or not at all.

    Raises:
        UserError: there are no labels, a label is no pair of distributions, or the file cannot be written.
    """
    if not labels:
        raise UserError(f"{info.dataset} {info.split} has no queries to make soft labels of")
    for query_id, label in labels.items():
        _check_label(info.teacher, query_id, label)
    content = {
        "query_ids": np.array([query_id.encode() for query_id in labels]),
        "offsets": np.cumsum([0, *(label.shape[1] for label in labels.values())], dtype=np.int64),
        "distributions": np.concatenate(list(labels.values()), 1).astype(np.float32),
    }
    if seen is not None:
        content["seen"] = np.array([query_id in seen for query_id in labels])
    attributes = {
        "format": FORMAT,
        "version": VERSION,
        "num_queries": len(labels),
        "num_clips": int(content["offsets"][-1]),
        **{
            name: json.dumps(value, sort_keys=True) if isinstance(value, Mapping) else value
            for name, value in dataclasses.asdict(info).items()
        },
    }
    digest = _digest(attributes, content)
    # HDF5 ends the process where the disk is full while a file of its own is open.
    whole = io.BytesIO()
    try:
        with h5py.File(whole, "w") as file:
            file.attrs.update({**attributes, "sha256": digest})
            for name, array in content.items():
                chunks = tuple(min(size, _CHUNK) for size in array.shape)
                file.create_dataset(name, data=array, chunks=chunks, compression="gzip", shuffle=True, fletcher32=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_bytes(whole.getbuffer())
    except (OSError, RuntimeError) as error:
        raise UserError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    return digest


def read_soft_labels(path: Path) -> SoftLabels:
    """Soft labels of a file.

    Raises:
        UserError: there is no such file, or it is no soft label file, of another version, or damaged.
    """
    if not path.is_file():
        raise UserError(f"there is no soft label file {path}")
    if not h5py.is_hdf5(path):
        raise UserError(f"{path} is not a soft label file")
    try:
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        raise UserError(f"{path} is damaged: its content cannot be read or has changed") from error


def open_soft_labels(file: SoftLabelFile, dataset: Dataset, split: str = "train") -> SoftLabels:
    """Soft labels that a run names, for exactly the queries of a split.

    Raises:
        UserError: as `read_soft_labels` and `SoftLabels.check`, or the content is not what the run names.
    """
    labels = read_soft_labels(Path(file.path))
    if labels.sha256 != file.sha256:
        raise UserError(f"{file.path} has changed since the run was planned")
    labels.check(dataset, split)
    return labels


def _read(path: Path, file: Any) -> SoftLabels:
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    if attributes.get("format") != FORMAT:
        raise UserError(f"{path} is not a soft label file")
    if attributes["version"] != VERSION:
        raise UserError(f"{path} is of version {attributes['version']}, and this program reads version {VERSION}")
    names = ("query_ids", "offsets", "distributions", *(("seen",) if "seen" in file else ()))
    content = {name: file[name][()] for name in names}
    if attributes.pop("sha256") != _digest(attributes, content):
        raise ValueError("checksum")
    fields = [field.name for field in dataclasses.fields(SoftLabelInfo)]
    values = {name: attributes[name] for name in fields if name != "queries_sha256" or name in attributes}
    values.update({name: json.loads(values[name]) for name in ("config", "accuracy")})
    query_ids = [query_id.decode() for query_id in content["query_ids"].tolist()]
    return SoftLabels(
        path,
        SoftLabelInfo(**values),
        file.attrs["sha256"],
        query_ids,
        content["offsets"],
        content["distributions"],
        content.get("seen"),
    )


def _digest(attributes: Mapping[str, Any], content: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over attributes and arrays, in a fixed order and byte order."""
    digest = hashlib.sha256(json.dumps(dict(attributes), sort_keys=True).encode())
    for name in sorted(content):
        array = content[name]
        digest.update(f"{name} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _check_label(teacher: str, query_id: str, label: npt.NDArray[Any]) -> None:
    if label.ndim != 2 or label.shape[0] != 2 or not label.shape[1]:
        raise UserError(f"{teacher} gives query '{query_id}' a label of shape {label.shape}, not (2, clips)")
    sums = label.sum(1, dtype=np.float64)
    # A comparison with NaN is false, so that NaN is refused too.
    if not ((label >= 0).all() and (np.abs(sums - 1) <= SUM_TOLERANCE).all()):
        raise UserError(f"{teacher} gives query '{query_id}' no probability distribution")
