"""Embeddings, fusion, decoding and losses of span models against closed forms and plain loops."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from emtm.layers.span.decoding import decode_spans, joint_probability, span_moments
from emtm.layers.span.embedding import CharacterCNN, WordEmbedding
from emtm.layers.span.fusion import ContextQueryAttention, ContextQueryConcat
from emtm.layers.span.losses import highlight_loss, match_loss, orthogonality, span_loss


def test_word_embedding_rows() -> None:
    table = torch.arange(6.0).reshape(3, 2)
    layer = WordEmbedding(table)
    out = layer(torch.tensor([[0, 1, 2, 4]]))[0]
    assert out[0].tolist() == [0.0, 0.0]
    torch.testing.assert_close(out[1], layer.unknown[0])
    assert out[2:].tolist() == [[0.0, 1.0], [4.0, 5.0]]
    assert [n for n, _ in layer.named_parameters()] == ["unknown"]


def test_character_cnn_equals_a_loop_over_the_word_alone() -> None:
    torch.manual_seed(0)
    layer = CharacterCNN(9, 5)
    for conv in layer.convs:
        torch.nn.init.normal_(conv.bias)
    ids = torch.tensor([[[3, 4, 5, 6, 7, 8, 1], [2, 3, 0, 0, 0, 0, 0], [0] * 7]])
    out = layer(ids)[0]
    for word, spelled in zip(out, ([3, 4, 5, 6, 7, 8, 1], [2, 3, 0, 0], [0, 0, 0, 0]), strict=True):
        rows = torch.stack([layer.table[i - 1] if i else torch.zeros(5) for i in spelled])
        pooled = [F.relu(conv(rows.t()[None]))[0].amax(1) for conv in layer.convs]
        torch.testing.assert_close(word, torch.cat(pooled))


def test_known_words_are_looked_up_alike_alone_and_beside_unknown_ones() -> None:
    layer, ids = WordEmbedding(torch.randn(5, 3)), torch.tensor([[2, 6, 4]])
    with torch.inference_mode():
        alone, beside = layer(ids), layer(torch.cat([ids, torch.tensor([[0, 1, 3]])]))
    assert torch.equal(alone[0], beside[0])
    assert torch.equal(beside[1, :2], torch.stack([torch.zeros(3), layer.unknown[0]]))
    assert torch.equal(layer(ids), alone)


@settings(deadline=None, max_examples=20)
@given(ids=st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=6, max_size=6))
def test_words_that_sentences_share_are_encoded_as_each_alone(ids: list[list[int]]) -> None:
    torch.manual_seed(0)
    layer = CharacterCNN(5, 4).eval()
    words = torch.tensor(ids).view(2, 3, 5)
    with torch.inference_mode():
        found = layer(words)
        each = [layer(word.view(1, 1, 5)) for word in words.flatten(0, 1)]
    torch.testing.assert_close(found, torch.cat(each).view(2, 3, -1), rtol=0.0, atol=1e-6)


@pytest.mark.parametrize(("official", "training", "encoded"), [(False, False, 1), (True, False, 6), (False, True, 6)])
def test_noise_is_drawn_for_every_word_and_published_code_shares_none(
    monkeypatch: pytest.MonkeyPatch, official: bool, training: bool, encoded: int
) -> None:
    layer = CharacterCNN(5, 4, dropout=0.5, official=official).train(training)
    counts, encode = list[int](), layer._encode

    def counted(ids: torch.Tensor) -> torch.Tensor:
        counts.append(len(ids))
        return encode(ids)

    monkeypatch.setattr(layer, "_encode", counted)
    with torch.inference_mode():
        found = layer(torch.ones(2, 3, 5, dtype=torch.long))
    assert counts == [encoded] and found.shape == (2, 3, 100)
    assert torch.equal(found[0, 0], found[1, 2]) != training


def test_context_query_attention_orders_agree_and_match_the_formula() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(2, 7, 4), torch.randn(2, 3, 4)
    mask_x, mask_y = torch.ones(2, 7, dtype=torch.bool), torch.tensor([[True] * 3, [True, True, False]])
    layer = ContextQueryAttention(4).eval()
    out = layer(x, y, mask_x, mask_y)
    layer.official = True
    torch.testing.assert_close(layer(x, y, mask_x, mask_y), out)

    a, b = x[1], y[1, :2]
    score = a @ layer.weight_x + (b @ layer.weight_y).t() + (a[:, None] * b[None] * layer.weight_xy[0]).sum(2)
    rows, columns = score.softmax(1), score.softmax(0)
    attended, back = rows @ b, rows @ columns.t() @ a
    torch.testing.assert_close(out[1], torch.cat([a, attended, a * attended, a * back], 1) @ layer.out.weight.t())


def test_concat_ignores_padded_words() -> None:
    torch.manual_seed(0)
    layer, context, query = ContextQueryConcat(4), torch.randn(1, 5, 4), torch.randn(1, 3, 4)
    mask = torch.tensor([[True, True, False]])
    other = query.clone()
    other[0, 2] = 9.0
    torch.testing.assert_close(layer(context, query, mask), layer(context, other, mask))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.integers(0, 10_000))
def test_decode_equals_exhaustive_search(length: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    start, end = torch.rand(2, length, generator=generator)
    i, j = decode_spans(joint_probability(start[None], end[None]))
    best = max(((start[a] * end[b]).item(), a, b) for a in range(length) for b in range(a, length))
    assert (int(i), int(j)) == best[1:]


def test_joint_probability_modes_agree() -> None:
    start, end = torch.rand(2, 3, 8)
    torch.testing.assert_close(joint_probability(start, end), joint_probability(start, end, official=True))


def test_first_index_wins_ties() -> None:
    flat = torch.full((1, 4), 0.25)
    assert [int(x) for x in decode_spans(joint_probability(flat, flat))] == [0, 0]


def test_moments_in_seconds_include_the_end_clip() -> None:
    start = torch.tensor([[0.0, 9.0, 0.0, 0.0, 0.0]])
    end = torch.tensor([[0.0, 0.0, 9.0, 0.0, 0.0]])
    mask = torch.tensor([[True, True, True, True, False]])
    moment = span_moments(start, end, mask, torch.tensor([20.0]))[0, 0]
    assert moment[:2].tolist() == [5.0, 15.0]


def test_further_moments_overlap_better_ones_by_half_at_most() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 1, 30)
    found = span_moments(logits[0], logits[1], torch.ones(1, 30, dtype=torch.bool), torch.tensor([30.0]), 5)[0]
    for i in range(5):
        for j in range(i):
            (a, b, _), (c, d, _) = found[i].tolist(), found[j].tolist()
            assert max(0, min(b, d) - max(a, c)) / (max(b, d) - min(a, c)) <= 0.5


def test_span_loss_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25, 0.9]]))
    mask = torch.tensor([[True, True, True, False]])
    hard = span_loss(logits, logits, torch.tensor([0]), torch.tensor([1]), mask)
    assert hard.item() == pytest.approx(-(torch.tensor(0.5).log() + torch.tensor(0.25).log()).item())
    soft = torch.tensor([[1.0, 0.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0, 0.0]])
    torch.testing.assert_close(span_loss(logits, logits, *soft, mask), hard)


def test_match_loss_averages_over_valid_clips() -> None:
    logits = torch.zeros(2, 3, 4)
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    loss = match_loss(logits, torch.zeros(2, 3, dtype=torch.long), mask)
    assert loss.item() == pytest.approx(torch.tensor(4.0).log().item())


def test_orthogonality_and_its_gradient() -> None:
    eye = torch.eye(4, 8, requires_grad=True)
    value = orthogonality(eye)
    value.backward()
    assert value.item() == 0.0
    assert eye.grad is not None
    assert eye.grad.isfinite().all()
    assert orthogonality(torch.tensor([[1.0, 0.0], [3.0, 4.0]])).item() == pytest.approx(18**0.5)


def test_highlight_loss_doubles_positives() -> None:
    half = torch.zeros(1, 4)
    labels, mask = torch.tensor([[1.0, 0.0, 0.0, 1.0]]), torch.tensor([[True, True, False, False]])
    assert highlight_loss(half, labels, mask).item() == pytest.approx(1.5 * torch.tensor(2.0).log().item())
