"""What two evaluations of the same predictions may do differently, each choice named; and what published ones chose.

The default is the sound behaviour. Nobody is scored against time in which there is no video (`ends`), nor for a
moment that no answer can overlap (`empty`); an IoU that reaches the threshold has reached it, and rounding has no say
in whether it does (`ties`, `slack`); every query is answered (`missing`). docs/scoring.md has the presets in a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from emtm.data.annotations import Policy
from emtm.data.choices import Empty, Ends, Evaluator, Missing, Protocol, Ties

TIE_SLACK = 1e-6
"""An IoU this near a threshold equals it: on the clip grid IoUs of exactly 1/2 are common, and float32
rounding must not decide about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """The choices of one evaluation; the default ones are sound."""

    ends: Ends = "clip"
    """See `emtm.data.annotations.Policy`."""
    empty: Empty = "drop"
    """See there. A moment that is kept although it is empty is a miss whatever is answered."""
    ties: Ties = "inclusive"
    missing: Missing = "refuse"
    order: Literal["score", "file"] = "score"
    """What ranks the moments of a query: their scores, or the order in which the file has them."""
    slack: float = TIE_SLACK
    """How far from a threshold an IoU still equals it; 0 leaves that to floating point, as published code does."""
    union_s: float = 0.0
    """Seconds added to every union, which some code divides by so that it is never zero: nothing reaches IoU 1 then,
    and an IoU that equals a threshold falls below it."""

    @property
    def policy(self) -> Policy:
        """What is done to the annotations."""
        return Policy(ends=self.ends, empty=self.empty)

    @property
    def comparison(self) -> str:
        """When an IoU counts at a threshold m, in words."""
        counts = f"IoU {'>' if self.ties == 'strict' else '>='} m"
        return f"{counts}, {self.union_s:g} s added to the union" if self.union_s else counts

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {
            "ends": self.ends,
            "empty": self.empty,
            "ties": self.ties,
            "missing": self.missing,
            "order": self.order,
            "slack": self.slack,
            "union_s": self.union_s,
        }


SOUND = Conventions()
"""What everything is scored by that asks for nothing else."""


@dataclass(frozen=True, slots=True)
class Published:
    """A published evaluator."""

    conventions: Conventions
    source: str
    """Repository, commit and file in which its conventions were read."""
    protocol: Protocol = "timestamp"
    reproduces: str = ""
    """Public prediction file whose owner's figures it gives to the last digit; empty where none is known."""
    note: str = field(default="", kw_only=True)


_EXACT = Conventions(ends="keep", empty="keep", order="file", slack=0.0)
"""Of code that takes everything as it stands."""
_TGN = replace(_EXACT, union_s=1e-8)
_VSLNET = replace(_EXACT, ends="clip")

PUBLISHED: Mapping[Evaluator, Published] = {
    "tgn": Published(
        replace(_TGN, missing="miss"),
        "JaywongWang/TGN @858899a, util.py",
        reproduces="CBP's predictions for Charades-STA and TACoS (TALL's split); the evaluators differ in missing ones",
    ),
    "cbp": Published(
        _TGN,
        "JaywongWang/CBP @4a1764f, util.py",
        reproduces="CBP's predictions for Charades-STA and TACoS (TALL's split)",
        note="its ActivityNet Captions is val_1 and val_2 joined, inverted moments turned round",
    ),
    "2d-tan": Published(
        replace(_EXACT, ends="clip", empty="drop", ties="strict"),
        "microsoft/VideoX @1744b21, 2D-TAN/lib/core/eval.py and lib/datasets",
        note="suppresses overlapping moments before it ranks them: predictions are expected after that",
    ),
    "vslnet": Published(
        _VSLNET,
        "26hzhang/VSLNet @3793c62, util/runner_utils.py and util/data_gen.py",
        note="tests on val_1 of ActivityNet Captions; leaves out queries of videos without features",
    ),
    "seqpan": Published(
        replace(_VSLNET, slack=TIE_SLACK),
        "26hzhang/SeqPAN @0512ac3, utils/runner_utils.py and utils/data_gen.py",
        "index",
        note="exact ties, common on a grid, are left to float32 by the published code, and count here",
    ),
    "emtm": Published(
        replace(_VSLNET, slack=TIE_SLACK),
        "EMTM's released code, as SeqPAN's",
        "index",
        note="tests on val_2 of ActivityNet Captions without the videos that lack I3D features",
    ),
    "lgi": Published(
        _EXACT, "JonghwanMun/LGI4temporalgrounding @199e7ab, src/utils/eval_utils.py and src/dataset/charades.py"
    ),
    "moment-detr": Published(
        _EXACT,
        "jayleicn/moment_detr @b7e553a, standalone_eval/eval.py and utils.py",
        reproduces="the sample submission for QVHighlights val, standalone_eval/sample_val_preds.jsonl",
    ),
    "lighthouse": Published(
        _EXACT,
        "line/lighthouse @d095eaa, training/standalone_eval/eval.py",
        note="Moment-DETR's evaluator; its annotation files have the ends clipped and broken lines left out",
    ),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """How a file is scored: what a published evaluator does, where one was named, and what overrules it."""

    conventions: Conventions = SOUND
    protocol: Protocol = "timestamp"
    evaluator: Evaluator | None = None


def choose(
    name: Evaluator | None = None,
    protocol: Protocol | None = None,
    *,
    ends: Ends | None = None,
    empty: Empty | None = None,
    ties: Ties | None = None,
    missing: Missing | None = None,
) -> Choice:
    """The conventions of a published evaluator, or else the sound ones, but for what is given."""
    base = SOUND if name is None else PUBLISHED[name].conventions
    default: Protocol = "timestamp" if name is None else PUBLISHED[name].protocol
    chosen = replace(
        base,
        ends=ends or base.ends,
        empty=empty or base.empty,
        ties=ties or base.ties,
        missing=missing or base.missing,
    )
    return Choice(chosen, protocol or default, name)


def compared_by(comparison: str | None) -> Conventions:
    """The conventions of scores whose `comparison` a file states; the sound ones where it states none."""
    return replace(SOUND, ties="strict") if comparison == replace(SOUND, ties="strict").comparison else SOUND
