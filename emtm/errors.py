"""The one error that the commands turn into a sentence and exit code 2, and its commonest sentence."""

from __future__ import annotations

import difflib


class UserError(Exception):
    """Something the user gave is wrong; the message says what, in one sentence."""


def unknown(what: str, name: str, known: tuple[str, ...] | list[str]) -> str:
    """One sentence saying that `name` is not among `known`, with the nearest one."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    return f"unknown {what} '{name}': {hint}"
