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
    train_roles: tuple[str, ...]
    """Roles of the models whose training step is timed."""
    evaluation_share: float
    """Part of the evaluation that is run; the rest is extrapolated."""
    warmup: int


_ROLES = ("student", "teacher", "baseline")
_PAPER = ("charades-sta", "activitynet-captions", "tacos")

PROFILES = {
    "smoke": Profile(
        name="smoke",
        latency_s=0.4,
        latency_rounds=(11, 100),
        stage_rounds=4,
        throughput_batches=(1, 4, 16),
        throughput_point_s=0.1,
        throughput_calls=3,
        train_rounds=(2, 8),
        train_s=1.0,
        train_datasets=("charades-sta",),
        train_roles=("student",),
        evaluation_share=0.1,
        warmup=3,
    ),
    "ci": Profile(
        name="ci",
        latency_s=5.0,
        latency_rounds=(64, 700),
        stage_rounds=20,
        throughput_batches=(1, 2, 4, 8, 16, 32, 64),
        throughput_point_s=0.4,
        throughput_calls=8,
        train_rounds=(8, 20),
        train_s=4.0,
        train_datasets=_PAPER,
        train_roles=_ROLES,
        evaluation_share=1.0,
        warmup=10,
    ),
    "full": Profile(
        name="full",
        latency_s=30.0,
        latency_rounds=(662, 7000),
        stage_rounds=50,
        throughput_batches=(1, 2, 4, 8, 16, 32, 64, 128),
        throughput_point_s=2.0,
        throughput_calls=20,
        train_rounds=(20, 100),
        train_s=20.0,
        train_datasets=_PAPER,
        train_roles=_ROLES,
        evaluation_share=1.0,
        warmup=20,
    ),
}
