"""What holds for every model that scores start and end clips."""

from dataclasses import replace

import pytest
import torch

from emtm.layers.span.decoding import SpanGroundingModel

from .helpers import ragged_batch
from .tiny import SUBJECTS, Subject

SPANS = [subject for subject in SUBJECTS if issubclass(subject.kind, SpanGroundingModel)]
LEAKING = [subject for subject in SPANS if subject.name != "emb"]
"""EMB's published waste never reaches its spans; a test of its own says so."""


@pytest.mark.parametrize("subject", LEAKING, ids=str)
def test_official_mode_leaks_padding(subject: Subject) -> None:
    """The published behaviour that the default mends: without it the option would mean nothing."""
    model, batch = subject.build(official=True), ragged_batch([20, 7], [9, 3], num_words=10)
    with torch.no_grad():
        together = model.span_distribution(model(batch))[1, :, :7]
        video = model.encode_video(batch.video[1:, :7], batch.video_mask[1:, :7])
        query = model.encode_query(batch.word_ids[1:, :3], batch.char_ids[1:, :3])
        alone = model.span_distribution(model.ground(video, query))
    assert (together - alone[0]).abs().max() > 1e-4


@pytest.mark.parametrize("subject", SPANS, ids=str)
def test_official_and_default_agree_without_padding(subject: Subject) -> None:
    """Masking changes nothing when there is nothing to mask."""
    batch = ragged_batch([16, 16], [6, 6], chars=6, num_words=10)
    filled = torch.randint(1, 16, batch.char_ids.shape, generator=torch.Generator().manual_seed(1))
    batch = replace(batch, char_ids=filled)
    default, official = subject.build(), subject.build(official=True)
    # What published code has besides is there for nothing.
    assert official.load_state_dict(default.state_dict(), strict=False).unexpected_keys == []
    with torch.no_grad():
        results = [model.span_distribution(model(batch)) for model in (default, official)]
    torch.testing.assert_close(*results, atol=1e-6, rtol=1e-5)
