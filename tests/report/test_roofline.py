"""What binds a query, as a reader sees it."""

from __future__ import annotations

from dataclasses import replace

from bench.instruments.machine import Rates
from bench.instruments.noise import NoiseWindow
from bench.instruments.traffic import Traffic
from bench.measures.roofline import roofline
from bench.report.sections.roofline import section
from tests.report.records import content
from tests.verdict.runs import case

RATES = Rates(macs_per_s=1e9, cached_bytes_per_s=1e9, streamed_bytes_per_s=1e8, operator_s=1e-6)
MOVED = {"fusion": Traffic(1000, 10**6), "decode": Traffic(3000, 10**6)}
ROOFLINE = roofline([{"fusion": 0.010, "decode": 0.010}], MOVED, {"fusion": 5 * 10**6}, RATES, NoiseWindow())
FOUND = content(replace(case("emtm-student"), roofline=replace(ROOFLINE, macs_per_s=2e9)), case("vslnet"))


def test_models_and_their_stages() -> None:
    models, stages = section(FOUND).tables
    assert models.headers[1:4] == ("Bound by", "At the roof", "Arithmetic")
    assert [[cell.text for cell in row] for row in models.rows] == [
        ["emtm-student", "compute", "25 %", "5.00 ms", "2.00 ms", "4.00 ms", "20.0 ms", "4.00 k", "5.00 M", "2.00 MB"]
    ]
    assert [[cell.text for cell in row[1:4]] for row in stages.rows] == [
        ["fusion", "compute", "50 %"],
        ["decode", "dispatch", "30 %"],
    ]
    assert "multiplies at 2.00 GMAC/s" in models.caption and "1.00 µs for an operator" in models.caption


def test_without_any_there_is_no_section() -> None:
    none = section(content(case("vslnet")))
    assert (none.tables, none.protocol) == ((), ())
