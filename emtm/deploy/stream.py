"""Moments in a video that has not ended: feature rows arrive, and what was said of a sentence is revised.

A clip's encoding depends on the clips within reach of the convolutions alone, so that it is final once those behind it
are there: when rows arrive, the last few clips are encoded again, and no others. A model takes a limited number of
clips. When more rows have arrived, each two neighbouring clips become one of twice the length, the mean of both, as
the clips of any long video are means of its rows. So memory and the time of an answer are bounded, all that was seen
can still be found, and times grow coarser as the video grows longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emtm.contract import AnyModel
from emtm.data.padding import padded, padded_chars, sentence_ids
from emtm.data.records import FloatArray
from emtm.data.text import Vocabulary
from emtm.errors import UserError
from emtm.layers.span.model import EncodedQuery, SpanModel
from emtm.training.runs import load_run


class Stream:
    """A video as it arrives, and a trained model that is asked about it again and again.

    >>> stream = Stream.of_run(Path("runs/student"), row_s=0.5)            # doctest: +SKIP
    >>> for rows in camera:                       # [n, V], as they come   # doctest: +SKIP
    ...     stream.add(rows)
    ...     stream.ground(["person opens the door"])
    [array([[ 4.5 , 11.  ,  0.21]])]

    Args:
        model: EMTM, its student or SeqPAN.
        vocabulary: what the model was trained with.
        row_s: seconds of video that a feature row stands for.

    Raises:
        UserError: the model's encoding of a clip depends on the whole video, or `row_s` is no length of time.
    """

    def __init__(self, model: AnyModel, vocabulary: Vocabulary, *, row_s: float) -> None:
        if not isinstance(model, SpanModel):
            raise UserError(f"{model.name} cannot follow a stream: its encoding of a clip depends on the whole video")
        if model.config.official or model.config.resampling != "mean":
            raise UserError("only a model whose clips are means of all rows, and not official, can follow a stream")
        if not (np.isfinite(row_s) and row_s > 0):
            raise UserError(f"a feature row must stand for a positive number of seconds, not {row_s}")
        self._model, self._vocabulary, self.row_s = model.eval(), vocabulary, row_s
        config, encoder = model.config, model.encoder
        self._encoder, self._reach = encoder, encoder.conv_block.reach
        self.rows = 0
        """Feature rows that have arrived."""
        self.rows_per_clip = 1
        """How many rows a clip is the mean of: 1, 2, 4, ..."""
        self._clips = torch.zeros(config.max_clips, config.feature_dim)
        """Means of the clips that are whole; the sum of the rows behind them is `_rest`."""
        self._whole = 0
        self._rest, self._rest_rows = torch.zeros(config.feature_dim), 0
        self._embedded, self._encoded = (torch.zeros(config.max_clips, config.dim) for _ in range(2))
        self._num_embedded = self._num_final = 0
        """Whole clips that are projected, and those of them whose encoding will not change."""
        self._asked: tuple[tuple[str, ...], EncodedQuery] | None = None

    @classmethod
    def of_run(cls, run: Path, *, row_s: float) -> Stream:
        """A stream for the model that `python -m emtm train` has left at `run`; raises UserError as both do."""
        trained = load_run(run)
        return cls(trained.model, trained.vocabulary, row_s=row_s)

    @property
    def width(self) -> int:
        """Width V of a feature row."""
        return self._clips.shape[1]

    @property
    def duration_s(self) -> float:
        """Seconds of video that have arrived."""
        return self.rows * self.row_s

    def add(self, rows: FloatArray) -> None:
        """Takes the next feature rows, `[n, V]`; raises UserError, and takes none, where they do not fit."""
        found = np.asarray(rows)
        if found.ndim != 2 or found.shape[1] != self.width:
            raise UserError(f"the model takes feature rows [rows, {self.width}], not {list(found.shape)}")
        if not np.issubdtype(found.dtype, np.number) or not np.isfinite(found).all():
            raise UserError("the features are not all finite numbers")
        left = torch.from_numpy(found.astype(np.float32))
        while len(left):
            left = left[self._take(left) :]

    def _take(self, rows: Tensor) -> int:
        """Takes the rows up to the end of a clip; how many that were."""
        if self._whole == len(self._clips):
            self._halve()
        taken = rows[: self.rows_per_clip - self._rest_rows]
        self._rest += taken.sum(0)
        self._rest_rows += len(taken)
        self.rows += len(taken)
        if self._rest_rows == self.rows_per_clip:
            self._clips[self._whole] = self._rest / self.rows_per_clip
            self._whole += 1
            self._rest.zero_()
            self._rest_rows = 0
        return len(taken)

    def _halve(self) -> None:
        """Two clips become one; of an odd number the last is a half that waits for another."""
        pairs = self._whole // 2
        if self._whole % 2:
            self._rest, self._rest_rows = self._clips[-1] * self.rows_per_clip, self.rows_per_clip
        self._clips[:pairs] = self._clips[: 2 * pairs].view(pairs, 2, -1).mean(1)
        self._whole, self.rows_per_clip = pairs, 2 * self.rows_per_clip
        self._num_embedded = self._num_final = 0

    @torch.inference_mode()
    def ground(self, sentences: Sequence[str], top_k: int = 1) -> list[npt.NDArray[np.float64]]:
        """Best moments of every sentence so far, best first: `[top_k, 3]` of start s, end s, score.

        Raises UserError where no row has arrived yet, or a sentence is empty.
        """
        if not self.rows:
            raise UserError("no feature row has arrived yet")
        if not sentences:
            return []
        clips = self._encode()
        video = clips.expand(len(sentences), -1, -1), torch.ones(len(sentences), len(clips), dtype=torch.bool)
        output = self._model.ground(video, self._query(tuple(sentences)))
        # The last clip may be unfinished: it is as long as the others, and what ends in it ends now.
        length_s = len(clips) * self.rows_per_clip * self.row_s
        moments = self._model.moments(output, torch.full((len(sentences),), length_s), top_k).double().numpy()
        moments[:, :, :2] = moments[:, :, :2].clip(max=self.duration_s)
        return list(moments)

    def _encode(self) -> Tensor:
        """Encodings of all clips, the unfinished one included, `[n, D]`; computes those that are not final."""
        number = self._whole + (self._rest_rows > 0)
        fresh = self._clips[self._num_embedded : self._whole]
        if self._rest_rows:
            fresh = torch.cat([fresh, self._rest[None] / self._rest_rows])
        if len(fresh):
            self._embedded[self._num_embedded : number] = self._encoder.embed_clips(fresh[None], self._num_embedded)[0]
        self._num_embedded = self._whole
        begin = max(0, self._num_final - self._reach)
        window = self._encoder.conv_block(self._embedded[None, begin:number], None)[0]
        self._encoded[self._num_final : number] = window[self._num_final - begin :]
        self._num_final = max(self._num_final, self._whole - self._reach)
        return self._encoded[:number]

    def _query(self, sentences: tuple[str, ...]) -> EncodedQuery:
        if self._asked is None or self._asked[0] != sentences:
            ids = [sentence_ids(self._vocabulary, each, self._model.config.max_words) for each in sentences]
            words = padded([word_ids for word_ids, _ in ids], (max(len(word_ids) for word_ids, _ in ids),), np.int64)
            chars = padded_chars([char_ids for _, char_ids in ids])
            encoded = self._model.encode_query(torch.from_numpy(words), torch.from_numpy(chars))
            self._asked = sentences, encoded
        return self._asked[1]
