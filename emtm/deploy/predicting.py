"""What `python -m emtm predict FILE.onnx` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emtm.data.features import read_video, store_width
from emtm.data.text import tokenize
from emtm.deploy.grounder import Grounder
from emtm.errors import UserError


def ground_file(
    exported: Path, video: Path, sentences: Sequence[str], duration_s: float | None, top_k: int
) -> dict[str, Any]:
    """Moments of each sentence in the same form as `emtm.training.inference.ground_queries` gives.

    Raises:
        UserError: a file cannot be read, or duration, features or sentences do not fit.
    """
    if duration_s is None:
        raise UserError("feature rows do not say how long their video is: give --duration")
    grounder = Grounder(exported)
    width = store_width(grounder.card.feature_width, grounder.card.resampling)
    features = read_video(video, width)
    found = grounder.ground(features, duration_s=duration_s, sentences=sentences, top_k=min(top_k, grounder.card.top_k))
    known = set(grounder.card.words)
    answers = [
        {
            "query": sentence,
            "moments": [[round(float(x), 4) for x in moment] for moment in moments],
            "unknown_words": [word for word in tokenize(sentence) if word not in known],
        }
        for sentence, moments in zip(sentences, found, strict=True)
    ]
    return {"video": str(video), "duration_s": duration_s, "model": grounder.card.model, "queries": answers}
