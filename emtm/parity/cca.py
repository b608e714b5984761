"""CCA against its code (`cca_*`), batched, each sample alone, and as it is by default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from emtm.data.text import Lexicon
from emtm.layers.map.moment_map import map_loss
from emtm.parity.building import Recorder, build, load
from emtm.parity.fixture import Check, Fixture, Row
from emtm.parity.recurrent_names import bilstm_layers

NAME = "cca"
_PUBLISHED_KERNEL = 2
_WITHOUT_EFFECT = ("param::C_GCN.joint_att_emb.*", "param::T_fuse_attn.key.bias", "param::*.num_batches_tracked")

_RENAMED = (
    ("v_t_param", "balance"),
    ("featpool.conv", "frame"),
    ("simpredictor.fc_full", "query_projection"),
    ("simpredictor.conv1", "conv_2"),
    ("simpredictor.conv", "conv_1"),
    ("simpredictor.bn", "norm"),
    ("T_fuse_attn.query", "concept_query"),
    ("T_fuse_attn.key", "concept_key"),
    ("T_fuse_attn.value", "concept_value"),
    ("C_GCN.gc1.weight", "graph.inner"),
    ("C_GCN.gc2.weight", "graph.outer"),
    ("C_GCN.adj_all", "graph.adjacency"),
    ("C_GCN.joint_att_emb", "graph.unused"),
    ("V_TransformerLayer", "mixer"),
)
_MIXER = {
    "mixer.self_attn.out_proj": "mixer.out",
    "mixer.linear1": "mixer.inner",
    "mixer.linear2": "mixer.outer",
    "mixer.norm1": "mixer.norm_1",
    "mixer.norm2": "mixer.norm_2",
}


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.describes("/CCA "):
        return check_cca
    return None


def check_cca(fixture: Fixture) -> Iterator[Row]:
    """Scores, mask, concepts and loss of the batch, and each sample's scores alone."""
    fixture.sized(V="vdim", N="N")
    fixture.leave(*_WITHOUT_EFFECT)
    official, default = (_build(fixture, mode) for mode in (True, False))
    recorder = Recorder(official, "graph")
    config = fixture.config()
    everyone = torch.arange(len(fixture.array("input::feats", "BLV")))
    output = _run(official, fixture, everyone)
    iou = official.grid.pick(fixture.features("input::ious2d_for_loss", "BNN"))
    loss = map_loss(output.logits, iou, config["min_iou"], config["max_iou"])
    for name, value in {
        "scores2d": official.grid.spread(official.probabilities(output)),
        "mask2d": official.grid.mask,
        "concept_basis": recorder.outputs["graph"],
        "bce_loss": loss,
    }.items():
        yield fixture.row(NAME, name, value, fixture[f"output::{name}"])
    words = fixture.array("input::queries", "BTW").shape[1]
    lengths = fixture.ids("input::wordlens", "B", words + 1)
    for index in everyone:
        name = f"solo{index}_scores2d"
        alone = official.probabilities(_run(official, fixture, index.view(1)))
        yield fixture.row(NAME, name, official.grid.spread(alone)[0], fixture[f"extra::{name}"])
        # A shorter query's reference has read its padding.
        if lengths[index] == words:
            together = default.probabilities(_run(default, fixture, everyone))
            scores = default.grid.spread(together)[index]
            yield fixture.row(NAME, f"{name} (default, batched)", scores, fixture[f"extra::{name}"])


def _run(model: Any, fixture: Fixture, rows: Tensor) -> Any:
    """Output for the given samples."""
    video = fixture.features("input::feats", "BLV")[rows]
    lengths = fixture.ids("input::wordlens", "B")[rows].unsqueeze(1)
    samples, words, _ = fixture.array("input::queries", "BTW").shape
    ids = torch.arange(samples * words).view(samples, words)[rows] + 2
    ids = ids * (torch.arange(ids.shape[1]) < lengths)
    encoded = model.encode_video(video, torch.ones(video.shape[:2], dtype=torch.bool))
    return model.ground(encoded, model.encode_query(ids, ids.unsqueeze(2)))


def _build(fixture: Fixture, official: bool) -> Any:
    config = fixture.config()
    words = fixture.features("input::queries", "BTW")
    settings: dict[str, Any] = {
        "feature_dim": config["vdim"],
        "word_dim": words.shape[2],
        "max_clips": config["pre"],
        "map_clips": config["N"],
        "pool_kernel": _pool_kernel(config["pre"], config["N"]),
        "pooling_counts": tuple(config["pool"]),
        "max_words": words.shape[1],
        "dim": config["H"],
        "num_concepts": config["attr"],
        "query_layers": config["nl"],
        "ffn_dim": len(fixture["param::V_TransformerLayer.linear1.weight"]),
        "min_iou": config["min_iou"],
        "max_iou": config["max_iou"],
        "normalize_features": False,
        "official": official,
    }
    model = build(fixture, NAME, settings, Lexicon(words.flatten(0, 1), 4))
    state = {**dict(_translate(fixture)), "words.vectors": words.flatten(0, 1)}
    state["graph.concepts"] = fixture.features("input::concept_emb", "1KW")[0]
    load(fixture, model, state if official else dict(_default(state)))
    return model.eval()


def _pool_kernel(rows: int, clips: int) -> int:
    """Rows averaged into a clip, which no array says: two as published, or one where every row is a clip of its own."""
    return min(_PUBLISHED_KERNEL, rows // clips)


def _translate(fixture: Fixture) -> Iterator[tuple[str, Tensor]]:
    for key in fixture.arrays:
        if not key.startswith("param::"):
            continue
        name, value = key.removeprefix("param::"), fixture.tensor(key)
        if name.startswith("simpredictor.lstm."):
            name = bilstm_layers(name, "simpredictor.lstm", "query_encoder")
        for theirs, ours in _RENAMED:
            if f"{name}.".startswith(f"{theirs}."):
                name = ours + name.removeprefix(theirs)
                break
        yield name, value.flatten(1) if name == "frame.weight" else value


def _default(state: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """State of the default mode: the value part of the attention, the normalised adjacency."""
    for name, value in state.items():
        if name.startswith("mixer.self_attn.in_proj_"):
            yield f"mixer.value.{name.rpartition('_')[2]}", value.chunk(3)[2]
        elif name == "graph.adjacency":
            scale = value.sum(1).pow(-0.5)
            yield "graph.propagation", value.t() * scale.unsqueeze(0) * scale.unsqueeze(1)
        elif not name.startswith("graph.unused."):
            path, _, kind = name.rpartition(".")
            yield f"{_MIXER.get(path, path)}.{kind}".lstrip("."), value
