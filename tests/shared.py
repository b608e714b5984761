"""Where the reference material lies that is not part of the project."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("EMTM_SHARED", Path(__file__).parents[1].parent / "shared"))

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the reference material in ../shared")
