"""Which clips, words and mode give a printed figure: the search behind a hypothesis, so that a reader can disagree.

fvcore's count of a given video is a polynomial of second degree in the words of the query (attention among words,
and between words and clips), so three counts give it for every number of words, exactly. In the clips it only rises:
the stretch of clips that can give the figure at all is found by halving, and counted clip by clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache

from torch import nn

from bench.audit.fitted import MODES, WORDS, Fit, Fitted, Mode
from bench.audit.passes import Forward, configured, published_subject
from bench.backends.eager import Traceable, tensors_of
from bench.instruments.crosscheck import ask_fvcore
from bench.published.efficiency import Entry, Figure, Protocol, Table, published_tables
from bench.subjects import make_batch

_NODES = (4, 12, 20)
_NEAR = 0.005
"""Relative distance up to which a count is worth listing."""

Count = Callable[[int, int], int]
"""fvcore's count, of clips and words."""


def fit(tables: Sequence[Table] | None = None, progress: Callable[[str], None] = lambda _: None) -> tuple[Fitted, ...]:
    """Searches every row that fvcore counted; `progress` is told what is searched."""
    found = []
    for table in published_tables() if tables is None else tables:
        for entry in table.entries:
            figure, protocol = entry.figure("compute"), entry.protocol
            if figure is not None and protocol is not None and protocol.counter == "fvcore":
                progress(f"{entry.label} on {entry.dataset}")
                found.append(_fitted(entry, figure, protocol))
    return tuple(found)


def _fitted(entry: Entry, figure: Figure, protocol: Protocol) -> Fitted:
    counts = {mode: counter(entry, protocol, mode) for mode in MODES}
    most = configured(entry, official=True).max_clips
    fits = [one for mode in MODES for one in _fits(figure, protocol, mode, counts[mode], most)]
    clips, whole = protocol.clips or most, counts["whole pass"]
    return Fitted(
        label=entry.label,
        dataset=entry.dataset,
        printed=f"{figure.printed} {figure.unit}",
        clips_matter=protocol.clips is not None,
        words_matter=whole(clips, WORDS[0]) != whole(clips, WORDS[-1]),
        fits=tuple(sorted(fits, key=lambda one: abs(one.off_pct))),
    )


def counter(entry: Entry, protocol: Protocol, mode: Mode) -> Count:
    """fvcore's count of the published model in a mode, each computed once."""
    made = published_subject(entry, replace(protocol, words=WORDS[-1]))
    traced: nn.Module = Forward(made.model, protocol) if mode == "whole pass" else Traceable(made.model)

    @cache
    def count(clips: int, words: int) -> int:
        shape = replace(made.shape, num_clips=clips, num_words=words)
        return ask_fvcore(traced, tensors_of(make_batch(shape, made.model.config.feature_dim, 1))).total

    return count


def _fits(figure: Figure, protocol: Protocol, mode: Mode, count: Count, most: int) -> Iterator[Fit]:
    low, high = figure.value * (1 - _NEAR), figure.value * (1 + _NEAR)
    lengths: Sequence[int] = [most]
    if protocol.clips is not None:
        first = _first(most, lambda clips: count(clips, WORDS[-1]) >= low)
        lengths = range(first, _first(most, lambda clips: count(clips, WORDS[0]) > high))
    for clips in lengths:
        by_words = quadratic(_NODES, [count(clips, words) for words in _NODES])
        constant = by_words(WORDS[0]) == by_words(WORDS[-1])
        for words in [protocol.words] if constant else WORDS:
            macs = by_words(words)
            if low <= macs <= high:
                off_pct = 100 * macs / figure.value - 100
                same = figure.prints(macs)
                yield Fit(mode=mode, clips=clips, words=words, macs=macs, off_pct=off_pct, same_digits=same)


def _first(most: int, holds: Callable[[int], bool]) -> int:
    """The fewest clips for which `holds`, which stays true once it is; `most` + 1 where it never is."""
    low, high = 1, most + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def quadratic(at: Sequence[int], values: Sequence[int]) -> Callable[[int], int]:
    """The polynomial of second degree through three points, in whole numbers."""

    def value(x: int) -> int:
        total = Fraction(0)
        for i, (node, known) in enumerate(zip(at, values, strict=True)):
            others = [other for j, other in enumerate(at) if j != i]
            total += known * Fraction(_product(x, others), _product(node, others))
        return int(total)

    return value


def _product(x: int, nodes: Sequence[int]) -> int:
    first, second = nodes
    return (x - first) * (x - second)
