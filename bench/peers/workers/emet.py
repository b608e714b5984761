"""The published code of EMTM, its student and SeqPAN (EMET), built by its own classes from a checkout, in TensorFlow.

Loaded by `serving.py` in a python that has TensorFlow 2.12 to 2.15: `worker(CHECKOUT)`. A graph is built as the
published training script builds it, gets seeded weights in place of random ones (biases that are not zero show what a
mapping of weights has confused), and is run by `Session.run` on one thread.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
KERAS_3 = (2, 16)
"""From this version on TensorFlow brings a Keras that the code does not know."""
CLASSES = {"emtm-student": "BaseFast", "seqpan": "SeqPAN", "emtm": "MultiTeacherEnsemble"}
"""The student is trained alone, as everywhere in its paper; EMTM's graph holds the same student."""
LOGITS = {"emtm": ("slogits", "elogits")}
TEACHERS = 3


def worker(checkout: str) -> Emet:
    """Imports the checkout; raises ImportError where it, or TensorFlow, cannot be imported."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, checkout)
    return Emet()


class Emet:
    """One model at a time, in a session of its own."""

    def __init__(self) -> None:
        self.tf = tf = importlib.import_module("tensorflow")
        if tuple(map(int, tf.__version__.split(".")[:2])) >= KERAS_3:
            raise ImportError(f"TensorFlow {tf.__version__} is too new for this code: 2.12 to 2.15 are wanted")
        # A session's own setting does not reach the threads that a process has for all of them.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.compat.v1.disable_eager_execution()
        tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
        self.versions = {"tensorflow": tf.__version__, "numpy": np.__version__}
        self._session: Any = None

    def make(self, question: dict[str, Any]) -> None:
        """Builds a model of the sizes asked for, and writes its weights where they are not written yet."""
        tf, sizes, name = self.tf, question["sizes"], CLASSES[question["model"]]
        if self._session is not None:
            self._session.close()
            tf.keras.backend.clear_session()
        lot = np.random.default_rng(0)
        table = 0.3 * lot.standard_normal((sizes["num_words"] - 2, sizes["word_dim"]), np.float32)
        graph = tf.Graph()
        cls = getattr(importlib.import_module(f"models.{name}"), name)
        self._model = cls(_configs(sizes), graph, table)
        self._sizes, self._logits = sizes, LOGITS.get(question["model"], ("start_logits", "end_logits"))
        self._taught = question["model"] == "emtm"
        with graph.as_default():
            self._session = tf.compat.v1.Session(
                graph=graph,
                config=tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1),
            )
            self._session.run(tf.compat.v1.global_variables_initializer())
            self._trained = {v.op.name: v for v in sorted(tf.compat.v1.trainable_variables(), key=lambda v: v.name)}
            self._values = {name: _value(name, v.shape.as_list(), lot) for name, v in self._trained.items()}
            self._load()
            if not Path(question["weights"]).exists():
                named = {v.op.name: v for v in tf.compat.v1.global_variables() if "/adam_" not in v.op.name}
                np.savez(question["weights"], **self._session.run(named))

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Logits `[N, L]` and chosen clips `[N]` of all inputs, or the loss and all weights after a step."""
        inputs, model = _read(question["inputs"]), self._model
        if question["kind"] == "train":
            feed = self._feed(inputs, 0, drop=0.0, rate=question["rate"])
            loss, _ = self._session.run([model.loss, model.train_op], feed)
            after = self._session.run(self._trained)
            self._load()
            return {"loss": np.sum(loss, dtype=np.float64), **{f"after/{name}": after[name] for name in after}}
        fetches = {
            **dict(zip(("start_logits", "end_logits"), (getattr(model, name) for name in self._logits))),  # noqa: B905
            "start": model.start_index,
            "end": model.end_index,
        }
        found = [self._session.run(fetches, self._feed(inputs, i)) for i in range(len(inputs["video"]))]
        return {name: np.concatenate([each[name] for each in found]) for name in fetches}

    def open(self, question: dict[str, Any]) -> Callable[[], object]:
        """A query's clips, or a training step, as the published loops ask for them; a rate of zero costs the same."""
        inputs, model, session = _read(question["inputs"]), self._model, self._session
        places = range(len(inputs["video"]))
        if question["kind"] == "train":
            feeds = itertools.cycle([self._feed(inputs, i, drop=self._sizes["dropout"], rate=0.0) for i in places])
            fetches = [model.train_op, model.loss]
        else:
            feeds = itertools.cycle([self._feed(inputs, i) for i in places])
            fetches = [model.start_index, model.end_index]
        return lambda: session.run(fetches, next(feeds))

    def _feed(self, inputs: Any, i: int, drop: float | None = None, rate: float | None = None) -> dict[Any, Any]:
        """What the i-th input is fed as; targets, dropout and learning rate where `drop` is given."""
        model = self._model
        feed = {
            model.video_inputs: inputs["video"][i],
            model.video_seq_len: inputs["clips"][i],
            model.word_ids: inputs["word_ids"][i],
            model.char_ids: inputs["char_ids"][i],
        }
        if drop is None:
            return feed
        feed |= {
            model.y1: inputs["start"][i],
            model.y2: inputs["end"][i],
            model.match_labels: inputs["classes"][i],
            model.drop_rate: drop,
            model.lr: rate,
        }
        for k in range(TEACHERS if self._taught else 0):
            feed[getattr(model, f"slabels_t{k}")] = inputs["teachers"][i][:, k, 0]
            feed[getattr(model, f"elabels_t{k}")] = inputs["teachers"][i][:, k, 1]
        return feed

    def _load(self) -> None:
        """All weights in one run: each run of other fetches has the whole graph looked through."""
        initializers = {name: variable.initializer for name, variable in self._trained.items()}
        feed = {initializer.inputs[1]: self._values[name] for name, initializer in initializers.items()}
        self._session.run(list(initializers.values()), feed)


def _configs(sizes: dict[str, Any]) -> SimpleNamespace:
    """The configuration in the form that the published classes read."""
    return SimpleNamespace(
        num_chars=sizes["num_chars"],
        model=SimpleNamespace(
            max_vlen=sizes["max_clips"],
            vdim=sizes["feature_dim"],
            dim=sizes["dim"],
            num_heads=sizes["heads"],
            word_dim=sizes["word_dim"],
            char_dim=sizes["char_dim"],
            attn_layer=2,
        ),
        loss=SimpleNamespace(
            match_lambda=sizes["match_weight"],
            tau=0.3,
            no_gumbel=True,
            label_kdfunc="kdfunc_KL",
            label_cof=sizes["soft_weight"],
            label_temperature=sizes["temperature"],
        ),
        train=SimpleNamespace(clip_norm=sizes["clip_norm"]),
    )


def _value(name: str, shape: list[int], lot: np.random.Generator) -> Any:
    """Scales near 1, biases near 0, and the rest of the size that Glorot's initialisation gives it."""
    noise = lot.standard_normal(shape, np.float32)
    last = name.rpartition("/")[2]
    if "scale" in last or last == "gamma":
        return 1 + 0.1 * noise
    if "bias" in last or last == "beta":
        return 0.1 * noise
    return noise * np.float32((2 / (shape[-1] + np.prod(shape[:-1]))) ** 0.5)


def _read(path: str) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
