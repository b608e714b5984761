"""ONNX files: what they say of themselves, what goes in and out, and their bytes."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation, written
from tests.campaign.inputs.mutations.raw import raw
from tests.campaign.inputs.mutations.trees import spoiled
from tests.campaign.inputs.mutations.values import TEXTS, dumped


@st.composite
def _changed(draw: DrawFn, content: bytes) -> Mutation:
    import onnx

    model = onnx.load_from_string(content)
    kind = draw(st.sampled_from(("card", "card", "property", "input", "output", "node", "weight", "version")))
    what = kind
    if kind in ("card", "property") and model.metadata_props:
        prop = model.metadata_props[draw(st.integers(0, len(model.metadata_props) - 1))]
        if kind == "card":
            _, what, doc = draw(spoiled(json.loads(prop.value)))
            prop.value = dumped(doc).decode()
        else:
            prop.value = draw(st.sampled_from(TEXTS)).encode("utf-8", "replace").decode()
    elif kind in ("input", "output"):
        ends = model.graph.input if kind == "input" else model.graph.output
        end = ends[draw(st.integers(0, len(ends) - 1))]
        what = end.name
        if draw(st.booleans()):
            end.name = "another"
        else:
            ends.remove(end)
    elif kind == "node":
        nodes = model.graph.node
        node = nodes[draw(st.integers(0, len(nodes) - 1))]
        what = node.op_type
        if draw(st.booleans()):
            node.op_type = draw(st.sampled_from(("Nothing", "Identity", "Relu", "")))
        else:
            nodes.remove(node)
    elif kind == "weight":
        weights = model.graph.initializer
        weight = weights[draw(st.integers(0, len(weights) - 1))]
        what = weight.name
        weight.raw_data = weight.raw_data[: len(weight.raw_data) // 2]
    else:
        model.ir_version = draw(st.sampled_from((0, 1, 99)))
        model.opset_import[0].version = draw(st.sampled_from((0, 1, 999)))
    return written(f"graph {kind}", what[:80], model.SerializeToString())


def onnx_graphs(content: bytes) -> SearchStrategy[Mutation]:
    """A model that was exported."""
    return st.one_of(_changed(content), _changed(content), raw(content))
