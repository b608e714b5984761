"""EMB against its PyTorch code (`emb_*`): spans, proposals and losses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from emtm.data.batch import Batch, Targets
from emtm.data.text import Lexicon
from emtm.errors import UserError
from emtm.layers.masking import mask_logits
from emtm.layers.span.decoding import decode_spans, joint_probability, span_probabilities
from emtm.parity.building import build, load
from emtm.parity.fixture import Check, Fixture, Row

NAME = "emb"

_THRESHOLD = 0.5
"""IoU of confident proposals in the fixtures' losses."""

_VECTORS = "param::embedding_net.word_emb.glove_vec"
_CHARACTERS = ("input::char_ids", "param::embedding_net.char_emb.*")
"""The published model embeds them and goes on without."""

_RENAMED = (
    ("embedding_net.word_emb.unk_vec", "embedding.unknown"),
    ("embedding_net.word_emb.glove_vec", "embedding.vectors"),
    ("embedding_net.linear.conv1d", "query_projection.1"),
    ("video_affine.linear.conv1d", "video_projection.1"),
    ("highlight_layer.conv1d.conv1d", "highlight"),
    ("encoder.f2f.layers.0", "frames"),
    ("encoder.f2w.layers.0", "frames_to_words"),
    ("encoder.v2v.layers.0", "frames_again"),
    ("encoder.w2w.layers.0", "words"),
    ("encoder.w2f.layers.0", "words_to_frames"),
    ("encoder.vq2q.layers.0", "words_again"),
    ("encoder.p2p.layers.0", "branch.proposals"),
    ("encoder.p2w.layers.0", "branch.proposals_to_words"),
    ("encoder.s2s.layers.0", "branch.proposals_again"),
    ("encoder.w2p.layers.0", "branch.words_to_proposals"),
    ("encoder.pq2q.layers.0", "branch.words_again"),
    (".attention.query.conv1d", ".query"),
    (".attention.key.conv1d", ".key"),
    (".attention.value.conv1d", ".value"),
    (".guide.conv_layers.0", ".guide.depthwise"),
    (".guide.conv_layers.1", ".guide.pointwise.0"),
    (".guide.layer_norm", ".guide.pointwise.2"),
    (".norm1", ".norm_1"),
    (".norm2", ".norm_2"),
    ("fuser1.", "fuser."),
    ("fuser2.", "branch.fuser."),
    ("cq_attention.w4C", "attention.weight_x"),
    ("cq_attention.w4Q", "attention.weight_y"),
    ("cq_attention.w4mlu", "attention.weight_xy"),
    ("cq_attention.cqa_linear.conv1d", "attention.out"),
    ("cq_concat.weighted_pool.weight", "concat.pool"),
    ("cq_concat.conv1d.conv1d", "concat.out"),
    ("_encoder.dense_output.conv1d", "_out"),
    ("_block.", "_logits."),
    ("ranker.encoders.0", "branch.ranker.conv"),
    ("ranker.predictor", "branch.ranker.out"),
    (".conv1d.", "."),
)


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.describes("/EMB "):
        return check_emb
    return None


def check_emb(fixture: Fixture) -> Iterator[Row]:
    """Every output, the decoded spans and the losses."""
    fixture.leave("param::*.key.conv1d.bias", *_CHARACTERS)
    model, batch = _build(fixture), _batch(fixture)
    output = model(batch)
    mask = output.video_mask
    start, end = (mask_logits(logits, mask) for logits in (output.start_logits, output.end_logits))
    decoded = decode_spans(joint_probability(*span_probabilities(start, end, mask), official=True))
    losses = model.objective(output, batch, _THRESHOLD).terms
    ranked = model.objective(*_as_times(output, batch), _THRESHOLD).terms["rank"]
    for name, value in {
        "highlight_score": torch.sigmoid(output.highlight_logits),
        "start_logits": start,
        "end_logits": end,
        "proposals": output.proposals.bounds,
        "proposal_mask": output.proposals.mask,
        "proposal_score": torch.sigmoid(mask_logits(output.rank_logits, output.proposals.mask)),
        "start_index": decoded[0],
        "end_index": decoded[1],
        "loc_loss": losses["span"],
        "highlight_loss": losses["highlight"],
        "rank_loss": ranked,
    }.items():
        yield fixture.row(NAME, name, value, fixture[f"output::{name}"])
    yield fixture.row(NAME, "q_mask", batch.word_ids > 0, fixture["input::q_mask"])


def _as_times(output: Any, batch: Batch) -> tuple[Any, Batch]:
    """Spans a clip shorter: the fixture's ranking loss takes clip indices for times."""
    targets = batch.truth()
    proposals = replace(output.proposals, bounds=output.proposals.bounds - torch.tensor([0, 1]))
    shorter = replace(batch, targets=replace(targets, end_index=targets.end_index - 1))
    return replace(output, proposals=proposals), shorter


def _build(fixture: Fixture) -> Any:
    config = fixture.config()
    fixture.sized(W="wd")
    vectors = fixture.features(_VECTORS, "NW")
    if len(vectors) != config["nw"] - 2:
        raise UserError(f"{fixture.name}: '{_VECTORS}' has {len(vectors)} words of {config['nw'] - 2}")
    positions = fixture.features("param::position.pe")
    settings: dict[str, Any] = {
        "feature_dim": config["vdim"],
        "word_dim": vectors.shape[1],
        "max_clips": len(positions),
        "max_words": config["Lq"],
        "official": True,
        "dim": config["dim"],
        "heads": config["heads"],
        "char_dim": config["cd"],
        "dropout": 0.0,
    }
    model = build(fixture, NAME, settings, Lexicon(vectors, config["nc"]))
    load(fixture, model, dict(_translate(fixture)))
    model.get_buffer("positions").copy_(positions)
    # Training leaves the padding word's vector at 0, but the fixture moved it too.
    padding = fixture.tensor("param::embedding_net.word_emb.pad_vec")
    model.embedding.register_forward_hook(lambda _, ids, out: out + (ids[0] == 0).unsqueeze(2) * padding)
    return model.eval()


def _translate(fixture: Fixture) -> Iterator[tuple[str, Tensor]]:
    for key in fixture.arrays:
        name = key.removeprefix("param::")
        if name == key or name.endswith("word_emb.pad_vec") or name == "position.pe":
            continue
        value = fixture.tensor(key)
        if name == "embedding_net.char_emb.char_emb.weight":
            yield "characters.table", value[1:]
        elif name.startswith("embedding_net.char_emb.char_convs."):
            index, _, kind = name.split(".")[-3:]
            yield f"characters.convs.{index}.{kind}", value.squeeze(2) if kind == "weight" else value
        elif "_encoder.rnn." in name:
            prefix, kind = name.split("rnn.")
            direction = "backwards" if kind.endswith("_reverse") else "forwards"
            yield f"{prefix}{direction}.{kind.removesuffix('_reverse')}", value
        else:
            for theirs, ours in _RENAMED:
                name = name.replace(theirs, ours)
            # Convolutions of width one are linear layers here.
            pointwise = name.endswith(".weight") and value.dim() > 2 and not name.startswith("branch.ranker")
            yield name, value.flatten(1) if pointwise and not name.endswith("depthwise.weight") else value


def _batch(fixture: Fixture) -> Batch:
    fixture.sized(V="vdim")
    config, video = fixture.config(), fixture.features("input::video_features", "BLV")
    start, end = (fixture.ids(f"input::{side}_labels", "B", video.shape[1]) for side in ("start", "end"))
    mask = fixture.tensor("input::v_mask", "BL") > 0
    return Batch(
        video=video,
        video_mask=mask,
        word_ids=fixture.ids("input::word_ids", "BT", config["nw"]),
        char_ids=fixture.ids("input::char_ids", "BTC", config["nc"]),
        query_mask=fixture.tensor("input::q_mask", "BT") > 0,
        duration_s=mask.sum(1).float(),
        targets=Targets(start, end, torch.zeros(len(start), 2)),
    )
