"""How much time a session may spend: the three values of `--bench-profile`.

Models differ 10,000-fold in cost, so a profile also says when a case is too dear for it; see `Limits`.
What is left out stands in the run file as null with its reason. Counts are never left out.
"""

from __future__ import annotations

from dataclasses import dataclass

RULE = (
    "Parameters, multiply-adds and coverage are counted for every case. A model with random weights is run at the "
    "sizes of the first run_sizes benchmarks that it has any for. A model of more than run_macs multiply-adds "
    "a query is not run, and fvcore is not asked above crosscheck_macs. Otherwise the seconds of a first call (at most "
    "0.02 s and 0.2 s a GMAC, so that a busy machine does not make a cheap model look dear), times "
    "the calls that a part needs, must fit the part's limit: of a dear call fewer are timed, but never fewer than a "
    "99 % interval needs, and a part that still does not fit is null, with the reason. A training step counts as "
    "3 x batch size calls; a pass from a video file to moments is timed by a first, untimed one."
)
"""What `Limits` means, as written into every run file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a case is too dear for a profile; seconds are the most that one part of a case may be expected to take."""

    run_macs: float
    """A model with more multiply-adds a query is counted but not run."""
    crosscheck_macs: float
    """fvcore, which executes the model, is not asked about more than this."""
    run_sizes: int
    """At how many benchmarks' sizes a model with random weights is run; at the others it is counted."""
    latency_s: float
    """Warm-up and stages included."""
    sweep_point_s: float
    """One batch size of the throughput sweep; sizes above the first that does not fit are left out."""
    reuse_s: float
    """One number of queries that share a video; numbers that do not fit are left out."""
    growth_s: float
    """One length of the video; lengths that do not fit are left out."""
    memory_s: float
    train_s: float
    video_s: float
    """One pass from a video file to moments."""


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
    reuse_queries: tuple[int, ...]
    """Queries that share a video."""
    reuse_point_s: float
    reuse_datasets: tuple[str, ...]
    roofline_datasets: tuple[str, ...]
    """At whose sizes it is asked what binds a query."""
    growth_clips: tuple[int, ...]
    """Lengths of the video; none leave growth out."""
    growth_datasets: tuple[str, ...]
    growth_roles: tuple[str, ...]
    """Roles of the models that are followed to longer videos."""
    train_rounds: tuple[int, int]
    train_s: float
    train_datasets: tuple[str, ...]
    train_roles: tuple[str, ...]
    """Roles of the models whose training step is timed."""
    video_length_s: int
    """Length of the generated video that goes from file to moments."""
    video_models: tuple[str, ...]
    video_rounds: tuple[int, int]
    """Fewest and most timed passes over the video."""
    video_s: float
    cold_starts: int
    """Fresh processes in which a model gives its first answer; 0 for none."""
    cold_datasets: tuple[str, ...]
    """At whose sizes."""
    energy_s: float
    """Of rest, and of calls; 0 leaves energy out."""
    evaluation_share: float
    """Part of the evaluation that is run; the rest is extrapolated."""
    warmup: int
    repeats: int
    """Further processes in which single queries are timed once more."""
    repeat_s: float
    """What the calls of one case may take in each."""
    again_s: float
    """What waiting for quiet, and measuring again what was measured in noise, may take in all."""
    patience_s: float
    """A measure of one case that takes longer hangs."""
    limits: Limits


_ROLES = ("student", "teacher", "baseline")
_VIDEO_MODELS = ("emtm-student", "vslnet")
"""The cheapest and the best known: what goes before them is the same for all."""
_PAPER = ("charades-sta", "activitynet-captions", "tacos")

PROFILES = {
    "smoke": Profile(
        name="smoke",
        latency_s=0.2,
        latency_rounds=(8, 100),
        stage_rounds=4,
        throughput_batches=(1, 4, 16),
        throughput_point_s=0.05,
        throughput_calls=3,
        reuse_queries=(1, 10),
        reuse_point_s=0.02,
        reuse_datasets=("charades-sta",),
        roofline_datasets=(),
        growth_clips=(),
        growth_datasets=(),
        growth_roles=(),
        train_rounds=(2, 8),
        train_s=1.0,
        train_datasets=("charades-sta",),
        train_roles=("student",),
        video_length_s=10,
        video_models=("emtm-student",),
        video_rounds=(2, 8),
        video_s=1.5,
        cold_starts=0,
        cold_datasets=(),
        energy_s=0.0,
        evaluation_share=0.1,
        warmup=3,
        repeats=3,
        repeat_s=0.12,
        again_s=20.0,
        patience_s=60.0,
        limits=Limits(
            2e10,
            4e9,
            run_sizes=1,
            latency_s=3.0,
            sweep_point_s=1.0,
            reuse_s=0.3,
            growth_s=0.0,
            memory_s=2.0,
            train_s=5.0,
            video_s=20.0,
        ),
    ),
    "ci": Profile(
        name="ci",
        latency_s=1.2,
        latency_rounds=(11, 400),
        stage_rounds=20,
        throughput_batches=(1, 2, 4, 8, 16, 32, 64),
        throughput_point_s=0.15,
        throughput_calls=3,
        reuse_queries=(1, 10, 100, 1000),
        reuse_point_s=0.3,
        reuse_datasets=("charades-sta",),
        roofline_datasets=("charades-sta",),
        growth_clips=(64, 256, 512, 1024, 2048, 4096),
        growth_datasets=("charades-sta",),
        growth_roles=("student",),
        train_rounds=(4, 20),
        train_s=2.0,
        train_datasets=_PAPER,
        train_roles=_ROLES,
        video_length_s=30,
        video_models=_VIDEO_MODELS,
        video_rounds=(4, 20),
        video_s=6.0,
        cold_starts=3,
        cold_datasets=("charades-sta",),
        energy_s=1.0,
        evaluation_share=1.0,
        warmup=10,
        repeats=3,
        repeat_s=0.4,
        again_s=40.0,
        patience_s=300.0,
        limits=Limits(
            1e12,
            2e11,
            run_sizes=3,
            latency_s=10.0,
            sweep_point_s=3.0,
            reuse_s=2.0,
            growth_s=5.0,
            memory_s=10.0,
            train_s=10.0,
            video_s=40.0,
        ),
    ),
    "full": Profile(
        name="full",
        latency_s=30.0,
        latency_rounds=(662, 7000),
        stage_rounds=50,
        throughput_batches=(1, 2, 4, 8, 16, 32, 64, 128),
        throughput_point_s=2.0,
        throughput_calls=20,
        reuse_queries=(1, 10, 100, 1000),
        reuse_point_s=2.0,
        reuse_datasets=_PAPER,
        roofline_datasets=_PAPER,
        growth_clips=(16, 32, 64, 128, 256, 512, 1024, 2048, 4096),
        growth_datasets=("charades-sta",),
        growth_roles=_ROLES,
        train_rounds=(20, 100),
        train_s=20.0,
        train_datasets=_PAPER,
        train_roles=_ROLES,
        video_length_s=30,
        video_models=_VIDEO_MODELS,
        video_rounds=(11, 64),
        video_s=120.0,
        cold_starts=7,
        cold_datasets=_PAPER,
        energy_s=5.0,
        evaluation_share=1.0,
        warmup=20,
        repeats=8,
        repeat_s=4.0,
        again_s=900.0,
        patience_s=1800.0,
        limits=Limits(
            1e13,
            2e12,
            run_sizes=3,
            latency_s=600.0,
            sweep_point_s=120.0,
            reuse_s=60.0,
            growth_s=120.0,
            memory_s=600.0,
            train_s=300.0,
            video_s=600.0,
        ),
    ),
}
