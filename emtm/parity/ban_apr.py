"""BAN-APR against its code (`ban_apr_*`), batched and as it is by default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from emtm.data.batch import Batch, Targets
from emtm.data.boundary_labels import boundary_clips, boundary_distribution, contrast_masks
from emtm.data.text import Lexicon
from emtm.errors import UserError
from emtm.layers.encoder import sinusoids
from emtm.layers.map.moment_map import moment_iou
from emtm.parity.building import Recorder, build, load
from emtm.parity.fixture import Check, Fixture, Row
from emtm.parity.map_labels import PEAK, SIGMA
from emtm.parity.recurrent_names import bilstm_layers

NAME = "ban-apr"
_WAVES = "param::prop_pe.pe"
_WITHOUT_EFFECT = ("param::boundary_aware.feature_*_c.*", "param::cqa_att.bias", "param::fc_fuse.*")
"""Of the content branch the shape alone is used; a bias of all similarities is taken out by softmax."""

_RENAMED = (
    ("visual_encoder.biLSTM", "video_encoder"),
    ("cross_encoder.biLSTM", "fuse"),
    ("cqa_att.w4C", "attention.weight_x"),
    ("cqa_att.w4Q", "attention.weight_y"),
    ("cqa_att.w4mlu", "attention.weight_xy"),
    ("cqa_att.bias", "attention.bias"),
    ("boundary_aware.feature_transform_b", "boundary.lstm"),
    ("boundary_aware.feature_transform_c", "content.lstm"),
    ("boundary_aware.feature_proj_b", "boundary.project"),
    ("boundary_aware.feature_proj_c", "content.project"),
    ("map2d_proj", "map_project"),
    ("predictor.pred", "map_score"),
    ("predictor2.pred", "refined_score"),
    ("predictor_offset", "branch.offset"),
    ("prop_pe.fc", "position"),
    ("contrast_encoder_t", "branch.sentence"),
    ("contrast_encoder", "branch.cell"),
)

_LOSSES = {
    "loss_bce": "map",
    "loss_refine": "refine",
    "loss_td": "difference",
    "loss_contrast": "contrast",
    "loss_offset": "offset",
}


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.describes("/BAN-APR "):
        return check_ban_apr
    return None


def check_ban_apr(fixture: Fixture) -> Iterator[Row]:
    """Map, proposals, refined scores, offsets and all losses; the predictions of the default mode."""
    fixture.sized(V="vdim", L="N")
    fixture.leave(*_WITHOUT_EFFECT)
    model = _build(fixture, official=True)
    recorder = Recorder(model, "map_score")
    batch = _batch(fixture)
    output = model(batch)
    losses = model.loss(output, batch)
    grid, extra, clips = model.grid, output.training, model.config.map_clips
    moment = batch.targets.moment_s / batch.duration_s.unsqueeze(1) if batch.targets else torch.empty(0)
    edges = grid.cells[output.proposals]
    for name, value, reference in (
        ("tmap", recorder.outputs["map_score"].squeeze(3), fixture["output::tmap"]),
        ("map2d_mask", grid.mask, fixture["output::map2d_mask"]),
        ("map2d_proj", extra.cells, fixture["output::map2d_proj"]),
        ("sen_proj", extra.sentence, fixture["output::sen_proj"]),
        ("coarse_pred", edges + torch.tensor([0, 1]), fixture["output::coarse_pred"]),
        ("final_pred", output.logits, fixture["output::final_pred"]),
        ("offset", extra.offsets, fixture["output::offset"]),
        ("offset_gt", moment.unsqueeze(1) - edges / clips, fixture["output::offset_gt"]),
    ):
        yield fixture.row(NAME, name, value, reference)
    yield from _targets(fixture, batch)
    for theirs, ours in _LOSSES.items():
        yield fixture.row(NAME, theirs, losses.terms[ours], fixture[f"output::{theirs}"].squeeze())
    yield fixture.row(NAME, "total_loss", losses.total, fixture["output::total_loss"].squeeze())
    model = _build(fixture, official=False)
    output = model(batch)
    edges = model.grid.cells[output.proposals] + torch.tensor([0, 1])
    yield fixture.row(NAME, "coarse_pred (default)", edges, fixture["output::coarse_pred"])
    yield fixture.row(NAME, "final_pred (default)", output.logits, fixture["output::final_pred"])


def _targets(fixture: Fixture, batch: Batch) -> Iterator[Row]:
    """What the losses are made of, from the moments alone, and the waves of the cells' edges."""
    clips, moment, duration = fixture.config()["N"], batch.truth().moment_s, batch.duration_s
    position = torch.arange(clips)
    cells = torch.stack(torch.meshgrid(position, position, indexing="ij"), 2)
    boundaries = boundary_clips(torch.minimum(moment.clamp_min(0.0), duration.unsqueeze(1)), duration, clips)
    for name, value in {
        "iou2d": moment_iou(cells, clips, moment, duration, closed=False),
        "start_end_offset": (moment / duration.unsqueeze(1)).view(-1, 1, 1, 2) - cells / clips,
        "s_e_distribution": boundary_distribution(boundaries, clips, SIGMA, PEAK),
        "mask2d_contrast": contrast_masks(cells, moment, duration, clips),
    }.items():
        yield fixture.row(NAME, name, value, fixture[f"input::{name}"])
    waves = fixture.array(_WAVES, "1..")[0]
    yield fixture.row(NAME, "pe", sinusoids(*waves.shape), waves)


def _build(fixture: Fixture, official: bool) -> Any:
    config = fixture.config()
    if config["fuse"] != 2 * config["hidden"]:
        raise UserError(f"{fixture.name}: config_json fuses to {config['fuse']}, which is not twice its hidden width")
    weights = {k.removeprefix("loss_"): v for k, v in config["loss_weights(charades)"].items()}
    vectors = fixture.features("param::query_encoder.embedding.weight", "NW")[1:]
    settings: dict[str, Any] = {
        "feature_dim": config["vdim"],
        "word_dim": config["wd"],
        "max_clips": config["N"],
        "max_words": config["lq"],
        "map_clips": config["N"],
        "pooling_counts": tuple(config["pool"]),
        "dim": config["fuse"],
        "lstm_layers": config["layers"],
        "contrast_dim": config["cd"],
        "dropout": 0.0,
        "peaks": config["topk"],
        "neighbours": config["neighbor"],
        "sampling_iou": config["nms_thresh_sampler"],
        "graph_layers": sum(".fc.0.weight" in key for key in fixture.arrays),
        "min_iou": config["min_iou"],
        "max_iou": config["max_iou"],
        "map_weight": weights["bce"],
        "difference_weight": weights["td"],
        "refine_weight": weights["refine"],
        "contrast_weight": weights["contrast"],
        "offset_weight": weights["offset"],
        "official": official,
    }
    model = build(fixture, NAME, settings, Lexicon(vectors, 4))
    state = dict(_translate(fixture))
    if not official:
        state = {k: v for k, v in state.items() if not k.startswith(("content.", "fc_fuse.", "branch."))}
    load(fixture, model, {**state, "words.vectors": vectors})
    return model.eval()


def _translate(fixture: Fixture) -> Iterator[tuple[str, Tensor]]:
    for key in fixture.arrays:
        name = key.removeprefix("param::")
        if not key.startswith("param::") or name == "query_encoder.embedding.weight" or key == _WAVES:
            continue
        value = fixture.tensor(key)
        if name.startswith("query_encoder.biLSTM."):
            name = bilstm_layers(name, "query_encoder.biLSTM", "query_encoder")
        elif name.startswith("prop_interact.gcn_layer."):
            layer, kind = name.split(".")[2], name.rsplit(".", 1)[1]
            name, value = f"graph.{layer}.edge.{kind}", value.flatten(1) if kind == "weight" else value
        for theirs, ours in _RENAMED:
            if f"{name}.".startswith(f"{theirs}."):
                name = ours + name.removeprefix(theirs)
                break
        yield name, value


def _batch(fixture: Fixture) -> Batch:
    video, table = fixture.features("input::v_feature", "BLV"), fixture["param::query_encoder.embedding.weight"]
    words = fixture.ids("input::q_feature", "BT", len(table))
    lengths = fixture.ids("input::q_len", "B", words.shape[1] + 1)
    mask = torch.arange(words.shape[1]) < lengths.unsqueeze(1)
    moment = fixture.features("input::timestamps", "B2")
    unknown = torch.zeros(len(video), dtype=torch.long)
    return Batch(
        video=video,
        video_mask=torch.ones(video.shape[:2], dtype=torch.bool),
        # Their word ids are rows of the table; ours leave 1 to unknown words.
        word_ids=(words + 1) * mask,
        char_ids=words.unsqueeze(2),
        query_mask=mask,
        duration_s=fixture.features("input::durations", "B"),
        targets=Targets(unknown, unknown, moment),
    )
