"""Pictures of a video file at given times, by the time stamps in the file.

Time 0 is the first picture, whatever stamp it has. Between two pictures the earlier one is on the screen, so
that is what a time between them gives: frame rates may vary, and pictures may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emtm.data.video.extra import pyav
from emtm.errors import UserError

Picture = npt.NDArray[np.uint8]

_ROUNDING_S = 1e-6
"""Stamps are multiples of a file's own clock tick, and a time that falls on one must not miss it."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a file's time stamps say, without decoding a picture."""

    first_s: float
    """Stamp of the first picture."""
    duration_s: float
    """From the first picture until the last one leaves the screen."""
    frames: int
    """Pictures that are shown."""


def timeline(path: Path) -> Timeline:
    """Read the time stamps of all of a file's pictures; nothing is decoded, so this is quick.

    Headers can be wrong about a length, and some formats state none; the stamps are what players go by.

    Raises:
        UserError: PyAV is not installed; there is no file, it is no video, has no pictures or no stamps.
    """
    stamps: list[tuple[int, int]] = []
    with _opened(path) as (container, stream):
        for packet in container.demux(stream):
            stamp = packet.dts if packet.pts is None else packet.pts
            if packet.size and not packet.is_discard:
                if stamp is None:
                    raise UserError(f"{path} has pictures without time stamps")
                stamps.append((stamp, packet.duration or 0))
        tick, rate = stream.time_base, stream.average_rate
    if not stamps:
        raise UserError(f"{path} has a video stream without pictures")
    first, (last, shown) = min(stamps)[0], max(stamps)
    # A last picture of unknown length stays as long as an average one.
    tail = shown * tick if shown else (1 / rate if rate else Fraction(0))
    duration = (last - first) * tick + tail
    if duration <= 0:
        raise UserError(f"{path} has no length: all of its time stamps are the same")
    return Timeline(float(first * tick), float(duration), len(stamps))


def pictures(path: Path, times_s: Sequence[float], first_s: float, size_px: int, threads: int = 1) -> Iterator[Picture]:
    """The picture on the screen at each of the ascending times: RGB `[size_px, size_px, 3]`, 0 to 255.

    The shorter side is scaled (bicubic) to `size_px` and the middle is cut out; pixels that are not square
    and rotated recordings are shown as a player shows them. One picture is held at a time.

    Args:
        path: the video.
        times_s: seconds from the first picture.
        first_s: stamp of the first picture, from `timeline`.
        size_px: side of the result.
        threads: of the decoder.

    Raises:
        UserError: as `timeline`, and where the file is damaged.
    """
    waiting = iter(times_s)
    time = next(waiting, None)
    shown: _Frame | None = None
    with _opened(path, threads) as (container, stream):
        for frame in container.decode(stream):
            if time is None:
                return
            if frame.time is None:
                raise UserError(f"{path} has pictures without time stamps")
            while shown is not None and time is not None and time + _ROUNDING_S < frame.time - first_s:
                yield shown.picture(size_px)
                time = next(waiting, None)
            shown = _Frame(frame, stream.sample_aspect_ratio)
    if shown is None:
        raise UserError(f"{path} has no picture that can be decoded")
    while time is not None:
        yield shown.picture(size_px)
        time = next(waiting, None)


class _Frame:
    """A decoded picture, converted when it is first asked for: most are passed over."""

    def __init__(self, frame: Any, pixel_aspect: Fraction | None) -> None:
        self._frame, self._aspect = frame, float(pixel_aspect or 1)
        self._picture: Picture | None = None

    def picture(self, size_px: int) -> Picture:
        """The middle square, `[size_px, size_px, 3]`."""
        if self._picture is None:
            width, height = self._frame.width * self._aspect, self._frame.height
            scale = size_px / min(width, height)
            columns, rows = (max(size_px, round(side * scale)) for side in (width, height))
            scaled = self._frame.reformat(width=columns, height=rows, format="rgb24", interpolation="BICUBIC")
            left, top = (columns - size_px) // 2, (rows - size_px) // 2
            square = scaled.to_ndarray()[top : top + size_px, left : left + size_px]
            # The rotation is counter-clockwise, as NumPy's is.
            self._picture = np.ascontiguousarray(np.rot90(square, round(self._frame.rotation / 90)))
        return self._picture


@contextmanager
def _opened(path: Path, threads: int = 1) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream; whatever FFmpeg says inside the block becomes a UserError."""
    av = pyav()
    if not path.is_file():
        raise UserError(f"there is no video {path}")
    try:
        with av.open(str(path)) as container:
            covers = av.stream.Disposition.attached_pic
            streams = [stream for stream in container.streams.video if not stream.disposition & covers]
            if not streams:
                raise UserError(f"{path} has no video stream" + (", only sound" if container.streams.audio else ""))
            streams[0].thread_type = "AUTO"
            streams[0].codec_context.thread_count = threads
            yield container, streams[0]
    except av.error.FFmpegError as error:
        raise UserError(f"{path} is no video or is damaged: {error.strerror}") from None
