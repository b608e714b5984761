"""What the contract promises, for every registered model and each choice that its configuration offers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.backends.eager import take_rows
from emtm.contract import STAGES, AnyModel
from emtm.data.batch import Batch
from emtm.training.runs import read_tensors, write_tensors
from emtm.training.setup import Objective

from .tiny import CLIPS, MODELS, OFFICIAL, SUBJECTS, VOCABULARY, WORDS, Subject, rouse

NEVER_CONFIGURED = {"cca": {"charades-sta"}, "cpl": {"tacos"}}
"""Benchmarks that the published code of a model has no configuration for."""
AT_REST = {"moment-detr": "decoder.0.self_attention.", "qd-detr": "decoder.layers.0.self_"}
"""Weights that the first step cannot move: the decoder's queries begin as zeros, and these attend among them."""
NOT_SCORED = {"ban-apr": "map_score."}
"""Weights that only choose what is scored, by a sort, which has no gradient."""

by_default = pytest.mark.parametrize("subject", SUBJECTS, ids=str)
either_way = pytest.mark.parametrize("subject", [*SUBJECTS, *OFFICIAL], ids=str)
"""As published too, where padding may leak, but a prediction is one nonetheless."""
each_model = pytest.mark.parametrize("subject", MODELS, ids=str)


@dataclass(frozen=True)
class Grounded:
    """A model in eval mode, what it was given and what it made of it."""

    model: AnyModel
    batch: Batch
    output: Any


@cache
def grounded(subject: Subject) -> Grounded:
    model, batch = rouse(subject), subject.batch()
    with torch.no_grad():
        return Grounded(model, batch, model(batch))


def read(model: AnyModel, output: Any, duration_s: Tensor) -> tuple[Tensor, Tensor]:
    """Span distributions and the four best moments."""
    with torch.no_grad():
        return model.span_distribution(output), model.moments(output, duration_s, 4)


def predict(model: AnyModel, batch: Batch) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        output = model(batch)
    return read(model, output, batch.duration_s)


def assert_same_moments(found: Tensor, expected: Tensor) -> None:
    """Moments `[B, K, 3]`: the same scores, and the same times where a score stands out from the next."""
    torch.testing.assert_close(found[..., 2], expected[..., 2], atol=1e-5, rtol=1e-4)
    apart = expected[..., 2].diff(dim=1).abs() > 1e-5
    alone = F.pad(apart, (1, 0), value=True) & F.pad(apart, (0, 1))
    torch.testing.assert_close(found[alone], expected[alone], atol=1e-4, rtol=1e-4)


def row(batch: Batch, index: int) -> Batch:
    """One sample without any padding, but for the four characters that a word must have."""
    clips, words = int(batch.num_clips[index]), int(batch.query_mask[index].sum())
    chars = max(4, int((batch.char_ids[index] > 0).sum(1).max()))
    one = slice(index, index + 1)
    return Batch(
        video=batch.video[one, :clips],
        video_mask=batch.video_mask[one, :clips],
        word_ids=batch.word_ids[one, :words],
        char_ids=batch.char_ids[one, :words, :chars],
        query_mask=batch.query_mask[one, :words],
        duration_s=batch.duration_s[one],
    )


def assert_forms(model: AnyModel, batch: Batch) -> None:
    """Shapes, distributions over the valid clips, and moments inside the video, the best first."""
    size, length = batch.video_mask.shape
    with torch.no_grad():
        output = model(batch)
        spans = model.span_distribution(output)
    assert spans.shape == (size, 2, length)
    torch.testing.assert_close(spans.sum(2), torch.ones(size, 2))
    assert (spans >= 0).all()
    assert (spans.transpose(1, 2)[~batch.video_mask] == 0).all()
    for top_k in (1, 40):
        with torch.no_grad():
            moments = model.moments(output, batch.duration_s, top_k)
        assert moments.shape == (size, top_k, 3)
        start, end, score = moments.unbind(2)
        assert moments.isfinite().all()
        assert (start >= 0).all()
        # Published rounding to whole clips gives moments that last no time.
        assert (start < end).all() or (model.config.official and (start <= end).all())
        assert (end <= batch.duration_s[:, None] + 1e-4).all()
        assert (score.diff(dim=1) <= 0).all()


def assert_learns(model: AnyModel, batch: Batch) -> dict[str, Tensor | None]:
    """A loss and gradients without a NaN; gives the gradients of all trainable parameters."""
    losses = model.loss(model(batch), batch)
    assert losses.total.shape == ()
    assert all(term.shape == () and term.isfinite() for term in (losses.total, *losses.terms.values()))
    losses.total.backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    assert all(gradient is None or gradient.isfinite().all() for gradient in gradients.values())
    return gradients


@each_model
def test_every_model_names_its_origin_presets_and_stages(subject: Subject) -> None:
    kind = subject.kind
    assert kind.name == subject.name
    assert "compact" in kind.presets
    published = {"charades-sta", "activitynet-captions", "tacos"}
    assert published - set(kind.presets) == NEVER_CONFIGURED.get(subject.name, set())
    assert set(kind.stages.values()) <= set(STAGES)
    built = subject.in_training(), subject.in_training(official=True)
    modules = {name for each in built for name, _ in each.named_modules()}
    assert {*kind.stages, *kind.training_only} <= modules
    assert kind.info.reference_code
    assert kind.info.paper


@either_way
def test_forms(subject: Subject) -> None:
    assert_forms(grounded(subject).model, grounded(subject).batch)


@either_way
def test_queries_of_one_kind_of_word(subject: Subject) -> None:
    """Unknown words alone, verbs alone, nouns alone: models that tell them apart are left with none of a kind."""
    ids = torch.tensor([1, VOCABULARY.index("opens") + 2, VOCABULARY.index("door") + 2]).unsqueeze(1)
    batch = subject.batch((10, 10, 10), (4, 4, 4))
    batch = replace(batch, word_ids=ids.expand_as(batch.word_ids).contiguous())
    assert_forms(grounded(subject).model, batch)
    assert_learns(subject.in_training(), batch)


@pytest.mark.parametrize("subject", [*MODELS, *OFFICIAL], ids=str)
def test_the_longest_video_and_query_beside_the_shortest(subject: Subject) -> None:
    config = subject.config()
    batch = subject.batch((config.max_clips, 1), (config.max_words, 1))
    assert_forms(grounded(subject).model, batch)
    assert_learns(subject.in_training(), batch)


@either_way
def test_fewer_moments_are_the_first_of_more(subject: Subject) -> None:
    model, output, duration = grounded(subject).model, grounded(subject).output, grounded(subject).batch.duration_s
    with torch.no_grad():
        one, five = (model.moments(output, duration, top_k) for top_k in (1, 5))
    torch.testing.assert_close(five[:, :1], one, rtol=0, atol=0)


@either_way
def test_moments_are_in_seconds(subject: Subject) -> None:
    """A video of the same clips that lasts twice as long has the same moments, twice as late."""
    model, output, duration = grounded(subject).model, grounded(subject).output, grounded(subject).batch.duration_s
    once, twice = (read(model, output, seconds)[1] for seconds in (duration, 2 * duration))
    torch.testing.assert_close(twice, once * torch.tensor([2.0, 2.0, 1.0]))


@either_way
def test_prediction_is_the_same_again(subject: Subject) -> None:
    model, batch = grounded(subject).model, grounded(subject).batch
    torch.manual_seed(11)
    expected = read(model, grounded(subject).output, batch.duration_s)
    for found, before in zip(predict(model, batch), expected, strict=True):
        torch.testing.assert_close(found, before, rtol=0, atol=0)


@either_way
def test_prediction_reads_clips_their_order_and_words(subject: Subject) -> None:
    model, batch = grounded(subject).model, subject.batch((12, 12), (6, 6))
    spans = predict(model, batch)[0]
    backwards = batch.video[:, :12].flip(1)
    for changed in (
        replace(batch, video=batch.video.flip(0)),
        replace(batch, video=F.pad(backwards, (0, 0, 0, batch.video.shape[1] - 12))),
        replace(batch, word_ids=batch.word_ids.flip(0)),
    ):
        assert (predict(model, changed)[0] - spans).abs().max() > 1e-4


@either_way
def test_an_encoded_video_serves_several_queries(subject: Subject) -> None:
    """A cached encoding, repeated by rows, grounds as if it had been encoded with each query."""
    model, batch = grounded(subject).model, grounded(subject).batch
    if not model.separable:
        pytest.skip(f"{model.name} says that it cannot split video from query")
    rows = torch.tensor([1, 1])
    with torch.no_grad():
        video = model.encode_video(batch.video, batch.video_mask)
        model.ground(video, model.encode_query(batch.word_ids.flip(0), batch.char_ids.flip(0)))
        output = model.ground(take_rows(video, rows), model.encode_query(batch.word_ids[rows], batch.char_ids[rows]))
    spans, moments = read(model, output, batch.duration_s[rows])
    expected = read(model, grounded(subject).output, batch.duration_s)
    torch.testing.assert_close(spans, expected[0][rows], atol=1e-5, rtol=1e-4)
    assert_same_moments(moments, expected[1][rows])


@by_default
def test_prediction_does_not_depend_on_batch_mates(subject: Subject) -> None:
    model, batch = grounded(subject).model, grounded(subject).batch
    spans, moments = read(model, grounded(subject).output, batch.duration_s)
    for index, clips in enumerate(CLIPS):
        own_spans, own_moments = predict(model, row(batch, index))
        torch.testing.assert_close(spans[index, :, :clips], own_spans[0], atol=1e-5, rtol=1e-4)
        assert_same_moments(own_moments, moments[index : index + 1])


@by_default
def test_padding_changes_nothing(subject: Subject) -> None:
    """Neither more of it nor what stands in it."""
    model, batch = grounded(subject).model, grounded(subject).batch
    clips = min(4, model.config.max_clips - max(CLIPS))
    words = min(3, model.config.max_words - max(WORDS))
    spoiled = torch.where(batch.video_mask.unsqueeze(2), batch.video, 1e3)
    longer = replace(
        batch,
        video=F.pad(spoiled, (0, 0, 0, clips), value=-1e3),
        video_mask=F.pad(batch.video_mask, (0, clips)),
        word_ids=F.pad(batch.word_ids, (0, words)),
        char_ids=F.pad(batch.char_ids, (0, 2, 0, words)),
        query_mask=F.pad(batch.query_mask, (0, words)),
    )
    expected = read(model, grounded(subject).output, batch.duration_s)
    spans, moments = predict(model, longer)
    torch.testing.assert_close(spans[..., : max(CLIPS)], expected[0], atol=1e-5, rtol=1e-4)
    assert_same_moments(moments, expected[1])


@by_default
def test_loss_reaches_every_trainable_parameter(subject: Subject) -> None:
    gradients = assert_learns(subject.in_training(), subject.batch())
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    # Logits that all move alike do not change a softmax: the gradient of their bias is 0, or nearly.
    resting = [n for n, gradient in gradients.items() if not gradient.any() and not n.endswith("bias")]
    expected = AT_REST.get(subject.name)
    assert [name for name in resting if expected is None or not name.startswith(expected)] == []


@pytest.mark.parametrize("subject", OFFICIAL, ids=str)
def test_published_losses_are_finite(subject: Subject) -> None:
    assert_learns(subject.in_training(), subject.batch())


@each_model
def test_training_in_half_precision(subject: Subject) -> None:
    """Matrix products in bfloat16 on any CPU, weights and their gradients in float32."""
    model, batch = subject.in_training(), subject.batch()
    torch.manual_seed(5)
    full = Objective(model, "fp32")(batch)
    torch.manual_seed(5)
    losses = Objective(model, "bf16")(batch)
    losses["total"].backward()
    assert all(term.isfinite() for term in losses.values())
    torch.testing.assert_close(losses["total"].float(), full["total"], atol=0.0, rtol=0.1)
    gradients = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    assert [n for n, g in gradients.items() if g is None or g.dtype != torch.float32 or not g.isfinite().all()] == []


@either_way
def test_loss_says_that_targets_are_missing_or_reads_none(subject: Subject) -> None:
    model, batch = subject.in_training(), subject.batch()
    output = model(batch)
    try:
        total = model.loss(output, replace(batch, targets=None)).total
    except ValueError as error:
        assert "no targets" in str(error)
        return
    # A model that learns from sentences alone: other moments give the same loss.
    assert batch.targets is not None
    other = replace(batch.targets, moment_s=batch.targets.moment_s / 2)
    assert total == model.loss(output, replace(batch, targets=other)).total


@by_default
def test_every_inference_parameter_reaches_the_prediction(subject: Subject) -> None:
    model, batch = subject.build(), subject.batch()
    output = model(batch)
    scores = model.moments(output, batch.duration_s, 3)[..., 2]
    (model.span_distribution(output).square().sum() + scores.sum()).backward()
    dead = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    expected = NOT_SCORED.get(subject.name)
    assert [name for name in dead if expected is None or not name.startswith(expected)] == []


@either_way
def test_training_branches_stay_out_of_inference_and_its_state(subject: Subject, tmp_path: Path) -> None:
    """What a fresh model needs to predict like a trained one is all that is kept, and a file gives it back."""
    batch, trained, fresh = subject.batch(), subject.in_training(), subject.build(seed=1)
    kept = trained.inference_state()
    assert kept.keys() == fresh.state_dict().keys()
    write_tensors(tmp_path / "best.safetensors", kept)
    fresh.load_state_dict(read_tensors(tmp_path / "best.safetensors")[0])
    called = calls_of_branches(trained.eval(), set(kept))
    for found, expected in zip(predict(fresh, batch), predict(trained, batch), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert called == []


def calls_of_branches(model: AnyModel, kept: set[str]) -> list[str]:
    """A list that the modules without any kept parameter will write their names to when they are called."""
    called: list[str] = []
    for path, module in model.named_modules():
        own = {f"{path}.{name}" for name, _ in module.named_parameters()}
        if path and own and not own & kept:
            module.register_forward_hook(lambda *_, path=path: called.append(path))
    return called


@each_model
def test_the_whole_state_of_training_comes_back_from_a_file(subject: Subject, tmp_path: Path) -> None:
    batch, trained, other = subject.batch(), subject.in_training(), subject.in_training(seed=1)
    write_tensors(tmp_path / "last.safetensors", trained.state_dict())
    other.load_state_dict(read_tensors(tmp_path / "last.safetensors")[0])
    totals = []
    for model in (trained, other):
        torch.manual_seed(5)
        model.on_progress(0.5)
        totals.append(model.loss(model(batch), batch).total)
    torch.testing.assert_close(*totals, rtol=0, atol=0)
