"""EMTM's student and SeqPAN against EMET's TensorFlow code (`emtm_student_*`, `emtm_losses_*`)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from emtm.data.text import Lexicon
from emtm.layers.span.decoding import decode_spans, joint_probability, span_probabilities
from emtm.layers.span.head import SpanOutput
from emtm.layers.span.losses import orthogonality
from emtm.layers.span.model import SpanModel, hard_losses
from emtm.parity import tensorflow_names as names
from emtm.parity.building import Recorder, build, load
from emtm.parity.fixture import Check, Fixture, Row

STUDENT, TEACHER = "emtm-student", "seqpan"


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.marked_by("out/start_enc", "out/q2v_feats", "w/student_label_emb"):
        return check_student
    return None


def check_student(fixture: Fixture) -> Iterator[Row]:
    """Every stage of the student, padded positions included."""
    fixture.leave("w/*/key/bias")
    model = build_model(fixture, STUDENT)
    recorder = Recorder(
        model,
        "encoder.embedding",
        "encoder.embedding.chars",
        "encoder.query_projection",
        "encoder.video_projection",
        "head.query_to_video",
        "head.video_to_query",
        "head.concat",
        "head.match",
        "head.predictor",
        "head.predictor.start_norm",
        "head.predictor.end_norm",
    )
    video, query = encode(model, fixture)
    output = model.ground(video, query)
    out = recorder.outputs
    scores = torch.softmax(output.match_logits, 2)
    start, end = decode_spans(joint_probability(*span_probabilities(output.start_logits, output.end_logits, video[1])))
    for name, value in {
        "v_mask": video[1],
        "q_mask": query[1],
        "word_char_emb": out["encoder.embedding"],
        "char_cnn": out["encoder.embedding.chars"],
        "q_proj": out["encoder.query_projection"],
        "v_proj": out["encoder.video_projection"],
        "v_enc": video[0],
        "q_enc": query[0],
        "q2v_feats": out["head.query_to_video"],
        "v2q_feats": out["head.video_to_query"],
        "fuse_feats": out["head.concat"],
        "match_logits": output.match_logits,
        "match_scores": scores,
        "soft_label_embs": torch.matmul(scores, model.head.match.labels),
        "pred_in": recorder.inputs["head.predictor"][0],
        "start_enc": out["head.predictor.start_norm"],
        "end_enc": out["head.predictor.end_norm"],
        "start_logits": output.start_logits,
        "end_logits": output.end_logits,
        "start_index": start,
        "end_index": end,
    }.items():
        yield fixture.row(STUDENT, name, value, fixture[f"out/{name}"])


def check_losses(fixture: Fixture) -> Iterator[Row]:
    """Hard losses of student and SeqPAN, and their outputs where weights are given."""
    for name, mine in ((STUDENT, ""), (TEACHER, "t0_")):
        if "w/word_embs/word_table" in fixture:
            yield from _check_branch(fixture, name, mine)
            continue
        labels = fixture.features("w/t0_label_emb" if mine else "w/student_label_emb", "4D")
        start, end = (fixture.features(f"out/{mine}{n}_logits", "BL") for n in ("start", "end"))
        match = fixture.features(f"out/{mine}match_logits", "BL4")
        output = SpanOutput(start, end, fixture.features("in/v_mask", "BL"), match, match)
        yield from _losses(fixture, name, mine, output, labels)


def _check_branch(fixture: Fixture, name: str, mine: str) -> Iterator[Row]:
    model = build_model(fixture, name)
    recorder = Recorder(model, *(["dual_attention"] if mine else []))
    video, query = encode(model, fixture)
    output = model.ground(video, query)
    if mine:
        attended_video, attended_query = recorder.outputs["dual_attention"]
        yield fixture.row(name, "t0_v", attended_video, fixture["out/t0_v"])
        yield fixture.row(name, "t0_q", attended_query, fixture["out/t0_q"])
        yield fixture.row(name, "t0_fuse", output.fused, fixture["out/t0_fuse"])
        scores = torch.softmax(output.match_logits, 2)
        yield fixture.row(name, "t0_match_scores", scores, fixture["out/t0_match_scores"])
    else:
        yield fixture.row(name, "match_logits", output.match_logits, fixture["out/match_logits"])
    for boundary, logits in (("start", output.start_logits), ("end", output.end_logits)):
        yield fixture.row(name, f"{mine}{boundary}_logits", logits, fixture[f"out/{mine}{boundary}_logits"])
    yield from _losses(fixture, name, mine, output, model.head.match.labels)


def _losses(fixture: Fixture, model: str, mine: str, output: SpanOutput, labels: Tensor) -> Iterator[Row]:
    truth = fixture.features("in/y1", "BL"), fixture.features("in/y2", "BL")
    classes, weight = fixture.ids("in/match_labels", "BL", 4), fixture.config()["match_lambda"]
    losses = hard_losses(output, truth, classes, labels, weight)
    yield fixture.row(model, f"{mine}loc_loss", losses.terms["span"], fixture[f"out/{mine}loc_loss"])
    yield fixture.row(model, f"{mine}ortho", orthogonality(labels), fixture[f"out/{mine}ortho"])
    yield fixture.row(model, f"{mine}match_loss", losses.terms["match"], fixture[f"out/{mine}match_loss"])
    hard = "hardloss_t0" if mine else "hardloss_s"
    yield fixture.row(model, hard, losses.total, fixture[f"out/{hard}"])


def build_model(fixture: Fixture, name: str) -> SpanModel:
    """Student or SeqPAN with the weights of the fixture, in official mode."""
    config = fixture.config()

    def get(variable: str) -> Tensor:
        return fixture.tensor(f"w/{variable}")

    settings = {
        "feature_dim": config["vdim"],
        "word_dim": config["word_dim"],
        "max_clips": config["max_vlen"],
        "max_words": config["max_vlen"],
        "official": True,
        "dim": config["dim"],
        "heads": config["num_heads"],
        "char_dim": config["char_dim"],
        "dropout": 0.0,
    }
    teacher = name == TEACHER
    fixture.sized(W="word_dim")
    lexicon = Lexicon(fixture.features("w/word_embs/word_table", ".W"), config["num_chars"])
    model = build(fixture, name, settings, lexicon)
    assert isinstance(model, SpanModel)
    state = {**names.shared_encoder(get), **names.span_head(get, teacher=teacher)}
    if teacher:
        state |= names.dual_attention(get)
    load(fixture, model, state)
    return model.eval()


def encode(model: SpanModel, fixture: Fixture) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Encoded video and query of a fixture's inputs."""
    config = fixture.config()
    fixture.sized(V="vdim", L="max_vlen")
    video = fixture.features("in/video_inputs", "BLV")
    mask = torch.arange(video.shape[1]) < fixture.ids("in/video_seq_len", "B", video.shape[1] + 1)[:, None]
    words = fixture.ids("in/word_ids", "BT", config["num_words"])
    chars = fixture.ids("in/char_ids", "BTC", config["num_chars"])
    return model.encode_video(video, mask), model.encode_query(words, chars)
