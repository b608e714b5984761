"""Features of many videos in one file: HDF5, with or without groups around the videos, and `.npz` by video id."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py

from emtm.data.disguises import disguise
from emtm.data.features.arrays import Header, candidates, check_header, checked, load_member, member_headers
from emtm.data.features.names import Names
from emtm.data.features.stores import usual_width
from emtm.data.records import FloatArray
from emtm.errors import UserError
from emtm.memory import check_memory

_FAILURES = (OSError, KeyError, RuntimeError, ValueError)


class NpzStore:
    """An `.npz` file whose arrays are named after videos."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._headers = member_headers(path)
        self._names = Names(self._headers)
        self.videos = len(self._names)
        self.dim = usual_width(self._names, self.shape)

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._names

    def __getitem__(self, video_id: str) -> FloatArray:
        return checked(load_member(self._path, self._name(video_id)), video_id, self.dim, self._path)

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows and width of a video's features, from the header of its array."""
        return check_header(*self._headers[self._name(video_id)], video_id, self._path)

    def _name(self, video_id: str) -> str:
        name = self._names.find(video_id)
        if name is None:
            raise UserError(f"no features of video '{video_id}' in {self._path}")
        return name


class Hdf5Store:
    """An HDF5 file with, for each video id, a dataset or a group that holds one, at the top or inside other groups."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = h5py.File(path, "r")
        except OSError:
            found = disguise(path, b"\x89HDF")
            raise UserError(f"{path} is {found or 'not a readable HDF5 file'}") from None
        self._path = path
        try:
            names = list(self._file)
        except (OSError, RuntimeError, ValueError):
            raise UserError(f"{path} is damaged: its names cannot be read") from None
        if not names:
            raise UserError(f"{path} holds no videos")
        self._names = Names(names)
        try:
            self.dim = usual_width(self._names, self.shape)
        except UserError:
            if not self._nested:
                raise
            self._names = Names(())
            self.dim = usual_width(self._inner, self.shape)
        self.videos = len(self._names) or len(self._inner)

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._names or video_id in self._inner

    def __getitem__(self, video_id: str) -> FloatArray:
        dataset = self._checked(video_id)
        try:
            return checked(dataset[()], video_id, self.dim, self._path)
        except (OSError, RuntimeError, ValueError) as error:
            raise self._damaged(video_id) from error

    def shape(self, video_id: str) -> tuple[int, int]:
        """Rows and width of a video's features, without reading them."""
        dataset = self._checked(video_id)
        return check_header(dataset.shape, dataset.dtype, video_id, self._path)

    def _checked(self, video_id: str) -> Any:
        """Dataset of a video whose header says that it can be read."""
        dataset = self._dataset(video_id)
        check_header(dataset.shape, dataset.dtype, video_id, self._path)
        check_memory(dataset.dtype.itemsize * dataset.size, f"features of video '{video_id}' in {self._path}")
        return dataset

    def _dataset(self, video_id: str) -> Any:
        try:
            return self._pick(dict(self._found(video_id)), video_id)
        except _FAILURES as error:
            raise self._damaged(video_id) from error

    def _found(self, video_id: str) -> Iterator[tuple[str, Any]]:
        """The datasets that are a video's, by their paths."""
        name = self._names.find(video_id)
        if name is not None:
            yield from _datasets(self._file[name])
            return
        name = self._inner.find(video_id)
        if name is None:
            raise UserError(f"no features of video '{video_id}' in {self._path}")
        for path in self._nested[name]:
            yield path, self._file[path]

    def _pick(self, found: dict[str, Any], video_id: str) -> Any:
        """The one that holds rows."""
        sound = {name: node for name, node in found.items() if node.shape is not None}
        if not sound:
            raise UserError(f"{self._path} holds no array of video '{video_id}'")
        if len(sound) == 1:
            return next(iter(sound.values()))
        headers: dict[str, Header] = {name: (node.shape, node.dtype) for name, node in sound.items()}
        rows = candidates(headers)
        named = [name for name in rows if name.rpartition("/")[2] == "features"]
        chosen = named if len(named) == 1 else rows
        if len(chosen) != 1:
            raise UserError(f"{self._path} has {len(chosen) or len(sound)} datasets for video '{video_id}', not one")
        return sound[chosen[0]]

    @cached_property
    def _nested(self) -> dict[str, list[str]]:
        """Paths of datasets inside groups, by each name on the way to them; links are not followed."""
        found: dict[str, list[str]] = {}

        def note(path: str, node: object) -> None:
            parts = path.split("/")
            if isinstance(node, h5py.Dataset) and len(parts) > 1:
                for name in dict.fromkeys(parts):
                    found.setdefault(name, []).append(path)

        try:
            self._file.visititems(note)
        except _FAILURES:
            raise UserError(f"{self._path} is damaged: its names cannot be read") from None
        return found

    @cached_property
    def _inner(self) -> Names:
        return Names(self._nested)

    def _damaged(self, video_id: str) -> UserError:
        return UserError(f"the features of video '{video_id}' in {self._path} cannot be read")


def _datasets(node: Any) -> Iterator[tuple[str, Any]]:
    """A dataset, or those of a group and of the groups in it; a link may lead nowhere, or back to where it stands."""
    if isinstance(node, h5py.Dataset):
        yield "", node
        return
    inner: dict[str, Any] = {}
    if isinstance(node, h5py.Group):
        node.visititems(lambda path, child: inner.update({path: child}) if isinstance(child, h5py.Dataset) else None)
        # Links are not visited, but one right inside may be followed.
        links = ((name, node.get(name)) for name in node if name not in inner)
        inner.update((name, child) for name, child in links if isinstance(child, h5py.Dataset))
    yield from inner.items()
