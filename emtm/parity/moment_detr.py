"""Moment-DETR against lighthouse (`moment_detr_*`): predictions, assignment and losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from emtm.contract import AnyModel
from emtm.data.text import Lexicon
from emtm.layers.detr.set_prediction import assign, label_loss, span_losses, to_boundaries
from emtm.parity.building import build, load
from emtm.parity.fixture import Check, Fixture, Row

NAME = "moment-detr"
_WITHOUT_EFFECT = (
    "param::txt_position_embed.*",
    "param::transformer.decoder.layers.0.self_attn.in_proj_weight",  # attends to zeros, which differ in nothing
)

_RENAMED = (
    ("transformer.encoder.layers.", "encoder."),
    ("transformer.decoder.layers.", "decoder."),
    ("transformer.decoder.norm.", "norm."),
    ("txt_position_embed.position_embeddings.", "text_positions.table."),
    ("txt_position_embed.LayerNorm.", "text_positions.norm."),
    ("span_embed.layers.0.", "span_head.0."),
    ("span_embed.layers.1.", "span_head.2."),
    ("span_embed.layers.2.", "span_head.4."),
    ("class_embed.", "class_head."),
    ("saliency_proj.", "branch.saliency."),
    ("query_embed.weight", "queries"),
    ("multihead_attn.", "cross_attention."),
    ("out_proj.", "out."),
    ("linear1.", "feed_forward.0."),
    ("linear2.", "feed_forward.3."),
    ("norm1.", "norm_1."),
    ("norm2.", "norm_2."),
    ("norm3.", "norm_3."),
)


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.describes("/moment_detr.py"):
        return check_moment_detr
    return None


def check_moment_detr(fixture: Fixture) -> Iterator[Row]:
    """All decoder layers' predictions in published form, the last one's in default form, assignment and losses."""
    fixture.sized(V="vd", W="td")
    fixture.leave(*_WITHOUT_EFFECT)
    output = _run(fixture, official=True)
    targets = fixture.features("input::target_cxw", "BM2")
    present = torch.ones(targets.shape[:2], dtype=torch.bool)
    logits, spans = output.logits[-1], output.spans[-1]
    sample, query, target = matched = assign(spans, targets, present, logits)
    losses = span_losses(spans, targets, matched)
    ours = {
        "pred_logits": logits,
        "pred_spans": spans,
        "pred_xx": to_boundaries(spans),
        "saliency_scores": output.saliency,
        "match_src": torch.stack([query[sample == i] for i in range(len(targets))]),
        "match_tgt": torch.stack([target[sample == i] for i in range(len(targets))]),
        "loss_span": losses[0],
        "loss_giou": losses[1],
        "loss_label": label_loss(logits, matched),
    }
    for layer in range(len(output.logits) - 1):
        ours[f"aux{layer}_logits"], ours[f"aux{layer}_spans"] = output.logits[layer], output.spans[layer]
    for name, value in ours.items():
        yield fixture.row(NAME, name, value, fixture[f"output::{name}"])
    default = _run(fixture, official=False)
    yield fixture.row(NAME, "pred_logits (default)", default.logits[-1], fixture["output::pred_logits"])
    yield fixture.row(NAME, "pred_spans (default)", default.spans[-1], fixture["output::pred_spans"])


def _run(fixture: Fixture, official: bool) -> Any:
    """Output of the fixture's weights on its inputs, whose clips carry their places already."""
    words, video = fixture.features("input::src_txt", "BTW"), fixture.features("input::src_vid", "BLV")
    model = _build(fixture, words, official)
    mask, word_mask = (
        fixture.tensor(f"input::src_{name}_mask", axes) > 0 for name, axes in (("vid", "BL"), ("txt", "BT"))
    )
    ids = (torch.arange(word_mask.numel()).view(word_mask.shape) + 2) * word_mask
    encoded = model.encode_video(video, mask)
    return model.ground(encoded, model.encode_query(ids, ids))


def _build(fixture: Fixture, words: Tensor, official: bool) -> AnyModel:
    config = fixture.config()
    settings: dict[str, Any] = {
        "feature_dim": config["vd"],
        "word_dim": config["td"],
        "max_clips": fixture["input::src_vid"].shape[1],
        "max_words": fixture["param::txt_position_embed.position_embeddings.weight"].shape[0],
        "resampling": "lighthouse",
        "dim": config["hid"],
        "heads": config["heads"],
        "feed_forward": config["ff"],
        "input_layers": config["n_input_proj"],
        "encoder_layers": config["enc_layers"],
        "decoder_layers": config["dec_layers"],
        "num_queries": config["nq"],
        "official": official,
    }
    model: AnyModel = build(fixture, NAME, settings, Lexicon(words.flatten(0, 1), 4))
    state = {**dict(_translate(fixture)), "words.vectors": words.flatten(0, 1)}
    kept = model.state_dict().keys()
    load(fixture, model, state if official else {name: value for name, value in state.items() if name in kept})
    return model.eval()


def _translate(fixture: Fixture) -> Iterator[tuple[str, Tensor]]:
    for key in fixture.arrays:
        if not key.startswith("param::"):
            continue
        name, value = key.removeprefix("param::"), fixture.tensor(key)
        if name.startswith(("input_txt_proj.", "input_vid_proj.")):
            which, layer, part, *rest = name.split(".")
            place = 4 * int(layer) + (0 if part == "LayerNorm" else 2)
            yield f"{'query' if 'txt' in which else 'video'}_projection.{place}.{rest[-1]}", value
            continue
        for theirs, ours in _RENAMED:
            name = name.replace(theirs, ours)
        # A decoder layer has two attentions, an encoder layer one.
        name = name.replace("self_attn.", "self_attention." if name.startswith("decoder.") else "attention.")
        if "in_proj_" in name:
            for part, rows in zip(("query", "key", "value"), value.chunk(3), strict=True):
                yield name.replace("in_proj_", f"{part}."), rows
        else:
            yield name, value
