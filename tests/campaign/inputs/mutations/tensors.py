"""Files of weights (safetensors): a length, a header in JSON, and bytes."""

from __future__ import annotations

import json
import struct
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation, written
from tests.campaign.inputs.mutations.raw import raw
from tests.campaign.inputs.mutations.trees import spoiled
from tests.campaign.inputs.mutations.values import dumped

TYPES = ("F64", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "X", "")


def _apart(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def _together(header: bytes, data: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + data


@st.composite
def _changed(draw: DrawFn, content: bytes) -> Mutation:
    header, data = _apart(content)
    kind = draw(st.sampled_from(("header", "state", "type", "gone", "renamed", "values", "length")))
    names = [name for name in header if name != "__metadata__"]
    name = draw(st.sampled_from(names))
    what = name
    if kind == "header":
        change, what, doc = draw(spoiled(header))
        return written(f"tensors header {change}", what, _together(dumped(doc), data))
    if kind == "state" and "state" in header.get("__metadata__", {}):
        change, what, doc = draw(spoiled(json.loads(header["__metadata__"]["state"])))
        header["__metadata__"]["state"] = dumped(doc).decode()
        return written(f"tensors state {change}", what, _together(json.dumps(header).encode(), data))
    if kind == "length":
        length = draw(st.sampled_from((0, 1, 2**31, 2**60, 2**64 - 1, len(content))))
        return written("tensors length", str(length), struct.pack("<Q", length) + content[8:])
    begin, end = header[name]["data_offsets"]
    if kind == "gone" or kind == "state":
        data = data[:begin] + data[end:]
        del header[name]
        for other in names:
            if other != name and header[other]["data_offsets"][0] >= end:
                header[other]["data_offsets"] = [place - (end - begin) for place in header[other]["data_offsets"]]
    elif kind == "type":
        header[name]["dtype"] = draw(st.sampled_from(TYPES))
    elif kind == "renamed":
        header[draw(st.sampled_from(("x", "model.x", "optimizer.x.y", "optimizer.99.step", "")))] = header.pop(name)
    else:
        value = draw(st.sampled_from((float("nan"), float("inf"), 1e38, 0.0)))
        what = f"{name} = {value}"
        data = data[:begin] + (struct.pack("<f", value) * ((end - begin) // 4 + 1))[: end - begin] + data[end:]
    return written(f"tensors {kind}", what, _together(json.dumps(header).encode(), data))


def tensors(content: bytes) -> SearchStrategy[Mutation]:
    """Weights, or all that a training goes on with."""
    return st.one_of(_changed(content), _changed(content), raw(content))
