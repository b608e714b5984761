"""One session: has measures made on cases, gathers their blocks into records, and writes the run file."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import budget, results
from bench.blocks import with_blocks, without_blocks
from bench.cases import Case, Matrix
from bench.execution import InvalidOutputError, UnavailableError, threads
from bench.instruments.environment import EnvironmentWindow, commit, dirty
from bench.instruments.noise import quiet_gc
from bench.measure import Measure, Timing
from bench.measures import measures
from bench.missing import ABSENT, Block, Missing, known
from bench.profiles import RULE, Profile
from bench.record import CaseRecord, Status
from bench.run import GemmRate, Run, Suite
from bench.settled import settled
from bench.subjects import SEED
from bench.workbench import Workbench
from emtm import __version__
from emtm.errors import UserError
from emtm.processor import route_of

_CREATED = "%Y-%m-%dT%H:%M:%SZ"

Caller = Callable[[Timing], object]
"""Makes the calls of a timing, and may time them too."""


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
    resumed: frozenset[str] = frozenset()
    """Ids of the cases of which an earlier sitting tells."""

    def __post_init__(self) -> None:
        self._started = datetime.now(UTC)
        self.bench = Workbench(self.profile)
        self._environment = EnvironmentWindow(settled(self.bench.all_threads))
        self.run_id = f"{self._started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._sittings: int | Missing = ABSENT

    def resume(self, run: Run) -> None:
        """Goes on with a session that was cut off; raises UserError where what it found and what will be are two."""
        now = self._environment.close(ABSENT)
        for what, before, after in (
            ("profile", run.suite.profile, self.profile.name),
            ("commit", run.suite.commit, commit(self.root)),
            ("machine, software or settings", run.env.fingerprint, now.fingerprint),
        ):
            if before != after:
                raise UserError(f"run {run.run_id} cannot be gone on with: its {what} was another")
        mine = {case.case_id for case in self.matrix.cases}
        self.records = {record.case_id: record for record in run.cases if record.case_id in mine}
        self.run_id, self.resumed = run.run_id, frozenset(self.records)
        self._started = datetime.strptime(run.created_utc, _CREATED).replace(tzinfo=UTC)
        self._sittings = (known(run.suite.sittings) or 1) + 1

    def record(self, case: Case) -> CaseRecord:
        """The case's record so far."""
        return self.records.setdefault(case.case_id, self._blank(case))

    def add(self, case: Case, *blocks: Block) -> CaseRecord:
        """Merges blocks into the case's record.

        Raises as `results.validate_case` does, before anything is merged: one bad block must not spoil the run file.
        """
        return self._replace(with_blocks(self.record(case), blocks))

    def measure(self, case: Case, measure: Measure, caller: Caller = Timing.run) -> CaseRecord:
        """Makes a measure on a case and merges what it shows; `caller` makes the calls.

        Raises LeftOutError where it is too dear for the profile or needs what is not installed, which leaves the
        case sound, and CaseError for any other error, which becomes the case's status.
        """
        count = self.bench.all_threads if measure.all_cores else case.execution.threads
        with self._guarded(case, measure), threads(count), route_of(batches=measure.batched).taken():
            self.add(case, *measure.known(self.bench, case))
            timing = measure.start(self.bench, case)
            with quiet_gc() if timing.quiet else nullcontext():
                caller(timing)
            self.add(case, *timing.blocks())
            return self._checked(case)

    def run(self, cut_off: str | Missing = ABSENT) -> Run:
        """What the run file holds; `cut_off` says how far a session came that is not at its end."""
        records = [self.records[case.case_id] for case in self.matrix.cases if case.case_id in self.records]
        records += [broken.record() for broken in self.matrix.broken]
        unique = {record.case_id: record for record in records}
        return Run(
            schema=results.SCHEMA,
            schema_version=results.VERSION,
            run_id=self.run_id,
            created_utc=self._started.strftime(_CREATED),
            suite=Suite(
                version=__version__,
                commit=commit(self.root),
                dirty=dirty(self.root),
                profile=self.profile.name,
                seed=SEED,
                argv=self.argv,
                budget={"rule": RULE, **dataclasses.asdict(self.profile.limits)},
                cut_off=cut_off,
                sittings=self._sittings,
            ),
            env=self._environment.close(self._gemm_rate()),
            cases=tuple(unique.values()),
        )

    def book(self, case: Case, record: CaseRecord) -> None:
        """Takes what another process found of a case; raises as `add` does."""
        if record.case_id != case.case_id:
            raise ValueError(f"this is the record of '{record.case_id}', not of '{case.case_id}'")
        self._replace(record)

    def lose(self, case: Case, measure: Measure, how: str) -> None:
        """Marks a case whose process was lost."""
        self._fail(case, "failed", f"{measure.name}: {how}")

    def write(self, path: Path | None, cut_off: str | Missing = ABSENT) -> Path:
        """Writes the run file, by default `reports/runs/<run_id>.json` under the root; raises UserError."""
        target = self.place(path)
        results.write_run(self.run(cut_off), target)
        return target

    def place(self, path: Path | None) -> Path:
        """Where the run file is written."""
        return path or self.root / "reports" / "runs" / f"{self.run_id}.json"

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

    @contextmanager
    def _guarded(self, case: Case, measure: Measure) -> Iterator[None]:
        """Turns errors of a measure into what the record says, then raises as `measure` does."""
        try:
            yield
        except (budget.TooDearError, UnavailableError) as error:
            self._leave_out(case, measure, str(error))
            raise LeftOutError(str(error)) from None
        except InvalidOutputError as error:
            self._fail(case, "invalid", str(error))
            raise CaseError(str(error)) from error
        except (Exception, SystemExit) as error:
            reason = f"{measure.name}: {type(error).__name__}: {error}"
            self._fail(case, "failed", reason)
            raise CaseError(reason) from error

    def _fail(self, case: Case, status: Status, reason: str) -> None:
        """Marks a case; the first reason stays."""
        record = self.record(case)
        if record.status == "ok":
            self._replace(dataclasses.replace(record, status=status, reason=reason))

    def _leave_out(self, case: Case, measure: Measure, reason: str) -> None:
        """Books what a measure fills as missing, with the reason."""
        self._replace(without_blocks(self.record(case), measure.fills, reason))

    def _replace(self, record: CaseRecord) -> CaseRecord:
        results.validate_case(record)
        self.records[record.case_id] = record
        return record

    def _blank(self, case: Case) -> CaseRecord:
        """What is known of a case before it is measured, what its random weights rule out included."""
        record = case.record()
        for measure in measures():
            if measure.untrained is not None and measure.scenario == case.scenario and not measure.applies(case):
                record = without_blocks(record, measure.fills, measure.untrained)
        return record

    def _checked(self, case: Case) -> CaseRecord:
        """The record with how far the runner was from the model itself."""
        record, found = self.record(case), self.bench.deviation(case)
        if isinstance(found, Missing):
            return record
        execution = dataclasses.replace(record.execution, span_deviation=found)
        return self._replace(dataclasses.replace(record, execution=execution))

    def _gemm_rate(self) -> GemmRate | Missing:
        """Of the cases that ran on one thread."""
        alone = [r for r in self.records.values() if r.execution.threads == 1 and r.execution.device == "cpu"]
        rates = sorted(r.reference.gemm_macs_per_s for r in alone if not isinstance(r.reference, Missing))
        if not rates:
            return ABSENT
        return GemmRate(gemm_gflops=2e-9 * rates[len(rates) // 2], num_threads=1)


class CaseError(Exception):
    """A case could not be measured; its record says why."""


class LeftOutError(CaseError):
    """A measure is too dear for the profile, or needs what is not here; the rest of the case stands."""
