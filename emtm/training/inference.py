"""Sentences in, moments out: a trained model on one video's features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emtm.data.features import read_video, store_width
from emtm.data.records import Dataset, FloatArray, Query, WordVectors
from emtm.data.text import tokenize
from emtm.errors import UserError
from emtm.training.evaluation import collator_for, predict
from emtm.training.runs import load_run


def ground_queries(
    run_path: Path, video: Path, sentences: list[str], duration_s: float, top_k: int = 5
) -> dict[str, Any]:
    """Moments of each sentence: `{"video", "duration_s", "queries": [{"query", "moments", ...}]}`.

    A moment is [start s, end s, score], best first. Raises UserError for unreadable or unfit
    features, an empty query, or a duration that is not positive.
    """
    if not duration_s > 0:
        raise UserError(f"the duration must be positive, not {duration_s}")
    run = load_run(run_path)
    features = read_video(video, store_width(run.config.feature_dim, run.config.resampling))
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
