"""A peer whose code is this suite's own student: what a comparison does with an answer and a clock, without TensorFlow.

Loaded by `serving.py` as a peer's worker is: `worker(CHECKOUT)`. The checkout says how wrong its answers are to be.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.peers.contests import Contest
from bench.subjects import build_model
from emtm.layers.span.decoding import decode_spans, joint_probability, span_probabilities
from emtm.layers.span.model import hard_losses
from emtm.registry import preset
from emtm.training.loop import optimize
from emtm.training.optimizer import build_optimizer

FILE = "error.txt"


def worker(checkout: str) -> Student:
    torch.set_num_threads(1)
    return Student(float((Path(checkout) / FILE).read_text("ascii")))


class Student:
    def __init__(self, error: float) -> None:
        self.versions = {"made-up": "1.0"}
        self._error = error

    def make(self, question: dict[str, Any]) -> None:
        contest = Contest(question["model"], "charades-sta", "infer", 1)
        config = replace(contest.config(), dropout=0.0)
        assert config.max_clips == question["sizes"]["max_clips"]
        self._model = build_model(contest.model, config, contest.shape)
        self._recipe = preset(contest.model, contest.dataset).recipe
        if not Path(question["weights"]).exists():
            np.savez(question["weights"], **self._state())

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        inputs = _read(question["inputs"])
        if question["kind"] == "train":
            before = {name: torch.from_numpy(value.copy()) for name, value in self._state().items()}
            loss = self._step(inputs, 0, question["rate"])
            after = {f"after/{name}": value.copy() for name, value in self._state().items()}
            self._model.load_state_dict(before)
            return {"loss": np.float64(loss + self._error), **after}
        found = [self._chosen(inputs, i) for i in range(len(inputs["video"]))]
        names = ("start_logits", "end_logits", "start", "end")
        answer = {name: np.concatenate(parts) for name, parts in zip(names, zip(*found, strict=True), strict=True)}
        answer["start_logits"][:, 0] += self._error
        return answer

    def open(self, question: dict[str, Any]) -> Callable[[], object]:
        inputs = _read(question["inputs"])
        places = cycle(range(len(inputs["video"])))
        if question["kind"] == "train":
            return lambda: self._step(inputs, next(places), 0.0)
        return lambda: self._chosen(inputs, next(places))

    @torch.inference_mode()
    def _chosen(self, inputs: dict[str, Any], i: int) -> list[Any]:
        out = self._output(inputs, i)
        joint = joint_probability(*span_probabilities(out.start_logits, out.end_logits, out.video_mask))
        return [part.numpy() for part in (out.start_logits, out.end_logits, *decode_spans(joint))]

    def _step(self, inputs: dict[str, Any], i: int, rate: float) -> float:
        model, (start, end, classes) = self._model, (_tensor(inputs, name, i) for name in ("start", "end", "classes"))
        output = self._output(inputs, i)
        loss = hard_losses(output, (start, end), classes.long(), model.head.match.labels, 1.0).total
        optimize(model, build_optimizer(model, self._recipe), loss, rate, self._recipe.clip_norm)
        return float(loss.detach())

    def _output(self, inputs: dict[str, Any], i: int) -> Any:
        names = ("video", "clips", "word_ids", "char_ids")
        video, clips, words, chars = (_tensor(inputs, name, i) for name in names)
        mask = torch.arange(video.shape[1]) < clips[:, None]
        model = self._model
        return model.ground(model.encode_video(video, mask), model.encode_query(words.long(), chars.long()))

    def _state(self) -> dict[str, Any]:
        return {name: value.detach().numpy() for name, value in self._model.state_dict().items()}


def _tensor(inputs: dict[str, Any], name: str, i: int) -> torch.Tensor:
    return torch.from_numpy(inputs[name][i])


def _read(path: str) -> dict[str, Any]:
    with np.load(path) as arrays:
        return dict(arrays)
