"""TSGVZoo's targets on hand-made moments."""

import numpy as np
import pytest
import torch

from emtm.parity.zoo_targets import clips_to_fractions, marked_clips, marked_span, sparse_moments


def span(start: float, end: float, rows: int, max_clips: int) -> tuple[int, int]:
    return marked_span(marked_clips(np.array([start, end]), rows, max_clips))


def test_moment_on_the_rows_themselves() -> None:
    """0.25 and 0.75 of the way from the first of nine rows to the last."""
    assert marked_clips(np.array([0.25, 0.75]), 9, 16).tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert span(0.25, 0.75, 9, 16) == (2, 6)
    assert span(0.0, 1.0, 1, 16) == (0, 0)


def test_marks_are_shared_out_when_rows_are_pooled() -> None:
    """Row 3 of eight; clips begin at rows 0, 2, 4 and 5, rounded half to even."""
    marks = marked_clips(np.array([3 / 7, 3 / 7]), 8, 4)
    assert marks.tolist() == [0.0, 0.5, 0.0, 0.0]
    assert marked_span(marks) == (1, 1)


def test_short_video_is_stretched_by_samelen_alone() -> None:
    assert len(marked_clips(np.array([0.0, 0.5]), 5, 8)) == 5
    assert len(marked_clips(np.array([0.0, 0.5]), 5, 8, "zoo-samelen")) == 8


@pytest.mark.parametrize(("clips", "lengths"), [(8, [0, 1, 2, 4]), (16, [0, 1, 2, 3, 4, 6, 8, 12])])
def test_moments_keep_every_start(clips: int, lengths: list[int]) -> None:
    mask = sparse_moments(clips)
    assert mask.sum().item() == sum(clips - offset for offset in lengths)
    assert all(mask.diagonal(offset).all() for offset in lengths)


def test_published_end_is_where_the_last_clip_begins() -> None:
    first, last, clips = torch.tensor([0, 3]), torch.tensor([4, 3]), torch.tensor([5, 6])
    sound = clips_to_fractions(first, last, clips)
    assert sound.flatten().tolist() == pytest.approx([0.0, 1.0, 0.5, 4 / 6])
    published = clips_to_fractions(first, last, clips, official=True)
    assert published.flatten().tolist() == pytest.approx([0.0, 0.8, 0.5, 0.5])
