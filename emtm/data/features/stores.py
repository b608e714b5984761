"""Feature stores on disk, read by video id: a directory of arrays, and several stores side by side."""

from __future__ import annotations

import filecmp
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from emtm.data.features.arrays import ARRAY_SUFFIXES, array_header, check_header, checked, load_array
from emtm.data.features.names import Names
from emtm.data.records import FeatureStore, FloatArray
from emtm.errors import UserError

JOINED, JOINED_ROWS = 1.5, 2
_LOOKED_AT = 32


@runtime_checkable
class DiskStore(FeatureStore, Protocol):
    """A store that knows the shape of a video's features without reading them."""

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows and width of a video's features."""
        ...


class CountedStore(DiskStore, Protocol):
    """A store that knows how many videos it has."""

    @property
    def videos(self) -> int:
        """Number of videos, or of what may be one."""
        ...


def files_below(directory: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files with these suffixes in a directory and in the folders below it, sorted.

    Hidden ones are passed over: copying from a Mac leaves "._<name>.npy" files that are no arrays.
    """
    found = []
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, n) for n in names if n.endswith(tuple(suffixes)) and not n.startswith(".")]
    return sorted(found)


def usual_width(names: Iterable[str], shape: Callable[[str], tuple[int, int]]) -> int:
    """Width that most of a store's arrays have, some of them looked at; statistics may lie among features.

    Raises:
        UserError: none of them can be features; says why the first cannot.
    """
    every = list(names)
    widths: Counter[int] = Counter()
    rows: Counter[int] = Counter()
    refused: UserError | None = None
    for name in every[:: max(1, len(every) // _LOOKED_AT)]:
        try:
            count, width = shape(name)
        except UserError as error:
            refused = refused or error
            continue
        widths[width] += 1
        rows[width] += count
    if not widths:
        raise refused or UserError("there are no features")
    return max(widths, key=lambda width: (widths[width], rows[width]))


class DirectoryStore:
    """A directory with one `<video id>.npy` or `.npz` a video, there or in folders below: one for each split, say.

    Where all files below are called the same, their folders are the videos. An `.npz` holds the rows under `features`,
    as its only array, or as the only one that can be features. Pickled content is refused.
    """

    def __init__(self, directory: Path) -> None:
        files = files_below(directory, ARRAY_SUFFIXES)
        if not files:
            raise UserError(f"no .npy or .npz file in {directory}")
        self._directory = directory
        stems = {path.stem for path in files}
        in_folders = len(stems) == 1 and len(files) > 1
        self._files: dict[str, list[Path]] = {}
        for path in files:
            self._files.setdefault(path.parent.name if in_folders else path.stem, []).append(path)
        self._names = Names(self._files)
        self.videos = len(self._files)
        self.dim = usual_width(self._files, self.shape)

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._names

    def __getitem__(self, video_id: str) -> FloatArray:
        path = self._path(video_id)
        return checked(load_array(path), video_id, self.dim, path)

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows and width of a video's features, from the file's header."""
        path = self._path(video_id)
        return check_header(*array_header(path), video_id, path)

    def _path(self, video_id: str) -> Path:
        name = self._names.find(video_id)
        if name is None:
            raise UserError(f"no features of video '{video_id}' in {self._directory}")
        first, *others = self._files[name]
        differing = [path for path in others if not filecmp.cmp(first, path, shallow=False)]
        if differing:
            raise UserError(
                f"video '{video_id}' has two files that differ, {first} and {differing[0]}: name the folder of one, "
                "or both with a comma between them to put their columns side by side"
            )
        return first


class GatheredStore:
    """Several stores of different videos as one: a file for each split, say. A video in two must be the same."""

    def __init__(self, parts: Sequence[CountedStore], place: Path) -> None:
        self._parts = parts
        self._place = place
        self.videos = sum(part.videos for part in parts)
        self.dim = max(parts, key=lambda part: part.videos).dim

    def __contains__(self, video_id: object) -> bool:
        return any(video_id in part for part in self._parts)

    def __getitem__(self, video_id: str) -> FloatArray:
        first, *others = self._holders(video_id)
        rows = first[video_id]
        if any(not np.array_equal(rows, other[video_id]) for other in others):
            raise self._differing(video_id)
        if rows.shape[1] != self.dim:
            raise UserError(f"features of video '{video_id}' are {rows.shape[1]} wide, the others {self.dim}")
        return rows

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows and width of a video's features."""
        shapes = {part.shape(video_id) for part in self._holders(video_id)}
        if len(shapes) > 1:
            raise self._differing(video_id)
        return shapes.pop()

    def _holders(self, video_id: str) -> list[CountedStore]:
        found = [part for part in self._parts if video_id in part]
        if not found:
            raise UserError(f"no features of video '{video_id}' in {self._place}")
        return found

    def _differing(self, video_id: str) -> UserError:
        return UserError(
            f"video '{video_id}' has other features in one file of {self._place} than in another: name one of them, "
            "or several with commas between them to put their columns side by side"
        )


class SideBySideStore:
    """Several stores whose columns are put side by side, each video cut to the shortest of its parts.

    So lighthouse joins its features (CLIP and SlowFast, say), whose numbers of rows differ by one or two. A video whose
    rows differ by more than `JOINED`, and by more than `JOINED_ROWS`, is refused: they cannot be of the same times.
    `emtm.data.clocks` is stricter, where durations are known.
    """

    def __init__(self, parts: Sequence[DiskStore], places: Sequence[Path]) -> None:
        self._parts = parts
        self._places = places
        self.widths = tuple(part.dim for part in parts)
        self.dim = sum(self.widths)

    def __contains__(self, video_id: object) -> bool:
        return all(video_id in part for part in self._parts)

    def __getitem__(self, video_id: str) -> FloatArray:
        rows = self.shape(video_id)[0]
        return np.concatenate([part[video_id][:rows] for part in self._parts], axis=1)

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows of the shortest part, and the width of all."""
        shapes = [part.shape(video_id) for part in self._parts]
        counts = [rows for rows, _ in shapes]
        if max(counts) - min(counts) > JOINED_ROWS and max(counts) > JOINED * min(counts):
            raise self.disagreement(video_id)
        return min(counts), sum(width for _, width in shapes)

    def rows_of_parts(self, video_id: str) -> list[int]:
        """Number of rows of a video in each store."""
        return [part.shape(video_id)[0] for part in self._parts]

    def disagreement(self, video_id: str, remark: str = "") -> UserError:
        """That a video's rows cannot be put side by side."""
        counts = dict(zip(self._places, self.rows_of_parts(video_id), strict=True))
        low, high = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        return UserError(
            f"video '{video_id}' has {counts[low]:,} rows in {low} and {counts[high]:,} in {high}: "
            f"rows of different times cannot be put side by side{remark}"
        )
