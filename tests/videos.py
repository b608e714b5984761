"""Small videos for tests, written by PyAV; every picture is one grey that tells its place."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emtm.data.video.extra import unavailable

needs_video = pytest.mark.skipif(unavailable() is not None, reason=unavailable() or "")

STEP = 6
"""Between the greys of two pictures: more than any codec's loss."""


def grey(place: int) -> int:
    return place * STEP % 256


def place_of(picture: npt.NDArray[np.uint8]) -> int:
    return round(float(picture.mean()) / STEP)


def write_video(
    path: Path,
    stamps_s: Sequence[float],
    codec: str = "libx264",
    tick: Fraction = Fraction(1, 1000),
    pictures: Sequence[npt.NDArray[np.uint8]] | None = None,
    pixel_aspect: Fraction | None = None,
) -> Path:
    """A video with a picture `[48, 64, 3]` at each time stamp."""
    import av

    if pictures is None:
        pictures = [np.full((48, 64, 3), grey(place), np.uint8) for place in range(len(stamps_s))]
    with av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = tick
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        for stamp, picture in zip(stamps_s, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(stamp / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_clockwise(path: Path) -> Path:
    """Mark an .mp4 file as a telephone held upright does: players turn it by a quarter."""
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    content[matrix : matrix + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def write_sound(path: Path) -> Path:
    """A second of silence."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 44100), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
