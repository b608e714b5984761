"""Time and index, pooling of clips, and alignment of teachers' labels against EMTM's code (`emtm_data_*`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile

import torch

from emtm.data.distributions import official_align
from emtm.data.features import pool_clips
from emtm.data.labels import index_to_time, time_to_index
from emtm.parity.fixture import Check, Fixture, Row

NAME = "emtm"


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.marked_by("t2i/start_time", "samp/in_0", "align/in_0"):
        return check_data
    return None


def check_data(fixture: Fixture) -> Iterator[Row]:
    """Every case of the three functions."""
    length = int(fixture.config()["max_vlen"])
    times = [fixture.array(f"t2i/{name}", "Q") for name in ("start_time", "end_time", "num_units", "duration")]
    start, end = time_to_index(*times)
    back_start, back_end = index_to_time(
        *(fixture.array(f"t2i/{name}_index", "Q") for name in ("start", "end")), *times[2:]
    )
    for name, value in (
        ("start_index", start),
        ("end_index", end),
        ("back_start", back_start),
        ("back_end", back_end),
    ):
        yield fixture.row(NAME, f"t2i/{name}", value, fixture[f"t2i/{name}"])
    for k in _cases(fixture, "samp"):
        pooled = pool_clips(fixture.array(f"samp/in_{k}", ".."), length, official=True)
        yield fixture.row(NAME, f"samp/out_{k}", pooled, fixture[f"samp/out_{k}"])
    for k in _cases(fixture, "align"):
        label = fixture.features(f"align/in_{k}", "2.")
        clips = torch.tensor([int(fixture.scalar(f"align/vlen_{k}"))])
        aligned = official_align(label[None], clips, length)[0]
        yield fixture.row(NAME, f"align/out_{k}", aligned, fixture[f"align/out_{k}"])


def _cases(fixture: Fixture, kind: str) -> Iterator[int]:
    """Numbers of the cases of one kind, from 0 on."""
    return takewhile(lambda k: f"{kind}/in_{k}" in fixture, count())
