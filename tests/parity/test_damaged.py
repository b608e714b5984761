"""Fixtures with an array missing, renamed, of another shape, type or content: said by its name, or in a row."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from emtm.cli import app
from emtm.errors import UserError
from emtm.parity.checking import check, check_fixture
from emtm.parity.fixture import Array, Fixture, Row, read_fixture
from tests.shared import SHARED, needs_shared

HARMLESS = {
    ("emtm_student_A_small", "meta/num_words"): "a bound of the word ids, far from which they are",
    ("emtm_losses_A_charades", "meta/label_cof"): "weight of the released distillation, which is numerically nil",
    ("emtm_losses_A_charades", "meta/label_temperature"): "of the same",
    ("emtm_data_A", "align/in_3"): "its last clip lies beyond the video",
}
"""Arrays of which some damage changes nothing."""

Arrays = dict[str, Array]
FOLDER = SHARED / "fixtures"
KINDS = (
    *("vslnet_A", "emb_A", "tan2d_A", "cca_A", "ban_apr_A", "moment_detr_A", "eamat_A"),
    *("emtm_student_A_small", "emtm_kau_A_small", "emtm_losses_A_charades", "emtm_data_A"),
    *("labels_ban_cca_A", "labels_seqpan_tf_A", "labels_tan2d_A", "labels_unify_A", "labels_vslnet_A", "labels_zoo_A"),
)
SLOW = ("eamat_A", "emb_A", "ban_apr_A", "cca_A")
"""Whose checks take long; of the first even a slow test of every array would take an hour."""
SAMPLED = 2
"""Arrays of a kind that are damaged in every way; all of them in the slow test."""


def without(arrays: Arrays, key: str) -> None:
    del arrays[key]


def renamed(arrays: Arrays, key: str) -> None:
    arrays["stranger"] = arrays.pop(key)


def shorter(arrays: Arrays, key: str) -> None:
    arrays[key] = arrays[key][..., :-1] if arrays[key].ndim else np.stack([arrays[key]] * 2)


def words(arrays: Arrays, key: str) -> None:
    arrays[key] = np.full(arrays[key].shape, "word")


def not_numbers(arrays: Arrays, key: str) -> None:
    arrays[key] = np.full(arrays[key].shape, np.nan)


def too_large(arrays: Arrays, key: str) -> None:
    if arrays[key].dtype.kind in "iuf":
        arrays[key] = np.full_like(arrays[key], 100_000)


def other(arrays: Arrays, key: str) -> None:
    """Another content of the same shape and type, within the same bounds where it counts something."""
    array = arrays[key]
    # Strong enough for a bias of 2D-TAN's first map layer, which moves the answer by little.
    noise = np.random.default_rng(1).normal(size=array.shape) * 1000 * (1 + np.abs(array.astype(float)).max())
    if array.dtype.kind == "b":
        arrays[key] = ~array
    elif array.dtype.kind in "iu":
        arrays[key] = np.where(array > 0, array - 1, array + 1).astype(array.dtype)
    else:
        arrays[key] = (array + noise).astype(array.dtype)


DAMAGE: tuple[Callable[[Arrays, str], None], ...] = (
    *(without, renamed, shorter, words, not_numbers, too_large, other),
)


def said(arrays: Arrays) -> tuple[str, list[Row]]:
    """The sentence of refusal, or the rows."""
    try:
        return "", check(Fixture("a.npz", arrays))
    except UserError as error:
        assert "\n" not in str(error)
        return str(error), []


def is_noticed(key: str, damage: Callable[[Arrays, str], None], sentence: str, rows: list[Row]) -> bool:
    """Refused in a sentence, in a row that does not agree, or in one that calls the array unused."""
    if sentence or any(not row.ok for row in rows):
        return True
    if any(row.model == "unused" and row.output in (key, "stranger") for row in rows):
        return True
    # Sizes that nothing asks for, and whatever a fixture may hold any number of, are not missed when they are gone.
    return damage is without and bool(re.search(r"^meta/|(nms|linear|maxpool|avgfeats|sampler|out)_", key))


def damaged(kind: str, count: int | None) -> None:
    arrays = dict(read_fixture(FOLDER / f"{kind}.npz").arrays)
    unused = {row.output for row in check(Fixture("a.npz", arrays)) if row.model == "unused"}
    keys = [key for key in arrays if key != "config_json" and key not in unused]
    passed, unnamed = [], []
    for key in np.random.default_rng(len(kind)).permutation(keys)[:count].tolist():
        for damage in DAMAGE:
            copy = dict(arrays)
            damage(copy, key)
            if copy.get(key) is arrays[key]:
                continue
            sentence, rows = said(copy)
            if not is_noticed(key, damage, sentence, rows) and (kind, key) not in HARMLESS:
                passed.append((key, damage.__name__))
            if damage in (words, not_numbers) and f"'{key}'" not in sentence:
                unnamed.append((key, damage.__name__, sentence))
    assert (passed, unnamed) == ([], [])


@needs_shared
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SLOW])
def test_damage_to_an_array_is_noticed(kind: str) -> None:
    damaged(kind, SAMPLED)


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != SLOW[0]])
def test_damage_to_any_array_is_noticed(kind: str) -> None:
    damaged(kind, None)


@needs_shared
@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("vslnet_A", "param::embedding_net.word_emb.pad_vec"),
        ("vslnet_A", "param::feature_encoder.attention_block.key.conv1d.bias"),
        ("eamat_A", "input::internel_label"),
        ("ban_apr_A", "input::s_e_distribution"),
        ("ban_apr_A", "param::prop_pe.pe"),
        ("emb_A", "input::q_mask"),
        ("emb_A", "param::embedding_net.char_emb.char_emb.weight"),
    ],
)
def test_an_array_with_another_content_is_in_a_row_of_its_own(kind: str, key: str) -> None:
    arrays = dict(read_fixture(FOLDER / f"{kind}.npz").arrays)
    other(arrays, key)
    rows = check(Fixture("a.npz", arrays))
    name = re.split(r"::|\.", key)[-1]
    assert any((not row.ok and row.output == name) or (row.model == "unused" and row.output == key) for row in rows)


@needs_shared
def test_an_array_that_nobody_knows_is_named_and_not_ok(tmp_path: Path) -> None:
    arrays: dict[str, Any] = dict(read_fixture(FOLDER / "labels_seqpan_tf_A.npz").arrays)
    np.savez(tmp_path / "more.npz", **arrays, stranger=np.ones(2))
    done = CliRunner().invoke(app, ["parity", str(tmp_path / "more.npz")])
    assert done.exit_code == 1
    assert re.search(r"unused\s*│ stranger\s*│ -\s*│ NO", done.stdout)
    assert "3 of 3 outputs agree; 1 array is unused" in done.stdout


@needs_shared
@pytest.mark.parametrize(
    ("kind", "damage", "key", "expected"),
    [
        ("vslnet_A", without, "input::word_ids", "a.npz lacks the array 'input::word_ids'"),
        ("vslnet_A", without, "param::cq_concat.conv1d.conv1d.bias", "concat.out.bias is made of, beside"),
        ("vslnet_A", renamed, "param::cq_attention.w4Q", "a.npz lacks the array that attention.weight_y is made of"),
        ("vslnet_A", shorter, "input::v_mask", "shape (3, 23), where 'input::video_features' has 24 for 23"),
        ("vslnet_A", shorter, "param::cq_concat.conv1d.conv1d.bias", "makes concat.out.bias of shape (31,)"),
        ("vslnet_A", too_large, "input::word_ids", "'input::word_ids' holds indices from 100000 to 100000"),
        ("vslnet_A", words, "input::v_mask", "a.npz: 'input::v_mask' holds <U4, not numbers"),
        ("cca_A", not_numbers, "input::feats", "a.npz: 'input::feats' holds NaN or infinity"),
        ("labels_tan2d_A", without, "iou_map", "a.npz lacks the array 'iou_map'"),
        ("vslnet_A", without, "config_json", "a.npz lacks the array 'config_json', which says whose weights it holds"),
    ],
)
def test_what_is_wrong_is_said(kind: str, damage: Callable[[Arrays, str], None], key: str, expected: str) -> None:
    arrays = dict(read_fixture(FOLDER / f"{kind}.npz").arrays)
    damage(arrays, key)
    sentence, _ = said(arrays)
    assert expected in sentence


@pytest.mark.parametrize("text", ["{", "[1]", '{"model": "a/VSLNet b"}', '{"model": "a/CCA b", "vdim": "wide"}', "ü"])
def test_a_configuration_that_is_none_is_one_sentence_or_unrecognised(text: str) -> None:
    arrays = {"config_json": np.array(text), "param::x": np.ones(1), "input::feats": np.ones((1, 2, 3))}
    sentence, rows = said(arrays)
    assert sentence.startswith("a.npz") or [row.model for row in rows] == ["unrecognised"]


def test_objects_are_not_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", plain=np.ones(1), pickled=np.array([{}], dtype=object))
    with pytest.raises(UserError, match="'pickled' holds Python objects"):
        read_fixture(tmp_path / "objects.npz")


@needs_shared
def test_a_map_as_long_as_its_input_takes_every_row_for_a_clip(tmp_path: Path) -> None:
    """The published pooling with a stride and a kernel of 1, on rows that are the means that kernel 2 would give."""
    arrays = dict(read_fixture(FOLDER / "cca_A.npz").arrays)
    weight, bias = (arrays[f"param::featpool.conv.{name}"] for name in ("weight", "bias"))
    assert weight.shape[2] == 1 and bias.shape
    rows, clips = arrays["input::feats"], 16
    # Where relu comes first a mean of rows gives another clip: both rows of a clip are made the same.
    arrays["input::feats"] = np.repeat(rows[:, ::2], 2, 1)
    twice = check(Fixture("a.npz", arrays))
    arrays["input::feats"] = rows[:, ::2]
    arrays["config_json"] = np.array(str(arrays["config_json"]).replace('"pre": 32', f'"pre": {clips}'))
    once = check(Fixture("a.npz", arrays))
    assert len(once) == len(twice) > 5
    # The references are those of other rows, and both differ from them by the same.
    assert any(row.max_abs for row in once)
    for one, two in zip(once, twice, strict=True):
        assert (one.output, one.ok) == (two.output, two.ok)
        assert one.max_abs == (None if two.max_abs is None else pytest.approx(two.max_abs, abs=1e-6))
    np.savez(tmp_path / "whole.npz", **arrays)  # type: ignore[arg-type]
    assert len(check_fixture(tmp_path / "whole.npz")) == len(once)
