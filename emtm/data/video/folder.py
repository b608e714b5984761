"""A folder of extracted features: what `emtm.data.features` opens, with a record of where they came from.

================  =========================================================================
``<id>.npy``      rows of a video, float32 `[N, 1280]`; the id is the name of the video's file
``origin.json``   backbone, weights, sampling, pooling: the same for the whole folder
``videos.jsonl``  one line a video: file, size, length, rows; what makes a second run go on
================  =========================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from emtm.data.features.arrays import ARRAY_SUFFIXES
from emtm.data.records import VIDEO_SUFFIXES
from emtm.data.video.extraction import Sampling, VideoFeatures
from emtm.errors import UserError
from emtm.files import append_line, parse_json, read_json, replacing

ORIGIN, VIDEOS = "origin.json", "videos.jsonl"


class FeatureFolder:
    """Where features of one sampling are written; made when the first video is done.

    Raises:
        UserError: the folder holds features of another origin, or of none that is known.
    """

    def __init__(self, path: Path, sampling: Sampling) -> None:
        self.path, self._origin = path, sampling.origin()
        if path.exists() and not path.is_dir():
            raise UserError(f"{path} is not a folder")
        there = read_origin(path)
        if there is None and path.is_dir() and any(p.suffix in ARRAY_SUFFIXES for p in path.iterdir()):
            raise UserError(f"{path} holds features that were not extracted here: choose another --out")
        if there is not None and there != self._origin:
            differing = ", ".join(key for key in self._origin if there.get(key) != self._origin[key])
            raise UserError(f"{path} holds features with another {differing}: choose another --out")
        self._known = _read_videos(path / VIDEOS)

    def find(self, video: Path) -> dict[str, Any] | None:
        """The record of a video that is finished and whose file has the same size still; else None."""
        record = self._known.get(video.stem)
        same = record is not None and record["size_bytes"] == video.stat().st_size
        return record if same and self._array(video).is_file() else None

    def add(self, video: Path, features: VideoFeatures) -> dict[str, Any]:
        """Write a video's rows and record; gives the record. Raises UserError when it cannot be written."""
        record = {
            "video_id": video.stem,
            "file": video.name,
            "size_bytes": video.stat().st_size,
            "duration_s": round(features.duration_s, 6),
            "rows": len(features.rows),
            "frames": features.frames,
        }
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # The origin comes first: features without one would be of no use to `predict`.
            if not (self.path / ORIGIN).exists():
                with replacing(self.path / ORIGIN) as partial:
                    partial.write_text(json.dumps(self._origin, indent=2) + "\n", "utf-8")
            with replacing(self._array(video)) as partial, partial.open("wb") as file:
                np.save(file, features.rows)
            append_line(self.path / VIDEOS, json.dumps(record))
        except OSError as error:
            raise UserError(f"cannot write to {self.path}: {error.strerror}") from None
        self._known[video.stem] = record
        return record

    def _array(self, video: Path) -> Path:
        return self.path / f"{video.stem}.npy"


def read_origin(folder: Path) -> dict[str, Any] | None:
    """What `Sampling.origin` gave for the features in a folder; None where it does not say.

    Raises:
        UserError: the record is damaged.
    """
    path = folder / ORIGIN
    if not path.is_file():
        return None
    origin = read_json(path)
    if not isinstance(origin, dict):
        raise UserError(f"{path} is damaged")
    return origin


def find_videos(paths: Iterable[Path]) -> list[Path]:
    """The files given, and all videos below the folders given, sorted within each.

    Raises:
        UserError: a path is not there, a folder holds no video, or two videos have one id.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"there is no {path}")
        videos = [path]
        if path.is_dir():
            videos = sorted(p for p in path.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
            if not videos:
                raise UserError(f"there is no video below {path}")
        for video in videos:
            other = found.setdefault(video.stem, video)
            if other.resolve() != video.resolve():
                raise UserError(f"{other} and {video} would both be video '{video.stem}': rename one")
    return list(found.values())


def _read_videos(path: Path) -> dict[str, dict[str, Any]]:
    """Records by id, the last of each; a line that was cut off is as if it were not there."""
    known = {}
    if path.is_file():
        for line in path.read_text("utf-8").splitlines():
            try:
                record = parse_json(line)
                known[str(record["video_id"])] = {**record, "size_bytes": int(record["size_bytes"])}
            except (ValueError, KeyError, TypeError):
                continue
    return known
