"""Temporal sentence grounding in videos: data, metrics, layers, and the EMTM method."""

__version__ = "0.1.0"
