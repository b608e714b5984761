"""A study by hand."""

from __future__ import annotations

from tests.report.conftest import Doc

Found = tuple[list[float], float, float]
"""Values, mean and half width."""


def measure(values: list[float], mean: float, half: float, gain: tuple[float, float] | None = None) -> Doc:
    found: Doc = {"values": values, "mean": mean, "half_width": half, "n": len(values)}
    if gain is not None:
        found["over_student_alone"] = {"mean": gain[0], "half_width": gain[1], "n": len(values)}
    return found


def row(
    name: str,
    what: str | None,
    half: Found,
    miou: Found,
    gains: tuple[tuple[float, float], tuple[float, float]] | None,
    training_s: float = 30.0,
) -> Doc:
    """A row whose R1 values do not matter beyond R1@0.5."""
    other = measure([40.0, 41.0], 40.5, 1.0, (0.0, 1.0) if gains else None)
    return {
        "name": name,
        "what": what,
        "seeds": [0, 1],
        "r1_0.3": other,
        "r1_0.5": measure(*half, gains[0] if gains else None),
        "r1_0.7": other,
        "miou": measure(*miou, gains[1] if gains else None),
        "training_s": training_s,
    }


def teacher(name: str, model: str, test: tuple[float, float], train: tuple[float, float]) -> Doc:
    def split(r1: float, miou: float) -> dict[str, float]:
        return {"r1_0.3": 90.0, "r1_0.5": r1, "r1_0.7": 30.0, "miou": miou}

    return {"name": name, "model": model, "seed": 0, "test": split(*test), "train": split(*train)}


EXAMPLE_QUERY: Doc = {
    "query_id": "q0",
    "sentence": "the person pays $5 | and $6 <b>",
    "duration_s": 12.0,
    "moment_s": [3.5, 9.0],
    "moment_clips": [1, 2],
    "weights": [[0.75, 0.5], [0.25, 0.5]],
    "teachers": [
        [[0.1, 0.7, 0.1, 0.1], [0.0, 0.0, 0.8, 0.2]],
        [[0.7, 0.1, 0.1, 0.1], [0.2, 0.2, 0.2, 0.4]],
    ],
    "aggregated": [[0.25, 0.55, 0.1, 0.1], [0.1, 0.1, 0.5, 0.3]],
    "student": [[0.2, 0.6, 0.1, 0.1], [0.0, 0.1, 0.6, 0.3]],
}


def example_summary() -> Doc:
    """A study by hand; the figures are no averages of the values, to show where they come from."""
    floor = {"r1": {"0.3": 44.0, "0.5": 27.1, "0.7": 11.0}, "miou": 29.4, "segment": [0.1, 0.5]}
    return {
        "format": "emtm-study/1",
        "dataset": "smoke",
        "synthetic": True,
        "split": "test",
        "queries": 300,
        "preset": None,
        "seeds": [0, 1],
        "settings": ["emtm.epochs=9"],
        "floors": {"fixed_best": floor},
        "teachers": [
            teacher("seqpan", "seqpan", (81.24, 70.6), (96.0, 85.1)),
            teacher("eamat", "eamat", (75.0, 66.0), (88.0, 79.9)),
        ],
        "rows": [
            row("vslnet", None, ([70.0, 71.0], 70.4, 6.1), ([60.0, 60.0], 60.1, 0.4), ((-4.2, 1.1), (-1.0, 0.4))),
            row(
                "full",
                "the whole method",
                ([79.0, 82.0], 80.2, 3.3),
                ([68.0, 69.0], 68.6, 1.0),
                ((6.3, 2.2), (7.4, 0.3)),
                754.0,
            ),
            row("student-alone", None, ([73.0, 75.0], 74.3, 2.0), ([61.0, 62.0], 61.5, 0.5), None),
            row(
                "official-losses",
                "the released code's losses",
                ([74.0, 75.0], 74.7, 1.2),
                ([61.0, 62.0], 61.6, 0.8),
                ((0.4, 1.9), (0.1, 0.7)),
            ),
            row("only:eamat", None, ([77.0, 78.0], 77.7, 1.2), ([64.0, 65.0], 64.6, 0.8), ((3.1, 0.9), (2.9, 0.7))),
        ],
        "soft_gradient_ratio": {"full": 0.734, "official-losses": 1.23e-8, "only:eamat": 0.5},
        "aggregation": {
            "teachers": ["seqpan", "eamat"],
            "split": "test",
            "queries": ["q0", "q1", "q2", "q3"],
            "weights": {
                "start": [[0.75, 0.25], [0.9, 0.1], [0.5, 0.5], [0.2, 0.8]],
                "end": [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]],
            },
            "examples": [EXAMPLE_QUERY],
        },
    }
