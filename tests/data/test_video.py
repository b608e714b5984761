"""Raw video to features: the right pictures at the right times, through the right network."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from emtm.data.features import open_store
from emtm.data.video import FeatureFolder, Sampling, VideoFeatures, extra, find_videos, read_origin
from emtm.data.video.backbone import WEIGHTS_SHA256, Backbone
from emtm.data.video.decoding import pictures, timeline
from emtm.data.video.extraction import extract, picture_batches, pool_frames
from emtm.data.video.network import EfficientNetLite0, SameConv
from emtm.errors import UserError
from tests.shared import SHARED, needs_shared
from tests.videos import needs_video, place_of, turn_clockwise, write_sound, write_video

SAMPLE = SHARED / "data" / "real-sample" / "v_GGSY1Qvo990.mp4"
BARBELL = 422
IRREGULAR = [0.0, 0.1, 0.2, 0.9, 1.0, 2.5, 2.6, 3.9]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return Backbone()


def shown(path: Path, times: list[float]) -> list[int]:
    return [place_of(picture) for picture in pictures(path, times, timeline(path).first_s, 32)]


@needs_video
@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "mpeg4"), ("a.webm", "libvpx-vp9")])
def test_pictures_are_those_on_the_screen(tmp_path: Path, name: str, codec: str) -> None:
    path = write_video(tmp_path / name, [i / 10 for i in range(40)], codec)
    assert timeline(path).duration_s == pytest.approx(4, abs=0.1)
    assert timeline(path).frames == 40
    assert shown(path, [0, 0.05, 0.1, 0.57, 2.35, 3.95]) == [0, 0, 1, 5, 23, 39]
    assert shown(path, [1.11] * 3) == [11, 11, 11]
    assert shown(path, []) == []


@needs_video
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_varying_frame_rate_is_followed_by_its_stamps(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, IRREGULAR)
    assert shown(path, [0.0, 0.15, 0.25, 0.85, 0.95, 2.4, 2.55, 3.8, 3.91]) == [0, 1, 2, 2, 3, 4, 5, 6, 7]


@needs_video
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_time_begins_with_the_first_picture(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, [5 + i / 10 for i in range(40)])
    known = timeline(path)
    assert known.first_s >= 5
    assert known.duration_s == pytest.approx(4, abs=0.1)
    assert shown(path, [0.05, 1.05, 3.95]) == [0, 10, 39]


@needs_video
def test_pixels_that_are_not_square_and_turned_recordings(tmp_path: Path) -> None:
    bar = np.zeros((48, 64, 3), np.uint8)
    bar[:, 16:48] = 240  # Of the 64 columns; with pixels twice as wide the middle square has 24 of them.
    path = write_video(tmp_path / "wide.mp4", [0, 0.1], pictures=[bar, bar], pixel_aspect=Fraction(2))
    (picture,) = pictures(path, [0.0], 0.0, 48)
    assert picture.mean() == pytest.approx(240, abs=4)
    path = write_video(tmp_path / "square.mp4", [0, 0.1], pictures=[bar, bar])
    (picture,) = pictures(path, [0.0], 0.0, 48)
    assert picture[:, :4].mean() < 16
    top = np.zeros((64, 64, 3), np.uint8)
    top[:32] = 240
    path = turn_clockwise(write_video(tmp_path / "turned.mp4", [0, 0.1], pictures=[top, top]))
    (picture,) = pictures(path, [0.0], 0.0, 64)
    assert picture[:, :28].mean() < 16
    assert picture[:, 36:].mean() > 230


@needs_video
def test_what_is_no_video_is_refused_in_one_sentence(tmp_path: Path) -> None:
    whole = write_video(
        tmp_path / "whole.mp4",
        [i / 10 for i in range(60)],
        pictures=list(np.random.default_rng(0).integers(0, 256, (60, 48, 64, 3), np.uint8)),
    ).read_bytes()
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "junk.mp4").write_bytes(b"no video" * 1000)
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    noise = np.random.default_rng(1).integers(0, 256, len(whole) // 4, np.uint8).tobytes()
    middle = len(whole) // 2
    (tmp_path / "hurt.mp4").write_bytes(whole[:middle] + noise + whole[middle + len(noise) :])
    write_sound(tmp_path / "sound.m4a")
    for name, why in {
        "empty.mp4": "is no video or is damaged",
        "junk.mp4": "is no video or is damaged",
        "cut.mp4": "is no video or is damaged",
        "hurt.mp4": "is no video or is damaged",
        "sound.m4a": "has no video stream, only sound",
        "absent.mp4": "there is no video",
    }.items():
        with pytest.raises(UserError, match=why) as caught:
            shown(tmp_path / name, [0.0, 1.0, 5.9])
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_without_the_packages_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for call in (extra.require, extra.weights_file, Backbone, lambda: timeline(tmp_path / "a.mp4")):
        with pytest.raises(UserError, match=r"needs av and .*: pip install 'emtm-bench\[video\]'"):
            call()


def test_sampling_divides_a_video_evenly() -> None:
    sampling = Sampling(fps=2, clip_s=1)
    assert [sampling.rows(s) for s in (0.04, 0.9, 1.4, 18.04, 30.6)] == [1, 1, 1, 18, 31]
    times = sampling.times_s(18.04)
    assert len(times) == 36
    assert times[0] == pytest.approx(18.04 / 72)
    assert np.ptp(np.diff(times)) < 1e-9
    assert times[-1] < 18.04
    assert Sampling(fps=0.5, clip_s=2).frames_per_row == 1
    for fps, clip_s in ((2.5, 1), (0.1, 1), (0, 1), (1, float("nan")), (1, float("inf")), (1000, 1)):
        with pytest.raises(UserError):
            Sampling(fps, clip_s)


def test_a_row_is_the_mean_of_its_frames() -> None:
    rows = pool_frames(torch.arange(12.0).reshape(6, 2), Sampling(fps=3, clip_s=1))
    assert rows.tolist() == [[2.0, 3.0], [8.0, 9.0]]
    assert rows.dtype == np.float32


def test_same_padding_puts_the_odd_zero_below_and_right() -> None:
    layer = SameConv(1, 1, 3, stride=2)
    torch.nn.init.ones_(layer.weight)
    # Over 4 rows a stride of two looks at rows 0-2 and 2-4, the last of which is padding.
    assert layer(torch.ones(1, 1, 4, 4))[0, 0].tolist() == [[9.0, 6.0], [6.0, 4.0]]


def test_the_network_has_the_published_size() -> None:
    with torch.device("meta"):
        network = EfficientNetLite0()
        assert network(torch.zeros(2, 3, 224, 224)).shape == (2, 1280)
    # 4.7 M in the authors' table, classifier included.
    assert sum(p.numel() for p in network.parameters()) == 4_652_008


@needs_video
def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = bytearray(extra.weights_file().read_bytes())
    assert hashlib.sha256(content).hexdigest() == WEIGHTS_SHA256
    content[-1] ^= 1
    (tmp_path / "weights.pth").write_bytes(content)
    monkeypatch.setattr("emtm.data.video.backbone.weights_file", lambda: tmp_path / "weights.pth")
    with pytest.raises(UserError, match="does not hold the weights"):
        Backbone()


@needs_video
def test_the_backbone_is_frozen_and_treats_each_frame_alone(backbone: Backbone) -> None:
    assert not backbone.network.training
    assert not any(p.requires_grad for p in backbone.network.parameters())
    frames = list(np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8))
    together = backbone.features(frames)
    assert together.shape == (3, 1280)
    assert float((together - torch.cat([backbone.features([frame]) for frame in frames])).abs().max()) < 1e-4
    assert float((together[0] - together[1]).abs().max()) > 0.1


@needs_video
@needs_shared
@pytest.mark.slow
def test_a_real_video_of_weight_lifting_is_recognised(backbone: Backbone) -> None:
    sampling = Sampling(fps=2, clip_s=1)
    known = timeline(SAMPLE)
    assert known.duration_s == pytest.approx(18.04, abs=0.1)
    found = torch.cat([backbone.classify(batch) for batch in picture_batches(SAMPLE, sampling, known)])
    assert len(found) == 36
    # With the normalisation that the package recommends it is fewer, and less sure of them.
    assert int((found.argmax(1) == BARBELL).sum()) >= 35
    assert float(found[:, BARBELL].mean()) > 0.7


@needs_video
def test_features_of_a_long_video_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mp4", [i / 10 for i in range(200)])
    sampling = Sampling(fps=10, clip_s=1)
    sizes = [len(batch) for batch in picture_batches(path, sampling, timeline(path))]
    assert max(sizes) == 16
    assert sum(sizes) == 200
    tracemalloc.start()
    for _ in picture_batches(path, sampling, timeline(path)):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All frames at once are 30 MB.
    assert peak < 12e6


@needs_video
def test_extraction_orders_rows_by_time(tmp_path: Path, backbone: Backbone) -> None:
    dark, light = (np.full((48, 64, 3), value, np.uint8) for value in (10, 240))
    path = write_video(tmp_path / "a.mp4", [i / 10 for i in range(40)], pictures=[dark] * 20 + [light] * 20)
    heard: list[tuple[int, int]] = []
    found = extract(path, Sampling(), backbone, lambda done, total: heard.append((done, total)))
    assert found.rows.shape == (4, 1280)
    assert found.rows.dtype == np.float32
    assert heard[-1] == (8, 8)
    assert np.abs(found.rows[0] - found.rows[1]).max() < 1e-3
    assert np.abs(found.rows[2] - found.rows[3]).max() < 1e-3
    assert np.abs(found.rows[1] - found.rows[2]).max() > 0.1


def rows(count: int) -> VideoFeatures:
    return VideoFeatures(np.ones((count, 1280), np.float32), float(count), 2 * count)


def test_a_folder_is_a_feature_store_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "v1.mp4").write_bytes(b"one")
    out, sampling = tmp_path / "new" / "features", Sampling()
    folder = FeatureFolder(out, sampling)
    assert folder.find(tmp_path / "v1.mp4") is None
    assert not out.exists()
    folder.add(tmp_path / "v1.mp4", rows(3))
    store = open_store(out)
    assert (store.dim, store.shape("v1")) == (1280, (3, 1280))
    assert sorted(p.name for p in out.iterdir()) == ["origin.json", "v1.npy", "videos.jsonl"]
    assert read_origin(out) == sampling.origin()
    assert Sampling.of(sampling.origin()) == sampling


def test_a_folder_goes_on_where_it_stopped(tmp_path: Path) -> None:
    video = tmp_path / "v1.mp4"
    video.write_bytes(b"one")
    out = tmp_path / "features"
    record = FeatureFolder(out, Sampling()).add(video, rows(3))
    with (out / "videos.jsonl").open("a") as file:
        file.write('{"video_id": "v2", "size_by')  # The power failed here.
    assert FeatureFolder(out, Sampling()).find(video) == record
    video.write_bytes(b"another")
    assert FeatureFolder(out, Sampling()).find(video) is None
    video.write_bytes(b"two")
    (out / "v1.npy").unlink()
    assert FeatureFolder(out, Sampling()).find(video) is None


def test_a_folder_of_other_features_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v1.mp4").touch()
    FeatureFolder(tmp_path / "a", Sampling()).add(tmp_path / "v1.mp4", rows(1))
    with pytest.raises(UserError, match="another fps, frames_per_row"):
        FeatureFolder(tmp_path / "a", Sampling(fps=4))
    (tmp_path / "b").mkdir()
    np.save(tmp_path / "b" / "x.npy", np.ones((2, 1024), np.float32))
    with pytest.raises(UserError, match="not extracted here"):
        FeatureFolder(tmp_path / "b", Sampling())
    with pytest.raises(UserError, match="is not a folder"):
        FeatureFolder(tmp_path / "v1.mp4", Sampling())
    (tmp_path / "a" / "origin.json").write_text("[")
    with pytest.raises(UserError, match="is damaged"):
        FeatureFolder(tmp_path / "a", Sampling())


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "v1.mp4").touch()
    with pytest.raises(UserError, match="cannot write to"):
        FeatureFolder(tmp_path / "v1.mp4" / "in", Sampling()).add(tmp_path / "v1.mp4", rows(1))


def test_features_of_another_origin_are_not_those_of_here() -> None:
    origin = Sampling().origin()
    for change in ({"weights_sha256": "0"}, {"backbone": "i3d"}, {"fps": "two"}, {"pooling": "max"}):
        with pytest.raises(UserError, match="made with"):
            Sampling.of({**origin, **change})
    assert json.loads(json.dumps(origin)) == origin


def test_videos_are_found_below_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    for name in ("a/x.mp4", "a/deep/y.MKV", "a/notes.txt"):
        (tmp_path / name).touch()
    assert [p.name for p in find_videos([tmp_path / "a", tmp_path / "a" / "x.mp4"])] == ["y.MKV", "x.mp4"]
    (tmp_path / "x.avi").touch()
    with pytest.raises(UserError, match="would both be video 'x'"):
        find_videos([tmp_path])
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="no video below"):
        find_videos([tmp_path / "none"])
    with pytest.raises(UserError, match="there is no"):
        find_videos([tmp_path / "absent"])
