"""Parity with the kept implementation of the method, Apache Otava, which is no part of the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from bench.history import changepoints
from bench.history.changepoints import shifts
from tests.history import rates

pytestmark = pytest.mark.slow

LEVELS = (
    ((1.0,), (200,)),
    ((1.0, 1.03), (50, 50)),
    ((1.0, 0.95), (50, 50)),
    ((1.0, 1.04, 1.10), (30, 20, 50)),
    ((1.0, 1.05, 1.0), (20, 12, 20)),
)
SERIES = 20
SCRIPT = """
import json, sys
from otava.analysis import compute_change_points
for line in sys.stdin:
    points, _ = compute_change_points(json.loads(line), window_len=50, max_pvalue=1e-5, min_magnitude=0.02)
    print(json.dumps([int(point.index) for point in points]))
"""


@pytest.fixture(scope="module")
def series() -> list[list[float]]:
    """Every noise on every sequence of levels."""
    rng = np.random.default_rng(11)
    return [
        (np.repeat(levels, lengths) * (1 + noise(rng, (sum(lengths),)))).tolist()
        for noise in rates.NOISES.values()
        for levels, lengths in LEVELS
        for _ in range(SERIES)
    ]


@pytest.fixture(scope="module")
def theirs(series: list[list[float]], tmp_path_factory: pytest.TempPathFactory) -> list[list[int]]:
    """What Otava finds; without its 45 dependencies it runs on our numpy and scipy."""
    folder = tmp_path_factory.mktemp("otava")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    installed = subprocess.run([*command, "apache-otava==0.8.0"], capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"Otava does not install: {installed.stderr.strip().splitlines()[-1]}")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input="\n".join(map(json.dumps, series)),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def ours(series: list[list[float]]) -> list[list[int]]:
    return [[shift.index for shift in shifts(one)] for one in series]


def test_without_our_two_changes_the_change_points_are_otavas(
    series: list[list[float]], theirs: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = changepoints._candidate

    def against_all_that_follow(sums: changepoints.Floats, start: int, end: int) -> changepoints._Candidate | None:
        found = candidate(sums, start, end)
        return None if found is None else replace(found, stop=end)

    monkeypatch.setattr(changepoints, "_candidate", against_all_that_follow)
    monkeypatch.setattr(changepoints, "SHORTEST", 1)
    monkeypatch.setattr(changepoints, "_HELD", 0.0)
    equal = [a == b for a, b in zip(ours(series), theirs, strict=True)]
    assert np.mean(equal) >= 0.98


def test_ours_finds_what_otava_finds_and_what_was_repaired(series: list[list[float]], theirs: list[list[int]]) -> None:
    found = {"ours": ours(series), "theirs": theirs}
    share = {
        name: [
            np.mean([whole(at, lengths) for at in points[k : k + SERIES]])
            for k, (_, lengths) in zip(range(0, len(points), SERIES), LEVELS * len(rates.NOISES), strict=True)
        ]
        for name, points in found.items()
    }
    repaired = len(LEVELS) - 1
    for k, (mine, other) in enumerate(zip(share["ours"], share["theirs"], strict=True)):
        assert mine >= other - 0.1
        if k % len(LEVELS) == repaired:
            assert mine >= other + 0.2


def whole(found: list[int], lengths: tuple[int, ...]) -> bool:
    """Is every change found, to three runs, and nothing far from any?"""
    edges = np.cumsum(lengths)[:-1]
    near = [any(abs(index - edge) <= 3 for index in found) for edge in edges]
    return all(near) and all(any(abs(index - edge) <= 5 for edge in edges) for index in found)
