"""Claims are data: a small, typed language that a user writes too, and that runs no code."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.claims.claim import Bound, packaged_claims, read_claims, unique
from bench.claims.estimate import Estimate
from bench.cli.app import main
from emtm.data.synthetic.config import WORLDS
from emtm.errors import UserError
from tests.claims.conftest import REFERENCE

OWN = """
- id: mine
  text: VSLNet needs fewer multiply-adds than EMB
  source: me
  protocol: exact counts
  needs: a run file
  kept: true
  measure: {estimator: macs-ratio, model: vslnet, against: [emb], dataset: charades-sta}
  holds: {below: 0.1}
"""


def interval(low: float, high: float) -> Estimate:
    return Estimate(value=(low + high) / 2, low=low, high=high, unit="", basis="", read=())


@pytest.mark.parametrize(
    ("bound", "low", "high", "kept"),
    [
        (Bound(above=0), 0.1, 2, True),
        (Bound(above=0), -2, 0, False),
        (Bound(above=0), -1, 1, None),
        (Bound(above=0), 0, 1, None),
        (Bound(above=0), 0, 0, False),
        (Bound(below=1), 0.5, 0.9, True),
        (Bound(below=1), 1, 1, False),
        (Bound(below=1), 1, 1.2, False),
        (Bound(below=1), 0.5, 1, None),
    ],
)
def test_a_bound_is_kept_by_the_whole_interval(bound: Bound, low: float, high: float, kept: bool | None) -> None:
    assert bound.kept(interval(low, high)) is kept


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(-10, 10))
def test_above_and_below_mirror_each_other(limit: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert Bound(above=limit).kept(interval(low, high)) is Bound(below=-limit).kept(interval(-high, -low))


def test_packaged_claims_are_sound() -> None:
    claims = unique(packaged_claims())
    assert len(claims) > 15
    assert all(claim.text and claim.source and claim.protocol and claim.needs for claim in claims)
    generated = [one for one in claims if getattr(one.measure, "dataset", "") in WORLDS]
    assert len(generated) > 7 and all("generated videos" in one.text for one in generated)


def test_a_users_claim_is_judged_beside_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = REFERENCE.glob("2*.json")
    (tmp_path / "own.yaml").write_text(OWN)
    assert main(["claims", str(run), "--claims", str(tmp_path / "own.yaml"), "--csv"]) == 8
    assert "mine,refuted" in capsys.readouterr().out
    (tmp_path / "own.yaml").write_text(OWN.replace("kept: true", "kept: false"))
    assert main(["claims", str(run), "--claims", str(tmp_path / "own.yaml"), "--csv"]) == 0


def test_a_text_in_a_claims_file_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = REFERENCE.glob("2*.json")
    hostile = OWN.replace("VSLNet needs", '"\\e[31mred <b> | =1+1 needs').replace("than EMB", 'than EMB"')
    (tmp_path / "own.yaml").write_text(hostile)
    for form in ([], ["--markdown"], ["--csv"]):
        assert main(["claims", str(run), "--claims", str(tmp_path / "own.yaml"), *form]) == 8
        out = capsys.readouterr().out
        assert "red" in out and "\x1b" not in out


@pytest.mark.parametrize(
    ("here", "there", "what"),
    [
        ("estimator: macs-ratio", "estimator: mac-ratio", "did you mean 'macs-ratio'"),
        ("estimator: macs-ratio, ", "", "measure names an estimator"),
        ("against: [emb]", "against: emb", "against takes a list"),
        ("against: [emb]", "versus: [emb]", "unknown field 'versus'"),
        (", dataset: charades-sta", "", "dataset"),
        ("{below: 0.1}", "{below: 0.1, above: 0}", "either above or below"),
        ("{below: 0.1}", "{below: .nan}", "holds takes a number"),
        ("{below: 0.1}", "{below: one}", "holds takes a number"),
        ("  holds: {below: 0.1}\n", "", "measure and holds come together"),
        ("kept: true", "kept: perhaps", "kept takes true or false"),
        ("source: me", "sauce: me", "did you mean 'source'"),
        ("source: me", "source: !!python/object/apply:os.getcwd []", "not YAML"),
        ("- id: mine", "id: mine", "not YAML"),
        ("source: me", "source: &a me\n  needs: *a", "it has aliases"),
        ("source: me", "source: 2026-99-99", "not YAML: month must be in 1..12"),
        ("source: me", f"source: {'[' * 5000}", "own.yaml is nested too deeply"),
        (
            "{estimator: macs-ratio, model: vslnet, against: [emb], dataset: charades-sta}",
            "{estimator: accuracy-gain, model: emtm, against: [vslnet], dataset: synth-charades, metric: R1@0.9}",
            "unknown metric 'R1@0.9'",
        ),
    ],
)
def test_what_breaks_the_rules_is_one_sentence(here: str, there: str, what: str) -> None:
    assert here in OWN
    with pytest.raises(UserError, match=what) as error:
        read_claims(OWN.replace(here, there), "own.yaml")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("own.yaml")


def test_two_claims_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="two claims 'mine'"):
        unique((*read_claims(OWN, "a"), *read_claims(OWN, "b")))


@pytest.mark.parametrize("name", ["search-distillation.json", "pareto-synth-charades.svg"])
def test_what_is_no_evidence_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", str(REFERENCE / name)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_no_evidence_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["claims"]) == 2
    assert "there is no evidence" in capsys.readouterr().err
