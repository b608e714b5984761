"""Parameters and exact MACs equal the published code's, by closed form and by the measured sheets."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from emtm.contract import AnyModel

from .helpers import paper_model

D, V, WORD = 128, 1024, 300


def count_macs(model: AnyModel, words: int, chars: int = 10) -> int:
    """MACs of one grounded query, decoding included, in the mode that sees LSTMs."""
    clips = model.config.max_clips
    mask = torch.ones(1, clips, dtype=torch.bool)
    word_ids, char_ids = torch.full((1, words), 2), torch.full((1, words, chars), 2)
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
        video = model.encode_video(torch.zeros(1, clips, V), mask)
        output = model.ground(video, model.encode_query(word_ids, char_ids))
        model.moments(output, torch.ones(1))
    return counter.get_total_flops() // 2


def trainable(model: AnyModel) -> int:
    return sum(p.numel() for p in model.parameters())


def char_cnn(words: int, chars: int, char_dim: int) -> int:
    return words * sum((chars - k + 1) * k * char_dim * n for k, n in zip((1, 2, 3, 4), (10, 20, 30, 40), strict=True))


def context_query(a: int, b: int) -> int:
    """Official product order."""
    return a * D + b * D + 2 * a * b * D + a * a * b + a * a * D + 4 * a * D * D


def student_macs(clips: int, words: int, chars: int, char_dim: int) -> int:
    encoder = char_cnn(words, chars, char_dim) + 400 * words * D + clips * V * D
    encoder += 4 * (clips + words) * (7 * D + D * D)
    fusion = context_query(clips, words) + context_query(words, clips) + 2 * words * D + 2 * clips * D * D
    match = 8 * clips * D
    predictor = 2 * (4 * clips * (7 * D + D * D) + 4 * clips * D * D + 2 * clips * clips * D + clips * clips)
    predictor += 4 * clips * D * D + 2 * clips * D
    return encoder + fusion + match + predictor + clips * clips


def dual_attention_macs(a: int, b: int) -> int:
    return 14 * a * D * D + 2 * b * D * D + 2 * a * a * D + 2 * a * b * D + a * a + a * b


STUDENT = [
    ("charades-sta", 64, 100, 36, 673_650, {10: 47.818, 20: 52.407}),
    ("activitynet-captions", 100, 100, 55, 684_766, {10: 74.716, 30: 84.450}),
    ("tacos", 256, 50, 45, 706_502, {10: 209.687, 30: 219.954}),
]


@pytest.mark.parametrize(("dataset", "clips", "char_dim", "num_chars", "parameters", "measured"), STUDENT)
def test_student(
    dataset: str, clips: int, char_dim: int, num_chars: int, parameters: int, measured: dict[int, float]
) -> None:
    model = paper_model("emtm-student", dataset, num_chars)
    assert trainable(model) == parameters
    for words, millions in measured.items():
        counted = count_macs(model, words)
        assert counted == student_macs(clips, words, 10, char_dim)
        assert counted / 1e6 == pytest.approx(millions, abs=5e-4)


SEQPAN = [
    ("charades-sta", 64, 100, 36, 1_203_058, {10: 89.430, 20: 100.074}),
    ("charades-sta", 64, 50, 36, 1_186_308, {}),
    ("activitynet-captions", 100, 100, 55, 1_214_174, {10: 138.608, 30: 161.294}),
    ("tacos", 256, 50, 45, 1_235_910, {10: 385.516, 30: 411.943}),
]


@pytest.mark.parametrize(("dataset", "clips", "char_dim", "num_chars", "parameters", "measured"), SEQPAN)
def test_seqpan(
    dataset: str, clips: int, char_dim: int, num_chars: int, parameters: int, measured: dict[int, float]
) -> None:
    model = paper_model("seqpan", dataset, num_chars, char_dim=char_dim)
    assert trainable(model) == parameters
    for words, millions in measured.items():
        counted = count_macs(model, words)
        dual = dual_attention_macs(clips, words) + dual_attention_macs(words, clips)
        assert counted == student_macs(clips, words, 10, char_dim) + 2 * dual
        assert counted / 1e6 == pytest.approx(millions, abs=5e-4)


VSLNET = [
    ("charades-sta", "rnn", 36, 10, 0.7827, 0.0984),
    ("charades-sta", "transformer", 36, 10, 0.6726, 0.1077),
    ("activitynet-captions", "rnn", 55, 25, 0.8013, 0.1067),
    ("tacos", "rnn", 45, 20, 0.7831, 0.1020),
]


def vslnet_macs(clips: int, words: int, chars: int, char_dim: int, predictor: str) -> int:
    def encoder(length: int) -> int:
        return 4 * length * (7 * D + D * D) + 4 * length * D * D + 2 * length * length * D

    total = char_cnn(words, chars, char_dim) + 400 * words * D + clips * V * D + encoder(clips) + encoder(words)
    total += context_query(clips, words) + 2 * words * D + 2 * clips * D * D + clips * D
    total += 2 * 8 * clips * D * D if predictor == "rnn" else 2 * encoder(clips)
    return total + 4 * clips * D * D + 2 * clips * D + clips * clips


@pytest.mark.parametrize(("dataset", "predictor", "num_chars", "words", "millions", "billions"), VSLNET)
def test_vslnet(dataset: str, predictor: str, num_chars: int, words: int, millions: float, billions: float) -> None:
    model = paper_model("vslnet", dataset, num_chars, predictor=predictor)
    assert trainable(model) / 1e6 == pytest.approx(millions, abs=1e-4)
    counted = count_macs(model, words)
    char_dim = 100 if dataset == "activitynet-captions" else 50
    assert counted == vslnet_macs(128, words, 10, char_dim, predictor)
    assert counted / 1e9 == pytest.approx(billions, abs=1e-4)


@pytest.mark.parametrize(("name", "dataset"), [("emtm-student", "tacos"), ("seqpan", "tacos"), ("vslnet", "tacos")])
def test_default_mode_computes_less_than_the_published_one(name: str, dataset: str) -> None:
    official = count_macs(paper_model(name, dataset, 45), 20)
    assert count_macs(paper_model(name, dataset, 45, official=False), 20) < official
