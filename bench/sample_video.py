"""A video to measure decoding on, made here: a stranger has none, and nobody may hand one out.

A coarse texture glides over the picture and fine noise lies on it, so that every frame has motion to code and
detail to decode. It stands for the cost of a video of its size and bit rate, not for what videos show.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.record import Video
from emtm.data.video.extra import pyav

CODECS = ("libx264", "mpeg4")
"""Preferred encoder first; FFmpeg's own MPEG-4 is always there."""
CONTENT = "generated: a gliding texture under fine noise"

_X264 = {"preset": "veryfast", "x264-params": "rc-lookahead=0:sync-lookahead=0"}
"""x264 looks ahead in a thread of its own, and how far it got would change the file from time to time."""
_SEED = 0
_BLOCK_PX = 16
_GLIDE_PX = (2, 3)
_NOISE = 6


@dataclass(frozen=True, slots=True)
class VideoFile:
    """An encoded video."""

    path: Path
    codec: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SampleVideo:
    """What is generated; equal values give equal pictures."""

    width: int = 640
    height: int = 360
    fps: int = 25
    duration_s: int = 10
    bits_per_s: int = 1_000_000

    def record(self) -> Video:
        """What a run file says of it."""
        return Video(
            width=self.width,
            height=self.height,
            fps=self.fps,
            duration_s=self.duration_s,
            bits_per_s=self.bits_per_s,
            content=CONTENT,
        )

    def write(self, path: Path) -> VideoFile:
        """Encode the video into an .mp4 file.

        Raises UserError where PyAV is not installed.
        """
        av = pyav()
        codec = next(name for name in CODECS if name in av.codecs_available)
        texture, noise = _materials(self.width, self.height)
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=Fraction(self.fps))
            stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
            stream.bit_rate = self.bits_per_s
            stream.codec_context.thread_count = 1
            stream.options = _X264 if codec == "libx264" else {}
            for place in range(self.fps * self.duration_s):
                shift = tuple(step * place for step in _GLIDE_PX)
                grain = np.roll(noise, (place * 37, place * 53), (0, 1))
                picture = np.clip(np.roll(texture, shift, (0, 1)) + grain, 0, 255).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        content = path.read_bytes()
        return VideoFile(path, codec, len(content), hashlib.sha256(content).hexdigest())


def _materials(width: int, height: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """A texture of coloured blocks and a grain, both int16 `[height, width, 3]`."""
    generator = np.random.default_rng(_SEED)
    rows, columns = -(-height // _BLOCK_PX), -(-width // _BLOCK_PX)
    blocks = generator.integers(0, 256, (rows, columns, 3))
    texture = blocks.repeat(_BLOCK_PX, 0).repeat(_BLOCK_PX, 1)[:height, :width].astype(np.int16)
    return texture, generator.integers(-_NOISE, _NOISE + 1, (height, width, 3)).astype(np.int16)
