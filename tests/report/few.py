"""A study of part of the annotation by hand."""

from __future__ import annotations

from typing import Any

METRICS = ("r1_0.3", "r1_0.5", "r1_0.7", "miou")


def figure(mean: float, half: float | None = 1.0) -> dict[str, Any]:
    return {"values": [mean, mean], "mean": mean, "half_width": half, "n": 2}


def row(name: str, half: float, right: float | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "what": f"what {name} is",
        "runs": [{"draw": 0, "seed": 0}, {"draw": 1, "seed": 0}],
        **{key: figure(half) for key in METRICS},
        "pseudo_right": right,
    }


def part(share: float, alone: float, both: float, gain: tuple[float, float]) -> dict[str, Any]:
    test = {"variant": "both", "over": "student-alone", "metric": "r1_0.5", "p_holm": 0.012}
    control = {**test, "over": "self-teacher", "p_holm": 0.3, "by_draw": [1.0, 2.0]}
    return {
        "share": share,
        "queries": {"train": int(1000 * share), "val": 50, "unlabelled": 1000 - int(1000 * share)},
        "teachers": [
            {"draw": draw, "name": "vslnet", "training_s": 90.0, "test": dict.fromkeys(METRICS, 61.0 + draw)}
            for draw in (0, 1)
        ],
        "rows": [row("student-alone", alone), row("both", both, right=70.0)],
        "comparisons": [
            {**test, "difference": {"mean": gain[0], "half_width": gain[1], "n": 2}},
            {**control, "difference": {"mean": 1.5, "half_width": 6.0, "n": 2}},
        ],
        "bill": {"teacher_s": {"vslnet": 90.0}, "labels_s": 10.0, "student_s": {"student-alone": 30.0, "both": 60.0}},
    }


def summary() -> dict[str, Any]:
    return {
        "format": "emtm-few-labels/1",
        "dataset": "synth-charades",
        "synthetic": True,
        "split": "test",
        "queries": 500,
        "seeds": [0],
        "draws": 2,
        "study": {
            "preset": None,
            "teachers": ["vslnet"],
            "ablations": ["student-alone", "both", "all-labels"],
            "settings": ["vslnet.dim=32"],
        },
        "shares": [part(0.5, 60.0, 64.0, (4.0, 5.0)), part(0.25, 50.0, 58.0, (8.0, 3.0))],
        "all_labels": row("all-labels", 70.0),
    }
