"""Real annotations staged in the embedded world, to exercise real queries without real features."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from emtm.data.records import Query
from emtm.data.synthetic.config import WorldConfig
from emtm.data.synthetic.grammar import Event, concepts
from emtm.data.synthetic.store import EmbeddedStore
from emtm.data.synthetic.world import Latents, Occurrence, World
from emtm.data.text import tokenize


def stage(queries: Iterable[Query], config: WorldConfig) -> EmbeddedStore:
    """Features in which, during each query's moment, an event picked from its sentence happens."""
    world = World(config)
    occurrences: dict[str, list[Occurrence]] = defaultdict(list)
    for query in queries:
        span = (query.start_s / query.duration_s, query.end_s / query.duration_s)
        occurrences[query.video_id].append(Occurrence(event_of(query.sentence, config), span))

    def latents(video_id: str) -> Latents:
        rng = np.random.default_rng([config.seed, *_digest(video_id)])
        return world.latents(rng, occurrences[video_id])

    return EmbeddedStore(world, occurrences, latents)


def event_of(sentence: str, config: WorldConfig) -> Event:
    """The first verb and object of the world that the sentence names; a hash of it decides the rest."""
    digest = _digest(sentence)
    verb, thing = digest[0] % config.verbs, digest[1] % config.objects
    named = [concepts()[token] for token in tokenize(sentence) if token in concepts()]
    verb = next((index for kind, index in named if kind == "verb" and index < config.verbs), verb)
    thing = next((index for kind, index in named if kind == "object" and index < config.objects), thing)
    return Event(0, verb, thing)


def _digest(text: str) -> list[int]:
    return list(hashlib.sha256(text.encode()).digest())
