"""How files of each form are spoiled: by structure, which takes knowing the form, and by bytes, which does not."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis.strategies import SearchStrategy

from tests.campaign.inputs.mutations.arguments import arguments
from tests.campaign.inputs.mutations.arrays import npy, npz
from tests.campaign.inputs.mutations.code import python
from tests.campaign.inputs.mutations.graphs import onnx_graphs
from tests.campaign.inputs.mutations.mutation import Mutation
from tests.campaign.inputs.mutations.raw import raw
from tests.campaign.inputs.mutations.stores import hdf5
from tests.campaign.inputs.mutations.tensors import tensors
from tests.campaign.inputs.mutations.text import texts
from tests.campaign.inputs.mutations.trees import json_lines, json_trees
from tests.campaign.inputs.mutations.yamls import yaml_trees

FORMS: dict[str, Callable[[bytes], SearchStrategy[Mutation]]] = {
    "bytes": raw,
    "text": texts,
    "json": json_trees,
    "json lines": json_lines,
    "yaml": yaml_trees,
    "npy": npy,
    "npz": npz,
    "hdf5": hdf5,
    "safetensors": tensors,
    "onnx": onnx_graphs,
    "python": python,
}
"""From the content of a sound file to what can be done to it."""

ARGUMENTS = "arguments"
"""The form of a command line, which `arguments` spoils."""

__all__ = ["ARGUMENTS", "FORMS", "Mutation", "arguments"]
