"""Tries inputs on targets, and counts."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.campaign.attempt import Outcome, attempt, import_all
from tests.campaign.half import Found, Half
from tests.campaign.inputs.judge import faults, tree
from tests.campaign.inputs.mutations import ARGUMENTS, FORMS, Mutation, arguments
from tests.campaign.inputs.specimens import Specimens
from tests.campaign.inputs.target import Target
from tests.campaign.inputs.targets import TARGETS

SOUND = Mutation("none", "as it is", lambda path: None)
_SLOWEST = 10
_OTHERS = frozenset({".ses"})
"""What packages leave where temporary files go: onnxruntime a mark of its session."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One input, and what became of it."""

    target: Target
    mutation: Mutation
    outcome: Outcome
    faults: tuple[str, ...]

    @property
    def end(self) -> str:
        """In a word or two, for the count."""
        if self.faults:
            return "failed"
        return "refused" if any(line.startswith("error: ") for line in self.outcome.stderr.splitlines()) else "result"


class Bench:
    """Where inputs are tried: the specimens, a warm cache, and a place for the one in hand."""

    def __init__(self, place: Path, keep: Path | None = None) -> None:
        self.place, self.keep = place, keep
        cache = place / "cache"
        self.environment = {"EMTM_CACHE": str(cache), "TORCHINDUCTOR_CACHE_DIR": str(cache / "torch")}
        self.specimens = Specimens(place / "specimens", place / "hand", self.environment)
        import_all()

    def ways(self, target: Target) -> SearchStrategy[Mutation]:
        """All that can be done to the file, or to the command line."""
        if target.form == ARGUMENTS:
            return arguments(target.arguments)
        return FORMS[target.form](_file(target, self.specimens.folder(target.specimen)).read_bytes())

    def tried(self, target: Target, mutation: Mutation) -> Trial:
        """The target's command on one input."""
        folder, temporary = self.specimens.place, self.place / "temporary"
        self.specimens.into(target.specimen)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        mutation.spoil(_file(target, folder))
        before = tree(folder)
        environment = {**self.environment, "TMPDIR": str(temporary)}
        if target.cache:
            environment["EMTM_CACHE"] = str(folder / target.cache)
        words = target.arguments if mutation.arguments is None else mutation.arguments
        outcome = attempt(target.module, words, folder, environment)
        left = {name: content for name, content in tree(temporary).items() if name not in _OTHERS}
        found = tuple(faults(target, words, outcome, before, tree(folder), left))
        if found and self.keep is not None:
            self._keep(target, mutation)
        return Trial(target, mutation, outcome, found)

    def _keep(self, target: Target, mutation: Mutation) -> None:
        assert self.keep is not None
        self.specimens.into(target.specimen)
        mutation.spoil(_file(target, self.specimens.place))
        kept = self.keep / f"{len(list(self.keep.glob('*'))):04}"
        shutil.copytree(self.specimens.place, kept, symlinks=True)
        (kept / "COMMAND").write_text(f"python -m {target.module} {' '.join(target.arguments)}\n", "utf-8")


def _file(target: Target, folder: Path) -> Path:
    """The file that is spoiled; names that follow from the code are patterns."""
    return next(iter(sorted(folder.glob(target.file)))) if target.file else folder


def inputs_of(ways: SearchStrategy[Mutation], number: int, start: int, use: Callable[[Mutation], object]) -> None:
    """Call `use` with so many of the ways to spoil a file; the same ones for the same start.

    Hypothesis begins with the simplest of all, which would be the same everywhere, and is passed over.
    """
    met = 0

    @seed(start)
    @settings(
        max_examples=number + 1,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(ways)
    def each(mutation: Mutation) -> None:
        nonlocal met
        met += 1
        if 1 < met <= number + 1:
            use(mutation)

    each()


def shares(targets: Sequence[Target], inputs: int) -> Iterator[tuple[Target, int]]:
    """How many inputs each gets, together at least so many."""
    whole = sum(target.share for target in targets)
    for target in targets:
        yield target, max(1, -int(-inputs * target.share // whole))


def document(trials: Sequence[Trial], controls: Sequence[Trial], start: int) -> Found:
    """All that is worth keeping of them."""

    def count(key: Callable[[Trial], str]) -> Found:
        ends: dict[str, Counter[str]] = {}
        for trial in trials:
            ends.setdefault(key(trial), Counter())[trial.end] += 1
        return {name: dict(ends[name]) for name in sorted(ends)}

    told = [_told(trial) for trial in (*controls, *trials)]
    wrong = [fault for trial in (*controls, *trials) for fault in trial.faults]
    slowest = sorted(trials, key=lambda trial: -trial.outcome.seconds)[:_SLOWEST]
    largest = sorted(trials, key=lambda trial: -trial.outcome.peak_bytes)[:_SLOWEST]
    return {
        "about": "bad input through the commands; each ends in a result, or in one sentence with nothing left behind",
        "seed": start,
        "inputs": len(trials),
        "ends": dict(Counter(trial.end for trial in trials)),
        "tracebacks": sum(fault.startswith(("traceback", "defect")) for fault in wrong),
        "files_left": sum(fault.startswith(("files", "temporary")) for fault in wrong),
        "by_command": count(lambda trial: trial.target.command),
        "by_form": count(lambda trial: trial.target.form),
        "by_file": count(lambda trial: trial.target.name),
        "by_mutation": count(lambda trial: trial.mutation.kind),
        "exit_codes": {str(code): n for code, n in Counter(trial.outcome.code for trial in trials).items()},
        "slowest": [{**_told(trial), "seconds": round(trial.outcome.seconds, 2)} for trial in slowest],
        "largest": [{**_told(trial), "peak_mb": round(trial.outcome.peak_bytes / 1e6)} for trial in largest],
        "failures": [one for one in told if one["faults"]],
    }


def _told(trial: Trial) -> Found:
    return {
        "command": f"python -m {trial.target.module} {' '.join(trial.target.arguments)}",
        "file": trial.target.file,
        "mutation": ascii(trial.mutation),
        "faults": list(trial.faults),
    }


def campaign(
    bench: Bench, targets: Sequence[Target], inputs: int, start: int, tell: Callable[[Trial], object]
) -> Found:
    """Every target as it is, which must be a result, and then on its share of so many bad inputs."""
    trials, controls, known = list[Trial](), list[Trial](), set[tuple[object, ...]]()
    for place, (target, number) in enumerate(shares(targets, inputs)):

        def use(mutation: Mutation, target: Target = target) -> None:
            trials.append(bench.tried(target, mutation))
            tell(trials[-1])

        command = (target.module, target.arguments, target.specimen)
        if target.sound and command not in known:
            known.add(command)
            controls.append(control(bench, target))
            tell(controls[-1])
        inputs_of(bench.ways(target), number, start + place, use)
    return document(trials, controls, start)


def control(bench: Bench, target: Target) -> Trial:
    """The target on its sound files; a refusal of them is a fault."""
    trial = bench.tried(target, SOUND)
    if target.sound and trial.end == "refused":
        return Trial(target, SOUND, trial.outcome, (f"sound files are refused: {trial.outcome.stderr.strip()}",))
    return trial


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--inputs", type=int, default=1000, help="bad inputs, at the least [1000]")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs [0]")
    parser.add_argument("--only", default="", help="targets whose name contains this")
    parser.add_argument("--keep", type=Path, help="folder for the files of inputs that fail")


def _run(options: Namespace) -> Found:
    targets = [target for target in TARGETS if options.only in target.name and target.there]
    whole, began = sum(number for _, number in shares(targets, options.inputs)), time.monotonic()
    done = 0

    def tell(trial: Trial) -> None:
        nonlocal done
        done += trial.mutation is not SOUND
        for fault in trial.faults:
            print(f"\n{trial.target.name} | {trial.mutation!a} | {fault}", file=sys.stderr)
        line = f"{done} of {whole} inputs, {time.monotonic() - began:.0f} s: {trial.target.name}"
        print(f"\r{line:<100.100}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)

    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="emtm-inputs-") as place:
        return campaign(Bench(Path(place), options.keep), targets, options.inputs, options.seed, tell)


INPUTS = Half("inputs", "bad input of every format, through every command that reads it", _options, _run)
