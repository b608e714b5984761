"""Cold start: what a first answer takes in processes that have just begun."""

from __future__ import annotations

from statistics import median

from bench import budget
from bench.backends import REFERENCE
from bench.cases import Case
from bench.execution import UnavailableError
from bench.instruments.cold_start import first_answers
from bench.instruments.noise import NoiseWindow
from bench.measure import Measure, Timing
from bench.record import ColdStart
from bench.workbench import Workbench


def start(bench: Workbench, case: Case) -> Timing:
    """Starts them, once."""
    budget.check_cold(case.dataset, bench.profile)
    if case.execution.backend != REFERENCE:
        raise UnavailableError("only PyTorch as it is is started anew: what other backends prepare may be kept")
    model, found = bench.model(case), list[ColdStart]()

    def call() -> None:
        noise = NoiseWindow()
        samples = first_answers(model, case.model, case.shape, case.execution, bench.profile.cold_starts)
        total = tuple(sum(steps) for steps in zip(*samples.values(), strict=True))
        found.append(
            ColdStart(
                n=bench.profile.cold_starts,
                steps={step: median(seconds) for step, seconds in samples.items()},
                total=median(total),
                samples={**samples, "total": total},
                noise=noise.close(),
            )
        )

    return Timing(call, lambda: found)


COLD_START = Measure("cold start", "single_stream", (ColdStart,), start, order=40)
