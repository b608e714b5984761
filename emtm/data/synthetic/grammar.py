"""Words for agents, verbs and objects, the sentences made of them, and their word vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from emtm.data.records import WordVectors

Relation = Literal["after", "before"]
"""How a moment stands to an event that its sentence names beside its own."""
Forms = tuple[str, str, str]
"""Infinitive, third person, gerund."""


class Event(NamedTuple):
    """Who does what with which thing: indices into `AGENTS`, `VERBS` and `OBJECTS`."""

    agent: int
    verb: int
    object: int


def _forms(text: str) -> tuple[Forms, ...]:
    words = text.split()
    return tuple((words[i], words[i + 1], words[i + 2]) for i in range(0, len(words), 3))


VERBS: tuple[tuple[Forms, ...], ...] = tuple(
    _forms(line)
    for line in (
        "open opens opening",
        "close closes closing shut shuts shutting",
        "take takes taking get gets getting",
        "put puts putting place places placing",
        "hold holds holding grip grips gripping",
        "throw throws throwing toss tosses tossing",
        "wash washes washing clean cleans cleaning",
        "fix fixes fixing repair repairs repairing",
        "watch watches watching view views viewing",
        "eat eats eating",
        "drink drinks drinking",
        "read reads reading",
        "carry carries carrying bring brings bringing",
        "tidy tidies tidying arrange arranges arranging",
        "cut cuts cutting slice slices slicing",
        "pour pours pouring",
        "grab grabs grabbing seize seizes seizing",
        "shake shakes shaking",
        "turn turns turning rotate rotates rotating",
        "push pushes pushing shove shoves shoving",
        "pull pulls pulling drag drags dragging",
        "fold folds folding",
        "paint paints painting",
        "kick kicks kicking",
    )
)
"""The forms of each verb and of its synonym, if it has one."""

OBJECTS: tuple[tuple[str, str], ...] = (
    ("door", "doorway"),
    ("cabinet", "cupboard"),
    ("laptop", "computer"),
    ("phone", "cellphone"),
    ("book", "novel"),
    ("bag", "backpack"),
    ("box", "carton"),
    ("towel", "cloth"),
    ("blanket", "quilt"),
    ("pillow", "cushion"),
    ("shoe", "sneaker"),
    ("sandwich", "burger"),
    ("cup", "mug"),
    ("glass", "tumbler"),
    ("bottle", "flask"),
    ("broom", "mop"),
    ("window", "pane"),
    ("light", "lamp"),
    ("picture", "photo"),
    ("mirror", "looking-glass"),
    ("table", "desk"),
    ("chair", "stool"),
    ("sofa", "couch"),
    ("bed", "mattress"),
    ("clothes", "laundry"),
    ("camera", "camcorder"),
    ("medicine", "pills"),
    ("food", "meal"),
    ("dish", "plate"),
    ("vacuum", "hoover"),
    ("refrigerator", "fridge"),
    ("television", "tv"),
    ("paper", "newspaper"),
    ("ball", "football"),
    ("knife", "blade"),
    ("rope", "cord"),
)
"""Each thing and its synonym."""

AGENTS: tuple[tuple[str, ...], ...] = (
    ("person",),
    ("man", "guy"),
    ("woman", "lady"),
    ("boy", "kid"),
    ("girl",),
    ("dog",),
)

_FUNCTION_WORDS = (
    *("a", "the", "is", "starts", "begins", "to", "and", "then"),
    *("again", "for", "first", "second", "time", "."),
    *("after", "before"),
)

_VECTOR_DIM = 300
_VECTOR_SCALE = 0.36
_SHARED = 0.8


def sentence(
    rng: np.random.Generator,
    event: Event,
    *,
    synonyms: float,
    occurrence: int | None = None,
    then: Event | None = None,
    beside: tuple[Relation, Event] | None = None,
) -> str:
    """One English sentence about an event.

    Args:
        rng: source of every choice of words.
        event: what happens.
        synonyms: probability of a synonym.
        occurrence: 0 or 1 for the first or second of two occurrences; None if there is only one.
        then: an event that follows and belongs to the moment.
        beside: an event that does not belong to the moment, which comes after or before it.
    """
    words = [*_agent(rng, event.agent, synonyms), *_clause(rng, event, synonyms, form=int(rng.integers(4)))]
    if then is not None:
        words += ["and", "then"]
        if then.agent != event.agent:
            words += _agent(rng, then.agent, synonyms)
        words += _clause(rng, then, synonyms, form=0)
    if occurrence == 0:
        words += ["for", "the", "first", "time"]
    if occurrence == 1:
        words += ["again"] if rng.random() < 0.5 else ["for", "the", "second", "time"]
    if beside is not None:
        relation, other = beside
        aside = [relation, *_agent(rng, other.agent, synonyms), *_clause(rng, other, synonyms, form=0)]
        words = [*words, *aside] if rng.random() < 0.5 else [*aside, *words]
    return " ".join(words) + "."


def _article(rng: np.random.Generator) -> str:
    return "the" if rng.random() < 0.5 else "a"


def _agent(rng: np.random.Generator, agent: int, synonyms: float) -> list[str]:
    names = AGENTS[agent]
    return [_article(rng), names[-1] if rng.random() < synonyms else names[0]]


def _clause(rng: np.random.Generator, event: Event, synonyms: float, form: int) -> list[str]:
    variants, names = VERBS[event.verb], OBJECTS[event.object]
    infinitive, third, gerund = variants[-1] if rng.random() < synonyms else variants[0]
    verb = ([third], ["is", gerund], ["starts", "to", infinitive], ["begins", gerund])[form]
    # Objects keep their plain name more often than verbs, or unseen pairs of synonyms would abound.
    return [*verb, _article(rng), names[-1] if rng.random() < 0.6 * synonyms else names[0]]


@cache
def concepts() -> dict[str, tuple[str, int]]:
    """What a word stands for: `word -> ("verb" | "object" | "agent", index)`."""
    found: dict[str, tuple[str, int]] = {}
    for index, variants in enumerate(VERBS):
        found.update({word: ("verb", index) for forms in variants for word in forms})
    for kind, groups in (("object", OBJECTS), ("agent", AGENTS)):
        for index, names in enumerate(groups):
            found.update(dict.fromkeys(names, (kind, index)))
    return found


def all_words() -> tuple[str, ...]:
    """Every word a sentence can hold."""
    return (*_FUNCTION_WORDS, *concepts())


def word_vectors(words: Iterable[str], seed: int) -> WordVectors:
    """Made-up 300-d vectors of GloVe's length, in which the words of one concept share a direction.

    Two forms or synonyms of a concept have a cosine near 0.64, any other two words near 0. The
    vector of a word depends on the word and the seed alone.
    """
    known = concepts()
    listed = tuple(dict.fromkeys(words))
    rows = []
    for word in listed:
        vector = _direction(f"word {word}", seed)
        if word in known:
            kind, index = known[word]
            shared = _direction(f"{kind} {index}", seed)
            vector = _SHARED * shared + np.sqrt(1 - _SHARED**2) * vector
        rows.append(vector * _VECTOR_SCALE)
    return WordVectors(listed, np.array(rows, np.float32))


def _direction(name: str, seed: int) -> npt.NDArray[np.float64]:
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return np.random.default_rng(list(digest)).standard_normal(_VECTOR_DIM)
