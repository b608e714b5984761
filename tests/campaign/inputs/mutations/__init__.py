"""How files of each form are spoiled: by structure, which takes knowing the form, and by bytes, which does not."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis.strategies import SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation
from tests.campaign.inputs.mutations.raw import raw
from tests.campaign.inputs.mutations.trees import json_lines, json_trees

FORMS: dict[str, Callable[[bytes], SearchStrategy[Mutation]]] = {
    "bytes": raw,
    "json": json_trees,
    "json lines": json_lines,
}
"""From the content of a sound file to what can be done to it."""

__all__ = ["FORMS", "Mutation"]
