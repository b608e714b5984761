"""A run file holds the keys that it held when they were stored: readers of the JSON are not surprised."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from bench import results, workbench
from bench.cases import Case, Matrix
from bench.instruments.cold_start import STEPS
from bench.lab import Lab, LeftOutError
from bench.measures import measures
from bench.missing import Json
from bench.profiles import PROFILES
from bench.results import Doc
from bench.sample_video import SampleVideo
from emtm.data.records import Query
from emtm.data.video import Backbone
from emtm.metrics.scoring import score
from emtm.training.evaluation import Evaluation
from tests.bench.toy import CONFIG, SHAPE, TRAINED, toy_case
from tests.videos import needs_video

STORED: dict[str, list[str]] = json.loads(Path(__file__).with_name("session_keys.json").read_text("utf-8"))
BY_NAME = {
    *("by_stage", "fvcore_unsupported", "explained_macs", "r1", "r5", "by_kind", "by_moment_length"),
    *("by_query_length", "floors", "packages", "budget", "gpus", "ops_uncounted"),
}
"""Blocks whose keys are data."""
VIDEO = SampleVideo(width=64, height=48, fps=10, duration_s=2)


def keys(value: Json, where: str = "") -> Iterator[str]:
    """Dotted names, reasons aside: which values are missing is the machine's business."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not key.endswith("_reason"):
                place = f"{where}.{key}" if where else key
                yield place
                if key not in BY_NAME and place != "env.settings.env":
                    yield from keys(item, place)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item, f"{where}[]")


def evaluated(path: Path, split: str) -> Evaluation:
    """An evaluation whose every breakdown has queries."""
    queries = [Query(str(i), f"v{i}", "a person runs", duration_s=30.0, start_s=0.0, end_s=5.0) for i in range(20)]
    moments = {query.query_id: np.array([[0.0, 5.0 + i, 1.0] for i in range(5)]) for query in queries}
    floors = {"query_only": {"r1": {"0.3": 1.0, "0.5": 1.0, "0.7": 1.0}, "miou": 1.0}}
    return Evaluation("toy", "0" * 64, "smoke", split, 3, True, score(moments, queries), floors, ("made up",))


CASES = {
    "single_stream": toy_case(),
    "single_stream trained": toy_case(run=TRAINED),
    "train_step": toy_case(scenario="train_step", batch_size=4),
    "evaluation": toy_case(scenario="evaluation", batch_size=32),
    "end_to_end": toy_case(
        scenario="end_to_end",
        config=dataclasses.replace(CONFIG, feature_dim=Backbone.dim),
        shape=dataclasses.replace(SHAPE, num_clips=2),
        video=VIDEO,
    ),
}


HERE = ("charades-sta",)
PROFILE = dataclasses.replace(
    PROFILES["smoke"],
    cold_starts=1,
    cold_datasets=HERE,
    roofline_datasets=HERE,
    growth_clips=(256, 512),
    growth_datasets=HERE,
    growth_roles=("student",),
    limits=dataclasses.replace(PROFILES["smoke"].limits, growth_s=100.0),
)


def session(case: Case, root: Path) -> Doc:
    """The file of a session that makes every measure on one case."""
    lab = Lab(Matrix((case,), ()), PROFILE, root, ("pytest",))
    for measure in measures():
        if measure.applies(case):
            with suppress(LeftOutError):
                lab.measure(case, measure)
    return results.read_document(lab.write(None))


@pytest.fixture
def trained_toys(toys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbench, "_build", lambda case: workbench.build_model(case.model, case.config, case.shape))
    monkeypatch.setattr("bench.measures.quality.evaluate_run", evaluated)
    monkeypatch.setattr("bench.measures.cold_start.first_answers", lambda *asked: dict.fromkeys(STEPS, (1.0,)))


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=needs_video) if kind == "end_to_end" else kind for kind in CASES]
)
def test_the_keys_of_every_kind_of_case_are_the_stored_ones(kind: str, trained_toys: None, tmp_path: Path) -> None:
    (case,) = session(CASES[kind], tmp_path)["cases"]
    assert set(keys(case)) == set(STORED[kind])


def test_the_keys_around_the_cases_are_the_stored_ones(trained_toys: None, tmp_path: Path) -> None:
    run = session(CASES["single_stream"], tmp_path)
    assert set(keys({**run, "cases": []})) == set(STORED["run"])
