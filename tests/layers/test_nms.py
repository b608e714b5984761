"""Suppression against a plain loop, and its conventions by hand."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emtm.layers.nms import best_moments, nms, span_iou


def loop(spans: torch.Tensor, scores: torch.Tensor, threshold: float, keep: int, strict: bool) -> list[int]:
    """One span after another, by falling score, the first of equals first."""
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: (-float(scores[i]), i)):
        overlaps = [float(span_iou(spans[i], spans[j])) for j in kept]
        limit = torch.tensor(threshold).item()
        if all(o <= limit if strict else o < limit for o in overlaps):
            kept.append(i)
    return kept[:keep] + [-1] * (keep - len(kept))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.25, 0.5, 0.7]), st.integers(1, 12), st.booleans())
def test_equals_a_loop(seed: int, threshold: float, keep: int, strict: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    # A coarse grid makes equal overlaps and equal scores common.
    start = torch.randint(0, 6, (2, 9), generator=generator).float()
    spans = torch.stack([start, start + torch.randint(1, 6, (2, 9), generator=generator)], 2)
    scores = torch.randint(0, 5, (2, 9), generator=generator) / 4
    found = nms(spans, scores, threshold, keep, strict=strict)
    assert found.tolist() == [loop(s, v, threshold, keep, strict) for s, v in zip(spans, scores, strict=True)]


def test_strictness_decides_at_the_threshold() -> None:
    spans, scores = torch.tensor([[[0.0, 2.0], [0.0, 4.0]]]), torch.tensor([[0.9, 0.8]])
    assert nms(spans, scores, 0.5, 2).tolist() == [[0, 1]]
    assert nms(spans, scores, 0.5, 2, strict=False).tolist() == [[0, -1]]


def test_absent_and_empty_spans() -> None:
    spans = torch.tensor([[[0.0, 1.0], [3.0, 3.0], [5.0, 6.0]]])
    found = nms(spans, torch.tensor([[0.5, 0.9, -torch.inf]]), 0.5, 4)
    assert found.tolist() == [[1, 0, -1, -1]]


def test_iou_by_hand() -> None:
    spans = torch.tensor([[0.0, 4.0], [2.0, 4.0], [4.0, 6.0], [3.0, 2.0]])
    assert span_iou(spans, torch.tensor([0.0, 4.0])).tolist() == [1.0, 0.5, 0.0, 0.0]


def test_best_moments_repeat_the_last() -> None:
    spans, scores = torch.tensor([[[0.0, 4.0], [0.0, 3.0], [6.0, 8.0]]]), torch.tensor([[0.9, 0.8, 0.1]])
    found = best_moments(spans, scores, 0.5, 4)
    expected = torch.tensor([[[0.0, 4.0, 0.9], [6.0, 8.0, 0.1], [6.0, 8.0, 0.1], [6.0, 8.0, 0.1]]])
    torch.testing.assert_close(found, expected)
