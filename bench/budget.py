"""How often a case is called within its profile's limits, and when a part of it is left out."""

from __future__ import annotations

from bench import stats
from bench.instruments.latency import rounds_for
from bench.profiles import Profile

TRAIN_CALLS = 3
"""A training step in forward passes: forward, gradient of inputs, gradient of weights."""
FEWEST_STEPS = 2
COUNTED_S = 2.0
"""A profile that times steps for less has no time to count one."""
MEMORY_CALLS = 4
_REPEATED = (5, 100)
_NOMINAL_S, _NOMINAL_S_PER_MAC = 0.02, 2e-10
_UNTIMED_CALLS = 2
"""At least one call to warm up and one with the clocks between the stages."""


class TooDearError(Exception):
    """A part of a case would take longer than its profile allows; the text is the reason."""


def check_runs(macs: int, place: int, profile: Profile) -> None:
    """Raises TooDearError when a model of `macs` multiply-adds a query, at its `place`-th sizes, is not run at all."""
    if place >= profile.limits.run_sizes:
        raise TooDearError(
            f"profile {profile.name} runs models with random weights at the sizes of one benchmark alone"
        )
    if macs > profile.limits.run_macs:
        raise TooDearError(
            f"{macs / 1e9:.0f} GMAC a query: profile {profile.name} runs models of up to "
            f"{profile.limits.run_macs / 1e9:.0f} GMAC"
        )


def nominal_s(macs: int) -> float:
    """Seconds that hardly any model of so many multiply-adds takes on one idle core.

    A first call on a busy machine may be slow by chance; that must not make a cheap model look dear.
    """
    return _NOMINAL_S + macs * _NOMINAL_S_PER_MAC


def check_latency(call_s: float, profile: Profile) -> None:
    """Raises TooDearError when not even an interval's worth of calls fits the limit."""
    _check(stats.fewest_for_interval() + _UNTIMED_CALLS, call_s, profile.limits.latency_s, profile)


def latency_rounds(call_s: float, profile: Profile) -> int:
    """Timed calls: what the profile wants, of a dear call fewer, but always enough for an interval."""
    wanted = rounds_for(call_s, profile.latency_s, *profile.latency_rounds)
    fitting = int(profile.limits.latency_s / call_s) - _UNTIMED_CALLS
    return max(stats.fewest_for_interval(), min(wanted, fitting))


def few_calls(call_s: float, profile: Profile, most: int) -> int:
    """Calls beside the timed ones, for warm-up or stages: as many as fit the latency's budget, at least one."""
    return rounds_for(call_s, profile.latency_s, 1, most)


def repeat_too_dear(call_s: float, profile: Profile) -> bool:
    """Do a few calls in another process, untimed ones included, not fit?"""
    return too_dear(_REPEATED[0] + _UNTIMED_CALLS, call_s, 4 * profile.repeat_s, profile) is not None


def repeat_rounds(call_s: float, profile: Profile) -> int:
    """Timed calls in another process."""
    return rounds_for(call_s, profile.repeat_s, *_REPEATED)


def check_reuse(dataset: str, profile: Profile) -> None:
    """Raises TooDearError when a profile asks no queries of one video at the sizes of a dataset."""
    if dataset not in profile.reuse_datasets:
        sizes = ", ".join(profile.reuse_datasets)
        raise TooDearError(f"profile {profile.name} asks several queries of one video at the sizes of {sizes} alone")


def check_roofline(dataset: str, profile: Profile) -> None:
    """Raises TooDearError when a profile does not ask what binds a query at the sizes of a dataset."""
    if dataset not in profile.roofline_datasets:
        where = f" but at the sizes of {', '.join(profile.roofline_datasets)}" if profile.roofline_datasets else ""
        raise TooDearError(f"profile {profile.name} does not ask what binds a query{where}")


def check_growth(dataset: str, role: str, profile: Profile) -> None:
    """Raises TooDearError when a profile does not follow such a model to longer videos at the sizes of a dataset."""
    if not profile.growth_clips:
        raise TooDearError(f"profile {profile.name} follows no model to longer videos")
    if dataset not in profile.growth_datasets:
        raise TooDearError(
            f"profile {profile.name} follows models to longer videos at the sizes of "
            f"{', '.join(profile.growth_datasets)} alone"
        )
    if role not in profile.growth_roles:
        raise TooDearError(
            f"profile {profile.name} follows models of these roles alone to longer videos: "
            f"{', '.join(profile.growth_roles)}"
        )


def check_train(call_s: float, batch_size: int, profile: Profile) -> None:
    """Raises TooDearError when not even two training steps after an untimed one fit the limit."""
    step_s = TRAIN_CALLS * batch_size * call_s
    _check(FEWEST_STEPS + 1, step_s, profile.limits.train_s, profile, "training steps")


def uncounted_step(step_s: float, profile: Profile) -> str | None:
    """Why the arithmetic of a step is not counted, which takes one more step; None when it is."""
    if profile.train_s < COUNTED_S:
        return f"profile {profile.name} times steps for {profile.train_s:g} s; they are counted from {COUNTED_S:g} s on"
    return too_dear(FEWEST_STEPS + 2, step_s, profile.limits.train_s, profile, "training steps")


def train_rounds(step_s: float, profile: Profile) -> int:
    """Timed training steps after one untimed: what the profile wants, of a dear step as few as two."""
    wanted = rounds_for(step_s, profile.train_s, *profile.train_rounds)
    return max(FEWEST_STEPS, min(wanted, int(profile.limits.train_s / step_s) - 1))


def video_rounds(pass_s: float, profile: Profile) -> int:
    """Timed passes from a video file to moments, of a dear pass as few as the profile allows.

    Raises TooDearError when not even those fit the limit.
    """
    fewest, most = profile.video_rounds
    _check(1, pass_s, profile.limits.video_s, profile, "passes over the video")
    fitting = max(1, int(profile.limits.video_s / pass_s))
    return min(fitting, rounds_for(pass_s, profile.video_s, fewest, most))


def check_memory(call_s: float, profile: Profile) -> None:
    """Raises TooDearError when the calls of the memory instrument do not fit the limit."""
    _check(MEMORY_CALLS, call_s, profile.limits.memory_s, profile)


def check_cold(dataset: str, profile: Profile) -> None:
    """Raises TooDearError where no process is started for the sake of its first answer."""
    if dataset not in profile.cold_datasets:
        where = f" but at the sizes of {', '.join(profile.cold_datasets)}" if profile.cold_datasets else ""
        raise TooDearError(f"profile {profile.name} starts no fresh process for a first answer{where}")


def too_dear(calls: int, call_s: float, limit_s: float, profile: Profile, what: str = "calls") -> str | None:
    """Why so many calls do not fit the limit; None when they do."""
    if calls * call_s <= limit_s:
        return None
    return f"{calls} {what} of {call_s:.2g} s are over the {limit_s:g} s that profile {profile.name} allows"


def _check(calls: int, call_s: float, limit_s: float, profile: Profile, what: str = "calls") -> None:
    reason = too_dear(calls, call_s, limit_s, profile, what)
    if reason is not None:
        raise TooDearError(reason)
