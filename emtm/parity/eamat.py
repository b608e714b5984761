"""EAMAT against its PyTorch code (`eamat_*`), batched and each sample alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from emtm.data.batch import Batch, Targets
from emtm.data.text import Lexicon
from emtm.data.word_classes import OTHER
from emtm.layers.masking import mask_logits
from emtm.layers.span.decoding import decode_spans, joint_probability, span_probabilities
from emtm.parity.building import build, load, model_module
from emtm.parity.fixture import TOLERANCE, Check, Fixture, Row

NAME = "eamat"
ALIGNMENT_TOLERANCE = 1e-4
"""The divergence is a small difference of numbers of order one."""

_MODULES = (
    ("video_affine.projection", "video_projection.layers.1"),
    ("video_affine.layer_norm", "video_projection.layers.2"),
    ("query_affine.projection", "query_projection.layers.1"),
    ("query_affine.layer_norm", "query_projection.layers.2"),
    ("query_encoder.0.", "query_encoder."),
    ("video_encoder.0.", "entity_encoder."),
    ("video_encoder2.0.", "motion_encoder."),
    ("early_encoder.", "early_blocks."),
    ("post_attention_layer.", "post_blocks."),
    ("early_fusion_layer.", "early_fusion."),
    ("fusion_layer.", "fusion."),
    ("w4C", "weight_x"),
    ("w4Q", "weight_y"),
    ("w4mlu", "weight_xy"),
    ("cqa_linear", "out"),
    ("entity_prediction_layer.", "entity_classes."),
    ("fg_prediction_layer.", "foreground."),
    ("starting.", "start."),
    ("ending.", "end."),
    ("intering.", "inside."),
    ("fc1", "0"),
    ("fc2", "3"),
    ("out_layer1", "dense.0"),
    ("out_layer2", "dense.3"),
    ("layer_norm1", "norm_1"),
    ("layer_norm2", "norm_2"),
    ("layers_norm", "norm"),
    (".encoder.", ".encoders."),
    (".linear.", ".out."),
    (".conv1d.", "."),
)
_POSITIONS = (("v_pos_embedding.", "video_projection"), ("q_pos_embedding.", "query_projection"))


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.describes("/EAMAT "):
        return check_eamat
    return None


def check_eamat(fixture: Fixture) -> Iterator[Row]:
    """Features of both branches and of the query, logits, spans, losses, and each sample run alone."""
    fixture.sized(V="vdim", W="qdim")
    fixture.leave("param::*.key.*bias", "param::entity_prediction_layer.*")
    model = _build(fixture)
    batch = _batch(fixture)
    vectors, tags = fixture.features("input::word_vectors", "BTW"), fixture.ids("input::pos_tags", "BT", OTHER + 1)
    mask = batch.video_mask
    output = model.ground(model.encode_video(batch.video, mask), model.encode_words(vectors, tags))
    start_logits, end_logits = (mask_logits(logits, mask) for logits in (output.start_logits, output.end_logits))
    start, end = decode_spans(joint_probability(*span_probabilities(start_logits, end_logits, mask)))
    losses = model.loss(output, batch)
    for name, value in {
        "pred_start": start_logits,
        "pred_end": end_logits,
        "pred_inter": output.inside_logits,
        "query_features": output.query.words,
        "video_features": output.video.entity,
        "video_features2": output.video.motion,
        "fg_prob": output.foreground_logits,
        "start_index": start,
        "end_index": end,
        "loc_loss": losses.terms["span"],
        "match_loss": losses.terms["inside"],
        "early_loss": losses.terms["foreground"],
        "kl_loss": losses.terms["motion_alignment"],
        "kl_loss2": losses.terms["entity_alignment"],
        "total_loss": losses.total,
    }.items():
        tolerance = ALIGNMENT_TOLERANCE if name.startswith("kl_") else TOLERANCE
        yield fixture.row(NAME, name, value, fixture[f"output::{name}"], tolerance=tolerance)
    targets = batch.truth()
    labels = model_module(NAME).inside_labels(targets.start_index, targets.end_index, mask, official=True)
    yield fixture.row(NAME, "internel_label", labels, fixture["input::internel_label"])
    for index in range(batch.size):
        clips, words = int(batch.num_clips[index]), int(batch.query_mask[index].sum())
        row = slice(index, index + 1)
        alone = model.ground(
            model.encode_video(batch.video[row, :clips], mask[row, :clips]),
            model.encode_words(vectors[row, :words], tags[row, :words]),
        )
        yield fixture.row(NAME, f"solo{index}_start", alone.start_logits, fixture[f"extra::solo{index}_start"])
        yield fixture.row(NAME, f"solo{index}_end", alone.end_logits, fixture[f"extra::solo{index}_end"])


def _build(fixture: Fixture) -> Any:
    config, vectors = fixture.config(), fixture.features("input::word_vectors", "BTW")
    weights = config["loss_weights"]
    state = dict(_translate(fixture))
    tables = (f"{part}.positions.table" for _, part in _POSITIONS)
    max_clips, max_words = (
        len(state[table]) if table in state else longest
        for table, longest in zip(tables, (max(config["vl"]), max(config["ql"])), strict=True)
    )
    settings: dict[str, Any] = {
        "feature_dim": config["vdim"],
        "word_dim": config["qdim"],
        "max_clips": max_clips,
        "max_words": max_words,
        "official": True,
        "dim": config["dim"],
        "heads": config["heads"],
        "strides": config["steps"],
        "early_blocks": config["early"],
        "post_blocks": config["post"],
        "positions": config["pos"],
        "dropout": 0.0,
        "inside_weight": float(weights["MATCH"]),
        "alignment_weight": float(weights["KL"]),
        "foreground_weight": float(weights["EARLY"]),
    }
    # Words come as vectors, with a tag each, and none from a table.
    model = build(fixture, NAME, settings, Lexicon(vectors.new_zeros(1, config["qdim"]), 2))
    own = {name: value for name, value in model.state_dict().items() if name in ("tags", "words.vectors")}
    load(fixture, model, {**state, **own})
    return model.eval()


def _translate(fixture: Fixture) -> Iterator[tuple[str, Tensor]]:
    for key in fixture.arrays:
        if not key.startswith("param::"):
            continue
        name, value = key.removeprefix("param::"), fixture.tensor(key)
        for theirs, part in _POSITIONS:
            if name.startswith(theirs):
                yield f"{part}.positions.table", value
                break
        else:
            for theirs, ours in _MODULES:
                name = name.replace(theirs, ours)
            direction = "backwards" if name.endswith("_reverse") else "forwards"
            name = name.removesuffix("_reverse")
            if name.endswith("_l0"):
                layer, _, kind = name.rpartition(".")
                name = f"{layer}.{direction}.{kind}"
            yield name, value.squeeze(2) if name.endswith(".weight") and value.dim() == 3 else value


def _batch(fixture: Fixture) -> Batch:
    video = fixture.features("input::vis_feats", "BLV")
    start, end = (fixture.ids(f"input::{side}_frame", "B", video.shape[1]) for side in ("start", "end"))
    mask, query_mask = fixture.tensor("input::vis_mask", "BL") > 0, fixture.tensor("input::txt_mask", "BT") > 0
    unknown = torch.zeros(len(start), 2)
    return Batch(
        video=video,
        video_mask=mask,
        word_ids=query_mask.long(),
        char_ids=query_mask.long().unsqueeze(2),
        query_mask=query_mask,
        duration_s=mask.sum(1).float(),
        targets=Targets(start, end, unknown),
    )
