"""What a reader must know before the numbers: warnings, and where they were measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.disturbance import disturbance
from bench.missing import Missing, known, known_of, of
from bench.record import CaseRecord
from bench.report.content.content import Content
from bench.report.quantity import DASH, byte_size
from bench.report.sections import no_result
from bench.run import Environment, ProductRate, Run


def invalid(content: Content) -> list[str]:
    """A sentence for each run whose times are not to be used."""
    found = ((run.run_id, disturbance(run.cases)) for run in content.runs)
    return [
        f"INVALID: {how} (run {name}). Its counts stand; its times are not to be used."
        for name, how in found
        if how.verdict == "invalid"
    ]


def warnings(content: Content) -> list[str]:
    """What may make the numbers wrong or unrepeatable, gravest first."""
    found = [f"Run {run.run_id} was cut off: {how}." for run in content.runs if (how := known(run.suite.cut_off))]
    found += _case_warnings(content.cases)
    for run in content.runs:
        prefix = f"Run {run.run_id}: " if len(content.runs) > 1 else ""
        found += [prefix + warning for warning in _run_warnings(run)]
    found += _pinning(content.runs)
    if len({run.env.fingerprint for run in content.runs}) > 1:
        found.append("The runs come from different environments: their latencies are not comparable.")
    return found


def _case_warnings(cases: Sequence[CaseRecord]) -> list[str]:
    status = Counter(case.status for case in cases)
    counts = (
        (status["failed"], f"failed; see “{no_result.TITLE}”."),
        (status["invalid"], f"gave an unsound output; see “{no_result.TITLE}”."),
        (status["skipped"], f"skipped; see “{no_result.TITLE}”."),
        (
            disturbance(cases).disturbed,
            "measured while the machine was noisy: the times may be too long; such rows are marked, and stand in "
            "no front, knee or order of times.",
        ),
    )
    return [f"{count} case{'s' if count > 1 else ''} {what}" for count, what in counts if count]


def _run_warnings(run: Run) -> list[str]:
    found = []
    if run.suite.dirty is True:
        found.append("The working tree was dirty: the commit does not identify the code that ran.")
    elif isinstance(run.suite.commit, Missing):
        found.append(f"The code that ran is unknown: {run.suite.commit.reason}.")
    load, cores = known(run.env.volatile.load1_start), run.env.hardware.cores_logical
    if load is not None and load > cores / 2:
        found.append(f"Other work was running at the start: load {load:.1f} on {cores} cores.")
    return found


def _pinning(runs: Sequence[Run]) -> list[str]:
    """Pinned means allowed on no more cores than there are threads; single queries run on few."""
    loose = []
    for run in runs:
        fewest = min(known_of(case.execution.threads for case in run.cases), default=1)
        cores = known(run.env.settings.affinity)
        if cores is None or len(cores) > fewest:
            loose.append(len(cores) if cores else None)
    if not loose:
        return []
    among = f" among {loose[0]} cores" if loose[0] else ""
    return [f"Threads were not pinned: the scheduler was free to move them{among}."]


def card(run: Run) -> list[tuple[str, str]]:
    """The machine, the software and the settings of one run, as label and value."""
    suite = run.suite
    dirty = " + uncommitted changes" if suite.dirty is True else ""
    return [
        ("Run", run.run_id),
        ("Measured", run.created_utc),
        ("Suite", f"{suite.version} at commit {(known(suite.commit) or 'unknown')[:12]}{dirty}"),
        ("Profile, seed", f"{suite.profile}, {suite.seed}"),
        *((label, value) for label, value in _facts(run.env) if value is not None),
        *(("GPU", gpu.name) for gpu in run.env.hardware.gpus),
    ]


def _facts(env: Environment) -> tuple[tuple[str, str | None], ...]:
    """None where the run does not say."""
    hardware, software, settings, volatile = env.hardware, env.software, env.settings, env.volatile
    gemm = of(volatile.reference, lambda reference: reference.gemm_gflops)
    return (
        ("Processor", hardware.cpu_model),
        ("Cores, physical / logical", f"{hardware.cores_physical} / {hardware.cores_logical}"),
        ("Memory", byte_size(hardware.ram_bytes)),
        ("Operating system", software.os),
        ("Python", software.python),
        ("PyTorch", software.torch),
        ("CUDA", known(software.cuda)),
        ("Threads, intra-op / inter-op", _pair(settings.num_threads, settings.interop_threads)),
        ("Allowed cores", known(of(settings.affinity, lambda cores: ", ".join(map(str, cores))))),
        ("TF32", _switch(settings.tf32)),
        ("Attention fast path", _switch(settings.mha_fastpath)),
        ("Virtualised", known(settings.virtualised)),
        ("Time some work waited for a CPU", _number(volatile.cpu_pressure_pct, " %")),
        ("Load at the start (1 min)", _number(volatile.load1_start)),
        ("CPU time stolen by the host", _number(volatile.steal_pct, " %")),
        ("Reference GEMM", _number(gemm, " GFLOP/s")),
        ("Float32 products of batches", known(settings.products)),
        ("Their rates", known(of(volatile.products, lambda rates: ", ".join(map(_rate, rates))))),
        ("Environment fingerprint", env.fingerprint),
    )


def _pair(first: int | Missing, second: int | Missing) -> str | None:
    if isinstance(first, Missing) and isinstance(second, Missing):
        return None
    return " / ".join(DASH if isinstance(value, Missing) else str(value) for value in (first, second))


def _switch(value: bool | Missing) -> str | None:
    return known(of(value, lambda on: "on" if on else "off"))


def _rate(rate: ProductRate) -> str:
    inexact = "" if rate.exact else ", not exact"
    return f"{rate.route} {rate.macs_per_s / 1e9:.3g} GMAC/s{inexact}"


def _number(value: float | Missing, unit: str = "") -> str | None:
    return known(of(value, lambda number: f"{number:.4g}{unit}"))
