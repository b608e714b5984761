"""One session: builds subjects once, gathers blocks into cases, and writes the run file."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch

from bench import budget, results
from bench.blocks import with_blocks, without_blocks
from bench.cases import Case, Matrix
from bench.instruments import quality
from bench.instruments.environment import EnvironmentWindow, commit, dirty
from bench.missing import ABSENT, Block, Missing, known
from bench.profiles import RULE, Profile
from bench.record import (
    CaseRecord,
    EndToEnd,
    Energy,
    EvaluationCost,
    Latency,
    Memory,
    Noise,
    Quality,
    Reference,
    Status,
    Throughput,
    Training,
)
from bench.run import GemmRate, Run, Suite
from bench.static import Static, analyse_config
from bench.subjects import CHECK_CALLS, SEED, InvalidOutputError, build_model, check_output, infer, make_batch
from emtm import __version__
from emtm.registry import AnyModel

PARTS: dict[str, tuple[type[Block], ...]] = {
    "latency": (Latency, Reference, Energy, Noise),
    "throughput": (Throughput,),
    "memory": (Memory,),
    "train step": (Training, Reference, Noise),
    "evaluation": (EvaluationCost,),
    "end to end": (EndToEnd, Reference, Noise),
}
"""What is measured together -> the blocks of the record that it fills."""


@dataclass
class Lab:
    """State of one benchmark session."""

    matrix: Matrix
    profile: Profile
    root: Path
    argv: tuple[str, ...]
    """The command that started the session."""
    records: dict[str, CaseRecord] = field(default_factory=dict)
    """By case id; what has been measured so far."""
    _static: dict[object, Static] = field(default_factory=dict)
    _checked: dict[object, _Check] = field(default_factory=dict)
    _held: tuple[object, AnyModel] | None = None
    """The model in hand. There is one at a time: together they would fill the memory."""

    def __post_init__(self) -> None:
        self._started = datetime.now(UTC)
        self._environment = EnvironmentWindow()
        self.all_threads = torch.get_num_threads()
        self.run_id = f"{self._started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"

    def record(self, case: Case) -> CaseRecord:
        """The case's record so far."""
        return self.records.setdefault(case.case_id, self._blank(case))

    def add(self, case: Case, *blocks: Block) -> CaseRecord:
        """Merges blocks into the case's record.

        Raises as `results.validate_case` does, before anything is merged: one bad block must not spoil the run file.
        """
        return self._replace(with_blocks(self.record(case), blocks))

    def fail(self, case: Case, status: Status, reason: str) -> None:
        """Marks a case; the first reason stays."""
        record = self.record(case)
        if record.status == "ok":
            self._replace(dataclasses.replace(record, status=status, reason=reason))

    def leave_out(self, case: Case, what: str, reason: str) -> None:
        """Books the blocks of a part as missing, with the reason."""
        self._replace(without_blocks(self.record(case), PARTS[what], reason))

    @contextmanager
    def guarded(self, case: Case, what: str) -> Iterator[None]:
        """Turns any error of a measurement into the case's status, then raises CaseError.

        A part that is too dear for the profile, or needs what is not installed, leaves the case sound
        and raises LeftOutError.
        """
        try:
            yield
        except (budget.TooDearError, UnavailableError) as error:
            self.leave_out(case, what, str(error))
            raise LeftOutError(str(error)) from None
        except InvalidOutputError as error:
            self.fail(case, "invalid", str(error))
            raise CaseError(str(error)) from error
        except Exception as error:
            reason = f"{what}: {type(error).__name__}: {error}"
            self.fail(case, "failed", reason)
            raise CaseError(reason) from error

    def model(self, case: Case) -> AnyModel:
        """The case's model on its device, checked once.

        Raises TooDearError if the profile does not run it, InvalidOutputError if it is unsound.
        """
        budget.check_runs(self.static(case).compute.macs, self.profile)
        model, key = self._model(case), _subject(case)
        if key not in self._checked:
            self._checked[key] = _check(model, case)
        if self._checked[key].reason is not None:
            raise InvalidOutputError(self._checked[key].reason)
        return model

    def call_s(self, case: Case) -> float:
        """About the seconds that one query takes: what the check of the model took, chance delays aside."""
        self.model(case)
        return min(self._checked[_subject(case)].call_s, budget.nominal_s(self.static(case).compute.macs))

    def static(self, case: Case) -> Static:
        """Counts of the case's model; equal configurations on equal shapes are counted once."""
        key = (case.model, case.config, case.shape)
        if key not in self._static:
            here = case.run is None and case.device.name == "cpu"
            self._static[key] = analyse_config(
                case.model,
                case.config,
                case.shape,
                self.profile.limits.crosscheck_macs,
                (lambda: self._model(case)) if here else None,
            )
        return self._static[key]

    def _model(self, case: Case) -> AnyModel:
        key = _subject(case)
        if self._held is None or self._held[0] != key:
            self._held = None  # Frees the last model before the next one is built.
            self._held = key, _build(case)
        return self._held[1]

    def run(self) -> Run:
        """What the run file holds."""
        records = [self.records[case.case_id] for case in self.matrix.cases if case.case_id in self.records]
        records += [broken.record() for broken in self.matrix.broken]
        unique = {record.case_id: record for record in records}
        return Run(
            schema=results.SCHEMA,
            schema_version=results.VERSION,
            run_id=self.run_id,
            created_utc=f"{self._started:%Y-%m-%dT%H:%M:%SZ}",
            suite=Suite(
                version=__version__,
                commit=commit(self.root),
                dirty=dirty(self.root),
                profile=self.profile.name,
                seed=SEED,
                argv=self.argv,
                budget={"rule": RULE, **dataclasses.asdict(self.profile.limits)},
            ),
            env=self._environment.close(self._gemm_rate()),
            cases=tuple(unique.values()),
        )

    def write(self, path: Path | None) -> Path:
        """Writes the run file, by default `reports/runs/<run_id>.json` under the root."""
        target = path or self.root / "reports" / "runs" / f"{self.run_id}.json"
        results.write_run(self.run(), target)
        return target

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Case id and reason of every case that is not ok."""
        records = [*self.records.values(), *(broken.record() for broken in self.matrix.broken)]
        return [(r.case_id, known(r.reason) or "") for r in records if r.status != "ok"]

    @property
    def measured(self) -> bool:
        """Has any case been measured and found sound?"""
        return any(record.status == "ok" for record in self.records.values())

    @property
    def started(self) -> bool:
        """Has any case been touched?"""
        return bool(self.records)

    def _replace(self, record: CaseRecord) -> CaseRecord:
        results.validate_case(record)
        self.records[record.case_id] = record
        return record

    def _blank(self, case: Case) -> CaseRecord:
        record = case.record()
        if case.scenario == "single_stream" and case.run is None:
            return without_blocks(record, (Quality,), quality.RANDOM_WEIGHTS)
        return record

    def _gemm_rate(self) -> GemmRate | Missing:
        """Of the cases that ran on one thread."""
        alone = [r for r in self.records.values() if r.execution.threads == 1 and r.execution.device == "cpu"]
        rates = sorted(r.reference.gemm_macs_per_s for r in alone if not isinstance(r.reference, Missing))
        if not rates:
            return ABSENT
        return GemmRate(gemm_gflops=2e-9 * rates[len(rates) // 2], num_threads=1)


class UnavailableError(Exception):
    """What a part of a case needs is not on this machine; the text is the reason."""


class CaseError(Exception):
    """A case could not be measured; its record says why."""


class LeftOutError(CaseError):
    """A part of a case is too dear for the profile; the rest of the case stands."""


_LONG_S = 2.0
"""A first call shorter than this may be mostly torch's own start-up, so a second one is timed."""


@dataclass(frozen=True, slots=True)
class _Check:
    call_s: float
    reason: str | None
    """Why the model is unsound; None when it is not."""


def _check(model: AnyModel, case: Case) -> _Check:
    batch = make_batch(case.shape, case.config.feature_dim, 1).to(case.device.name)
    reason, start = None, time.perf_counter()
    try:
        check_output(model, batch)
    except InvalidOutputError as error:
        reason = str(error)
    case.device.synchronize()
    call_s = (time.perf_counter() - start) / CHECK_CALLS
    if call_s < _LONG_S and reason is None:
        start = case.device.now_ns()
        with torch.inference_mode():
            infer(model, batch)
        call_s = min(call_s, (case.device.now_ns() - start) * 1e-9)
    return _Check(call_s, reason)


def _subject(case: Case) -> object:
    """What tells models apart, however they are run."""
    return case.model, case.config, case.shape, case.device.name, case.run


def _build(case: Case) -> AnyModel:
    if case.run is None:
        return build_model(case.model, case.config, case.shape).to(case.device.name)
    from emtm.training.runs import load_run

    run = load_run(case.run.path, case.device.name)
    model: AnyModel = run.model
    return model.eval()
