"""Sentences in, moments out: a trained model on one video, raw or as features."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emtm.data.datasets import describe
from emtm.data.features import read_video, store_width
from emtm.data.real import EMBEDDED
from emtm.data.records import Dataset, FloatArray, Query, WordVectors
from emtm.data.text import tokenize
from emtm.data.video import Backbone, Sampling, extract
from emtm.errors import UserError
from emtm.files import read_json
from emtm.training.evaluation import collator_for, predict
from emtm.training.manifest import check
from emtm.training.runs import FEATURES, Run, load_run


def ground_queries(
    run_path: Path, video: Path, sentences: list[str], duration_s: float, top_k: int = 5
) -> dict[str, Any]:
    """Moments of each sentence: `{"video", "duration_s", "queries": [{"query", "moments", ...}]}`.

    A moment is [start s, end s, score], best first. Raises UserError for unreadable or unfit
    features, an empty query, or a duration that is not positive.
    """
    if not 0 < duration_s < math.inf:
        raise UserError(f"the duration must be positive and finite, not {duration_s}")
    run = load_run(run_path)
    features = read_video(video, store_width(run.config.feature_dim, run.config.resampling))
    return _answer(run, video, features, sentences, duration_s, top_k)


def ground_video(
    run_path: Path,
    video: Path,
    sentences: list[str],
    top_k: int = 5,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> dict[str, Any]:
    """As `ground_queries`, of a video file, whose features are extracted as those that the run was trained on.

    The answer also holds `features`: their origin, and how many rows and frames there were. `progress`
    hears the frames done and their number.

    Raises:
        UserError: the run was trained on other features, the extra `video` is not installed, the file
            cannot be read as a video, or a query is empty.
    """
    run = load_run(run_path)
    sampling = _sampling(run)
    found = extract(video, sampling, Backbone(), progress)
    answer = _answer(run, video, found.rows, sentences, found.duration_s, top_k)
    return answer | {"features": {**sampling.origin(), "rows": len(found.rows), "frames": found.frames}}


def _sampling(run: Run) -> Sampling:
    """How the features of a run were sampled; raises UserError where they are not of our own making."""
    path, data = run.path / FEATURES, run.spec.data
    if path.is_file():
        check(path)
        try:
            return Sampling.of(read_json(path))
        except (ValueError, AttributeError, TypeError, KeyError):
            raise UserError(f"{path} is damaged") from None
        except UserError as error:
            raise UserError(f"{run.path} cannot be used on raw video: {error}") from None
    known = f"features of unknown origin{f' at {data.features}' if data.features else ''}"
    if data.features == EMBEDDED or describe(data.name)["synthetic"]:
        known = f"the synthetic features of {run.dataset}, which no real video has"
    width = store_width(run.config.feature_dim, run.config.resampling)
    raise UserError(
        f"{run.path} was trained on {known} ({width:,} wide): for raw video, train on features of "
        "`python -m emtm extract`, or give --video a .npy file of such features as the run was trained on"
    )


def _answer(
    run: Run, video: Path, features: FloatArray, sentences: list[str], duration_s: float, top_k: int
) -> dict[str, Any]:
    queries = tuple(
        Query(str(i), video.name, sentence, duration_s, 0.0, duration_s) for i, sentence in enumerate(sentences)
    )
    store = _OneVideo(video.name, features)
    none = WordVectors((), features[:0, :0])
    dataset = Dataset(run.dataset, False, {"asked": queries}, store, none)
    found = predict(run.model, collator_for(run.config, dataset, run.vocabulary), queries, top_k=top_k)
    known = set(run.vocabulary.words)
    answers = [
        {
            "query": q.sentence,
            "moments": [[round(float(x), 4) for x in moment] for moment in found[q.query_id]],
            "unknown_words": [w for w in tokenize(q.sentence) if w not in known],
        }
        for q in queries
    ]
    return {"video": str(video), "duration_s": duration_s, "model": run.name, "queries": answers}


class _OneVideo:
    """Feature store of a single video."""

    def __init__(self, video_id: str, features: FloatArray) -> None:
        self.video_id, self.features = video_id, features

    @property
    def dim(self) -> int:
        """Width of a feature row."""
        return int(self.features.shape[1])

    def __contains__(self, video_id: object) -> bool:
        return video_id == self.video_id

    def __getitem__(self, video_id: str) -> FloatArray:
        return self.features
