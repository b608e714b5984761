"""The matrix: which models run on which workloads, declared once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.backends import REFERENCE, executions
from bench.execution import Execution
from bench.missing import ABSENT, Missing
from bench.profiles import Profile
from bench.provenance import provenance
from bench.record import CaseRecord, ExecutionRecord, Model, Provenance, Scenario, Workload
from bench.sample_video import SampleVideo
from bench.subjects import SEED, Shape
from emtm.contract import ModelConfig
from emtm.data.benchmarks import FAMILY
from emtm.data.datasets import describe
from emtm.data.video import Backbone, Sampling
from emtm.errors import UserError
from emtm.registry import config_hash, left_out, model_class, model_names, override, preset

TRAIN_BATCH = 16
TRAIN_THREADS = 2
EVALUATION_BATCH = 32
EVALUATION_THREADS = 2
VIDEO_DATASET = "charades-sta"
"""Whose configuration grounds the generated video."""
VIDEO_SAMPLING = Sampling()
"""As `python -m emtm extract` does without options."""


@dataclass(frozen=True, slots=True)
class Text:
    """Query sizes of a dataset: about the 95th percentile of its annotations."""

    num_words: int
    num_chars: int
    word_vocabulary: int
    char_vocabulary: int


PAPER = {
    "charades-sta": Text(10, 10, 1277, 36),
    "activitynet-captions": Text(25, 10, 11593, 55),
    "tacos": Text(20, 10, 1737, 45),
}
"""The three workloads of the published efficiency tables."""

VARIANTS = (("vslnet-transformer", "vslnet", ("predictor=transformer",)),)
"""Label, registered model, settings: configurations that are compared as models of their own."""


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A finished training run that supplies the weights of a case."""

    path: Path
    seed: int
    recipe_hash: str
    """Tells apart runs of one configuration that were trained differently."""
    weights_sha256: str
    provenance: Provenance = field(compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One model on one workload in one way of running it."""

    label: str
    model: str
    dataset: str
    config: ModelConfig
    shape: Shape
    scenario: Scenario
    execution: Execution
    batch_size: int
    run: TrainedRun | None = None
    video: SampleVideo | None = None
    """What an `end_to_end` case starts from; the others start from features."""
    tag: str = ""
    """Tells apart runs of the same model, dataset and seed."""
    place: int = 0
    """Of a benchmark among those whose sizes the model has; 0 for trained weights."""

    @property
    def case_id(self) -> str:
        """Stable name: equal ids in two runs mean the same measurement."""
        parts = [self.label, self.dataset, self.scenario, self.execution.name]
        parts += [f"b{self.batch_size}", f"l{self.shape.num_clips}"]
        parts += [f"s{self.run.seed}"] if self.run else []
        return "|".join([*parts, self.tag] if self.tag else parts)

    def record(self) -> CaseRecord:
        """Its record before anything is measured."""
        return CaseRecord(
            case_id=self.case_id,
            model=self._model(),
            workload=self._workload(),
            execution=self.execution.record("train" if self.scenario == "train_step" else "infer"),
            status="ok",
        )

    def _model(self) -> Model:
        run = self.run
        return Model(
            name=self.label,
            base=self.model,
            role=model_class(self.model).info.role,
            config_hash=config_hash(self.model, self.config),
            recipe_hash=run.recipe_hash if run else Missing("random weights were not trained"),
            weights_kind="trained" if run else "random",
            weights_sha256=run.weights_sha256 if run else Missing("random weights have no file"),
            seed=run.seed if run else SEED,
            provenance=run.provenance if run else Missing("random weights were not trained"),
        )

    def _workload(self) -> Workload:
        before = () if self.video is None else ("video_decode", "video_feature_extraction")
        return Workload(
            dataset=self.dataset,
            scenario=self.scenario,
            batch_size=self.batch_size,
            num_clips=self.shape.num_clips,
            num_words=self.shape.num_words,
            num_chars=self.shape.num_chars,
            queries_per_video=1,
            includes=(*before, "video_encode", "text_encode", "fusion", "decode"),
            excludes=("video_feature_extraction",) if self.video is None else (),
            video=ABSENT if self.video is None else self.video.record(),
        )


@dataclass(frozen=True, slots=True)
class Broken:
    """A case that cannot even be described, and why."""

    label: str
    model: str
    dataset: str
    reason: str

    def record(self) -> CaseRecord:
        """Its record in the run file."""
        return CaseRecord(
            case_id=f"{self.label}|{self.dataset}|single_stream|unavailable",
            model=Model(
                name=self.label,
                base=self.model,
                role="unknown",
                config_hash=Missing(self.reason),
                weights_kind="random",
            ),
            workload=Workload(dataset=self.dataset, scenario="single_stream", batch_size=1),
            execution=ExecutionRecord(device="cpu", dtype="float32", backend="eager", mode="infer"),
            status="failed",
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True)
class Matrix:
    """All cases of a session, those that cannot run included."""

    cases: tuple[Case, ...]
    broken: tuple[Broken, ...]

    def of(self, scenario: Scenario) -> list[Case]:
        """Cases of one scenario, in order."""
        return [case for case in self.cases if case.scenario == scenario]


def build_matrix(runs: Path, profile: Profile) -> Matrix:
    """The whole matrix; the profile limits whose training steps are timed on which workloads.

    Raises UserError when there is no model at all, or none that loads.
    """
    names = model_names()
    if not names:
        raise UserError(
            "no model is installed: the entry-point group emtm.models is empty, so there is nothing to measure"
        )
    cases: list[Case] = []
    broken: list[Broken] = []
    for label, model, settings in [*((name, name, ()) for name in names), *VARIANTS]:
        if model not in names:
            continue
        try:
            model_class(model)
        except UserError as error:
            broken.append(Broken(label, model, "unknown", str(error)))
            continue
        # Where the paper has no configuration there is nothing to measure.
        for place, dataset in enumerate(name for name in PAPER if name in model_class(model).presets):
            try:
                config = override(preset(model, dataset).config, list(settings))
            except Exception as error:
                broken.append(Broken(label, model, dataset, f"{type(error).__name__}: {error}"))
                continue
            train = dataset in profile.train_datasets and model_class(model).info.role in profile.train_roles
            cases += _untrained(label, model, dataset, config, train, place)
            if dataset == VIDEO_DATASET and label in profile.video_models:
                cases += _from_video(label, model, config, profile)
    broken += [Broken(title, title.partition(" of ")[0], "unknown", why) for title, why in left_out().items()]
    for path in _run_paths(runs):
        try:
            cases += _trained(path)
        except Exception as error:
            broken.append(Broken(path.name, path.name, "unknown", f"{type(error).__name__}: {error}"))
    if not cases:
        first = f"; the first one says: {broken[0].reason}" if broken else ": none has a published configuration"
        raise UserError(f"no model can be measured{first}")
    return Matrix(tuple(_unique(cases)), tuple(broken))


def _untrained(label: str, model: str, dataset: str, config: ModelConfig, train: bool, place: int) -> Iterator[Case]:
    shape = paper_shape(dataset, config)
    single = Case(label, model, dataset, config, shape, "single_stream", Execution(), 1, place=place)
    for execution in executions():
        yield replace(single, execution=execution)
        if execution.backend != REFERENCE:
            continue
        if train:
            stepping = replace(execution, threads=TRAIN_THREADS)
            yield replace(single, scenario="train_step", execution=stepping, batch_size=TRAIN_BATCH)
        if model_class(model).info.role == "student" and dataset == "charades-sta":
            evaluating = replace(execution, threads=EVALUATION_THREADS)
            yield replace(single, scenario="evaluation", execution=evaluating, batch_size=EVALUATION_BATCH)


def _from_video(label: str, model: str, config: ModelConfig, profile: Profile) -> Iterator[Case]:
    video = SampleVideo(duration_s=profile.video_length_s)
    taken = replace(config, feature_dim=Backbone.dim)
    rows = min(VIDEO_SAMPLING.rows(video.duration_s), config.max_clips)
    shape = replace(paper_shape(VIDEO_DATASET, config), num_clips=rows)
    for execution in executions():
        if execution.backend == REFERENCE:
            yield Case(label, model, VIDEO_DATASET, taken, shape, "end_to_end", execution, 1, video=video)


def _trained(path: Path) -> Iterator[Case]:
    from emtm.training.runs import load_run

    run = load_run(path)
    words, chars = run.model.lexicon_size
    text = text_of(run.dataset)
    # A world of short videos never fills the clips its configuration allows.
    clips = min(run.config.max_clips, describe(run.spec.data.name).get("clips", run.config.max_clips))
    shape = Shape(clips, min(text.num_words, run.config.max_words), text.num_chars, words, chars)
    recipe = config_hash(run.name, run.spec.recipe)
    source = TrainedRun(path, run.seed, recipe, run.weights_sha256, provenance(run.spec, run.teachers))
    for execution in executions():
        yield Case(run.name, run.name, run.dataset, run.config, shape, "single_stream", execution, 1, source)


def _run_paths(runs: Path) -> list[Path]:
    from emtm.training.runs import find_runs

    return find_runs(runs)


def _unique(cases: list[Case]) -> list[Case]:
    """Gives a run whose case is there already the name of its directory as a tag."""
    found: dict[str, Case] = {}
    for case in cases:
        if case.case_id in found and case.run:
            case = replace(case, tag=case.run.path.name)
        found.setdefault(case.case_id, case)
    return list(found.values())


def text_of(dataset: str) -> Text:
    """Query sizes of a dataset or of its family; Charades-STA's for unknown ones."""
    return PAPER[FAMILY.get(dataset, dataset if dataset in PAPER else "charades-sta")]


def paper_shape(dataset: str, config: ModelConfig) -> Shape:
    """The paper's workload: as many clips as the configuration takes."""
    text = text_of(dataset)
    return Shape(
        config.max_clips,
        min(text.num_words, config.max_words),
        text.num_chars,
        text.word_vocabulary,
        text.char_vocabulary,
    )
