"""VSLNet against its PyTorch code (`vslnet_*`), batched and each sample alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emtm.contract import AnyModel
from emtm.data.batch import Batch, Targets
from emtm.data.text import Lexicon
from emtm.errors import UserError
from emtm.layers.masking import mask_logits
from emtm.layers.span.decoding import decode_spans, joint_probability, span_probabilities
from emtm.layers.span.losses import highlight_loss, span_loss
from emtm.parity.building import Recorder, build, load
from emtm.parity.fixture import Check, Fixture, Row

NAME = "vslnet"
_VECTORS = "param::embedding_net.word_emb.glove_vec"
_PADDING = "param::embedding_net.word_emb.pad_vec"

_RENAMED = (
    ("embedding_net.word_emb.unk_vec", "embedding.words.unknown"),
    ("embedding_net.word_emb.glove_vec", "embedding.words.vectors"),
    ("embedding_net.linear.conv1d", "query_projection"),
    ("video_affine.linear.conv1d", "video_projection.1"),
    ("highlight_layer.conv1d.conv1d", "highlight"),
    ("cq_attention.w4C", "attention.weight_x"),
    ("cq_attention.w4Q", "attention.weight_y"),
    ("cq_attention.w4mlu", "attention.weight_xy"),
    ("cq_attention.cqa_linear.conv1d", "attention.out"),
    ("cq_concat.weighted_pool.weight", "concat.pool"),
    ("cq_concat.conv1d.conv1d", "concat.out"),
    ("feature_encoder.", "encoder."),
    ("predictor.encoder.", "predictor.encoder."),
    ("pos_embedding.position_embeddings.weight", "positions.table"),
    ("conv_block.layer_norms.", "conv_block.norms."),
    ("attention_block.out_layer.conv1d", "attention.out"),
    ("attention_block.layer_norm1", "attention.norm_1"),
    ("attention_block.layer_norm2", "attention.norm_2"),
    ("attention_block.", "attention."),
    ("predictor.start_layer_norm", "predictor.start_norm"),
    ("predictor.end_layer_norm", "predictor.end_norm"),
    ("predictor.start_encoder.lstm.", "predictor.start_encoder."),
    ("predictor.end_encoder.lstm.", "predictor.end_encoder."),
    ("predictor.start_block.", "predictor.start_logits."),
    ("predictor.end_block.", "predictor.end_logits."),
    (".conv1d.", "."),
)


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.describes("/VSLNet "):
        return check_vslnet
    return None


def check_vslnet(fixture: Fixture) -> Iterator[Row]:
    """Every stage, the losses, the decoded spans, and each sample run alone without padding."""
    fixture.leave("param::*.key.conv1d.bias")
    model = _build(fixture)
    recorder = Recorder(model, "query_projection", "video_projection", "attention", "concat")
    batch = _batch(fixture)
    video = model.encode_video(batch.video, batch.video_mask)
    query = model.encode_query(batch.word_ids, batch.char_ids)
    output = model.ground(video, query)
    mask = batch.video_mask
    for name, value in {
        "query_embedding": recorder.outputs["query_projection"],
        "video_affine": recorder.outputs["video_projection"],
        "video_encoded": video[0],
        "query_encoded": query[0],
        "cq_attention": recorder.outputs["attention"],
        "cq_concat": recorder.outputs["concat"],
    }.items():
        yield fixture.row(NAME, name, value, fixture[f"extra::{name}"])
    start_logits = mask_logits(output.start_logits, mask)
    end_logits = mask_logits(output.end_logits, mask)
    start, end = decode_spans(joint_probability(*span_probabilities(start_logits, end_logits, mask)))
    targets = batch.truth()
    losses = span_loss(start_logits, end_logits, targets.start_index, targets.end_index, mask)
    highlight = highlight_loss(output.highlight_logits, fixture.features("input::highlight_labels", "BL"), mask)
    for name, value in {
        "highlight_score": torch.sigmoid(output.highlight_logits),
        "start_logits": start_logits,
        "end_logits": end_logits,
        "start_index": start,
        "end_index": end,
        "highlight_loss": highlight,
        "loc_loss": losses,
        "total_loss": losses + fixture.config()["highlight_lambda"] * highlight,
    }.items():
        yield fixture.row(NAME, name, value, fixture[f"output::{name}"])
    # A padding word is a row of zeros here, and one of theirs that nothing trains.
    yield fixture.row(NAME, "pad_vec", np.zeros((1, fixture.config()["wd"])), fixture[_PADDING])
    for index in range(batch.size):
        yield from _solo(fixture, model, batch, index)


def _solo(fixture: Fixture, model: AnyModel, batch: Batch, index: int) -> Iterator[Row]:
    """One sample without padding but for its characters."""
    clips, words = int(batch.num_clips[index]), int(batch.query_mask[index].sum())
    row = slice(index, index + 1)
    output = model.ground(
        model.encode_video(batch.video[row, :clips], batch.video_mask[row, :clips]),
        model.encode_query(batch.word_ids[row, :words], batch.char_ids[row, :words]),
    )
    for boundary in ("start", "end"):
        reference = fixture[f"extra::solo{index}_{boundary}_logits"]
        yield fixture.row(NAME, f"solo{index}_{boundary}_logits", getattr(output, f"{boundary}_logits"), reference)


def _build(fixture: Fixture) -> AnyModel:
    config = fixture.config()
    fixture.sized(W="wd")
    vectors = fixture.features(_VECTORS, "NW")
    if len(vectors) != config["nw"] - 2:
        raise UserError(f"{fixture.name}: '{_VECTORS}' has {len(vectors)} words of {config['nw'] - 2}")
    settings: dict[str, Any] = {
        "feature_dim": config["vdim"],
        "word_dim": vectors.shape[1],
        "max_clips": len(fixture["param::feature_encoder.pos_embedding.position_embeddings.weight"]),
        "max_words": config["Lq"],
        "official": True,
        "dim": config["dim"],
        "heads": config["heads"],
        "char_dim": config["cd"],
        "dropout": 0.0,
        "predictor": config["pred"],
    }
    model: AnyModel = build(fixture, NAME, settings, Lexicon(vectors, config["nc"]))
    load(fixture, model, dict(_translate(fixture)))
    return model.eval()


def _translate(fixture: Fixture) -> Iterator[tuple[str, Tensor]]:
    for key in fixture.arrays:
        if not key.startswith("param::") or key == _PADDING:
            continue
        name, value = key.removeprefix("param::"), fixture.tensor(key)
        if name == "embedding_net.char_emb.char_emb.weight":
            yield "embedding.chars.table", value[1:]
        elif name.startswith("embedding_net.char_emb.char_convs."):
            index, _, kind = name.split(".")[-3:]
            yield f"embedding.chars.convs.{index}.{kind}", value.squeeze(2) if kind == "weight" else value
        elif "depthwise_separable_conv." in name:
            prefix, rest = name.split("conv_block.depthwise_separable_conv.")
            index, part, kind = rest.split(".")
            target = "depthwise" if part == "0" else f"pointwise.{kind}"
            prefix = prefix.replace("feature_encoder.", "encoder.")
            pointwise = part == "1" and kind == "weight"
            yield f"{prefix}conv_block.convs.{index}.{target}", value.squeeze(2) if pointwise else value
        else:
            for theirs, ours in _RENAMED:
                name = name.replace(theirs, ours)
            yield name, value.squeeze(2) if name.endswith(".weight") and value.dim() == 3 else value


def _batch(fixture: Fixture) -> Batch:
    fixture.sized(V="vdim")
    config, video = fixture.config(), fixture.features("input::video_features", "BLV")
    start, end = (fixture.ids(f"input::{side}_labels", "B", video.shape[1]) for side in ("start", "end"))
    mask = fixture.tensor("input::v_mask", "BL") > 0
    unknown = torch.zeros(len(start), 2)
    return Batch(
        video=video,
        video_mask=mask,
        word_ids=fixture.ids("input::word_ids", "BT", config["nw"]),
        char_ids=fixture.ids("input::char_ids", "BTC", config["nc"]),
        query_mask=fixture.tensor("input::q_mask", "BT") > 0,
        duration_s=mask.sum(1).float(),
        targets=Targets(start, end, unknown),
    )
