"""The world behind the videos: what events look like, and how they show in features.

An event's code is the normalised sum of the embeddings of its verb, object and agent and of a
binding term, which is a product of verb and object and keeps a model from scoring them apart. A video
is a scene offset, noise that is correlated over time, and the codes of the events while they last.
Features are a random non-negative projection, with the statistics of pooled I3D features.

Latents are computed in float64 and stored as float16, so that they do not depend on the rounding of
the machine at hand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import softplus

from emtm.data.synthetic.config import WorldConfig
from emtm.data.synthetic.grammar import Event
from emtm.data.synthetic.sampler import Span

Array = npt.NDArray[np.float64]
HalfArray = npt.NDArray[np.float16]
Latents = HalfArray

_SCENES = 12
_AFFORDED = 0.35
_LEAST_AFFORDED = 4
_AGENT_WEIGHT = 0.7


class Occurrence(NamedTuple):
    """An event in the course of a video."""

    event: Event
    span: Span


class World:
    """Embeddings, affordances and the projection to features, all seeded by `world_seed`."""

    def __init__(self, config: WorldConfig) -> None:
        self.config = config
        rng = np.random.default_rng(config.world_seed)
        verbs = self._gaussian(rng, config.verbs)
        objects = self._gaussian(rng, config.objects)
        agents = self._gaussian(rng, config.agents)
        verb_map, object_map = self._gaussian(rng, config.latent_dim), self._gaussian(rng, config.latent_dim)
        self._scenes = self._gaussian(rng, _SCENES)
        self._projection = torch.from_numpy(rng.standard_normal((config.latent_dim, config.feature_dim))).float()
        self._bias = torch.from_numpy(rng.standard_normal(config.feature_dim) * 0.55 - 0.2).float()
        self.pairs = _affordances(rng, config.verbs, config.objects)
        """Pairs (verb, object) that occur, int `[P, 2]`."""

        binding = np.tanh(4 * verbs @ verb_map)[:, None] * np.tanh(4 * objects @ object_map)
        codes = verbs[:, None] + objects + config.binding * _unit(binding)
        if config.agents > 1:
            self._codes = _unit(codes + _AGENT_WEIGHT * agents[:, None, None])
        else:
            self._codes = _unit(codes)[None]

    def latents(self, rng: np.random.Generator, occurrences: Sequence[Occurrence]) -> Latents:
        """A video in which `occurrences` happen, `[T, latent_dim]`."""
        c = self.config
        scene = self._scenes[rng.integers(_SCENES)] + 0.5 * self._gaussian(rng, 1)[0]
        video: Array = c.scene_noise * scene + c.clip_noise * self._correlated_noise(rng)
        for event, span in occurrences:
            code = self._codes[event] + c.event_noise * self._gaussian(rng, 1)[0]
            video += self._activation(rng, span)[:, None] * code
        return video.astype(np.float16)

    def features(self, latents: Latents) -> HalfArray:
        """Project latents `[T, latent_dim]` to features `[T, feature_dim]`, non-negative."""
        # In torch rather than NumPy, whose threads ignore torch.set_num_threads and stall on busy cores.
        mixed = torch.from_numpy(latents).float() @ self._projection + self._bias
        features: HalfArray = (0.17 * softplus(2.2 * mixed)).half().numpy()
        return features

    def _gaussian(self, rng: np.random.Generator, rows: int) -> Array:
        """Rows of about unit length, `[rows, latent_dim]`."""
        drawn: Array = rng.standard_normal((rows, self.config.latent_dim))
        return drawn / math.sqrt(self.config.latent_dim)

    def _correlated_noise(self, rng: np.random.Generator) -> Array:
        rho = self.config.clip_correlation
        noise = self._gaussian(rng, self.config.clips)
        fresh = np.sqrt(1 - rho**2)
        for i in range(1, len(noise)):
            noise[i] = rho * noise[i - 1] + fresh * noise[i]
        return noise

    def _activation(self, rng: np.random.Generator, span: Span) -> Array:
        """How much of an event shows in each clip, `[T]` in 0..1."""
        c = self.config
        centres = (np.arange(c.clips) + 0.5) / c.clips
        width = c.edge_softness / c.clips
        shown = _sigmoid((centres - span[0]) / width) * _sigmoid((span[1] - centres) / width)
        hidden = (rng.random(c.clips) < c.invisible) * rng.random(c.clips)
        activation: Array = shown * (1 - hidden)
        return activation


def _affordances(rng: np.random.Generator, verbs: int, objects: int) -> npt.NDArray[np.int64]:
    possible = rng.random((verbs, objects)) < _AFFORDED
    for row in possible:
        if row.sum() < _LEAST_AFFORDED:
            row[rng.permutation(objects)[:_LEAST_AFFORDED]] = True
    return np.argwhere(possible)


def _unit(vectors: Array) -> Array:
    scaled: Array = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled


def _sigmoid(x: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return result
