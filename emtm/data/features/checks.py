"""Is everything there, and is it what the model takes? Answered before the first video is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from emtm.data.features.opening import store_files
from emtm.data.features.stores import DiskStore
from emtm.data.records import FeatureStore
from emtm.errors import UserError
from emtm.files import kept

_SHOWN = 20


def missing(store: FeatureStore, video_ids: Iterable[str]) -> list[str]:
    """The distinct ids that the store has no features of, in the order given."""
    return [video_id for video_id in dict.fromkeys(video_ids) if video_id not in store]


def check_store(store: FeatureStore, video_ids: Iterable[str], dim: int) -> None:
    """Raise UserError unless the store has rows of width `dim` for every video; names those that it lacks.

    Files are opened for their headers alone.
    """
    if store.dim != dim:
        raise UserError(f"the features are {store.dim} wide, not {dim}")
    wanted = list(dict.fromkeys(video_ids))
    absent = missing(store, wanted)
    if absent:
        raise UserError(f"features of {len(absent)} of {len(wanted)} videos are missing: {_listed(absent)}")
    if not isinstance(store, DiskStore):
        return
    other = [video_id for video_id in wanted if store.shape(video_id)[1] != dim]
    if other:
        width = store.shape(other[0])[1]
        raise UserError(
            f"features of {len(other)} of {len(wanted)} videos are not {dim} wide but, the first, {width}: "
            f"{_listed(other)}"
        )


def check_values(
    store: FeatureStore,
    place: Path | str,
    video_ids: Iterable[str],
    progress: Callable[[int], object] = lambda done: None,
) -> None:
    """Read the features of every video once, so that NaN in the last of them is found before the first is used.

    That they were sound is kept in the user's cache until a file at `place` changes. `progress` hears how many videos
    are done.

    Raises:
        UserError: a video's features cannot be read or hold NaN or infinity; the first of them is named.
    """
    wanted = sorted(set(video_ids))
    digest = hashlib.sha256()
    for path in store_files(place):
        facts = path.stat()
        digest.update(f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}\n".encode("utf-8", "surrogatepass"))
    digest.update("\n".join(wanted).encode("utf-8", "surrogatepass"))

    def read() -> int:
        for done, video_id in enumerate(wanted, 1):
            store[video_id]  # what is read is checked
            progress(done)
        return len(wanted)

    kept(f"features/{digest.hexdigest()}.json", read, lambda count: count == len(wanted))


def num_rows(store: FeatureStore, video_id: str) -> int:
    """Number of feature rows of a video, from its header where the store has one."""
    return store.shape(video_id)[0] if isinstance(store, DiskStore) else len(store[video_id])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
