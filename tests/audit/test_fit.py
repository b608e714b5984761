"""The search finds every pair of clips and words that gives a figure, and no other."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audit.files import document
from bench.audit.fit import _fits, counter, fit, quadratic
from bench.audit.fitted import WORDS, Fit, Fitted, common_clips
from bench.audit.record import Audit
from bench.cli.app import main
from bench.missing import ABSENT, Missing
from bench.published.efficiency import Figure, Protocol, Table
from bench.report.sections.audit_fit import fit_tables
from tests.audit.conftest import COMMITTED, entry

COEFFICIENTS = st.tuples(*[st.integers(0, 10**6)] * 6)


def count_of(terms: tuple[int, ...]) -> Callable[[int, int], int]:
    """A cost that rises in steps with clips and is quadratic in words."""
    a, b, c, d, e, f = terms

    def count(clips: int, words: int) -> int:
        cells = -((-clips // 8) ** 2)
        return a * clips + b * cells * cells + c * words + d * words * words + e * clips * words + f

    return count


@given(st.tuples(*[st.integers(-(10**12), 10**12)] * 3), st.integers(-100, 100))
def test_three_points_give_the_polynomial(terms: tuple[int, int, int], x: int) -> None:
    def value(x: int) -> int:
        return terms[0] + terms[1] * x + terms[2] * x * x

    assert quadratic((4, 12, 20), [value(4), value(12), value(20)])(x) == value(x)


@given(COEFFICIENTS, st.integers(1, 60), st.sampled_from(WORDS))
def test_the_search_finds_what_trying_all_finds(terms: tuple[int, ...], clips: int, words: int) -> None:
    count = count_of(terms)
    value = max(count(clips, words), 10**6)
    figure = Figure(quantity="compute", called="FLOPs", printed=f"{value / 1e9:.4f}", unit="B")
    protocol = Protocol(counter="fvcore", words=6, chars=6, clips=5, why="")
    found = list(_fits(figure, protocol, "whole pass", count, 60))
    lowest, highest = figure.value * 0.995, figure.value * 1.005
    constant = all(count(length, 4) == count(length, 20) for length in range(1, 61))
    pairs = {
        (one, w) for one in range(1, 61) for w in ([6] if constant else WORDS) if lowest <= count(one, w) <= highest
    }
    assert {(one.clips, one.words) for one in found} == pairs
    assert all(one.same_digits is figure.prints(count(one.clips, one.words)) for one in found)
    assert all(one.macs == count(one.clips, one.words) for one in found)


@pytest.mark.parametrize("label", ["VSLNet", "EMB", "CPL"])
def test_real_counts_are_quadratic_in_words(label: str) -> None:
    _, found = entry(label)
    assert found.protocol is not None
    count, clips = counter(found, found.protocol, "whole pass"), found.protocol.clips or 200
    by_words = quadratic((4, 12, 20), [count(clips, words) for words in (4, 12, 20)])
    assert by_words(9) == count(clips, 9)
    figure = found.figure("compute")
    assert figure is not None
    assert figure.prints(by_words(found.protocol.words))


def test_cpl_without_negatives_is_never_as_dear() -> None:
    _, found = entry("CPL")
    assert found.protocol is not None
    count, figure = counter(found, found.protocol, "prediction alone"), found.figure("compute")
    assert figure is not None
    assert count(200, WORDS[-1]) < 0.6 * figure.value


def test_clips_in_common() -> None:
    def fitted(*clips: int, matter: bool = True) -> Fitted:
        fits = [Fit(mode="whole pass", clips=n, words=6, macs=1, off_pct=0.0, same_digits=n != 60) for n in clips]
        return Fitted(label="x", dataset="d", printed="1 B", clips_matter=matter, words_matter=True, fits=tuple(fits))

    assert common_clips([fitted(60, 61, 62), fitted(60, 62, 63), fitted(9, matter=False)]) == (62,)
    assert common_clips([]) == ()


def test_a_search_as_a_table() -> None:
    """BAN-APR brings every video to one length, so that words alone are searched: 6 or 7 print its digits."""
    table, found = entry("BAN-APR")
    told: list[str] = []
    (shown,) = fit_tables(fit([replace(table, entries=(found,))], told.append))
    assert told == ["BAN-APR on charades-sta"]
    whole, alone = shown.rows
    assert [cell.text for cell in whole[:4]] == ["BAN-APR", "9.4527 B", "whole pass", "256"]
    assert whole[-1].text == "256 × 6, 256 × 7"
    assert alone[3].note == "no number of clips and words comes within 0.5 %"
    assert "depends on them: none." in shown.caption


@pytest.mark.parametrize(
    "label", ["BAN-APR", *(pytest.param(one, marks=pytest.mark.slow) for one in ("VSLNet", "CPL"))]
)
def test_the_committed_search_is_todays(label: str, committed: Audit) -> None:
    table, found = entry(label)
    (today,) = fit([replace(table, entries=(found,))])
    assert not isinstance(committed.fit, Missing)
    assert today in committed.fit


def test_the_committed_search_leaves_one_number_of_clips(committed: Audit) -> None:
    assert not isinstance(committed.fit, Missing)
    assert {one.label for one in committed.fit} == {"2D-TAN", "VSLNet", "EMB", "EAMAT", "BAN-APR", "CPL", "CCA"}
    assert common_clips(committed.fit) == (62,)


def test_the_command_searches(
    committed: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an audit that was made before, and of one row, since all of them take minutes."""
    table, found = entry("BAN-APR")
    monkeypatch.setattr("bench.audit.fit.published_tables", lambda: [replace(table, entries=(found,))])
    plain = tmp_path / "audit.json"
    plain.write_text(json.dumps(document(replace(committed, fit=ABSENT))))
    assert main(["audit", str(plain), "--json"]) == 0
    assert "fit" not in json.loads(capsys.readouterr().out)
    assert main(["audit", str(plain), "--fit", "--json"]) == 0
    (searched,) = json.loads(capsys.readouterr().out)["fit"]
    assert searched in json.loads(COMMITTED.read_text())["fit"]
    assert main(["audit", str(COMMITTED), "--fit", "--markdown"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if "| whole pass" in line)
    assert [cell.strip() for cell in row.split("|")[1:4]] == ["BAN-APR", "9.4527 B", "whole pass"]
    assert row.split("|")[-2].strip() == "256 × 6, 256 × 7"


def test_what_no_counter_counted_is_not_searched() -> None:
    table, found = entry("SeqPAN")
    assert fit([Table(paper="P", table=table.table, read="memory", entries=(found,), unread=())]) == ()
