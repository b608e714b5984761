"""The likeliest moments without a map against those of the map, to the bit."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench.instruments.memory import activation_peak_bytes
from emtm.layers.span import decoding
from emtm.layers.span.decoding import span_moments
from emtm.layers.span.ranges import largest, likeliest_spans, range_maxima

VALUES = st.sampled_from([0.0, 1e-30, 0.1, 0.25, 0.3, 1.0])
"""Few, so that many products are equal, and one whose square is none."""


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20), st.data())
def test_largest_of_a_range(values: list[float], data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(values)))
    behind = data.draw(st.integers(0, len(values)))
    found = largest(range_maxima(torch.tensor([values])), torch.tensor([[begin]]), torch.tensor([[behind]]))
    assert found.item() == max(values[begin:behind], default=0.0)


def both_ways(start: Tensor, end: Tensor, top_k: int) -> tuple[list[Tensor], list[Tensor]]:
    """Start, end and product of each rank, without and with the map."""
    cells = decoding._likeliest_cells(decoding.joint_probability(start, end))
    return tuple(  # type: ignore[return-value]
        [torch.stack(choice, 1) for choice in islice(spans, top_k)] for spans in (likeliest_spans(start, end), cells)
    )


@settings(deadline=None, max_examples=80)
@given(
    st.integers(1, 3).flatmap(
        lambda batch: st.integers(1, 16).flatmap(
            lambda length: st.lists(VALUES, min_size=2 * batch * length, max_size=2 * batch * length).map(
                lambda values: torch.tensor(values).view(2, batch, length)
            )
        )
    ),
    st.integers(1, 9),
)
def test_ranges_choose_as_the_map_does_where_products_tie(distributions: Tensor, top_k: int) -> None:
    found, expected = both_ways(*distributions, top_k)
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize("sharpness", [0.1, 3.0, 40.0])
def test_ranges_choose_as_the_map_does(sharpness: float) -> None:
    torch.manual_seed(0)
    mask = torch.arange(150) < torch.tensor([[150], [149], [1], [70]])
    logits = sharpness * torch.randn(2, 4, 150)
    found, expected = both_ways(*decoding.span_probabilities(logits[0], logits[1], mask), 12)
    assert all(map(torch.equal, found, expected))


def test_moments_are_those_of_published_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    logits, mask = torch.randn(2, 3, 60), torch.arange(60) < torch.tensor([[60], [31], [2]])
    seconds = torch.tensor([60.0, 10.0, 5.0])
    published = span_moments(logits[0], logits[1], mask, seconds, 5, official=True)
    monkeypatch.setattr(decoding, "_SMALL_MAP", 0)
    assert torch.equal(span_moments(logits[0], logits[1], mask, seconds, 5), published)


def test_no_map_of_a_long_video_is_made() -> None:
    clips = 4096
    logits, mask = torch.randn(2, 1, clips), torch.ones(1, clips, dtype=torch.bool)
    peak = activation_peak_bytes(lambda: span_moments(logits[0], logits[1], mask, torch.ones(1), 5))
    assert peak < 4 * clips**2 / 8
