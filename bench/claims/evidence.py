"""Files that claims are judged by: runs, studies, audits and scores, each recognised by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.audit.files import read_audit
from bench.audit.record import FORMAT as AUDIT
from bench.audit.record import Audit
from bench.claims.scores import Scores, read_scores
from bench.missing import Missing
from bench.record import CaseRecord
from bench.report.content.few_labels import FewLabels, read_few_labels
from bench.report.content.study import Study, read_study
from bench.results import SCHEMA, read_run
from bench.run import Run
from emtm.distillation.few_labels import FORMAT as FEW_LABELS
from emtm.distillation.summary import FORMAT as STUDY
from emtm.errors import UserError
from emtm.files import read_json
from emtm.metrics.scoring import FORMAT as SCORE

T = TypeVar("T")

FOLDER = Path("reports/reference")
"""Whose files are the evidence when none are named."""


@dataclass(frozen=True, slots=True)
class Read:
    """The case of a run file, or the file itself, that an estimate was read from."""

    file: str
    place: str
    """Case, row or label within the file."""

    def __str__(self) -> str:
        return f"{self.file}#{self.place}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read, each with the name of its file as the user would give it."""

    runs: tuple[tuple[str, Run], ...] = ()
    studies: tuple[Study, ...] = ()
    few_labels: tuple[FewLabels, ...] = ()
    audits: tuple[tuple[str, Audit], ...] = ()
    scores: tuple[tuple[str, Scores], ...] = ()

    def files(self) -> list[str]:
        """Names of all files, in the order of the kinds."""
        return [
            *(name for name, _ in self.runs),
            *(study.path for study in self.studies),
            *(study.path for study in self.few_labels),
            *(name for name, _ in self.audits),
            *(name for name, _ in self.scores),
        ]

    def cases(self) -> Iterator[tuple[str, CaseRecord]]:
        """All sound cases, with their file."""
        return ((name, case) for name, run in self.runs for case in run.cases if case.status == "ok")

    def single(self, model: str, dataset: str, pick: Callable[[CaseRecord], T | Missing]) -> tuple[T, Read] | Missing:
        """What the first single-query case of a model on a dataset's sizes has, random weights before trained ones."""
        found = [
            (name, case)
            for name, case in self.cases()
            if (case.model.name, case.workload.dataset, case.workload.scenario) == (model, dataset, "single_stream")
        ]
        for name, case in sorted(found, key=lambda pair: pair[1].model.weights_kind != "random"):
            value = pick(case)
            if not isinstance(value, Missing):
                return value, Read(name, case.case_id)
        return Missing(f"no run file has a single query of {model} at the sizes of {dataset} with it")


def gather(paths: Sequence[Path] | None) -> Evidence:
    """Reads files of evidence, by default all of `reports/reference`.

    Raises UserError for a file that cannot be read, for a named one that is none of the four kinds, and where
    there is none at all.
    """
    named = paths is not None
    found = sorted(FOLDER.glob("*.json")) if paths is None else paths
    runs: list[tuple[str, Run]] = []
    studies: list[Study] = []
    few_labels: list[FewLabels] = []
    audits: list[tuple[str, Audit]] = []
    scores: list[tuple[str, Scores]] = []
    for path in found:
        kind = _kind(path)
        if kind == SCHEMA:
            runs.append((path.as_posix(), read_run(path)))
        elif kind == STUDY:
            studies.append(read_study(path))
        elif kind == FEW_LABELS:
            few_labels.append(read_few_labels(path))
        elif kind == AUDIT:
            audits.append((path.as_posix(), read_audit(path)))
        elif kind == SCORE:
            scores.append((path.as_posix(), read_scores(path)))
        elif named:
            raise UserError(f"{path} is no evidence: neither a run file, a study's summary, an audit nor scores")
    if not (runs or studies or few_labels or audits or scores):
        raise UserError(f"there is no evidence in {FOLDER}: name run files, studies' summaries, audits or scores")
    return Evidence(tuple(runs), tuple(studies), tuple(few_labels), tuple(audits), tuple(scores))


def _kind(path: Path) -> str:
    doc = read_json(path)
    return str(doc.get("schema") or doc.get("format")) if isinstance(doc, dict) else ""
