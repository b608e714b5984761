"""The answer as tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.choose.budget import KINDS, Fit, Kind
from bench.choose.choice import Choice, Judged, Price
from bench.missing import Missing
from bench.report.content.query_cost import Cost
from bench.report.quantity import plural
from bench.report.sections.cells import Cell, Table, empty, text
from emtm.metrics.metric import HEADLINE, MIOU
from emtm.metrics.published import LEGEND, MARKS, Published


def question(choice: Choice) -> str:
    """What was asked, in one line."""
    place = choice.place
    where = [choice.title, place.device, *([] if place.threads is None else [plural(place.threads, "thread")])]
    limits = [f"{limit.kind.noun} up to {limit.kind.show(limit.most)}" for limit in choice.limits]
    query = "one query" if choice.queries_per_video == 1 else f"a query of {choice.queries_per_video:g} a video"
    return f"{', '.join(where)}; {query}: {', '.join(limits) or 'without limits'}"


def origin(choice: Choice) -> str:
    """Which runs answer, and whether their times compare."""
    runs = [f"{run.run_id} ({run.env.hardware.cpu_model}, profile {run.suite.profile})" for run in choice.runs]
    line = f"Measured in {', '.join(runs)}."
    if len({run.env.fingerprint for run in choice.runs}) > 1:
        line += " These are different environments: their times do not compare."
    return line


def tables(choice: Choice) -> list[Table]:
    """Those that fit or may fit, by where their accuracy comes from; then the others, with what stands in the way."""
    within = choice.within
    found = [
        _table("Accuracy measured with these weights", _MEASURED, [one for one in within if one.measured]),
        _table("Accuracy published by others, not measured here", _PUBLISHED, [one for one in within if one.published]),
        _table("No accuracy known", "", [one for one in within if not one.measured and not one.published]),
        _others([one for one in choice.judged if one not in within]),
    ]
    return [table for table in found if table.rows]


def sentences(choice: Choice) -> list[str]:
    """The best of each kind of accuracy, and what each limit keeps out."""
    lines = []
    for measured, name in ((True, "measured"), (False, "published")):
        pool = choice.among(measured=measured)
        if pool:
            lines += [_best(pool, name), *(_price(price) for price in choice.prices(measured=measured))]
    if not choice.within:
        lines.append("No model fits.")
    return lines


_COSTS = (
    "Latency is a median over calls with its 99 % interval; memory is what weights, inputs and intermediate tensors "
    "take, or what was allocated on a GPU."
)
_MEASURED = (
    f"Ordered by {HEADLINE.title}, a mean over seeds; the interval is the envelope of the seeds' 95 % intervals over "
    f"queries. {_COSTS}"
)
_PUBLISHED = (
    f"{LEGEND[0].upper()}{LEGEND[1:]}. Figures on other splits or features do not compare. Costs are measured, with "
    f"the published configuration and random weights. {_COSTS}"
)


def _table(title: str, caption: str, rows: Sequence[Judged]) -> Table:
    published = any(one.published for one in rows)
    return Table(
        title=title,
        caption=caption,
        headers=(
            *("Model", "", f"{HEADLINE.title} (%)", f"{MIOU.title} (%)"),
            *(kind.title for kind in KINDS),
            *(("Features", "Source") if published else ()),
        ),
        rows=tuple(_row(one) for one in rows),
    )


def _row(one: Judged) -> tuple[Cell, ...]:
    entry = one.published
    costs = (_cost(kind, one.costs[kind.key]) for kind in KINDS)
    origin = () if entry is None else (text(entry.features), text(entry.source))
    return (text(name(one)), text(one.fit.value), *_accuracy(one), *costs, *origin)


def name(one: Judged) -> str:
    """The model, and which of several published results."""
    entry = one.published
    return f"{one.candidate.label} ({entry.note})" if entry is not None and entry.note else one.candidate.label


def _accuracy(one: Judged) -> tuple[Cell, Cell]:
    """The headline metric, with its interval where it was measured, and the mean IoU."""
    found = one.candidate.accuracy
    if isinstance(found, Published):
        headline, miou = found.cells((HEADLINE, MIOU))
        return Cell(headline, HEADLINE.of(found)), Cell(miou, found.miou)
    if found is None:
        return empty("neither measured nor published"), empty("neither measured nor published")
    spreads = [found.accuracy.get(metric) for metric in (HEADLINE, MIOU)]
    first, second = (
        empty("not in the run file") if spread is None else Cell(show.format(spread), spread.mean)
        for show, spread in zip(("{0.mean:.1f} [{0.low:.1f}, {0.high:.1f}]", "{0.mean:.1f}"), spreads, strict=True)
    )
    return first, second


def _cost(kind: Kind, found: Cost | Missing) -> Cell:
    if isinstance(found, Missing):
        return empty(found.reason)
    note = f"{kind.title}: {'; '.join(found.doubts)}" if found.doubts else None
    return Cell(f"{kind.show(found.value)}{_bounds(kind, found)}", found.value, note)


def _bounds(kind: Kind, found: Cost) -> str:
    if found.low == found.high:
        return ""
    high = "?" if math.isinf(found.high) else kind.show(found.high)
    return f" [{kind.show(found.low)}, {high}]"


def _others(rows: Sequence[Judged]) -> Table:
    return Table(
        title="Does not fit, or is not known to",
        caption="",
        headers=("Model", "", f"{HEADLINE.title} (%)", "Why"),
        rows=tuple((text(name(one)), text(one.fit.value), _accuracy(one)[0], text(_why(one))) for one in rows),
    )


def _why(one: Judged) -> str:
    reasons = []
    for kind in KINDS:
        found, fit = one.costs[kind.key], one.fits.get(kind.key)
        if fit is Fit.UNKNOWN and isinstance(found, Missing):
            reasons.append(f"{kind.noun} not measured: {found.reason}")
        elif fit is Fit.NO and isinstance(found, Cost):
            reasons.append(f"{kind.noun} {kind.show(found.value)}")
    return "; ".join(reasons)


def _best(pool: Sequence[Judged], accuracy: str) -> str:
    sure = next((one for one in pool if one.fit is Fit.SURE), None)
    perhaps = next((one for one in pool if one.fit in (Fit.SURE, Fit.MAYBE)), None)
    if perhaps is None:
        return f"By {accuracy} accuracy: none fits."
    line = "none surely fits" if sure is None else f"{name(sure)} surely fits ({_headline(sure)})"
    if perhaps is not sure:
        line += f"; {name(perhaps)} may fit ({_headline(perhaps)})"
    return f"By {accuracy} accuracy: {line}."


def _headline(one: Judged) -> str:
    value, entry = one.candidate.headline, one.published
    mark = "" if entry is None else MARKS[entry.read]
    return f"no {HEADLINE.title}" if value is None else f"{HEADLINE.title} {value:.1f}{mark} %"


def _price(price: Price) -> str:
    found = price.without.costs[price.limit.kind.key]
    costs = found.reason if isinstance(found, Missing) else price.limit.kind.show(found.value)
    return f"Without the limit on {price.limit.kind.noun}: {name(price.without)} ({_headline(price.without)}; {costs})."
