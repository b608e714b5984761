import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from emtm.data.labels import highlight_labels, index_to_time, match_labels, soft_span_labels, time_to_index
from tests.shared import SHARED, needs_shared

CLIPS = st.integers(1, 64)
DURATION = st.floats(1, 1500)
FRACTION = st.floats(0, 1)


def argmax_iou(start: float, end: float, clips: int, duration: float) -> tuple[int, int]:
    """The definition: the first of the largest entries of the full table."""
    bounds = np.arange(clips + 1, dtype=np.float32) / np.float32(clips) * np.float32(duration)
    left, right = bounds[:-1, None].astype(float), bounds[None, 1:].astype(float)
    overlap = np.maximum(np.minimum(right, end) - np.maximum(left, start), 0)
    best = int((overlap / (np.maximum(right, end) - np.minimum(left, start))).argmax())
    return best // clips, best % clips


@pytest.mark.parametrize(
    ("moment", "clips", "duration", "expected"),
    [
        ((0.0, 10.0), 10, 10.0, (0, 9)),
        ((2.0, 5.0), 10, 10.0, (2, 4)),
        ((2.4, 5.4), 10, 10.0, (2, 4)),
        ((2.6, 5.6), 10, 10.0, (3, 5)),
        ((3.1, 3.2), 10, 10.0, (3, 3)),
        ((9.5, 12.0), 10, 10.0, (9, 9)),
        ((0.5, 1.5), 2, 2.0, (0, 1)),  # IoU 1/3 with either clip, 1/2 with both
        ((4.0, 4.0), 10, 10.0, (0, 0)),
        ((11.0, 12.0), 10, 10.0, (0, 0)),
    ],
)
def test_time_to_index_by_hand(
    moment: tuple[float, float], clips: int, duration: float, expected: tuple[int, int]
) -> None:
    assert time_to_index(*moment, clips, duration) == expected


@given(CLIPS, DURATION, FRACTION, FRACTION)
def test_time_to_index_is_the_argmax_of_the_full_table(clips: int, duration: float, a: float, b: float) -> None:
    start, end = sorted((a * duration, b * duration))
    assume(end - start > 1e-3)
    assert time_to_index(start, end, clips, duration) == argmax_iou(start, end, clips, duration)


@given(CLIPS, DURATION, FRACTION, FRACTION)
def test_round_trip_moves_no_boundary_by_more_than_a_clip(clips: int, duration: float, a: float, b: float) -> None:
    start, end = sorted((a * duration, b * duration))
    assume(end - start > 1e-3)
    found = index_to_time(*time_to_index(start, end, clips, duration), clips, duration)
    assert np.abs(np.subtract(found, (start, end))).max() <= duration / clips * (1 + 1e-4)


@given(CLIPS, DURATION, st.data())
def test_whole_clips_survive_the_round_trip(clips: int, duration: float, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, clips - 1))
    last = data.draw(st.integers(first, clips - 1))
    assert time_to_index(*index_to_time(first, last, clips, duration), clips, duration) == (first, last)


def test_arrays_and_tensors_give_their_own_kind() -> None:
    start, end = time_to_index(np.array([0.0, 2.0]), np.array([10.0, 5.0]), np.array([10, 5]), 10.0)
    assert start.tolist() == [0, 1] and end.tolist() == [9, 2]
    left, right = index_to_time(torch.tensor([0, 2]), torch.tensor([9, 4]), 10, torch.tensor([10.0, 20.0]))
    assert left.tolist() == [0, 4] and right.tolist() == [10, 10]


def test_soft_labels_by_hand() -> None:
    labels = soft_span_labels(torch.tensor([2, 0, 3, 0]), torch.tensor([5, 4, 4, 1]), 5)
    expected = [[0, 0.25, 0.5, 0.25, 0], [0.75, 0.25, 0, 0, 0], [0, 0, 0.25, 0.75, 0], [1, 0, 0, 0, 0]]
    torch.testing.assert_close(labels, torch.tensor(expected))
    assert labels[0, 0] > 0, "valid clips keep a floor"
    assert labels[1, 4] == 0, "padding has none"


@given(CLIPS, st.data())
def test_soft_labels_sum_to_one(clips: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, clips - 1))
    labels = soft_span_labels(torch.tensor([index]), torch.tensor([clips]), 70)
    assert labels.sum().item() == pytest.approx(1)
    assert labels.argmax().item() == index
    assert (labels[0, clips:] == 0).all()


def test_match_labels_by_hand() -> None:
    start, end = torch.tensor([2, 4, 0, 1]), torch.tensor([7, 5, 9, 1])
    labels = match_labels(start, end, torch.tensor([10, 10, 10, 2]), 10, extension=1)
    assert labels.tolist() == [
        [0, 1, 1, 1, 2, 2, 3, 3, 3, 0],
        [0, 0, 0, 1, 3, 3, 3, 0, 0, 0],
        [1, 1, 2, 2, 2, 2, 2, 2, 3, 3],
        [3, 3, 0, 0, 0, 0, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize(("length", "margin"), [(1, 0), (5, 0), (6, 1), (15, 2), (25, 2)])
def test_highlight_margin_is_rounded_half_to_even(length: int, margin: int) -> None:
    start = torch.tensor([10])
    labels = highlight_labels(start, start + length - 1, torch.tensor([60]), 64)
    assert labels.nonzero()[:, 1].tolist() == list(range(10 - margin, 10 + length + margin))


def test_highlight_stays_within_the_video() -> None:
    labels = highlight_labels(torch.tensor([0]), torch.tensor([9]), torch.tensor([10]), 12)
    assert labels.tolist() == [[1.0] * 10 + [0.0] * 2]


@needs_shared
def test_vslnet_reference() -> None:
    ref = np.load(SHARED / "fixtures/labels_vslnet_A.npz")
    start, end = time_to_index(ref["start_time"], ref["end_time"], ref["num_units"], ref["duration"])
    np.testing.assert_array_equal(start, ref["start_index"])
    np.testing.assert_array_equal(end, ref["end_index"])
    times = np.stack(index_to_time(start, end, ref["num_units"], ref["duration"]), 1)
    np.testing.assert_allclose(times, ref["roundtrip_times"], rtol=1e-6)
    expected = ref["highlight_labels"]
    clips = torch.from_numpy(ref["num_units"])
    labels = highlight_labels(torch.from_numpy(start), torch.from_numpy(end), clips, expected.shape[1])
    np.testing.assert_array_equal(labels, expected)


@needs_shared
def test_seqpan_reference() -> None:
    ref = np.load(SHARED / "fixtures/labels_seqpan_tf_A.npz")
    start, end, clips = (torch.from_numpy(ref[key]) for key in ("start_index", "end_index", "v_len"))
    length = ref["s_labels"].shape[1]
    np.testing.assert_array_equal(soft_span_labels(start, clips, length), ref["s_labels"])
    np.testing.assert_array_equal(soft_span_labels(end, clips, length), ref["e_labels"])
    np.testing.assert_array_equal(match_labels(start, end, clips, length, 1), ref["match_labels"])


@needs_shared
def test_emtm_index_reference() -> None:
    ref = np.load(SHARED / "fixtures/emtm_data_A.npz")
    time, grid = ("start_time", "end_time"), ("num_units", "duration")
    moment, scale = ([ref[f"t2i/{key}"] for key in keys] for keys in (time, grid))
    found = time_to_index(*moment, *scale)
    np.testing.assert_array_equal(found, [ref["t2i/start_index"], ref["t2i/end_index"]])
    back = index_to_time(*found, *scale)
    np.testing.assert_allclose(back, [ref["t2i/back_start"], ref["t2i/back_end"]], rtol=1e-6)


@needs_shared
@pytest.mark.parametrize("size", ["small", "charades", "tacos"])
def test_emtm_label_reference(size: str) -> None:
    ref = np.load(SHARED / f"fixtures/emtm_losses_A_{size}.npz")
    start, end, clips = (torch.from_numpy(ref[f"in/{key}"]).long() for key in ("s_ind", "e_ind", "video_seq_len"))
    length = ref["in/y1"].shape[1]
    np.testing.assert_array_equal(soft_span_labels(start, clips, length), ref["in/y1"])
    np.testing.assert_array_equal(soft_span_labels(end, clips, length), ref["in/y2"])
    np.testing.assert_array_equal(match_labels(start, end, clips, length, 2), ref["in/match_labels"])
