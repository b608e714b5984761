"""Runs that are compared to the bit take products one way, whichever is the quicker at the moment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emtm.processor import VARIABLE


@pytest.fixture(autouse=True, scope="module")
def as_built() -> Iterator[None]:
    """Left to themselves two processes may choose differently on a busy machine."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(VARIABLE, "as-built")
        yield
