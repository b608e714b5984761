"""Where the reference material lies that is not part of the project.

Without it the tests that need it are skipped; with EMTM_REQUIRE_SHARED set, as in CI, they fail.
"""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("EMTM_SHARED", Path(__file__).parents[1].parent / "shared"))

if os.environ.get("EMTM_REQUIRE_SHARED") and not SHARED.is_dir():
    raise RuntimeError(f"EMTM_REQUIRE_SHARED is set, but there is no reference material at {SHARED}")

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the reference material in ../shared")
