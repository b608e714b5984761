"""Choices that commands offer by name; apart from what chooses, so that a help text needs nothing of it."""

from __future__ import annotations

from typing import Literal

Protocol = Literal["timestamp", "index"]
"""What is compared with predictions: the annotated seconds, or those rounded to the model's clips."""
Ends = Literal["clip", "keep"]
"""Of moments that end beyond the video."""
Empty = Literal["drop", "keep"]
"""Of moments that are empty or inverted."""
