"""What longer videos cost, as a reader sees it."""

from __future__ import annotations

from dataclasses import replace

from bench.missing import ABSENT, Missing
from bench.record import Exponent, Growth, GrowthPoint
from bench.report.figures.growth import growth_figures
from bench.report.sections.growth import section
from tests.report.records import content
from tests.verdict.runs import case

CURVE = (
    GrowthPoint(
        clips=256, macs=10**8, activation_peak_bytes=2**20, value=0.004, ci99=(0.003, 0.005), calls=9, status="ok"
    ),
    GrowthPoint(
        clips=512, macs=3 * 10**8, activation_peak_bytes=2**22, value=0.012, ci99=(0.011, 0.014), calls=9, status="ok"
    ),
    GrowthPoint(clips=1024, macs=10**9, value=Missing("13 calls are too dear"), status="skipped"),
)
GROWTH = Growth(
    num_threads=1,
    curve=CURVE,
    fitted_from_clips=256,
    time=Exponent(value=1.58, ci95=Missing("two lengths make a line")),
    macs=Exponent(value=1.66, ci95=(1.3, 2.02)),
    memory=Missing("unknown"),
)
FOLLOWED = content(replace(case("emtm-student"), growth=GROWTH), case("vslnet"))


def test_times_memory_and_powers_of_the_models_that_were_followed() -> None:
    times, memory = section(FOLLOWED).tables
    assert times.headers[1:] == (
        *("Exponent of time", "Exponent of MACs", "Exponent of memory"),
        *("256 clips", "512 clips", "1,024 clips"),
    )
    (row,) = times.rows
    assert [cell.text for cell in row[:4]] == ["emtm-student", "1.58", "1.66 [1.30, 2.02]", "—"]
    assert [cell.text for cell in row[4:]] == ["4.00 [3.00, 5.00] ms", "12.0 [11.0, 14.0] ms", "—"]
    assert (row[1].note, row[6].note) == ("no interval: two lengths make a line", "13 calls are too dear")
    assert [[cell.text for cell in row[1:]] for row in memory.rows] == [["1.00 MiB", "4.00 MiB", "—"]]


def test_the_picture_has_time_and_memory() -> None:
    (figure,) = growth_figures(FOLLOWED.growing)
    assert figure.plot is not None
    assert [[(dot.x.value, dot.y.value) for dot in panel.dots] for panel in figure.plot.panels] == [
        [(256, 0.004), (512, 0.012)],
        [(256, 2**20), (512, 2**22)],
    ]
    assert figure.plot.panels[1].dots[1].told == "emtm-student, 512 clips: 4.00 MiB"
    assert "emtm-student 12.0 ms at 512 clips" in figure.alt


def test_one_length_makes_no_picture_and_no_run_no_section() -> None:
    short = content(replace(case("a"), growth=replace(GROWTH, curve=CURVE[:1])))
    assert growth_figures(short.growing) == [] and len(section(short).tables) == 2
    none = section(content(replace(case("a"), growth=ABSENT)))
    assert (none.tables, none.figures, none.protocol) == ((), (), ())
