"""What is compared in a study of EMTM: the method, and the method with one part changed.

A variant is a name a person can type. Those of `ABLATIONS` change settings; `only:TEACHER`, and `both:TEACHER` for
part of the annotation, keep one teacher; `KEY=VALUE` changes one setting of the `emtm` model, for sweeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emtm.distillation.control import SMOOTHED_PSEUDO, SMOOTHED_TRUTH
from emtm.errors import UserError, unknown

TAUGHT = "emtm"
STUDENT = "emtm-student"
FULL = "full"
ALONE = "student-alone"
BEST_TEACHER = "best-teacher"
PLAIN = "plain-distillation"

ABLATIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    FULL: ("the whole method", ()),
    "no-distillation": ("without the teachers' labels", ("soft_weight=0",)),
    "no-shared-encoder": ("without the isomorphic teacher", ("isomorphic_weight=0",)),
    "distillation-only": (
        "a student taught by the teachers' uniform average, nothing else",
        ("isomorphic_weight=0", "aggregation=uniform"),
    ),
    "uniform": ("teachers weighed equally, without the aggregation unit", ("aggregation=uniform",)),
    BEST_TEACHER: ("the teacher best on the validation split, alone", ()),
    PLAIN: (
        "a student taught by the teacher best on the validation split, nothing else",
        ("isomorphic_weight=0", "aggregation=uniform"),
    ),
    SMOOTHED_TRUTH: ("control: the annotation's own smoothed boundaries in place of the teachers", ()),
    "official-losses": ("the released code's losses", ("objective=official",)),
    "hidden-alignment": ("with the hidden features aligned", ("hidden_weight=1",)),
}
"""Name -> what it is, and the settings of the `emtm` model it changes."""

SELF = "self-teacher"
BOTH = "both"
_PLAIN = ("isomorphic_weight=0", "aggregation=uniform")
FEW: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "pseudo": ("the teachers' moments where none is annotated, without their soft labels", (*_PLAIN, "soft_weight=0")),
    # A ramp would leave the queries without a moment out of the first epochs.
    "soft": ("the teachers' soft labels on all queries, without moments of their making", (*_PLAIN, "soft_ramp=0")),
    BOTH: ("the teachers' moments where none is annotated, and their soft labels", _PLAIN),
    "both-geometric": ("both, by the teachers' geometric mean", ("isomorphic_weight=0", "aggregation=geometric")),
    "both-unit": ("both, with the aggregation unit", ("isomorphic_weight=0",)),
    "both-informed": (
        "both, with a unit that reads the labels and learns on queries new to the teachers",
        ("isomorphic_weight=0", "aggregation=informed"),
    ),
    "both-isomorphic": ("both, with the isomorphic teacher", ("aggregation=uniform",)),
    SMOOTHED_PSEUDO: ("control: both, with smoothed moments in place of the teachers' distributions", _PLAIN),
    SELF: ("control: both, taught by the student alone of the same seed", _PLAIN),
}
"""Variants for part of the annotation, as `ABLATIONS`."""
FEW_CONTROLS = frozenset({SMOOTHED_PSEUDO, SELF})

OF_BEST_TEACHER = frozenset({BEST_TEACHER, PLAIN})
"""Variants that have the best teacher only."""


_OF_ONE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "only": ("taught by {} alone", ()),
    BOTH: ("both, taught by {} alone", _PLAIN),
}
"""Of `NAME:TEACHER`, as `ABLATIONS`."""


def in_words(name: str) -> str | None:
    """What a named variant is; None of those that name a setting themselves."""
    name, _, teacher = name.partition(":")
    found = _OF_ONE.get(name) if teacher else ABLATIONS.get(name) or FEW.get(name)
    return None if found is None else found[0].format(teacher)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of training EMTM."""

    name: str
    settings: tuple[str, ...]
    teachers: tuple[str, ...]
    pseudo_weight: float = 1.0
    """Of moments that the teachers make up."""

    @property
    def what(self) -> str | None:
        """In words; None where the name says it."""
        return in_words(self.name)


def make_variant(name: str, teachers: Sequence[str], best: str | None) -> Variant:
    """The variant called `name` of a study with these teachers, of which `best` is the best.

    Raises UserError for a name that says nothing, or a teacher that is not there.
    """
    if name in OF_BEST_TEACHER and best is not None:
        return Variant(name, ABLATIONS[name][1], (best,))
    if name == SMOOTHED_TRUTH:
        return Variant(name, (), (SMOOTHED_TRUTH,))
    if name in FEW:
        taught_by = (name,) if name in FEW_CONTROLS else tuple(teachers)
        return Variant(name, FEW[name][1], taught_by, 0.0 if name == "soft" else 1.0)
    if name in ABLATIONS:
        settings = ABLATIONS[name][1]
        return Variant(name, settings, () if "soft_weight=0" in settings else tuple(teachers))
    of_one, _, teacher = name.partition(":")
    if teacher and of_one in _OF_ONE:
        if teacher not in teachers:
            raise UserError(unknown("teacher", teacher, list(teachers)))
        return Variant(name, _OF_ONE[of_one][1], (teacher,))
    if "=" in name:
        return Variant(name, (name,), tuple(teachers))
    raise UserError(unknown("ablation", name, [*ABLATIONS, *FEW, "only:TEACHER", f"{BOTH}:TEACHER", "KEY=VALUE"]))


def check_untaught(model: str) -> None:
    """Raise UserError for EMTM where no teachers are: without any it would be another method under its name."""
    if model == TAUGHT:
        raise UserError(
            f"{TAUGHT} learns from teachers: `python -m emtm distill --teachers A,B` trains it; the student alone is "
            f"{STUDENT}"
        )


def check_distilled(name: str, teachers: Sequence[str]) -> None:
    """Raise UserError for a variant that needs what a single run does not have: teachers that are not given, a study.

    Raises it for a name that says nothing, too.
    """
    if name in (ALONE, SMOOTHED_TRUTH, *FEW_CONTROLS):
        raise UserError(f"'{name}' is a control of a study, not a way to distill: use `python -m emtm reproduce`")
    variant = make_variant(name, teachers, next(iter(teachers), None))
    if not variant.teachers and "soft_weight=0" not in variant.settings:
        raise UserError(f"'{name}' learns from teachers, and none is given: --teachers, or --ablate no-distillation")


def all_ablations(teachers: Sequence[str]) -> list[str]:
    """Every ablation, each teacher alone included."""
    alone = [f"only:{teacher}" for teacher in teachers] if len(teachers) > 1 else []
    return [*ABLATIONS, *alone]
