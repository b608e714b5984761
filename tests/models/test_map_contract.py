"""What the contract promises, for every model that scores a moment map."""

from dataclasses import replace

import pytest
import torch

from bench.backends.eager import take_rows

from .helpers import ragged_batch
from .maps import NAMES, small_map_model

CLIPS, WORDS = [20, 7, 13, 1, 32], [9, 3, 6, 1, 12]


@pytest.mark.parametrize("name", NAMES)
def test_prediction_does_not_depend_on_batch_mates(name: str) -> None:
    model, batch = small_map_model(name), ragged_batch(CLIPS, WORDS)
    with torch.no_grad():
        output = model(batch)
        together, found = model.span_distribution(output), model.moments(output, batch.duration_s, 3)
        for i, (clips, words) in enumerate(zip(CLIPS, WORDS, strict=True)):
            row = slice(i, i + 1)
            video = model.encode_video(batch.video[row, :clips], batch.video_mask[row, :clips])
            query = model.encode_query(batch.word_ids[row, :words], batch.char_ids[row, :words])
            alone = model.ground(video, query)
            spans = model.span_distribution(alone)
            torch.testing.assert_close(together[i, :, :clips], spans[0], atol=1e-6, rtol=1e-5)
            moments = model.moments(alone, batch.duration_s[row], 3)
            torch.testing.assert_close(found[row], moments, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_padding_is_never_read(name: str) -> None:
    model, batch = small_map_model(name), ragged_batch([20, 7], [9, 3])
    spoiled = torch.where(batch.video_mask.unsqueeze(2), batch.video, 1e3)
    with torch.no_grad():
        clean, dirty = (model.span_distribution(model(b)) for b in (batch, replace(batch, video=spoiled)))
    torch.testing.assert_close(clean, dirty, rtol=0, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_span_distribution_is_a_distribution_over_valid_clips(name: str) -> None:
    model, batch = small_map_model(name), ragged_batch(CLIPS, WORDS)
    with torch.no_grad():
        spans = model.span_distribution(model(batch))
    assert spans.shape == (5, 2, 32)
    torch.testing.assert_close(spans.sum(2), torch.ones(5, 2))
    assert (spans >= 0).all()
    assert (spans.transpose(1, 2)[~batch.video_mask] == 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("top_k", [1, 5, 40])
def test_moments_lie_in_the_video_best_first(name: str, top_k: int) -> None:
    model, batch = small_map_model(name), ragged_batch([20, 7, 13], [9, 3, 6])
    with torch.no_grad():
        moments = model.moments(model(batch), batch.duration_s, top_k)
    assert moments.shape == (3, top_k, 3)
    start, end, score = moments.unbind(2)
    assert (start >= 0).all()
    assert (end > start).all()
    assert (end <= batch.duration_s[:, None] + 1e-4).all()
    assert (score.diff(dim=1) <= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_moments_of_one_query_overlap_little(name: str) -> None:
    model, batch = small_map_model(name, nms_iou=0.3), ragged_batch([20], [9])
    with torch.no_grad():
        found = model.moments(model(batch), batch.duration_s, 3)[0]
    for i in range(3):
        for j in range(i):
            shared = torch.minimum(found[i, 1], found[j, 1]) - torch.maximum(found[i, 0], found[j, 0])
            joined = torch.maximum(found[i, 1], found[j, 1]) - torch.minimum(found[i, 0], found[j, 0])
            assert shared / joined <= 0.3 or torch.equal(found[i], found[j])


@pytest.mark.parametrize("name", NAMES)
def test_official_and_default_predict_alike_for_one_sample(name: str) -> None:
    """Published waste reaches no prediction where there is neither padding nor a batch."""
    batch = ragged_batch([32], [6])
    official = small_map_model(name, official=True)
    default = small_map_model(name, official=False)
    _copy(official, default)
    with torch.no_grad():
        one, other = (m.span_distribution(m(batch)) for m in (official, default))
    torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def _copy(official: torch.nn.Module, default: torch.nn.Module) -> None:
    """Weights of the official model into the default one, whose attention keeps the values alone."""
    state, kept = official.state_dict(), default.state_dict()
    for name in kept:
        if name in state and kept[name].shape == state[name].shape:
            kept[name] = state[name]
    if "mixer.value.weight" in kept:
        for kind in ("weight", "bias"):
            kept[f"mixer.value.{kind}"] = state[f"mixer.self_attn.in_proj_{kind}"].chunk(3)[2]
            for theirs, ours in {"self_attn.out_proj": "out", "linear1": "inner", "linear2": "outer"}.items():
                kept[f"mixer.{ours}.{kind}"] = state[f"mixer.{theirs}.{kind}"]
            for number in "12":
                kept[f"mixer.norm_{number}.{kind}"] = state[f"mixer.norm{number}.{kind}"]
    default.load_state_dict(kept)


@pytest.mark.parametrize("name", NAMES)
def test_loss_reaches_every_trainable_parameter(name: str) -> None:
    model, batch = small_map_model(name), ragged_batch(CLIPS, WORDS)
    model.prepare_training(0)
    model.train()
    losses = model.loss(model(batch), batch)
    losses.total.backward()
    assert losses.total.isfinite()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_inference_parameter_reaches_the_prediction(name: str) -> None:
    model, batch = small_map_model(name), ragged_batch(CLIPS, WORDS)
    output = model(batch)
    (model.span_distribution(output).square().sum() + model.moments(output, batch.duration_s)[..., 2].sum()).backward()
    dead = {n.split(".")[0] for n, p in model.named_parameters() if p.grad is None}
    # Map scores choose BAN-APR's proposals, through a sort that has no gradient.
    assert dead == ({"map_score"} if name == "ban-apr" else set())


@pytest.mark.parametrize("name", NAMES)
def test_training_lowers_the_loss_and_inference_state_restores_predictions(name: str) -> None:
    model, batch = small_map_model(name), ragged_batch(CLIPS, WORDS)
    model.prepare_training(0)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    history = []
    for _ in range(25):
        losses = model.loss(model(batch), batch)
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
        history.append(float(losses.terms["map"].detach()))
    assert sum(history[-5:]) < 0.8 * sum(history[:5])
    fresh = small_map_model(name, seed=1)
    fresh.load_state_dict(model.inference_state())
    with torch.no_grad():
        one, other = (m.eval().span_distribution(m(batch)) for m in (model, fresh))
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_loss_needs_targets(name: str) -> None:
    model, batch = small_map_model(name), replace(ragged_batch(CLIPS, WORDS), targets=None)
    with pytest.raises(ValueError, match="no targets"):
        model.loss(model(batch), batch)


@pytest.mark.parametrize("name", NAMES)
def test_an_encoded_video_serves_several_queries(name: str) -> None:
    """A cached encoding, repeated by rows, grounds as if it had been encoded for each query."""
    model, batch = small_map_model(name), ragged_batch([20, 7], [9, 3])
    with torch.no_grad():
        video = take_rows(model.encode_video(batch.video, batch.video_mask), torch.tensor([1, 1]))
        both = model.span_distribution(model.ground(video, model.encode_query(batch.word_ids, batch.char_ids)))
        whole = model.span_distribution(model(batch))
    torch.testing.assert_close(both[1], whole[1], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("tan2d", {"pooling_counts": (16,)}, "no moments of 17 clips"),
        ("tan2d", {"min_iou": 0.7, "max_iou": 0.7}, "not below max_iou"),
        ("tan2d", {"max_clips": 24}, "no multiple of map_clips"),
        ("tan2d", {"kernel": 4}, "odd"),
        ("cca", {"num_concepts": 9}, "multiple of 8"),
        ("cca", {"pool_kernel": 3}, "more than the rows"),
        ("ban-apr", {"peaks": 400}, "more than the map's"),
        ("ban-apr", {"dim": 18}, "multiple of 4"),
    ],
)
def test_unfit_sizes_are_refused(name: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_map_model(name, **changes)
