import dataclasses
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emtm.data.records import WordVectors
from emtm.data.text import PAD, UNK, Vocabulary, tokenize
from emtm.data.word_vectors import read_word_vectors
from emtm.errors import UserError
from tests.shared import SHARED, needs_shared


def vectors_of(*words: str) -> WordVectors:
    return WordVectors(words, np.arange(len(words) * 3, dtype=np.float32).reshape(-1, 3))


VECTORS = vectors_of("door", ".", "the", "opens", "a")


@pytest.mark.parametrize(
    ("sentence", "tokens"),
    [
        ("The person opens a door.", ["the", "person", "opens", "a", "door", "."]),
        ("a looking-glass, he/she", ["a", "looking-glass", ",", "he", "/", "she"]),
        ("They don't; it isn’t person's.", ["they", "do", "n't", ";", "it", "is", "n't", "person", "'s", "."]),
        ("#1 pours 3.5 cups - then 2nd", ["#", "1", "pours", "3.5", "cups", "-", "then", "2nd"]),
        ("hits a piñata 10:30", ["hits", "a", "piñata", "10:30"]),
        (" \t\n", []),
        ("", []),
    ],
)
def test_tokens(sentence: str, tokens: list[str]) -> None:
    assert tokenize(sentence) == tokens


@given(st.text(max_size=40))
def test_tokens_hold_every_visible_character(sentence: str) -> None:
    tokens = tokenize(sentence)
    composed = unicodedata.normalize("NFC", sentence.lower())
    visible = "".join(composed.replace("’", "'").split())
    assert "".join("".join(tokens).split()) == visible


@given(st.text(max_size=40))
def test_tokenizing_again_changes_nothing(sentence: str) -> None:
    tokens = tokenize(sentence)
    if "'" not in sentence and "’" not in sentence:
        assert [part for token in tokens for part in tokenize(token)] == tokens


def test_words_by_frequency_then_alphabet_and_only_with_a_vector() -> None:
    vocabulary = Vocabulary.build(["the door opens.", "a door", "door zebra zebra"], VECTORS)
    assert vocabulary.words == ("door", ".", "a", "opens", "the")
    assert vocabulary.num_words == 7


def test_rare_characters_are_left_out() -> None:
    vocabulary = Vocabulary.build(["aab", "ab a"], VECTORS, min_char_count=2)
    assert vocabulary.chars == ("a", "b")
    assert vocabulary.num_chars == 4


def test_ids() -> None:
    vocabulary = Vocabulary(("door", "a"), ("a", "d"))
    words, chars = vocabulary.encode("A zebra. door", max_words=2)
    assert words == [3, UNK]
    assert chars == [[2], [UNK, UNK, UNK, UNK, 2]]
    assert PAD == 0


@pytest.mark.parametrize("sentence", ["", "  \n"])
def test_empty_query(sentence: str) -> None:
    with pytest.raises(UserError, match="query is empty"):
        Vocabulary(("a",), ("a",)).encode(sentence, 5)


@given(st.lists(st.text(min_size=1, max_size=5), unique=True), st.lists(st.characters(), unique=True))
def test_json_round_trip(words: list[str], chars: list[str]) -> None:
    vocabulary = Vocabulary(tuple(words), tuple(chars))
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"words": [1], "chars": []}', '{"words": "ab", "chars": []}'])
def test_json_of_something_else(text: str) -> None:
    with pytest.raises(UserError):
        Vocabulary.from_json(text)


def test_lexicon_rows_follow_the_ids() -> None:
    vocabulary = Vocabulary.build(["the the door"], VECTORS)
    lexicon = vocabulary.lexicon(VECTORS)
    assert lexicon.vectors.tolist() == [[6, 7, 8], [0, 1, 2]]
    assert lexicon.num_chars == vocabulary.num_chars
    with pytest.raises(UserError, match="'the'"):
        vocabulary.lexicon(vectors_of("door"))


def test_vocabulary_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Vocabulary((), ()).words = ("a",)  # type: ignore[misc]


def test_glove_text_file(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("door 1 2 3\nthe 4 5 6\n. . 7 7 7\nzebra 0 0 0\n", encoding="utf-8")
    found = read_word_vectors(path, {"the", "door", "."})
    assert found.words == ("door", "the")
    assert found.vectors.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("name", ["absent.npz", "absent.txt", "glove.bin"])
def test_word_vectors_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError):
        read_word_vectors(tmp_path / name, {"door"})


def test_word_vectors_of_other_words(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", words=np.array(["zebra"]), vectors=np.ones((1, 3)))
    with pytest.raises(UserError, match="no vector of any word"):
        read_word_vectors(tmp_path / "v.npz", {"door"})


@needs_shared
def test_published_size_of_the_charades_vocabulary() -> None:
    folder = SHARED / "data/annotations/charades-sta"
    lines = [
        line.partition("##")[2]
        for split in ("train", "test")
        for line in (folder / f"charades_sta_{split}.txt").read_text(encoding="utf-8").splitlines()
    ]
    words = {token for line in lines for token in tokenize(line)}
    vectors = read_word_vectors(SHARED / "data/glove/glove840b_charades_vocab_300d.npz", words)
    vocabulary = Vocabulary.build(lines, vectors)
    assert vocabulary.num_chars == 36
    assert vocabulary.lexicon(vectors).vectors.shape == (vocabulary.num_words - 2, 300)
