"""The instruments against known truths. Bounds on time are the selftest's business, not a test's."""

import pytest

from bench.selftest.truths import Truth, truths


def test_every_count_is_exact_and_every_instrument_answers() -> None:
    heard: list[str] = []
    found = truths(heard.append)
    assert heard == [truth.name for truth in found]
    assert len({truth.name for truth in found}) == len(found) >= 12
    assert [truth for truth in found if truth.tolerance == 0 and not truth.ok] == []
    assert all(truth.found is not None for truth in found if not truth.name.startswith("host memory"))


@pytest.mark.parametrize(
    ("found", "tolerance", "ok"), [(100, 0.0, True), (101, 0.0, False), (101.9, 0.02, True), (102.1, 0.02, False)]
)
def test_an_answer_must_be_near_enough(found: float, tolerance: float, ok: bool) -> None:
    assert Truth("a", 100, found, "s", tolerance).ok is ok


def test_no_answer_is_wrong() -> None:
    assert not Truth("a", 0.0, None, "s", 1.0).ok
