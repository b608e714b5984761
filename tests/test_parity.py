"""Our models against the published code's weights, inputs and outputs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emtm.parity.checking import check_fixture
from emtm.parity.fixture import read_fixture

from .shared import SHARED, needs_shared

KINDS = (
    "emtm_student_*",
    "emtm_losses_*",
    "vslnet_*",
    "emb_*",
    "tan2d_*",
    "cca_*",
    "ban_apr_*",
    "labels_tan2d_*",
    "labels_ban_cca_*",
    "labels_zoo_*",
    "labels_vslnet_*",
    "labels_seqpan_tf_*",
    "labels_unify_*",
    "emtm_data_*",
)


def fixtures() -> list[Path]:
    return sorted(p for kind in KINDS for p in (SHARED / "fixtures").glob(f"{kind}.npz"))


def parity(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emtm", "parity", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_shared
@pytest.mark.parametrize("path", fixtures(), ids=lambda p: p.stem)
def test_every_output_agrees(path: Path) -> None:
    rows = check_fixture(path)
    assert rows
    assert [row for row in rows if not row.ok] == []


@needs_shared
def test_a_wrong_weight_is_noticed(tmp_path: Path) -> None:
    fixture = read_fixture(SHARED / "fixtures" / "emtm_student_A_small.npz")
    arrays = dict(fixture.arrays)
    bias = arrays["w/video_conv1d/bias"].copy()
    bias[..., 0] += 1e-3
    arrays["w/video_conv1d/bias"] = bias
    np.savez(tmp_path / "spoiled.npz", **arrays)
    result = parity(tmp_path / "spoiled.npz", "--json")
    assert result.returncode == 1
    rows = json.loads(result.stdout)
    assert {"fixture", "model", "output", "max_abs", "tolerance", "ok"} == set(rows[0])
    assert not next(row for row in rows if row["output"] == "start_logits")["ok"]


@needs_shared
def test_command_passes_and_kind_is_found_by_arrays(tmp_path: Path) -> None:
    renamed = tmp_path / "anything.npz"
    renamed.write_bytes((SHARED / "fixtures" / "labels_seqpan_tf_A.npz").read_bytes())
    assert parity(renamed).returncode == 0


def test_unknown_fixture_is_a_failure(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    result = parity(tmp_path / "other.npz", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)[0]["model"] == "unrecognised"


@pytest.mark.parametrize("content", [b"", b"not an archive"])
def test_unreadable_fixture_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.npz").write_bytes(content)
    result = parity(tmp_path / "bad.npz")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
