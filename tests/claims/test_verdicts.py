"""Verdicts come from the committed files, and a planted change flips those that it should and no other."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.claims.claim import packaged_claims
from bench.claims.estimate import Estimate
from bench.claims.evidence import gather
from bench.claims.judging import Judged, Verdict, exit_code, judge
from bench.cli.app import main
from bench.results import SchemaInvalidError
from emtm.errors import ExitCode
from tests.claims.conftest import Change, Doc, files

TODAY = {
    "emtm-cheapest-charades": "supported",
    "emtm-cheapest-activitynet": "supported",
    "emtm-cheapest-tacos": "refuted",
    "emtm-printed-cost": "refuted",
    "printed-costs-reproduced": "supported",
    "printed-parameters-reproduced": "supported",
    "fvcore-misranks": "supported",
    "accuracy-kept-synthetic": "inconclusive",
    "accuracy-kept-charades": "not measured",
    "method-helps-synthetic": "supported",
    "diverse-teachers-help": "not measured",
    "beats-plain-distillation": "inconclusive",
    "aggregation-beats-averaging": "inconclusive",
    "shared-encoder-helps": "inconclusive",
    "few-labels-pay": "supported",
    "few-labels-need-teachers": "inconclusive",
    "quarter-of-labels-suffices": "refuted",
    "few-labels-unit": "inconclusive",
    "few-labels-diverse": "supported",
    "best-balance-synthetic": "refuted",
    "released-losses-distil-nothing": "supported",
    "index-protocol-flatters": "supported",
    "synthetic-order": "inconclusive",
    "conventions-move-scores": "supported",
}


def verdicts(judged: tuple[Judged, ...]) -> dict[str, str]:
    return {one.claim.id: one.verdict.value for one in judged}


def test_verdicts_of_the_committed_files(judged: tuple[Judged, ...]) -> None:
    assert verdicts(judged) == TODAY
    assert exit_code(judged) is ExitCode.FINE


def test_the_part_that_decides_comes_first(judged: tuple[Judged, ...]) -> None:
    """The nearest to the bound of those that keep it, the farthest beyond it of those that break it."""
    first = {one.claim.id: one.parts[0] for one in judged if one.parts}
    assert first["printed-costs-reproduced"].name == "VSLNet"
    assert first["emtm-cheapest-activitynet"].name == "vslnet"
    assert first["emtm-cheapest-tacos"].name == "vslnet"
    assert first["emtm-printed-cost"].name == "EMTM"
    assert first["fvcore-misranks"].name == "tacos"
    assert first["accuracy-kept-synthetic"].name == "seqpan"


def test_a_gain_is_the_studys(judged: tuple[Judged, ...]) -> None:
    (claim,) = (one for one in judged if one.claim.id == "method-helps-synthetic")
    (study,) = (path for path in files() if path.name == "study-synth-charades.json")
    (row,) = (row for row in json.loads(study.read_text())["rows"] if row["name"] == "full")
    gain, found = row["r1_0.5"]["over_student_alone"], claim.parts[0].found
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(gain["mean"])
    assert found.high - found.value == pytest.approx(gain["half_width"])


def single(doc: Doc, model: str, dataset: str) -> Doc:
    (case,) = (
        case
        for case in doc["cases"]
        if (case["model"]["name"], case["workload"]["dataset"], case["workload"]["scenario"])
        == (model, dataset, "single_stream")
    )
    return case


def dearer(doc: Doc) -> None:
    single(doc, "emtm-student", "charades-sta")["compute"]["macs"] *= 3


def less_accurate(doc: Doc) -> None:
    for case in doc["cases"]:
        if case["model"]["name"] == "emtm" and case.get("quality"):
            case["quality"]["r1"]["0.5"] -= 45


def agreeing(doc: Doc) -> None:
    for case in doc["cases"]:
        if case.get("compute") and case["compute"].get("crosscheck"):
            case["compute"]["crosscheck"]["fvcore_macs"] = case["compute"]["macs"]


def unflattered(doc: Doc) -> None:
    if doc["protocol"] == "index":
        doc["r1"]["0.7"] -= 5


def one_evaluator(doc: Doc) -> None:
    doc["r1"]["0.5"] = 36.989


def shifted(variant: str, by: float) -> Change:
    def change(doc: Doc) -> None:
        (row,) = (row for row in doc["rows"] if row["name"] == variant)
        row["r1_0.5"]["values"] = [value + by for value in row["r1_0.5"]["values"]]

    return change


def unlabelled(variant: str, by: float) -> Change:
    def change(doc: Doc) -> None:
        for row in (row for share in doc["shares"] for row in share["rows"] if row["name"] == variant):
            row["r1_0.5"]["values"] = [value + by for value in row["r1_0.5"]["values"]]

    return change


def pulling(doc: Doc) -> None:
    doc["soft_gradient_ratio"]["official-losses"] = 0.4


def off(doc: Doc) -> None:
    (row,) = (row for row in doc["rows"] if row["label"] == "EAMAT")
    row["figures"][0]["off_pct"] = -0.6


def honest(doc: Doc) -> None:
    for row in doc["rows"]:
        if row["label"] in ("EMTM", "SeqPAN"):
            row["counts"]["ratio"] = 1.0


@pytest.mark.parametrize(
    ("start", "change", "flipped", "code"),
    [
        ("2026", dearer, {"emtm-cheapest-charades": "refuted"}, 8),
        ("2026", less_accurate, {"accuracy-kept-synthetic": "refuted"}, 8),
        ("2026", agreeing, {"fvcore-misranks": "refuted"}, 8),
        ("score-smoke", unflattered, {"index-protocol-flatters": "refuted"}, 0),
        (
            "study-synth",
            shifted("full", -6),
            {"method-helps-synthetic": "refuted", "aggregation-beats-averaging": "refuted"},
            8,
        ),
        ("study-synth", shifted("uniform", -10), {"aggregation-beats-averaging": "supported"}, 0),
        ("study-parts", shifted("no-shared-encoder", -10), {"shared-encoder-helps": "supported"}, 0),
        ("study-parts", shifted("plain-distillation", 10), {"beats-plain-distillation": "refuted"}, 0),
        ("study-smoke", pulling, {"released-losses-distil-nothing": "refuted"}, 0),
        ("few-labels-synth-charades", unlabelled("student-alone", 14), {"few-labels-pay": "refuted"}, 8),
        (
            "few-labels-synth-charades",
            unlabelled("pseudo-smoothed", -5),
            {"few-labels-need-teachers": "supported"},
            0,
        ),
        ("audit", off, {"printed-costs-reproduced": "refuted"}, 8),
        ("audit", honest, {"emtm-printed-cost": "supported"}, 0),
        ("score-cbp-owner", one_evaluator, {"conventions-move-scores": "refuted"}, 0),
    ],
)
def test_a_planted_change_flips_its_verdict_and_no_other(
    planted: Callable[[str, Change], list[Path]], start: str, change: Change, flipped: dict[str, str], code: int
) -> None:
    judged = judge(packaged_claims(), gather(planted(start, change)))
    assert verdicts(judged) == TODAY | flipped
    assert exit_code(judged) == code


def test_weights_evaluated_both_ways_are_evidence(tmp_path: Path) -> None:
    """What `evaluate` prints for two seeds; the gap is 2 and 4 points."""
    (scored,) = (path for path in files() if path.name == "score-cbp-sound.json")
    doc, paths = json.loads(scored.read_text()), [scored]
    for seed in (1, 2):
        for protocol, r1 in (("timestamp", 60.0), ("index", 60.0 + 2 * seed)):
            evaluated = doc | {"model": "emtm-student", "dataset": "smoke", "protocol": protocol}
            evaluated |= {"weights_sha256": f"{seed}" * 64, "r1": {"0.7": r1}}
            paths.append(tmp_path / f"{seed}-{protocol}.json")
            paths[-1].write_text(json.dumps(evaluated))
    (claim,) = (one for one in judge(packaged_claims(), gather(paths)) if one.claim.id == "index-protocol-flatters")
    found = claim.parts[0].found
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(3)
    assert len(found.read) == 4


def test_a_damaged_evaluation_is_named(tmp_path: Path) -> None:
    doc = json.loads(next(path for path in files() if path.name == "score-cbp-sound.json").read_text())
    damaged = tmp_path / "scores.json"
    damaged.write_text(json.dumps(doc | {"r1": "all"}))
    with pytest.raises(SchemaInvalidError, match=r"scores\.json is damaged: r1"):
        gather([damaged])


def test_the_command_says_the_same(capsys: pytest.CaptureFixture[str], planted: Callable[..., list[Path]]) -> None:
    assert main(["claims", *map(str, planted("audit", off)), "--json"]) == 8
    doc = json.loads(capsys.readouterr().out)
    assert doc["exit_code"] == 8
    assert {one["id"]: one["verdict"] for one in doc["claims"]} == TODAY | {"printed-costs-reproduced": "refuted"}
    (broken,) = (one for one in doc["claims"] if one["id"] == "printed-costs-reproduced")
    assert broken["parts"][0]["name"] == "EAMAT"
    assert broken["parts"][0]["evidence"][0].endswith("audit.json#EAMAT on charades-sta")
    assert {part["verdict"] for part in broken["parts"][1:]} == {Verdict.SUPPORTED}


def test_without_evidence_nothing_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    (step,) = (path for path in files() if path.name == "train-step.json")
    assert main(["claims", str(step), "--markdown"]) == 0
    out = capsys.readouterr().out
    assert "### What is not measured" in out
    assert "supported" not in out.split("### What each verdict rests on")[0].split("|:--")[1]
