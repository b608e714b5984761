"""A selftest as JSON, as text, and as an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.ab.document import trial_json
from bench.ab.session import Outcome
from bench.codec import encode
from bench.missing import Json
from bench.run import Environment
from bench.selftest.gate import ALARMS_LIMIT, MISSES_LIMIT, Gate, Rates
from bench.selftest.truths import Truth
from emtm.errors import ExitCode
from emtm.files import json_text

SCHEMA = "emtm-bench/selftest"
VERSION = "2.0.0"


@dataclass(frozen=True, slots=True)
class Sitting:
    """What the instruments and the gate showed in one go."""

    created_utc: str
    seed: int
    truths: Sequence[Truth]
    gate: Gate
    environment: Environment


@dataclass(frozen=True, slots=True)
class Selftest:
    """All sittings on one machine."""

    sittings: Sequence[Sitting]

    @property
    def truths(self) -> list[Truth]:
        """Of the last sitting, and those that were wrong in an earlier one."""
        wrong = [truth for sitting in self.sittings[:-1] for truth in sitting.truths if not truth.ok]
        return [*wrong, *(self.sittings[-1].truths if self.sittings else ())]

    @property
    def gate(self) -> Gate:
        """All sessions."""
        return Gate(tuple(outcome for sitting in self.sittings for outcome in sitting.gate.outcomes))

    @property
    def exit_code(self) -> ExitCode:
        """ENVIRONMENT where an instrument is wrong or the gate carries no verdict."""
        sound = all(truth.ok for truth in self.truths) and self.gate.carries
        return ExitCode.FINE if sound else ExitCode.ENVIRONMENT


def text(found: Selftest) -> str:
    """The document as a file has it."""
    return json_text(document(found), indent=1) + "\n"


def document(found: Selftest) -> dict[str, Json]:
    """Everything, the medians of all rounds included."""
    even, slow = found.gate.unchanged, found.gate.slowed
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "exit_code": int(found.exit_code),
        "unchanged": {
            **asdict(even),
            "false_alarms": even.changed,
            "share_upper95": even.bound(even.changed),
        },
        "slowed_3_pct": {
            **asdict(slow),
            "not_found": slow.unfound,
            "share_upper95": slow.bound(slow.unfound),
        },
        "sittings": [
            {
                "created_utc": sitting.created_utc,
                "seed": sitting.seed,
                "truths": [{**asdict(truth), "ok": truth.ok} for truth in sitting.truths],
                "sessions": [_session_json(outcome) for outcome in sitting.gate.outcomes],
                "env": encode(sitting.environment),
            }
            for sitting in found.sittings
        ],
    }


def _session_json(outcome: Outcome) -> Json:
    return {
        "rounds": outcome.rounds,
        "elapsed_s": outcome.elapsed_s,
        "s_per_comparison": outcome.elapsed_s / max(1, len(outcome.trials)),
        "trials": [trial_json(trial) for trial in outcome.trials],
    }


def lines(found: Selftest) -> list[str]:
    """The verdict first, then what it rests on."""
    carries = found.exit_code is ExitCode.FINE
    said = ["This machine can carry a verdict now." if carries else "This machine cannot carry a verdict now."]
    said += [
        f"  {'ok   ' if truth.ok else 'WRONG'} {truth.name}: {_value(truth.found, truth.unit)}"
        + ("" if truth.ok else f", not {_value(truth.expected, truth.unit)}")
        for truth in found.truths
    ]
    even, slow = found.gate.unchanged, found.gate.slowed
    said += [
        f"  one tree on both sides: {_answers(even)}; {even.changed} false alarms, promised are at most "
        f"{ALARMS_LIMIT:.0%} (these leave up to {even.bound(even.changed):.1%} possible)",
        f"  slowed down by 3 %: {_answers(slow)}; {slow.unfound} called the same, promised are at most "
        f"{MISSES_LIMIT:.0%} (these leave up to {slow.bound(slow.unfound):.1%} possible)",
    ]
    said += [f"  not measured: {trial.case_id}: {trial.reason}" for trial in found.gate.broken]
    return said


def _answers(rates: Rates) -> str:
    parts = ("slower", "faster", "same", "inconclusive")
    given = ", ".join(f"{getattr(rates, part)} {part}" for part in parts if getattr(rates, part))
    return f"{rates.comparisons} comparisons: {given or 'none'}"


def _value(value: float | None, unit: str) -> str:
    return "no answer" if value is None else f"{value:.6g} {unit}".rstrip()
