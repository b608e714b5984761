"""What is compared: models at the papers' sizes, and the ways of running them that stand against the peer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from bench.backends import backend
from bench.cases import TRAIN_BATCH, Case, paper_shape
from bench.execution import CPU, Execution
from bench.peers.peer import Peer
from bench.record import Scenario
from bench.selection import matcher
from bench.subjects import Shape
from emtm.contract import ModelConfig
from emtm.distillation.model import EMTMConfig
from emtm.errors import UserError
from emtm.registry import preset

Kind = Literal["infer", "train"]
BATCH = 64
BASE, TWIN = "peer", "peer again"
_MODELS: Mapping[Kind, tuple[str, ...]] = {"infer": ("emtm-student", "seqpan"), "train": ("emtm-student", "emtm")}
_DATASETS = ("charades-sta", "activitynet-captions", "tacos")
_SIZES: Mapping[Kind, tuple[int, ...]] = {"infer": (1, BATCH), "train": (TRAIN_BATCH,)}
_POOLS = {1: 4}
_POOL = 2


@dataclass(frozen=True, slots=True)
class Contest:
    """One kind of call of one model at one size, on one thread."""

    model: str
    dataset: str
    kind: Kind
    batch_size: int

    @property
    def case_id(self) -> str:
        """Stable name, such as `emtm-student|charades-sta|infer|b1`."""
        return f"{self.model}|{self.dataset}|{self.kind}|b{self.batch_size}"

    @property
    def pool(self) -> int:
        """How many different inputs the calls rotate through; fewer where they are large."""
        return _POOLS.get(self.batch_size, _POOL)

    @property
    def shape(self) -> Shape:
        """Sizes of one query's input."""
        return paper_shape(self.dataset, preset(self.model, self.dataset).config)

    def config(self, *, published: bool = False) -> ModelConfig:
        """The paper's configuration; with the released code's layers and losses, waste included, if `published`."""
        config = preset(self.model, self.dataset).config
        if not published:
            return config
        config = replace(config, official=True)
        return replace(config, objective="official") if isinstance(config, EMTMConfig) else config

    def case(self, row: Row) -> Case:
        """What the harness measures for a row of ours."""
        scenario: Scenario = "train_step" if self.kind == "train" else "single_stream"
        execution = Execution(backend=row.backend)
        config = self.config(published=row.published)
        return Case(self.model, self.model, self.dataset, config, self.shape, scenario, execution, self.batch_size)


@dataclass(frozen=True, slots=True)
class Row:
    """One way of making the calls of a contest, in a process of its own."""

    name: str
    title: str
    ours: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the peer's process."""
    backend: str = "eager"
    cached: bool = False
    """Are videos encoded before?"""
    published: bool = False
    """Does it keep what of the released code's layers and losses is waste?"""
    compared: bool = True
    """Are its answers the peer's? Another objective than the published one gives others."""


_EAGER = Row("eager", "this suite's PyTorch, operator by operator")
_INFER = (
    _EAGER,
    Row("onnxruntime", "the file that `python -m emtm export` writes, in ONNX Runtime", backend="onnxruntime"),
    Row(
        "onnxruntime, cached video",
        "the same, for a video that was encoded before",
        backend="onnxruntime",
        cached=True,
    ),
    Row("openvino", "the same file in OpenVINO", backend="openvino"),
)
_TRAIN = (_EAGER,)
_TRAIN_EMTM = (
    Row("eager, published", "this suite's PyTorch with the released layers and losses", published=True),
    Row("eager", "this suite's PyTorch as it trains by default", compared=False),
)


def own_rows(contest: Contest) -> tuple[Row, ...]:
    """Ours, of the backends that are installed."""
    if contest.kind == "infer":
        return tuple(row for row in _INFER if backend(row.backend).dtypes(CPU))
    return _TRAIN_EMTM if contest.model == "emtm" else _TRAIN


def rows(contest: Contest, peer: Peer) -> tuple[Row, ...]:
    """The peer as it is shipped, the same once more, its variants, and ours."""
    theirs = [Row(BASE, f"{peer.title}, as it is shipped", ours=False), Row(TWIN, "the same, once more", ours=False)]
    theirs += [
        Row(variant.name, variant.title, ours=False, environment=variant.environment) for variant in peer.variants
    ]
    return (*theirs, *own_rows(contest))


def contests(expression: str) -> tuple[Contest, ...]:
    """Those whose id `expression` means, as pytest's -k; raises UserError where it means none."""
    means = matcher(expression)
    found = [
        Contest(model, dataset, kind, size)
        for dataset in _DATASETS
        for kind in _MODELS
        for model in _MODELS[kind]
        for size in _SIZES[kind]
    ]
    chosen = tuple(contest for contest in found if means(contest.case_id))
    if not chosen:
        ids = ", ".join(contest.case_id for contest in found)
        raise UserError(f"no contest is meant by -k '{expression}'; there are {ids}")
    return chosen
