"""Features projected from latents when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from emtm.data.lru import ArrayCache
from emtm.data.records import FloatArray
from emtm.data.synthetic.world import Latents, World
from emtm.errors import UserError

_CACHE_BYTES = 512 * 2**20


class EmbeddedStore:
    """Feature store over latents; features are float16 in truth, of which 512 MiB are kept.

    Args:
        world: projects latents to features.
        video_ids: the videos there are.
        latents: gives the latents `[T, latent_dim]` of a video.
    """

    def __init__(self, world: World, video_ids: Iterable[str], latents: Callable[[str], Latents]) -> None:
        self._world = world
        self._video_ids = frozenset(video_ids)
        self._latents = latents
        self._cache = ArrayCache(_CACHE_BYTES)

    @property
    def dim(self) -> int:
        """Width of a feature row."""
        return self._world.config.feature_dim

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._video_ids

    def __getitem__(self, video_id: str) -> FloatArray:
        half = self._cache.get(video_id)
        if half is None:
            if video_id not in self._video_ids:
                raise UserError(f"the embedded dataset has no video '{video_id}'")
            half = self._world.features(self._latents(video_id))
            self._cache.put(video_id, half)
        return half.astype(np.float32)
