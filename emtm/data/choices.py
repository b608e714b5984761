"""Choices that commands offer by name; apart from what chooses, so that a help text needs nothing of it."""

from __future__ import annotations

from typing import Literal

Protocol = Literal["timestamp", "index"]
"""What is compared with predictions: the annotated seconds, or those rounded to the model's clips."""
Ends = Literal["clip", "keep"]
"""Of moments that end beyond the video."""
Empty = Literal["drop", "keep"]
"""Of moments that are empty or inverted."""
Starts = Literal["clip", "keep"]
"""Of moments that begin a little before the video."""
Blank = Literal["drop", "refuse"]
"""Of sentences without a word."""
Ties = Literal["strict", "inclusive"]
"""Of an IoU that equals the threshold: it does not count, or it does."""
Missing = Literal["miss", "refuse"]
"""Of queries without a prediction: counted as misses, or the file is refused."""
Evaluator = Literal["tgn", "cbp", "2d-tan", "vslnet", "seqpan", "emtm", "lgi", "moment-detr", "lighthouse"]
"""Published evaluators whose conventions have a name; see `emtm.metrics.conventions`."""
PseudoTrust = Literal["confidence", "threshold", "all"]
"""How far moments that teachers make up are trusted: by their chance of being right, where that is even, or all."""
