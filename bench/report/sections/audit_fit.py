"""Which inputs give the printed figures: the search, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from bench.audit.fitted import MODES, WORDS, Fitted, Mode, common_clips
from bench.report.sections.cells import Cell, Table, empty, text

_LISTED = 6


def fit_tables(found: Sequence[Fitted]) -> list[Table]:
    """One row a model and mode: what comes nearest, and all that print the same digits."""
    common = ", ".join(map(str, common_clips(found))) or "none"
    return [
        Table(
            title="Clips and words that give the printed figures",
            caption=f"fvcore's count at every number of clips, and of words from {WORDS[0]} to {WORDS[-1]}, whatever "
            "the hypothesis. The whole pass includes what serves training alone; the prediction alone does not. "
            f"Numbers of clips that print the digits of every model whose count depends on them: {common}.",
            headers=("Model", "Printed", "Mode", "Nearest: clips", "Words", "Off", "Clips × words of the same digits"),
            rows=tuple(_row(one, mode) for one in found for mode in MODES),
        )
    ]


def _row(found: Fitted, mode: Mode) -> tuple[Cell, ...]:
    start = (text(found.label), text(found.printed), text(mode))
    near = [one for one in found.fits if one.mode == mode]
    if not near:
        why = "no number of clips and words comes within 0.5 %"
        return (*start, *([empty(why)] * 4))
    best = near[0]
    words = Cell(str(best.words), float(best.words)) if found.words_matter else empty("the count depends on no word")
    return (
        *start,
        Cell(str(best.clips), float(best.clips), None if found.clips_matter else "as configured, for every video"),
        words,
        Cell(f"{best.off_pct:+.4f} %", best.off_pct),
        text(_listed(found, mode)),
    )


def _listed(found: Fitted, mode: Mode) -> str:
    alike = sorted((one.clips, one.words) for one in found.alike(mode))
    if not alike:
        return "none"
    shown = ", ".join(f"{clips} × {words}" if found.words_matter else str(clips) for clips, words in alike[:_LISTED])
    return shown + (f" and {len(alike) - _LISTED} more" if len(alike) > _LISTED else "")
