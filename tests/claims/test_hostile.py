"""Claims and evidence that somebody hands on: their texts stay texts in all that is made of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.claims.claim import read_claims
from bench.cli.app import main
from bench.codec import encode
from tests.claims.test_claim import OWN
from tests.hostile import HOSTILE, open_places, planted, sound
from tests.parsed import check_csv, tokens
from tests.verdict.runs import case, run

CLAIMS = [*yaml.safe_load(OWN), {**yaml.safe_load(OWN)[0], "id": "unmeasured", "measure": None, "holds": None}]
RUN: Any = encode(run(case(), case("emb")))
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")


def _read(doc: Any) -> object:
    return read_claims(json.dumps(doc), "own.yaml")


@pytest.mark.parametrize("first", range(0, len(HOSTILE), 18))
def test_texts_of_claims_and_runs_stay_texts(first: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def printed(claims: Any, evidence: Any, form: str) -> str:
        (tmp_path / "own.yaml").write_text(json.dumps(claims))
        (tmp_path / "run.json").write_text(json.dumps(evidence))
        code = main(["claims", str(tmp_path / "run.json"), "--claims", str(tmp_path / "own.yaml"), form])
        assert code in (0, 8)
        return capsys.readouterr().out

    texts = [*HOSTILE[first:], *HOSTILE[:first]]
    # Ids tell claims and cases apart.
    claims = planted(CLAIMS, {p: f"{texts[i % len(texts)]}{i}" for i, p in enumerate(open_places(CLAIMS, _read))})
    places = [place for place in open_places(RUN, sound) if place[-1] != "case_id"]
    evidence = planted(RUN, {place: texts[i % len(texts)] for i, place in enumerate(places)})
    markdown, table = printed(claims, evidence, "--markdown"), printed(claims, evidence, "--csv")
    allowed = {token.type for token in tokens(printed(CLAIMS, RUN, "--markdown"))}
    assert {token.type for token in tokens(markdown)} <= allowed
    for one in table.split("\n\n"):
        check_csv(one)
    assert not CONTROLS.search(markdown + table + printed(claims, evidence, "--json"))
    assert {path.name for path in tmp_path.iterdir()} == {"own.yaml", "run.json"}
