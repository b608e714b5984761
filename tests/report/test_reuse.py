"""What a query costs where several share a video: hand-computed from stages, or as passes were timed."""

from __future__ import annotations

import pytest

from bench.missing import Missing
from bench.report.content.content import Content
from bench.report.content.numbered import Each
from bench.report.figures.reuse import reuse_figures
from bench.report.sections.cells import Cell, Table
from bench.report.sections.reuse import macs_tables, section, time_tables
from tests.report.conftest import Doc, content_of

NOISE = {"verdict": "quiet", "steal_pct": 0.0}


@pytest.fixture
def split(doc: Doc) -> Doc:
    """SeqPAN at the sizes of Charades-STA: a quarter of 1 M multiply-adds, and 3 of 12 ms, are the video's."""
    doc["cases"] = [c for c in doc["cases"] if c["case_id"].startswith("seqpan|charades-sta|single_stream")]
    (case,) = doc["cases"]
    stages = {"video_encode": {"macs": 250_000}, "localise": {"macs": 750_000}}
    case["compute"] |= {"macs": 1_000_000, "query_independent_macs": 250_000, "by_stage": stages}
    case["latency"] |= {"median": 0.012, "median_ci99": [0.011, 0.013], "by_stage": {"video_encode": 0.003}}
    case.pop("repeats", None)
    return doc


def swept(*points: tuple[int, float | None]) -> Doc:
    return {
        "unit": "s",
        "num_threads": 1,
        "curve": [
            {"queries": queries, "value": value, "ci99": None, "ci99_reason": "n=1 < 8 passes", "status": "ok"}
            if value is not None
            else {"queries": queries, "value": None, "value_reason": "too dear", "status": "skipped"}
            for queries, value in points
        ],
        "noise": NOISE,
    }


def cells(table: Table) -> list[str]:
    return [cell.text for cell in table.rows[0]]


def test_multiply_adds_are_shared_out(split: Doc) -> None:
    (table,) = macs_tables(content_of(split))
    assert table.headers[4:] == ("1 query", "10 queries", "100 queries", "1,000 queries")
    assert cells(table) == ["seqpan", "250 k", "25 %", "750 k", "1.00 M", "775 k", "752 k", "750 k"]


def test_times_follow_from_the_stages_and_say_so(split: Doc) -> None:
    (table,) = time_tables(content_of(split))
    # 9 ms of each query, and a share of the 3 ms of the video.
    assert cells(table) == ["seqpan", "12.0 [11.0, 13.0] ms", "9.30 ms", "9.03 ms", "9.00 ms"]
    assert {cell.note for cell in table.rows[0][2:]} == {"not measured: it follows from the times of the stages"}


def test_passes_that_were_timed_stand_in_the_place_of_estimates(split: Doc) -> None:
    split["cases"][0]["reuse"] = swept((1, 0.0119), (10, 0.0085), (100, 0.008), (1000, None))
    content = content_of(split)
    (table,) = time_tables(content)
    assert cells(table) == ["seqpan", "12.0 [11.0, 13.0] ms", "8.50 ms", "8.00 ms", "9.00 ms"]
    assert [cell.note for cell in table.rows[0][2:]] == [
        *["no interval: n=1 < 8 passes"] * 2,
        "not measured: it follows from the times of the stages",
    ]
    ((shared,),) = (group.rows for group in content.shared_seconds)
    assert shared.each[100] == Each(0.008, Missing("n=1 < 8 passes"), measured=True)
    (plot,) = (figure.plot for figure in reuse_figures(content.shared_macs, content.shared_seconds))
    assert plot is not None
    dots = [(dot.x.value, dot.y.value, dot.hollow) for dot in plot.panels[1].dots]
    assert dots == [(1, 0.012, False), (10, 0.0085, False), (100, 0.008, False), (1000, pytest.approx(0.009003), True)]
    assert plot.panels[1].dots[1].told == "seqpan, 10 queries a video: 8.50 ms a query, 71 % of a single one"
    assert plot.panels[0].dots[3].told == "seqpan, 1,000 queries a video: 750 k MACs a query, 75 % of a single one"


def test_noise_of_the_passes_marks_the_case(split: Doc) -> None:
    split["cases"][0]["reuse"] = {**swept((10, 0.0085)), "noise": {"verdict": "noisy", "steal_pct": 9.0}}
    (table,) = time_tables(content_of(split))
    assert table.noisy(table.rows[0])


def test_a_model_that_cannot_tell_video_from_query_says_so(split: Doc) -> None:
    (case,) = split["cases"]
    case["compute"] |= {"query_independent_macs": 0, "by_stage": {"localise": {"macs": 1_000_000}}}
    (table,) = macs_tables(content_of(split))
    assert (
        table.rows[0][0].note
        == "nothing of it is done for the video alone, so that every query costs what the first does"
    )
    assert cells(table)[4:] == ["1.00 M"] * 4
    (times,) = time_tables(content_of(split))
    assert cells(times)[1:] == ["12.0 [11.0, 13.0] ms", *["12.0 ms"] * 3]


def test_what_is_not_known_of_the_video_is_a_dash(split: Doc) -> None:
    split["cases"][0]["reuse"] = swept((10, 0.0085))
    split["cases"][0]["latency"]["by_stage"] = {}
    found: list[Cell] = list(time_tables(content_of(split))[0].rows[0])
    assert [cell.text for cell in found[2:]] == ["8.50 ms", "—", "—"]
    assert found[4].note == "how much of it is done once a video is not known"


def test_without_any_of_it_there_is_no_section(doc: Doc) -> None:
    content: Content = content_of(doc)
    assert section(content).tables == () and section(content).figures == () and section(content).protocol == ()
