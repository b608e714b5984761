"""Kills commands, looks at what is left, lets them go on, and counts."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaign.attempt import Outcome, attempt, import_all
from tests.campaign.half import Found, Half, keep, origin
from tests.campaign.kills.moments import Moment, Watch, read_moments
from tests.campaign.kills.readers import broken, is_temporary
from tests.campaign.kills.same import differences
from tests.campaign.kills.specimens import Specimens
from tests.campaign.kills.subject import Subject
from tests.campaign.kills.subjects import SUBJECTS
from tests.processes import outside_xdist

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 900.0
GRACE_S = 20.0
"""Until the processes of one that was killed have seen that it is gone; the machine may be busy."""
ALIKE, MOST_ALIKE = ("open", "remove"), 5
"""Moments of which a folder has one for each of its files, and how many of them are enough."""
FAULTS = ("lost", "halves", "orphans", "leftovers", "differences", "refusals")


@dataclass(frozen=True, slots=True)
class Reference:
    """A command that nobody killed."""

    moments: tuple[Moment, ...]
    seconds: float
    folder: Path
    """A copy of all that lay there at the end."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One kill, and what became of it."""

    subject: Subject
    moment: str
    where: str
    faults: Mapping[str, tuple[str, ...]]
    """What was wrong, by `FAULTS`."""


class Ward:
    """Where commands are killed: files to begin with, a warm cache, and a place for the one in hand."""

    def __init__(self, place: Path) -> None:
        self.place, self.hand, self.cache = place, place / "in hand", place / "cache"
        self.temporary, self.log = place / "temporary", place / "moments"
        self.specimens = Specimens(place / "specimens", self._undisturbed)
        self.temporary.mkdir()
        import_all()

    def reference(self, subject: Subject) -> Reference:
        """The command, left alone: first once for what it puts into caches."""
        if not subject.cold:
            self.specimens.put(subject.specimen, self.hand)
            self._fine(subject, self.run(subject))
        self.specimens.put(subject.specimen, self.hand)
        outcome = self.run(subject, Watch([self.hand], self.log))
        self._fine(subject, outcome)
        folder = self.place / "references" / subject.name.replace("/", " ")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.hand, folder)
        return Reference(tuple(read_moments(self.log)), outcome.seconds, folder)

    def killed_at(self, subject: Subject, reference: Reference, number: int) -> Trial:
        """Killed at a moment of those of the reference, counted from 1."""
        moment = reference.moments[number - 1]
        self.specimens.put(subject.specimen, self.hand)
        outcome = self.run(subject, Watch([self.hand], self.log, number))
        kind, name = moment.kind, self._name(moment.path)
        return self._judged(subject, reference, outcome, kind, name)

    def killed_after(self, subject: Subject, reference: Reference, seconds: float) -> Trial | None:
        """Killed so many seconds after its start; None where it had ended."""
        self.specimens.put(subject.specimen, self.hand)
        outcome = self.run(subject, Watch([self.hand], self.log), seconds, forks=False)
        if outcome.signal != signal.SIGKILL:
            return None
        return self._judged(subject, reference, outcome, "by chance", f"after {seconds:.2f} s")

    def _judged(self, subject: Subject, reference: Reference, outcome: Outcome, kind: str, where: str) -> Trial:
        faults: dict[str, list[str]] = {fault: [] for fault in FAULTS}
        if outcome.signal != signal.SIGKILL:
            faults["differences"].append(f"was not killed, and ended with {outcome.code}: {outcome.stderr[-300:]}")
        if outcome.orphans:
            faults["orphans"].append("processes were left")
        faults["lost"] += self._lost(subject, read_moments(self.log)[:-1])
        faults["halves"] += broken(self.hand)
        if subject.replaced:
            faults["halves"] += self._neither(subject, reference)
        done = subject.refused_when_done
        refused = bool(done) and (self.hand / done).exists()
        again = self.run(subject, more=subject.again)
        if refused:
            if again.code != 2 or "already exists" not in again.stderr:
                faults["refusals"].append(f"{again.code}: {again.stderr[-300:]}")
        elif again.code not in subject.ends:
            faults["refusals"].append(f"did not go on, {again.code}: {again.stderr[-300:]}")
        if again.orphans:
            faults["orphans"].append("processes were left by the one that went on")
        for difference in differences(reference.folder, self.hand):
            left = difference.startswith("left at the end")
            # Where nothing goes on because all is done, what was left is swept by whoever writes there next.
            faults["leftovers" if left else "differences"].append(difference)
        faults["leftovers"] += [f"left in the folder for temporary files: {path.name}" for path in self._temporary()]
        return Trial(subject, kind, where, {name: tuple(found) for name, found in faults.items() if found})

    def _lost(self, subject: Subject, before: Sequence[Moment]) -> Iterator[str]:
        """Names that were given to whole files before the kill, and are not there."""
        named: set[Path] = set()
        for moment in before:
            if moment.kind == "rename" and not is_temporary(moment.path, self.hand):
                named.add(moment.path)
            elif moment.kind in ("remove", "remove folder"):
                named.discard(moment.path)
        yield from (f"not there after the kill: {self._name(path)}" for path in sorted(named) if not path.exists())
        epochs = Counter(moment.path for moment in before if moment.kind == "rename")
        for path, number in epochs.items():
            if path.name == "last.safetensors" and path.exists():
                from emtm.training.runs import read_tensors

                kept = len(read_tensors(path)[1]["history"])
                if kept < number:
                    yield f"{number} epochs were kept in {self._name(path)}, and {kept} are there"

    def _neither(self, subject: Subject, reference: Reference) -> Iterator[str]:
        """The folder that is replaced, where it is neither the old one nor the new one."""
        for place in (self.place / "specimens" / subject.specimen, reference.folder):
            if not list(differences(place / subject.replaced, self.hand / subject.replaced)):
                return
        yield f"{subject.replaced} is neither what it was nor what it is to be"

    def _temporary(self) -> list[Path]:
        found = [path for path in self.temporary.iterdir() if path.name.startswith((".emtm", "emtm", ".tmp"))]
        for path in found:
            shutil.rmtree(path, ignore_errors=True)
        return found

    def run(
        self,
        subject: Subject,
        watch: Watch | None = None,
        limit_s: float = LIMIT_S,
        more: Sequence[str] = (),
        forks: bool = True,
    ) -> Outcome:
        """The subject's command in the folder in hand, with `more` arguments, watched if it is to be.

        What it starts is forked, unless it is to be as for a user.
        """

        def prepare() -> None:
            if subject.module == "pytest":
                for name in set(os.environ) - set(outside_xdist()):
                    del os.environ[name]
            if forks:
                # What a new interpreter would have to import is there already.
                real = multiprocessing.get_context
                multiprocessing.get_context = lambda method=None: real("fork")  # type: ignore[assignment, misc]
            if watch is not None:
                watch.install()

        cache = self.hand / "cache" if subject.cold else self.cache
        environment = {
            # What is compared to the bit must not hang on which way of taking products was the quicker one.
            "EMTM_CPU": "as-built",
            "EMTM_CACHE": str(cache),
            "TMPDIR": str(self.temporary),
            "TORCHINDUCTOR_CACHE_DIR": str(self.cache / "torch"),
            "MPLCONFIGDIR": str(self.cache / "matplotlib"),
        }
        arguments = [str(ROOT / part) if part == "bench/" else part for part in (*subject.arguments, *more)]
        return attempt(subject.module, arguments, self.hand, environment, limit_s, prepare, GRACE_S)

    def _undisturbed(self, module: str, *arguments: str) -> None:
        subject = Subject("to begin with", module, arguments, "nothing")
        self._fine(subject, self.run(subject))

    @staticmethod
    def _fine(subject: Subject, outcome: Outcome) -> None:
        if outcome.code not in subject.ends or outcome.orphans:
            raise RuntimeError(f"{subject.name} {subject.arguments}: {outcome.code}: {outcome.stdout}{outcome.stderr}")

    def _name(self, path: Path) -> str:
        return path.relative_to(self.hand).as_posix() if path.is_relative_to(self.hand) else str(path)


def chosen(subject: Subject, reference: Reference, every: bool = False) -> list[int]:
    """Numbers of the moments at which the subject is killed: of its kinds, the most that it says, or all renames."""
    found = []
    for kind in subject.kinds:
        numbers = [number for number, moment in enumerate(reference.moments, 1) if moment.kind == kind]
        most = subject.most or (MOST_ALIKE if kind in ALIKE else len(numbers))
        most = len(numbers) if every and kind == "rename" else most
        found += [numbers[place * len(numbers) // most] for place in range(most)] if most < len(numbers) else numbers
    return sorted(found)


def campaign(
    ward: Ward,
    subjects: Sequence[Subject],
    start: int,
    tell: Callable[[Trial], object],
    save: Callable[[Found], object],
    share: float = 1.0,
    every: bool = False,
) -> Found:
    """Every subject killed at its moments, or at a share of them, and at some by chance.

    `save` is told of all that was found so far, after each subject.
    """
    trials, moments = list[Trial](), dict[str, int]()

    def add(trial: Trial) -> None:
        trials.append(trial)
        tell(trial)

    for subject in subjects:
        lot, reference = random.Random(f"{start} {subject.name}"), ward.reference(subject)
        moments[subject.name] = len(reference.moments)
        numbers = chosen(subject, reference, every)
        for number in sorted(lot.sample(numbers, round(share * len(numbers)) or min(1, len(numbers)))):
            add(ward.killed_at(subject, reference, number))
        done, longest = 0, reference.seconds
        while done < round(share * subject.at_random) and longest > 0.05:
            trial = ward.killed_after(subject, reference, lot.uniform(0, longest))
            if trial is None:
                longest *= 0.8  # It was quicker now.
                continue
            done += 1
            add(trial)
        save(document(trials, moments, start))
    return document(trials, moments, start)


def document(trials: Sequence[Trial], moments: Mapping[str, int], start: int) -> Found:
    """All that is worth keeping of them."""

    def of(chosen: Sequence[Trial]) -> Found:
        wrong = Counter(fault for trial in chosen for fault in trial.faults)
        return {"kills": len(chosen), **{fault: wrong[fault] for fault in FAULTS}}

    def by(key: Callable[[Trial], str]) -> dict[str, Any]:
        names = sorted({key(trial) for trial in trials})
        return {name: of([trial for trial in trials if key(trial) == name]) for name in names}

    return {
        "about": "commands killed at every moment at which they change files, and by chance; then the same once more",
        "seed": start,
        **of(trials),
        "by_command": by(lambda trial: trial.subject.name),
        "moments": dict(moments),
        "by_moment": by(lambda trial: trial.moment),
        "commands": {
            trial.subject.name: f"python -m {trial.subject.module} {' '.join(trial.subject.arguments)}"
            for trial in trials
        },
        "places": _places(trials),
        "failures": [
            {"command": trial.subject.name, "moment": trial.moment, "where": trial.where, "faults": dict(trial.faults)}
            for trial in trials
            if trial.faults
        ],
    }


def _places(trials: Sequence[Trial]) -> Found:
    """How often each command was killed at which file; temporary names are other ones each time."""
    found: dict[str, Counter[str]] = {}
    for trial in trials:
        if trial.moment != "by chance":
            parts = [part.rsplit(".", 2)[0][1:] if part.endswith(".emtm") else part for part in trial.where.split("/")]
            found.setdefault(trial.subject.name, Counter())[f"{trial.moment} {'/'.join(parts)}"] += 1
    return {name: dict(sorted(places.items())) for name, places in found.items()}


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0, help="of the moments by chance [0]")
    parser.add_argument("--only", default="", help="the command of this name, or those whose names contain it")
    parser.add_argument("--every", action="store_true", help="at all renames, also of commands that take long")
    parser.add_argument("--share", type=float, default=1.0, help="of the moments [1]")


def _run(options: Namespace) -> Found:
    subjects = [subject for subject in SUBJECTS if options.only == subject.name]
    subjects = subjects or [subject for subject in SUBJECTS if options.only in subject.name]
    began, done, code = time.monotonic(), 0, origin()

    def tell(trial: Trial) -> None:
        nonlocal done
        done += 1
        line = f"{done} kills, {time.monotonic() - began:.0f} s: {trial.subject.name}: {trial.moment} {trial.where}"
        print(line, file=sys.stderr, flush=True)
        for fault, found in trial.faults.items():
            print(f"    {fault}: {'; '.join(found)}", file=sys.stderr, flush=True)

    def save(found: Found) -> None:
        keep(options.out, KILLS, {**code, **found, "cut_off": True})

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    with tempfile.TemporaryDirectory(prefix="emtm-kills-") as place:
        return campaign(Ward(Path(place)), subjects, options.seed, tell, save, options.share, options.every)


KILLS = Half("kills", "commands killed at every moment at which they change files", _options, _run)
