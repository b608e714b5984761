"""Writes the cards of our own models anew, beside them: `python -m tests.cards`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from emtm.cli.cards import SHIPPED, make_card, top
from emtm.files import json_text
from emtm.registry import OURS, registered

ROOT = Path(__file__).resolve().parents[1]


def cards() -> dict[Path, str]:
    """What belongs into each file."""
    entries = registered().items()
    made = {place: [asdict(make_card(name)) for name, entry in entries if top(entry) == place] for place in OURS}
    return {ROOT / place / SHIPPED: json_text(found) + "\n" for place, found in made.items()}


if __name__ == "__main__":
    for file, text in cards().items():
        file.write_text(text, "utf-8")
