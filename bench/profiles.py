"""How much time a session may spend: the three values of `--bench-profile`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Budgets of one session; times are for one case."""

    name: str
    latency_s: float
    latency_rounds: tuple[int, int]
    """Fewest and most timed calls."""
    stage_rounds: int
    throughput_batches: tuple[int, ...]
    throughput_point_s: float
    throughput_calls: int
    """Fewest timed calls at a batch size."""
    train_rounds: tuple[int, int]
    train_s: float
    train_datasets: tuple[str, ...]
    evaluation_share: float
    """Part of the evaluation that is run; the rest is extrapolated."""
    warmup: int


_PAPER = ("charades-sta", "activitynet-captions", "tacos")

PROFILES = {
    "smoke": Profile("smoke", 0.4, (11, 100), 4, (1, 4, 16), 0.1, 3, (3, 8), 0.5, ("charades-sta",), 0.1, warmup=3),
    "ci": Profile("ci", 5.0, (64, 700), 20, (1, 2, 4, 8, 16, 32, 64), 0.4, 8, (8, 20), 4.0, _PAPER, 1.0, warmup=10),
    "full": Profile(
        "full", 30.0, (662, 7000), 50, (1, 2, 4, 8, 16, 32, 64, 128), 2.0, 20, (20, 100), 20.0, _PAPER, 1.0, warmup=20
    ),
}
