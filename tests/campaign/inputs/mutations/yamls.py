"""YAML, spoiled as a tree, and by what YAML alone has: tags, anchors, types of its own."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation, written
from tests.campaign.inputs.mutations.trees import trees
from tests.campaign.inputs.mutations.values import dumped

_LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
DOCUMENTS = {
    "a tag of Python": b"!!python/object/apply:os.system ['true']\n",
    "an unknown tag": b"- !strange {id: x}\n",
    "a list within itself": b"&a [*a]\n",
    "a mapping within itself": b"&a {id: *a}\n",
    "an alias of nothing": b"- *nothing\n",
    "a billion laughs": _LAUGHS.encode(),
    "a billion laughs as a claim": _LAUGHS.encode() + b"---\n- id: *i\n",
    "two documents": b"- id: x\n---\n- id: y\n",
    "a date": b"- id: 2026-11-28\n  holds: {above: 2026-11-28 10:00:00}\n",
    "keys of every type": b"- {1: x, null: y, [1, 2]: z, 2026-11-28: d}\n",
    "a key that cannot be hashed": b"- {{a: b}: c}\n",
    "a merge of nothing": b"- {<<: 3, id: x}\n",
    "binary": b"- !!binary |\n   AAEC/w==\n",
    "a set": b"- !!set {id, text}\n",
    "base sixty": b"- id: 1:20:30\n  holds: {above: 190:20:30.15}\n",
    "octal and infinite": b"- id: 010\n  holds: {above: .inf, below: .nan}\n",
    "deep": b"[" * 20_000,
    "deep in blocks": b"".join(b" " * i + b"- \n" for i in range(300)),
    "a tab": b"-\tid:\tx\n\t- y\n",
    "a control character": b"- id: \x07\n",
    "a directive": b"%YAML 9.9\n---\n- id: x\n",
    "quotes left open": b'- id: "x\n',
}


def yaml_trees(content: bytes) -> SearchStrategy[Mutation]:
    """A YAML file; JSON, in which changed trees are written, is YAML too."""

    def load(text: bytes) -> Any:
        return yaml.safe_load(text)

    strange = st.sampled_from(tuple(written("yaml", what, text) for what, text in DOCUMENTS.items()))
    return st.one_of(trees(content, load, dumped), trees(content, load, dumped), strange)
