"""Every output form as start and end distributions: closed forms, and what must hold for any input."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from emtm.data.distributions import (
    from_moment_map,
    from_spans,
    official_align,
    official_from_spans,
    official_gaussian,
    resample,
)

many = settings(deadline=None, max_examples=60)
seeds = st.integers(0, 10_000)
counts = st.lists(st.integers(1, 20), min_size=1, max_size=4)


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def check_distribution(result: Tensor, num_clips: Tensor) -> None:
    assert result.dtype == torch.float32
    assert (result >= 0).all()
    torch.testing.assert_close(result.sum(2), torch.ones(result.shape[:2]))
    padding = torch.arange(result.shape[2]) >= num_clips[:, None]
    assert (result * padding[:, None] == 0).all()


def reversed_in_time(distribution: Tensor, num_clips: Tensor) -> Tensor:
    """Each sample's valid clips in the opposite order, with the roles of start and end exchanged."""
    out = torch.zeros_like(distribution)
    for target, row, n in zip(out, distribution, num_clips.tolist(), strict=True):
        target[:, :n] = row[:, :n].flip(0, 1)
    return out


def random_distribution(clips: Tensor, length: int, seed: int) -> Tensor:
    mass = torch.rand(len(clips), 2, length, generator=rng(seed)) * (torch.arange(length) < clips[:, None])[:, None]
    return mass / mass.sum(2, keepdim=True)


def random_spans(batch: int, number: int, seed: int) -> tuple[Tensor, Tensor]:
    spans = torch.rand(batch, number, 2, generator=rng(seed)).sort(2).values
    return spans, torch.rand(batch, number, generator=rng(seed + 1))


def test_map_marginals_by_hand() -> None:
    scores = torch.tensor([[[0.1, 0.4, 0.2], [0.0, 0.3, 0.8], [0.0, 0.0, 0.2]]])
    start, end = from_moment_map(scores)[0]
    torch.testing.assert_close(start, torch.tensor([0.4, 0.8, 0.2]) / 1.4)
    torch.testing.assert_close(end, torch.tensor([0.1, 0.4, 0.8]) / 1.3)
    start, end = from_moment_map(scores, "sum")[0]
    torch.testing.assert_close(start, torch.tensor([0.7, 1.1, 0.2]) / 2.0)
    torch.testing.assert_close(end, torch.tensor([0.1, 0.7, 1.2]) / 2.0)
    start, _ = from_moment_map(scores, norm="l2")[0]
    torch.testing.assert_close(start, torch.tensor([0.4, 0.8, 0.2]) / math.sqrt(0.84))


@many
@given(st.integers(1, 12), seeds)
def test_map_marginals(cells: int, seed: int) -> None:
    scores = torch.rand(3, cells, cells, generator=rng(seed)).triu()
    best = scores.flatten(1).argmax(1)
    for reduce in ("max", "sum"):
        result = from_moment_map(scores, reduce)  # type: ignore[arg-type]
        check_distribution(result, torch.full((3,), cells))
        backward = from_moment_map(scores.flip(1, 2).mT, reduce)  # type: ignore[arg-type]
        torch.testing.assert_close(backward, result.flip(1, 2))
    peaks = from_moment_map(scores).argmax(2)
    torch.testing.assert_close(peaks, torch.stack([best // cells, best % cells], 1))


def test_sum_marginal_of_independent_boundaries_gives_them_back() -> None:
    start, end = torch.tensor([0.7, 0.3, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.4, 0.6])
    torch.testing.assert_close(from_moment_map(torch.outer(start, end)[None], "sum")[0], torch.stack([start, end]))


def test_no_score_at_all_is_uniform_over_valid_clips() -> None:
    assert from_moment_map(torch.zeros(1, 4, 4)).unique().tolist() == [0.25]
    flat = from_spans(torch.rand(1, 3, 2), torch.zeros(1, 3), torch.tensor([2]), 4)
    assert flat[0, 0].tolist() == [0.5, 0.5, 0.0, 0.0]
    assert resample(torch.zeros(1, 2, 3), 3, 2, 3)[0, 1].tolist() == [0.5, 0.5, 0.0]


def test_gaussian_by_hand() -> None:
    """Clips 2 to 5 of 10; a neighbour is 0.2 away on the axis of length 2."""
    result = from_spans(torch.tensor([[[0.2, 0.6]]]), torch.ones(1, 1), torch.tensor([10]), 12, sigma=0.1)[0]
    assert result.argmax(1).tolist() == [2, 5]
    ratios = result[0] / result[0, 2]
    assert ratios[3].item() == pytest.approx(math.exp(-2.0), rel=1e-4)
    assert ratios[1].item() == pytest.approx(math.exp(-2.0), rel=1e-4)
    assert ratios[4].item() == pytest.approx(math.exp(-8.0), rel=1e-4)


@many
@given(counts, st.integers(1, 6), seeds, st.floats(0.01, 1.0))
def test_spans(clips: list[int], number: int, seed: int, sigma: float) -> None:
    num_clips, length = torch.tensor(clips), max(clips) + 2
    spans, scores = random_spans(len(clips), number, seed)
    result = from_spans(spans, scores, num_clips, length, sigma)
    check_distribution(result, num_clips)
    backward = from_spans((1 - spans).flip(2), scores, num_clips, length, sigma)
    torch.testing.assert_close(backward, reversed_in_time(result, num_clips), atol=1e-4, rtol=1e-3)
    alone = from_spans(spans[:1], scores[:1], num_clips[:1], clips[0], sigma)
    torch.testing.assert_close(alone[0], result[0, :, : clips[0]])


@many
@given(st.integers(1, 40), st.data())
def test_peaks_are_the_first_and_last_clip_of_the_best_span(clips: int, data: Any) -> None:
    first = data.draw(st.integers(0, clips - 1))
    last = data.draw(st.integers(first, clips - 1))
    span = torch.tensor([[[first / clips, (last + 1) / clips], [0.5, 0.5]]])
    result = from_spans(span, torch.tensor([[1.0, 1e-9]]), torch.tensor([clips]), clips + 3)
    assert result.argmax(2)[0].tolist() == [first, last]


def test_of_distant_spans_the_better_one_wins_at_the_border_too() -> None:
    spans = torch.tensor([[[0.0, 0.1], [0.5, 0.9]]])
    for scores in ([[0.8, 0.7]], [[0.7, 0.8]]):
        start = from_spans(spans, torch.tensor(scores), torch.tensor([20]), 20)[0, 0]
        assert start.argmax() == (0 if scores[0][0] > scores[0][1] else 10)
        assert (start[0] / start[10]).item() == pytest.approx(scores[0][0] / scores[0][1], rel=1e-3)


def test_span_inside_one_clip_and_span_outside_the_video() -> None:
    inside = from_spans(torch.tensor([[[0.55, 0.58]]]), torch.ones(1, 1), torch.tensor([4]), 4)
    assert inside.argmax(2)[0].tolist() == [2, 2]
    outside = from_spans(torch.tensor([[[-0.4, 1.7]]]), torch.ones(1, 1), torch.tensor([8]), 8)
    assert outside.argmax(2)[0].tolist() == [0, 7]


@many
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=4), seeds)
def test_resample(pairs: list[tuple[int, int]], seed: int) -> None:
    old, new = (torch.tensor(x) for x in zip(*pairs, strict=True))
    source = random_distribution(old, int(old.max()), seed)
    length = int(new.max()) + 1
    result = resample(source, old, new, length)
    check_distribution(result, new)
    backward = resample(reversed_in_time(source, old), old, new, length)
    torch.testing.assert_close(backward, reversed_in_time(result, new))
    # Values beyond the valid clips are padding, whatever they hold.
    spoiled = source + 5.0 * (torch.arange(source.shape[2]) >= old[:, None])[:, None]
    torch.testing.assert_close(resample(spoiled, old, new, length), result)
    torch.testing.assert_close(resample(source, old, old, source.shape[2]), source)
    for row, (n, m) in enumerate(pairs):
        if m >= n:
            plain = torch.nn.functional.interpolate(
                source[row : row + 1, :, :n], size=m, mode="linear", align_corners=True
            )[0]
            torch.testing.assert_close(result[row, :, :m], plain / plain.sum(1, keepdim=True), atol=1e-5, rtol=1e-4)


@many
@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_a_sharp_peak_survives_resampling(old: int, new: int, data: Any) -> None:
    peak = data.draw(st.integers(0, old - 1))
    source = torch.zeros(1, 2, old)
    source[..., peak] = 1.0
    result = resample(source, old, new, new)[0, 0]
    if new <= old:
        target = peak * (new - 1) / max(old - 1, 1)
        assert abs(int(result.argmax()) - target) <= 0.5 + 1e-6
        assert float((result * torch.arange(new)).sum()) == pytest.approx(target, abs=1e-4)
    else:
        # The source clip nearest to the result's peak is the peak.
        assert abs(int(result.argmax()) * (old - 1) / (new - 1) - peak) <= 0.5 + 1e-6 or old == 1


def test_published_interpolation_steps_over_a_peak() -> None:
    source = torch.zeros(1, 2, 9)
    source[..., 3] = 1.0
    assert official_align(source, torch.tensor([3]), 3).sum() == 0
    torch.testing.assert_close(resample(source, 9, 3, 3)[0, 0], torch.tensor([0.25, 0.75, 0.0]))


def test_published_alignment_squeezes_padding_onto_the_video() -> None:
    label = torch.tensor([[[0.0, 0.0, 1.0, 0.0, 0.0]]]).expand(1, 2, 5)
    aligned = official_align(label, torch.tensor([3]), 4)
    assert aligned[0, 0].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert resample(label, 3, 3, 4)[0, 0].tolist() == [0.0, 0.0, 1.0, 0.0]


def test_published_gaussian_drifts_by_up_to_a_clip() -> None:
    peaks = official_gaussian(torch.arange(48)[None], torch.tensor([48]), 48)[0].argmax(1)
    assert peaks[0] == 0
    assert peaks[47] == 46


def test_published_sums_carry_the_sample_before() -> None:
    start, end = torch.tensor([[2], [10]]), torch.tensor([[5], [14]])
    scores = torch.ones(2, 1)
    reset = official_from_spans(start, end, scores, 16)
    leaked = official_from_spans(start, end, scores, 16, accumulate=True)
    torch.testing.assert_close(reset[0], leaked[0])
    torch.testing.assert_close(reset.norm(dim=2), torch.ones(2, 2))
    assert reset[1, 0, 2] < 1e-4
    assert leaked[1, 0, 2] > 0.1
