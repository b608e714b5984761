"""What happens in one video, and what is asked about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emtm.data.records import Query
from emtm.data.synthetic.config import WorldConfig
from emtm.data.synthetic.grammar import Event, Relation, sentence
from emtm.data.synthetic.sampler import MomentSampler, Span, overlap
from emtm.data.synthetic.world import Occurrence, World

_PLACE_TRIES = 20
_PICK_TRIES = 30
_MOST_OVERLAP = 0.5
_MOST_REPEAT_OVERLAP = 0.05
_SHORTEST = 0.01


@dataclass(frozen=True, slots=True)
class Act:
    """An occurrence, whether queries ask about it, and which of two repeats it is."""

    event: Event
    span: Span
    asked: bool
    repeat: int | None = None

    @property
    def occurrence(self) -> Occurrence:
        """What the world renders."""
        return Occurrence(self.event, self.span)


def write_script(world: World, sampler: MomentSampler, rng: np.random.Generator) -> list[Act]:
    """The acts of one video; moments of asked and other events come from the same distribution."""
    config = world.config
    asked = max(1, int(rng.poisson(config.moments_per_video)))
    acts: list[Act] = []
    for number in range(asked + int(rng.poisson(config.distractors))):
        span = _free_span(sampler, rng, acts)
        event = None if span is None else _new_event(world, rng, acts)
        if span is None or event is None:
            continue
        is_asked = number < asked
        again = None
        if is_asked and rng.random() < config.repeats:
            again = _free_span(sampler, rng, acts)
        if again is not None and overlap(span, again) < _MOST_REPEAT_OVERLAP:
            first, second = sorted((span, again))
            acts += [Act(event, first, True, 0), Act(event, second, True, 1)]
        else:
            acts.append(Act(event, span, is_asked))
    return acts


def ask(
    config: WorldConfig, rng: np.random.Generator, acts: list[Act], video_id: str, duration_s: float
) -> Iterator[Query]:
    """Queries about the asked acts of a video, with annotation noise on the boundaries."""
    number = 0
    for act in acts:
        if not act.asked:
            continue
        for _ in range(1 + int(rng.random() < config.queries_per_moment - 1)):
            then = None
            if config.composites and act.repeat is None and rng.random() < config.composites:
                then = _next_act(act, acts)
            beside = None
            if config.relations and act.repeat is None and then is None and rng.random() < config.relations:
                beside = _beside(rng, act, acts)
            span = act.span if then is None else (act.span[0], then.span[1])
            start, end = _annotated(rng, span, config.boundary_noise)
            yield Query(
                query_id=f"{video_id}/{number}",
                video_id=video_id,
                sentence=sentence(
                    rng,
                    act.event,
                    synonyms=config.synonyms,
                    occurrence=act.repeat,
                    then=None if then is None else then.event,
                    beside=beside,
                ),
                duration_s=duration_s,
                start_s=round(start * duration_s, 3),
                end_s=round(end * duration_s, 3),
                kind=_kind(act, then, beside),
            )
            number += 1


def _free_span(sampler: MomentSampler, rng: np.random.Generator, acts: list[Act]) -> Span | None:
    for _ in range(_PLACE_TRIES):
        span = sampler.moment(rng)
        if all(overlap(span, act.span) < _MOST_OVERLAP for act in acts):
            return span
    return None


def _new_event(world: World, rng: np.random.Generator, acts: list[Act]) -> Event | None:
    """An event whose verb and object do not yet meet in the video; None if none was found."""
    used = {act.event[1:] for act in acts}
    hard = rng.random() < world.config.hard_negatives
    for _ in range(_PICK_TRIES):
        pairs = world.pairs
        if hard and acts:
            _, verb, thing = acts[rng.integers(len(acts))].event
            alike = pairs[(pairs[:, 0] == verb) ^ (pairs[:, 1] == thing)]
            pairs = alike if len(alike) else pairs
        verb, thing = (int(index) for index in pairs[rng.integers(len(pairs))])
        if (verb, thing) not in used:
            return Event(int(rng.integers(world.config.agents)), verb, thing)
    return None


def _next_act(act: Act, acts: list[Act]) -> Act | None:
    """The act that a sentence can go on with: it follows closely and ends later."""
    start, end = act.span
    following = [
        other
        for other in acts
        if other.repeat is None
        and other.span[0] >= start + 0.3 * (end - start)
        and other.span[0] < end + 0.1
        and other.span[1] > end
    ]
    return min(following, key=lambda other: other.span[0], default=None)


def _beside(rng: np.random.Generator, act: Act, acts: list[Act]) -> tuple[Relation, Event] | None:
    """An event of the video that has ended, or not begun, when the act goes on; None if there is none."""
    start, end = act.span
    others = [other for other in acts if other.repeat is None]
    known: list[tuple[Relation, Event]] = [("after", other.event) for other in others if other.span[1] <= start]
    known += [("before", other.event) for other in others if other.span[0] >= end]
    return known[rng.integers(len(known))] if known else None


def _kind(act: Act, then: Act | None, beside: object) -> str:
    if then is not None:
        return "composite"
    if beside is not None:
        return "relation"
    return "plain" if act.repeat is None else "ordinal"


def _annotated(rng: np.random.Generator, span: Span, noise: float) -> Span:
    spread = noise * (span[1] - span[0])
    start, end = (min(max(edge + float(rng.normal(0, spread)), 0.0), 1.0) for edge in span)
    return (start, end) if end - start >= _SHORTEST else span
