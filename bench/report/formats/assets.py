"""Style and script of the page, and the policy that lets nothing else in; the history's site has its base from here."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

STYLES, SCRIPTS = ("base.css", "page.css"), ("tables.js", "plots.js", "budget.js")


def asset(*names: str) -> str:
    """These files, in order, as one text."""
    return "".join((files("bench.report.formats") / name).read_text("utf-8") for name in names)


def policy(css: str, script: str) -> str:
    """A Content-Security-Policy that knows a page's own style and script by their hashes, and no others."""
    style, code = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, script))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{code}'; base-uri 'none'; "
        "form-action 'none'"
    )
