"""Grounds sentences with an exported file: numpy and onnxruntime, no torch.

>>> grounder = Grounder(Path("student.onnx"))                                          # doctest: +SKIP
>>> grounder.ground(features, duration_s=31.0, sentences=["person opens the door"])     # doctest: +SKIP
[array([[ 4.36, 11.14,  0.21]])]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from emtm.data.padding import mask, padded, padded_chars, sentence_ids
from emtm.data.records import FloatArray
from emtm.data.resampling import resample, store_width
from emtm.deploy.card import KEY, Card
from emtm.errors import UserError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, RunOptions

_FATAL = 4
"""Level of onnxruntime's log: what fails is raised, and need not be printed as well."""

Arrays = Mapping[str, npt.NDArray[Any]]
ENCODE, GROUND = ".encode.onnx", ".ground.onnx"
"""What takes the place of `.onnx` in the names of the two files for videos that are encoded once."""


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """A video whose query-independent part is done; belongs to the grounder that made it."""

    arrays: Arrays
    weights_sha256: str


class Grounder:
    """A trained model, read from a file that `python -m emtm export` has written.

    Args:
        path: the `.onnx` file.
        threads: processor threads that one call uses.

    Raises:
        UserError: onnxruntime is not installed, or the file is missing, damaged or not of our making.
    """

    def __init__(self, path: Path | str, *, threads: int = 1) -> None:
        self._path, self._threads = Path(path), threads
        self._whole, self.card = open_part(self._path, threads)
        if self.card.part != "whole":
            raise UserError(f"{path} is a part of a model: open {self._path.name.partition('.')[0]}.onnx")
        self._vocabulary = self.card.vocabulary
        self._steps: tuple[InferenceSession, InferenceSession] | None = None

    def ground(
        self, video: FloatArray | EncodedVideo, *, duration_s: float, sentences: Sequence[str], top_k: int = 1
    ) -> list[npt.NDArray[np.float64]]:
        """Best moments of every sentence, best first: `[top_k, 3]` of start s, end s, score.

        `video` holds feature rows `[rows, width]` over the whole video, or comes from `encode`.

        Raises:
            UserError: features, duration or `top_k` do not fit, or a sentence is empty.
        """
        if not (np.isfinite(duration_s) and duration_s > 0):
            raise UserError(f"the duration must be a positive number of seconds, not {duration_s}")
        if not 1 <= top_k <= self.card.top_k:
            raise UserError(
                f"the file gives 1 to {self.card.top_k} moments, not {top_k}: export it with --top-k {top_k}"
            )
        if not sentences:
            return []
        asked = self._asked(duration_s, sentences)
        if isinstance(video, EncodedVideo):
            if video.weights_sha256 != self.card.weights_sha256:
                raise UserError("the video was encoded by another model")
            session, given = self._parts()[1], video.arrays
        else:
            session, given = self._whole, self._clips(video)
        arrays = {**{name: _each(array, len(sentences)) for name, array in given.items()}, **asked}
        (found,) = run(session, ["best" if top_k == 1 else "moments"], arrays)
        return list(np.asarray(found[:, :top_k], np.float64))

    def encode(self, features: FloatArray) -> EncodedVideo:
        """The query-independent part of a video `[rows, width]`, for any number of calls of `ground`.

        Raises:
            UserError: the features do not fit, or the file was exported without its two steps.
        """
        session = self._parts()[0]
        names = [output.name for output in session.get_outputs()]
        arrays = run(session, names, self._clips(features))
        return EncodedVideo(dict(zip(names, arrays, strict=True)), self.card.weights_sha256)

    def _parts(self) -> tuple[InferenceSession, InferenceSession]:
        if self._steps is None:
            sessions = []
            for suffix in (ENCODE, GROUND):
                path = self._path.with_suffix(suffix)
                if not path.is_file():
                    raise UserError(f"there is no {path}: export the model with --cached-videos")
                session, card = open_part(path, self._threads)
                if card.weights_sha256 != self.card.weights_sha256:
                    raise UserError(f"{path} is of another checkpoint than {self._path}")
                sessions.append(session)
            self._steps = sessions[0], sessions[1]
        return self._steps

    def _clips(self, features: FloatArray) -> Arrays:
        rows, card = np.asarray(features), self.card
        width = store_width(card.feature_width, card.resampling)
        if rows.ndim != 2 or not len(rows) or rows.shape[1] != width:
            raise UserError(f"the model takes feature rows [rows, {width}], not {list(rows.shape)}")
        if not np.issubdtype(rows.dtype, np.number) or not np.isfinite(rows).all():
            raise UserError("the features are not all finite numbers")
        clips = resample(rows.astype(np.float32), card.max_clips, card.resampling)
        length = card.max_clips if card.pad_to_max else len(clips)
        return {
            "video": padded([clips], (length, clips.shape[1]), np.float32),
            "video_mask": mask([len(clips)], length),
        }

    def _asked(self, duration_s: float, sentences: Sequence[str]) -> Arrays:
        ids = [sentence_ids(self._vocabulary, sentence, self.card.max_words) for sentence in sentences]
        words = [word_ids for word_ids, _ in ids]
        return {
            "word_ids": padded(words, (max(map(len, words)),), np.int64),
            "char_ids": padded_chars([chars for _, chars in ids]),
            "duration_s": np.full(len(sentences), duration_s, np.float32),
        }


def open_part(path: Path, threads: int) -> tuple[InferenceSession, Card]:
    """A file and its description; raises UserError where it cannot be used."""
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    try:
        session = open_session(str(path), threads)
    except ImportError:
        raise UserError("exported models run with onnxruntime: pip install onnxruntime") from None
    except Exception:  # onnxruntime's own errors share no other base
        raise UserError(f"{path} is no ONNX file that onnxruntime can open") from None
    text = session.get_modelmeta().custom_metadata_map.get(KEY)
    if text is None:
        raise UserError(f"{path} was not written by `python -m emtm export`")
    return session, Card.from_json(text)


def open_session(model: str | bytes, threads: int = 1) -> InferenceSession:
    """A file or a serialised graph, ready to run on the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _FATAL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@cache
def _only_what_is_asked() -> RunOptions:
    """Options of a call that computes nothing but the outputs that it names."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.only_execute_path_to_fetches = True
    return options


def run(session: InferenceSession, names: Sequence[str], arrays: Arrays) -> list[npt.NDArray[Any]]:
    """The named outputs, and no other is computed; of the arrays those that the graph takes.

    A model without characters has no such input.
    """
    feed = {given.name: arrays[given.name] for given in session.get_inputs()}
    return list(session.run(list(names), feed, _only_what_is_asked()))


def _each(array: npt.NDArray[Any], sentences: int) -> npt.NDArray[Any]:
    """A video's array `[1, ...]` for every sentence, `[sentences, ...]`."""
    return np.repeat(array, sentences, 0) if sentences > 1 else array
