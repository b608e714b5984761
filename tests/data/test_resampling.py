import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emtm.data.features import clip_count, clip_width, pool_clips, resample, store_width
from emtm.data.resampling import stretch_clips
from tests.shared import SHARED, needs_shared

RULES = ("mean", "vslnet", "zoo", "zoo-samelen", "2d-tan", "lighthouse")


def fixtures(kind: str) -> list[Path]:
    return sorted((SHARED / "fixtures").glob(f"labels_{kind}_*.npz"))


def rows(count: int, width: int = 3) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, width)).astype(np.float32)


def plain_pooling(features: np.ndarray, most: int, *, official: bool) -> np.ndarray:
    """The rule in words: one clip after the other."""
    count = len(features)
    last = count - 1 if official else count
    if count <= most:
        return features
    bounds = [min(int(np.round(k / most * count)), last) for k in range(most + 1)]
    spans = itertools.pairwise(bounds)
    return np.stack([features[i:j].mean(0) if i < j else features[i] for i, j in spans])


@given(st.integers(1, 300), st.integers(1, 130), st.booleans())
def test_pooling_follows_the_rule(count: int, most: int, official: bool) -> None:
    features = rows(count, 2)
    expected = plain_pooling(features, most, official=official)
    np.testing.assert_allclose(pool_clips(features, most, official=official), expected, atol=1e-6)


@given(st.integers(1, 300), st.integers(1, 130))
def test_pooling_loses_no_row(count: int, most: int) -> None:
    changed = rows(count, 2)
    changed[-1] += 100.0
    assert (pool_clips(changed, most)[-1] != pool_clips(rows(count, 2), most)[-1]).all()


def test_pooling_keeps_what_is_short_and_published_pooling_drops_the_last_row() -> None:
    features = rows(64)
    assert pool_clips(features, 64) is features
    ramp = np.arange(8, dtype=np.float32)[:, None]
    assert pool_clips(ramp, 2).ravel().tolist() == [1.5, 5.5]
    assert pool_clips(ramp, 2, official=True).ravel().tolist() == [1.5, 5.0]


@needs_shared
def test_pooling_of_the_published_code() -> None:
    emtm = np.load(SHARED / "fixtures/emtm_data_A.npz")
    for j in range(5):
        pooled = pool_clips(emtm[f"samp/in_{j}"], int(emtm["meta/max_vlen"]), official=True)
        assert pooled.dtype == np.float32
        np.testing.assert_allclose(pooled, emtm[f"samp/out_{j}"], atol=1e-6)
    vslnet = np.load(SHARED / "fixtures/labels_vslnet_A.npz")
    for most in (16, 40, 57):
        pooled = pool_clips(vslnet["sample_in"], most, official=True)
        np.testing.assert_allclose(pooled, vslnet[f"sample_out_{most}"], atol=1e-6)


RAMP = np.arange(8, dtype=np.float32)[:, None]


@pytest.mark.parametrize(
    ("rule", "clips", "expected"),
    [
        ("mean", 2, [1.5, 5.5]),
        ("vslnet", 2, [1.5, 5.0]),  # row 7 is lost
        ("zoo", 2, [1.5, 5.5]),  # the boundary is at 3.5, which rounds to 4
        ("zoo", 3, [0.5, 3.0, 6.0]),  # boundaries 0, 2.33, 4.67 and 8
        ("mean", 3, [1.0, 3.5, 6.0]),  # boundaries 0, 2.67, 5.33 and 8
        ("zoo", 16, list(range(8))),
        ("zoo-samelen", 16, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7]),
    ],
)
def test_rules_by_hand(rule: str, clips: int, expected: list[float]) -> None:
    assert resample(RAMP, clips, rule).ravel().tolist() == expected


def test_2d_tan_normalises_then_stretches() -> None:
    features = np.array([[3, 4], [0, 2], [5, 0]], np.float32)
    # Boundaries 0, 0.75, 1.5, 2.25 and 3 round to 0, 1, 2, 2 and 2 (the last row).
    expected = [[0.6, 0.8], [0, 1], [1, 0], [1, 0]]
    np.testing.assert_allclose(resample(features, 4, "2d-tan"), expected, rtol=1e-6)
    assert np.isfinite(resample(np.zeros((3, 2), np.float32), 4, "2d-tan")).all()


def test_lighthouse_cuts_normalises_each_part_and_appends_the_place() -> None:
    features = np.array([[3, 4, 2], [0, 2, -7], [1, 1, 1]], np.float32)
    found = resample(features, 2, "lighthouse", widths=(2, 1))
    np.testing.assert_allclose(found, [[0.6, 0.8, 1, 0, 0.5], [0, 1, -1, 0.5, 1]], atol=1e-5)
    whole = resample(features, 2, "lighthouse")
    np.testing.assert_allclose(np.linalg.norm(whole[:, :3], axis=1), 1, atol=1e-5)


@given(st.sampled_from(RULES), st.integers(1, 90), st.integers(1, 40))
def test_every_rule_gives_the_clips_it_says(rule: str, count: int, most: int) -> None:
    clips = resample(rows(count), most, rule)
    assert clips.shape[0] == clip_count(count, most, rule)
    assert store_width(clips.shape[1], rule) == 3
    assert clip_width(3, rule) == clips.shape[1]
    assert clips.dtype == np.float32


@given(st.sampled_from(("mean", "vslnet", "zoo", "zoo-samelen")), st.integers(1, 90), st.integers(1, 40))
def test_means_stay_within_the_rows(rule: str, count: int, most: int) -> None:
    features = rows(count)
    clips = resample(features, most, rule)
    assert (clips >= features.min(0) - 1e-5).all()
    assert (clips <= features.max(0) + 1e-5).all()


@needs_shared
@pytest.mark.parametrize("path", fixtures("ban_cca"), ids=lambda p: p.stem)
def test_2d_tan_of_the_published_code(path: Path) -> None:
    fixture = np.load(path)
    names = [name for name in fixture.files if name.startswith("cca_avgfeats_")]
    assert names
    for name in names:
        ours = stretch_clips(fixture["feat_in"], int(name.rsplit("_", 1)[1]))
        np.testing.assert_allclose(ours, fixture[name], atol=1e-6)


@needs_shared
@pytest.mark.parametrize("path", fixtures("zoo"), ids=lambda p: p.stem)
def test_zoo_of_the_published_code(path: Path) -> None:
    fixture = np.load(path)
    for i, count in enumerate(fixture["raw_len"]):
        # TSGVZoo resamples the label like the features; its clips are known for these moments.
        first, last = np.round(fixture["se_frac"][i] * (count - 1)).astype(int)
        label = np.zeros((count, 1), np.float32)
        label[first : last + 1] = 1
        ours = resample(label, int(fixture["max_vlen"]), "zoo")[:, 0]
        assert len(ours) == fixture["sampled_len"][i]
        np.testing.assert_allclose(ours, fixture["sampled_label"][i][: len(ours)], atol=1e-6)
