"""A cache of arrays that forgets the least recently used beyond a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


class ArrayCache:
    """Arrays by key, `max_bytes` of them at most."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._arrays: OrderedDict[str, Array] = OrderedDict()

    def get(self, key: str) -> Array | None:
        """The array under `key`, now the most recently used; None if it is not held."""
        if key not in self._arrays:
            return None
        self._arrays.move_to_end(key)
        return self._arrays[key]

    def put(self, key: str, array: Array) -> None:
        """Hold `array`, forgetting others for it; one that alone exceeds the limit is not held."""
        if key in self._arrays or array.nbytes > self._max_bytes:
            return
        self._arrays[key] = array
        self._bytes += array.nbytes
        while self._bytes > self._max_bytes:
            self._bytes -= self._arrays.popitem(last=False)[1].nbytes
