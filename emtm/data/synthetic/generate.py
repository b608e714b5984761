"""Generation of a whole embedded dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emtm.data.records import Query
from emtm.data.synthetic.config import WorldConfig
from emtm.data.synthetic.progress import late_progress
from emtm.data.synthetic.sampler import MomentSampler
from emtm.data.synthetic.script import ask, write_script
from emtm.data.synthetic.world import World

GENERATOR_VERSION = 1
"""Raised whenever the same configuration no longer gives the same data."""

_SPLIT_SEEDS = {"train": 0, "val": 1, "test": 2}


@dataclass(frozen=True, slots=True)
class Corpus:
    """Generated videos and the queries about them."""

    video_ids: tuple[str, ...]
    latents: npt.NDArray[np.float16]
    """`[videos, T, latent_dim]`."""
    splits: Mapping[str, tuple[Query, ...]]


def generate(config: WorldConfig) -> Corpus:
    """Generate all splits; the same configuration gives the same corpus, bit for bit.

    Each video has its own seed, made of the configuration's, the split and the video's number, so
    that splits share no randomness and a longer split begins with a shorter one.
    """
    world, sampler = World(config), MomentSampler(config.statistics)
    video_ids: list[str] = []
    latents = []
    splits: dict[str, tuple[Query, ...]] = {}
    done = 0
    with late_progress("generating videos", sum(config.queries.values())) as report:
        for split, wanted in config.queries.items():
            queries: list[Query] = []
            number = 0
            while len(queries) < wanted:
                rng = np.random.default_rng([config.seed, _SPLIT_SEEDS[split], number])
                video_id = f"{split}-{number:05d}"
                duration_s = sampler.duration_s(rng)
                acts = write_script(world, sampler, rng)
                latents.append(world.latents(rng, [act.occurrence for act in acts]))
                queries += ask(config, rng, acts, video_id, duration_s)
                video_ids.append(video_id)
                number += 1
                report(done + len(queries))
            done += wanted
            splits[split] = tuple(queries[:wanted])
    return Corpus(tuple(video_ids), np.stack(latents), splits)
