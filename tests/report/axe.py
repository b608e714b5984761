"""axe-core, the accessibility checker, from npm: a tool of the tests alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.history.browser import Page

PACKAGE = "axe-core@4.14.1"
_SERIOUS = ("serious", "critical")


def fetched(folder: Path) -> str | None:
    """The script; None where npm is absent or gives nothing."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), PACKAGE]
    try:
        done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return None
    return (folder / "node_modules/axe-core/axe.min.js").read_text("utf-8") if done.returncode == 0 else None


def serious(page: Page, script: str) -> list[str]:
    """Serious and critical problems of the open page, each with the first places that have it."""
    page.evaluate(script)
    run = "axe.run(document, {resultTypes: ['violations']}).then((found) => JSON.stringify(found.violations))"
    answer = page.send("Runtime.evaluate", expression=run, awaitPromise=True, returnByValue=True)
    found: list[dict[str, Any]] = json.loads(answer["result"]["value"])
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in _SERIOUS
    ]
