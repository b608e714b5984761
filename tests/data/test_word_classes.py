import pytest

from emtm.data.synthetic.grammar import AGENTS, OBJECTS, VERBS
from emtm.data.word_classes import NOUN, OTHER, VERB, word_class


@pytest.mark.parametrize(
    ("sentence", "classes"),
    [
        ("a person is opening the fridge .", [OTHER, NOUN, VERB, VERB, OTHER, NOUN, OTHER]),
        ("he quickly carries two red vegetables outside", [OTHER, OTHER, VERB, OTHER, OTHER, NOUN, OTHER]),
        ("they are vacuuming and vacuum", [OTHER, VERB, VERB, OTHER, NOUN]),
        ("she stopped , tied 3.5 things and swam", [OTHER, VERB, OTHER, VERB, OTHER, NOUN, OTHER, VERB]),
        ("the ceiling 's colorful lamp 10:30", [OTHER, NOUN, OTHER, OTHER, NOUN, OTHER]),
        ("a freshly snorkeled unicyclist is yodeling", [OTHER, OTHER, VERB, NOUN, VERB, VERB]),
    ],
)
def test_classes_of_a_sentence(sentence: str, classes: list[int]) -> None:
    assert [word_class(word) for word in sentence.split()] == classes


@pytest.mark.parametrize("word", ["running", "stopped", "tries", "tidied", "washes", "taking", "hops", "ate", "cut"])
def test_inflected_verbs(word: str) -> None:
    assert word_class(word) == VERB


def test_words_of_the_embedded_worlds() -> None:
    verbs = [word for variants in VERBS for forms in variants for word in forms if not word.startswith("paint")]
    assert {word for word in verbs if word_class(word) != VERB} == set()
    assert {word for names in (*OBJECTS, *AGENTS) for word in names if word_class(word) != NOUN} == set()
