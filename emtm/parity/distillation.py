"""EMTM's training graph against EMET's TensorFlow code (`emtm_kau_*`, `emtm_losses_*`)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from emtm.contract import Recipe
from emtm.data.text import Lexicon
from emtm.distillation.aggregation import KnowledgeAggregation, aggregate
from emtm.distillation.losses import official_distillation
from emtm.distillation.model import EMTM, EMTMConfig
from emtm.layers.span.losses import span_loss
from emtm.parity import span_family
from emtm.parity import tensorflow_names as names
from emtm.parity.building import Recorder, load
from emtm.parity.fixture import Check, Fixture, Row
from emtm.training.optimizer import build_optimizer

LEARNING_RATE = 1e-3

_OF_THE_WHOLE = ("in/video_seq_len", "in/s_ind", "in/e_ind", "in/?labels_t*", "out/grad_global_norm*")
"""Arrays of the training graph that show nothing where its weights are not given."""


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.marked_by("out/query_gate", "out/conv0_pre_bn", "w/ens_conv0/kernel"):
        return check_aggregation
    if fixture.marked_by("out/total_loss", "out/dsoft_dstart", "in/y1"):
        return check_losses
    return None


def check_aggregation(fixture: Fixture) -> Iterator[Row]:
    """Every stage of the aggregation unit; padding takes part, as published."""
    video, query = fixture.features("in/v_enc", "BLD"), fixture.features("in/q_enc", "BTD")
    labels = teacher_labels(fixture)
    unit = KnowledgeAggregation(video.shape[2], labels.shape[1], video.shape[1], official=True)
    load(fixture, unit, names.aggregation(lambda name: fixture.tensor(f"w/{name}"), labels.shape[1], ""))
    fixture.leave("in/video_seq_len")
    recorder = Recorder(unit, "gate_norm", "hidden", "convolution", *(f"norms.{i}" for i in range(3)))
    everything = torch.ones(video.shape[:2]) > 0, torch.ones(query.shape[:2]) > 0
    weights = unit(video, query, *everything)
    out = recorder.outputs
    for name, value in {
        "conv0_pre_bn": out["convolution"][0],
        **{f"conv{i}": out[f"norms.{i}"].relu() for i in range(3)},
        "query_gate": out["gate_norm"].relu().unsqueeze(1),
        "fc_hidden": out["hidden"].relu(),
        "weights": weights.unsqueeze(3),
        "label_T": aggregate(labels, weights),
    }.items():
        yield fixture.row("emtm", name, value, fixture[f"out/{name}"])


def check_losses(fixture: Fixture) -> Iterator[Row]:
    """Every loss term; outputs, gradients and optimiser steps where weights are given."""
    yield from span_family.check_losses(fixture)
    if "w/word_embs/word_table" not in fixture:
        yield from _given_logits(fixture)
        return
    with torch.enable_grad():
        yield from _training_graph(fixture)


def teacher_labels(fixture: Fixture) -> Tensor:
    """Tracks of all teachers, `[B, K, 2, L]`."""
    count = sum(f"in/slabels_t{i}" in fixture for i in range(len(fixture.arrays)))
    tracks = [[fixture.features(f"in/{side}labels_t{i}", "BL") for side in "se"] for i in range(max(count, 1))]
    return torch.stack([torch.stack(pair, 1) for pair in tracks], 1)


def _given_logits(fixture: Fixture) -> Iterator[Row]:
    """Aggregation and distillation losses, and their gradients, from logits and aggregated label."""
    fixture.leave(*_OF_THE_WHOLE)
    config, mask = fixture.config(), fixture.features("in/v_mask", "BL")
    truth = fixture.features("in/y1", "BL"), fixture.features("in/y2", "BL")
    axes = {"start_logits": "BL", "end_logits": "BL", "label_T": "B2L"}
    inputs = [fixture.features(f"out/{name}", its).requires_grad_() for name, its in axes.items()]
    label = inputs[2]
    with torch.enable_grad():
        each = sum_soft(inputs[0], inputs[1], label, mask, config)
        gradients = torch.autograd.grad(each.sum(), inputs)
    aggregation = span_loss(label[:, 0], label[:, 1], *truth, mask)
    total = fixture.scalar("out/hardloss_s") + fixture.scalar("out/hardloss_t0") + aggregation + each
    yield fixture.row("emtm", "hardloss_ensemble", aggregation, fixture["out/hardloss_ensemble"])
    yield from _soft_rows(fixture, each, gradients)
    yield fixture.row("emtm", "total_loss", total, fixture["out/total_loss"])


def sum_soft(start: Tensor, end: Tensor, label: Tensor, mask: Tensor, config: dict[str, float]) -> Tensor:
    """Weighted distillation loss of both boundaries, `[B]`."""
    temperature = config["label_temperature"]
    both = official_distillation(start, label[:, 0], mask, temperature)
    both = both + official_distillation(end, label[:, 1], mask, temperature)
    return config["label_cof"] * both


def _soft_rows(fixture: Fixture, each: Tensor, gradients: tuple[Tensor, ...]) -> Iterator[Row]:
    yield fixture.row("emtm", "softloss_label", each, fixture["out/softloss_label"])
    for name, gradient in zip(("dsoft_dstart", "dsoft_dend", "dsoft_dlabelT"), gradients, strict=True):
        yield fixture.row("emtm", name, gradient, fixture[f"out/{name}"])


def _training_graph(fixture: Fixture) -> Iterator[Row]:
    """Forward, gradients of all variables, and two optimiser steps of the whole of EMTM."""
    model = build(fixture)
    fixture.leave("in/s_ind", "in/e_ind")
    truth = fixture.features("in/y1", "BL"), fixture.features("in/y2", "BL")
    classes, teachers = fixture.ids("in/match_labels", "BL", 4), teacher_labels(fixture)

    output = model.ground(*span_family.encode(model, fixture))
    losses = model.objective(output, truth, classes, teachers)
    assert output.teacher_weights is not None
    label = aggregate(teachers, output.teacher_weights)
    each = sum_soft(output.start_logits, output.end_logits, label, output.video_mask, fixture.config())
    yield fixture.row("emtm", "label_T", label, fixture["out/label_T"])
    for term, name in (("student", "hardloss_s"), ("isomorphic", "hardloss_t0"), ("aggregation", "hardloss_ensemble")):
        yield fixture.row("emtm", name, losses.terms[term], fixture[f"out/{name}"])
    total = sum(losses.terms[term] for term in ("student", "isomorphic", "aggregation")) + each
    yield fixture.row("emtm", "total_loss", total, fixture["out/total_loss"])
    yield fixture.row("emtm", "total_loss summed", losses.total, fixture["out/total_loss"].sum())
    inputs = (output.start_logits, output.end_logits, label)
    yield from _soft_rows(fixture, each, torch.autograd.grad(each.sum(), inputs, retain_graph=True))

    optimizer = build_optimizer(model, Recipe(learning_rate=LEARNING_RATE))
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    losses.total.backward()  # type: ignore[no-untyped-call]
    gradients = _state(fixture, "grad", teachers.shape[1])
    # Some gradients are small differences of large terms: the scale is that of the whole gradient.
    largest = max(float(gradients[name].abs().max()) for name in parameters)
    for name, parameter in parameters.items():
        yield fixture.row("emtm", f"grad {name}", parameter.grad, gradients[name], scale=largest)
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters.values() if p.grad is not None])
    yield fixture.row("emtm", "grad_global_norm_dense", norm, fixture["out/grad_global_norm_dense"])
    # The published norm counts the rows of two tables before duplicates are merged.
    _clipped_step(optimizer, parameters, fixture.scalar("out/grad_global_norm"))
    yield from _compare_state(fixture, parameters, "after1", teachers.shape[1])

    optimizer.zero_grad()
    output = model.ground(*span_family.encode(model, fixture))
    model.objective(output, truth, classes, teachers).total.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters.values() if p.grad is not None])
    _clipped_step(optimizer, parameters, float(norm))
    yield from _compare_state(fixture, parameters, "after2", teachers.shape[1])


def _clipped_step(optimizer: torch.optim.Optimizer, parameters: dict[str, torch.nn.Parameter], norm: float) -> None:
    for parameter in parameters.values():
        assert parameter.grad is not None
        parameter.grad.mul_(1.0 / max(1.0, norm))
    optimizer.step()


def _compare_state(
    fixture: Fixture, parameters: dict[str, torch.nn.Parameter], group: str, num_teachers: int
) -> Iterator[Row]:
    state = _state(fixture, group, num_teachers)
    steps = group.removeprefix("after")
    for name, parameter in parameters.items():
        yield fixture.row("emtm", f"after step {steps} {name}", parameter, state[name])


def build(fixture: Fixture) -> EMTM:
    """EMTM with the weights of the fixture and all branches, in official mode."""
    config = fixture.config()
    num_teachers = teacher_labels(fixture).shape[1]
    settings = EMTMConfig(
        feature_dim=config["vdim"],
        word_dim=config["word_dim"],
        max_clips=config["max_vlen"],
        max_words=config["max_vlen"],
        official=True,
        dim=config["dim"],
        heads=config["num_heads"],
        char_dim=config["char_dim"],
        dropout=0.0,
        match_weight=config["match_lambda"],
        objective="official",
        soft_weight=config["label_cof"],
        temperature=config["label_temperature"],
    )
    model = EMTM(settings, Lexicon(fixture.tensor("w/word_embs/word_table"), config["num_chars"]))
    model.prepare_training(num_teachers)
    load(fixture, model, _state(fixture, "w", num_teachers))
    return model.train()


def _state(fixture: Fixture, group: str, num_teachers: int) -> dict[str, Tensor]:
    """All variables of a group; frozen ones, which `grad` lacks, from the weights."""

    def get(name: str) -> Tensor:
        key = f"{group}/{name}"
        return fixture.tensor(key if key in fixture else f"w/{name}")

    return names.training_graph(get, num_teachers)
