"""CCA: concepts, and how the batch leaks into the published predictions."""

import pytest
import torch

from baselines.cca import propagation, related
from emtm.data.text import Lexicon
from emtm.errors import UserError
from emtm.registry import model_class, preset

from .helpers import ragged_batch
from .maps import small_map_model


def test_published_attention_runs_over_the_batch() -> None:
    """The defect that the default mends: without it the option would mean nothing."""
    batch = ragged_batch([32, 32], [6, 6])
    for official in (True, False):
        model = small_map_model("cca", official=official)
        with torch.no_grad():
            together = model.span_distribution(model(batch))[0]
            video = model.encode_video(batch.video[:1], batch.video_mask[:1])
            query = model.encode_query(batch.word_ids[:1], batch.char_ids[:1])
            alone = model.span_distribution(model.ground(video, query))[0]
        assert (float((together - alone).abs().max()) > 1e-4) == official


def test_normalised_adjacency_by_hand() -> None:
    found = propagation(torch.tensor([[1.0, 3.0], [0.0, 1.0]]))
    # Row sums 4 and 1; the entry (0, 1) moves to (1, 0), over the root of 4 times 1.
    torch.testing.assert_close(found, torch.tensor([[0.25, 0.0], [1.5, 1.0]]))


def test_official_and_default_concepts_are_the_same() -> None:
    official, default = small_map_model("cca", official=True), small_map_model("cca")
    with torch.no_grad():
        torch.testing.assert_close(official.graph(), default.graph(), atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(default.graph().norm(dim=1), torch.ones(8))


def test_related_concepts_share_a_quarter() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.8, 0.2], [0.0, 1.0]])
    found = related(vectors, 0.5)
    assert found.diagonal().tolist() == [1.0] * 4
    torch.testing.assert_close(found[:3, :3].sum(0), torch.full((3,), 1.25), atol=1e-5, rtol=0)
    assert found[3].tolist() == found[:, 3].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_a_short_vocabulary_leaves_concepts_empty() -> None:
    kind = model_class("cca")
    config = small_map_model("cca").config
    model = kind(config, Lexicon(torch.randn(3, 12), 16)).eval()
    assert (model.graph.concepts[3:] == 0).all()
    batch = ragged_batch([20], [3])
    batch.word_ids.clamp_(max=4)
    assert model.span_distribution(model(batch)).isfinite().all()


def test_there_is_no_configuration_for_charades() -> None:
    with pytest.raises(UserError, match="cca"):
        preset("cca", "charades-sta")
