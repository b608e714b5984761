"""The commands, and what they read."""

from __future__ import annotations

from tests.campaign.inputs.target import Target

RUN_FILE = ("run files", "run.json", "json")

TARGETS: tuple[Target, ...] = (
    Target(
        "emtm", ("score", "predictions.jsonl", "--dataset", "smoke"), "predictions", "predictions.jsonl", "json lines"
    ),
    Target("bench.report", ("validate", "run.json"), *RUN_FILE),
    Target(
        "bench.report", ("compare", "run.json", "other.json", "--json"), *RUN_FILE, results=frozenset({0, 3, 4, 5, 6})
    ),
)
