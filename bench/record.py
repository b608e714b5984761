"""A case and its blocks, as they are written to run files and read from them.

One class a block of the result schema; names, units and order are those of the file. Fields of the type
`X | Missing` may be without a value; those that default to ABSENT need not stand in a file at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.missing import ABSENT, Block, Missing

Interval = tuple[float, float]
Status = Literal["ok", "invalid", "skipped", "failed"]
Role = Literal["student", "teacher", "baseline", "unknown"]
Scenario = Literal["single_stream", "train_step", "evaluation", "end_to_end"]
Percent = Mapping[str, float]
"""Percentages by IoU threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherRecord(Block):
    """One whose soft labels a model learned from."""

    name: str
    """Registered name of its model, or of the control in its place."""
    config_hash: str | Missing = ABSENT
    weights_sha256: str | Missing = ABSENT
    labels_sha256: str
    """Of the content of its soft labels."""
    seed: int | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance(Block):
    """What made a trained model."""

    preset: str
    settings: tuple[str, ...]
    """`key=value` of model and recipe that are not the preset's."""
    recipe: tuple[str, ...] | Missing = ABSENT
    """All of the recipe, in that form, whatever becomes of the preset."""
    annotated: str | Missing = ABSENT
    """Which queries had a moment, where not all had."""
    teachers: tuple[TeacherRecord, ...]
    """In the order of the aggregation unit's weights; none of a model that was trained alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Block):
    """What was measured: the model, its configuration, its weights."""

    name: str
    base: str
    """Registered name, which a variant shares with the model it varies."""
    role: Role
    config_hash: str | Missing
    recipe_hash: str | Missing = ABSENT
    weights_kind: Literal["trained", "random"]
    weights_sha256: str | Missing = ABSENT
    seed: int | Missing = ABSENT
    provenance: Provenance | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Block):
    """The generated video of an end-to-end case."""

    width: int
    height: int
    fps: float
    duration_s: float
    bits_per_s: float | Missing = ABSENT
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload(Block):
    """What the model was given."""

    dataset: str
    """Whose sizes the input has."""
    synthetic: bool | Missing = ABSENT
    scenario: Scenario
    batch_size: int
    num_clips: int | Missing = ABSENT
    num_words: int | Missing = ABSENT
    num_chars: int | Missing = ABSENT
    queries_per_video: float | Missing = ABSENT
    includes: tuple[str, ...] | Missing = ABSENT
    excludes: tuple[str, ...] | Missing = ABSENT
    video: Video | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord(Block):
    """How the model was run."""

    device: str
    dtype: str
    backend: str
    mode: Literal["infer", "train"]
    threads: int | Missing = ABSENT
    cache: str | Missing = ABSENT
    span_deviation: float | Missing = ABSENT
    """Largest difference in span probability from the model itself, where something else was run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Block):
    """Element counts, each shared tensor once; `total` = `trainable` + `frozen`."""

    total: int
    trainable: int
    frozen: int
    """Parameters without gradients, and embedding tables kept as buffers."""
    embedding: int
    """Word and character tables, trainable or frozen; position tables are not among them."""
    buffers: int
    """Buffers that are not embedding tables."""
    bytes: int
    """Of all parameters and buffers."""
    unreachable: int | Missing
    """Trainable, but without influence on the prediction; missing where the prediction carries no gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost(Block):
    """Arithmetic of one stage."""

    macs: int
    flops_other: int | Missing = ABSENT
    """FLOPs outside multiply-adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UncountedOp(Block):
    """An operator no rule gives a cost for."""

    op: str
    calls: int
    elements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Block):
    """How much of what ran has a known cost; moving data costs no FLOPs and is left out."""

    ops_total: int
    calls_total: int | Missing = ABSENT
    calls_costed: int | Missing = ABSENT
    covered_pct: float
    ops_uncounted: tuple[UncountedOp, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosscheck(Block):
    """fvcore's answer beside the exact one."""

    fvcore_macs: int | Missing
    """The total as fvcore prints it, norms included."""
    fvcore_norm_flops: int | Missing = ABSENT
    fvcore_unsupported: Mapping[str, int] | Missing = ABSENT
    """Calls by operator."""
    agrees: bool
    """fvcore's products equal the exact count."""
    explained_by: tuple[str, ...]
    """Operators fvcore gives nothing for, dearest first."""
    explained_macs: Mapping[str, int] | Missing = ABSENT
    unexplained_macs: int | Missing = ABSENT
    """Exact count minus fvcore's products minus `explained_macs`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute(Block):
    """Arithmetic of one call; `flops` counts multiply-adds alone, the rest stands beside it."""

    macs: int
    flops: int
    flops_norm: int | Missing = ABSENT
    flops_elementwise: int | Missing = ABSENT
    convention: str
    counter: str | Missing = ABSENT
    by_stage: Mapping[str, StageCost]
    query_independent_macs: int | Missing = ABSENT
    """Of the video's encoding: what a cache of encoded videos saves a query. 0 where there are no such stages."""
    coverage: Coverage
    crosscheck: Crosscheck | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Block):
    """Seconds of one call; percentiles only where there are samples enough to bound them."""

    unit: str = "s"
    clock: str
    warmup: int
    """Untimed calls before the first sample."""
    n: int
    median: float
    median_ci99: Interval | Missing
    mean: float
    iqr: float
    min: float
    max: float | Missing = ABSENT
    outliers: int | Missing = ABSENT
    p90: float | Missing = ABSENT
    p95: float | Missing = ABSENT
    p99: float | Missing = ABSENT
    samples: tuple[float, ...]
    by_stage: Mapping[str, float] | Missing = ABSENT
    """Median seconds of each stage, from calls of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats(Block):
    """One query's time in several processes, each in turn with all other cases: what no single process can show."""

    unit: str = "s"
    processes: tuple[int, ...]
    """1 is the one whose calls stand in `latency`; equal numbers in two cases are one process."""
    medians: tuple[float, ...]
    """Of the timed calls in each."""
    reference_s: tuple[float, ...]
    """Medians of the reference product, timed in turn with the calls."""
    mean: float
    """Geometric, of the medians."""
    mean_ci99: Interval | Missing
    """Student's t on the logarithms: the processes are the sample, not the calls."""
    left_out: tuple[int, ...] | Missing = ABSENT
    """Processes that count for nothing, since the machine was disturbed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Block):
    """A measured time over the time the same multiply-adds take at the rate of a plain matrix product."""

    floor: str = "gemm"
    route: str | Missing = ABSENT
    """Which library took the product."""
    gemm_shape: tuple[int, ...] | Missing = ABSENT
    gemm_s: float
    gemm_ci99_s: Interval | Missing = ABSENT
    gemm_macs_per_s: float
    num_threads: int | Missing = ABSENT
    macs: int
    floor_s: float
    measured_s: float
    ratio: float
    ratio_ci99: Interval | Missing
    drift: float | Missing = ABSENT
    """Second half of the product's samples over the first; 1 when the machine kept its speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy(Block):
    """Joules that a query adds to what the device takes at rest; without `idle_w` rest is still in it."""

    joules_per_query: float | Missing
    source: str
    window_s: float | Missing = ABSENT
    """Of the calls; the rest before was as long."""
    idle_w: float | Missing = ABSENT
    """At rest, right before the calls."""
    calls: int | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(Block):
    """Disturbance during one measurement; what the kernel does not show is missing."""

    steal_pct: float | Missing = ABSENT
    cpu_pressure_pct: float | Missing = ABSENT
    """Share of the time in which some task of the machine waited for a CPU."""
    nvcsw: int | Missing = ABSENT
    """Voluntary context switches."""
    nivcsw: int | Missing = ABSENT
    """Involuntary context switches."""
    reference_drift: float | Missing = ABSENT
    verdict: Literal["quiet", "noisy", "invalid"]
    """Noisy too where most of the processes in `repeats` were disturbed."""
    measured: int | Missing = ABSENT
    """How often, where once was not enough: what is noisy is measured again while the profile allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputPoint(Block):
    """Queries a second at one batch size, from the median call."""

    batch: int
    value: float | Missing
    ci99: Interval | Missing = ABSENT
    calls: int | Missing = ABSENT
    status: Literal["ok", "oom", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput(Block):
    """Queries a second over a sweep of batch sizes; `value` is the best."""

    unit: str = "queries/s"
    value: float
    ci99: Interval | Missing
    calls: int | Missing = ABSENT
    best_batch: int | Missing = ABSENT
    knee_batch: int
    """Smallest batch size within 10 % of the best rate."""
    num_threads: int
    curve: tuple[ThroughputPoint, ...]
    noise: Noise | Missing = ABSENT
    """During the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReusePoint(Block):
    """Seconds a query where so many share a video, from the median pass over all of them."""

    queries: int
    value: float | Missing
    ci99: Interval | Missing = ABSENT
    passes: int | Missing = ABSENT
    status: Literal["ok", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse(Block):
    """One video encoded once, and queries grounded in it one after the other."""

    unit: str = "s"
    num_threads: int
    curve: tuple[ReusePoint, ...]
    noise: Noise | Missing = ABSENT
    """During all passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPoint(Block):
    """One query in a video of so many clips, from the median call."""

    clips: int
    macs: int | Missing
    activation_peak_bytes: int | Missing = ABSENT
    value: float | Missing
    ci99: Interval | Missing = ABSENT
    calls: int | Missing = ABSENT
    status: Literal["ok", "oom", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponent(Block):
    """The power of the number of clips with which a quantity grows."""

    value: float
    ci95: Interval | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth(Block):
    """One query in ever longer videos."""

    unit: str = "s"
    num_threads: int
    curve: tuple[GrowthPoint, ...]
    fitted_from_clips: int
    """Shorter videos are in no exponent."""
    time: Exponent | Missing
    macs: Exponent | Missing
    memory: Exponent | Missing
    """Of the activations."""
    noise: Noise | Missing = ABSENT
    """During all calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Block):
    """Peak memory of one call."""

    activation_peak_bytes: int
    tensor_peak_bytes: int
    """Weights, inputs and the most that intermediate tensors take at once."""
    host_baseline_bytes: int | Missing
    host_peak_bytes: int | Missing
    device_peak_allocated_bytes: int | Missing = ABSENT
    device_peak_reserved_bytes: int | Missing = ABSENT
    method: str | Missing = ABSENT


Bound = Literal["compute", "memory", "dispatch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof(Block):
    """A call, or a stage of it, against the least that its parts take on this machine, each by itself."""

    measured_s: float
    macs: int
    moved_bytes: int
    """Read and written, each operator's tensors once."""
    operators: int
    compute_s: float
    memory_s: float
    dispatch_s: float
    bound: Bound
    """The longest of the three."""
    share: float
    """Of the measured time that the longest explains; 1 is at the roof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline(Block):
    """What the machine can do, the best of samples in turn with the calls, and how near to it they come."""

    macs_per_s: float
    cached_bytes_per_s: float
    """By operators that touch half a mebibyte at most."""
    streamed_bytes_per_s: float
    operator_s: float
    """To dispatch an operator that does next to nothing."""
    calls: int
    whole: Roof
    by_stage: Mapping[str, Roof]
    """Stages of a hundredth of the call and more; times are medians, and hooks cost a little."""
    noise: Noise | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart(Block):
    """The first answer of processes that have just begun."""

    unit: str = "s"
    n: int
    """Processes."""
    steps: Mapping[str, float]
    """Medians: `start` of the interpreter, `import`, `build`, `load` of the weights, `first_call`."""
    total: float
    samples: Mapping[str, tuple[float, ...]]
    """One a process, of each step and of the `total`."""
    noise: Noise | Missing = ABSENT
    """Meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch(Block):
    """Operators that one call hands to torch's dispatcher."""

    operators: int
    views: int
    """Of them, those that move no data."""
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCompute(Block):
    """Arithmetic of one training step of a whole batch."""

    forward_macs: int
    """The loss included, and branches that inference leaves out."""
    backward_macs: int
    forward_flops_other: int
    """FLOPs outside multiply-adds."""
    backward_flops_other: int
    update_flops: int
    """Clipping and the optimiser, all FLOPs."""
    convention: str
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Block):
    """One training step of a whole batch."""

    step_s: float
    step_ci99_s: Interval | Missing = ABSENT
    samples_per_s: float
    n: int | Missing = ABSENT
    samples: tuple[float, ...] | Missing = ABSENT
    includes: tuple[str, ...] | Missing = ABSENT
    compute: TrainingCompute | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCost(Block):
    """Seconds to ground a whole test split, extrapolated where only a part of it was run."""

    queries: int
    videos: int | Missing = ABSENT
    seconds: float
    queries_measured: int
    videos_measured: int | Missing = ABSENT
    seconds_measured: float
    num_threads: int | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone(Block):
    """The network that makes features of pictures."""

    name: str
    params: int
    macs_per_frame: int
    frames: int
    macs: int
    """For all frames of the video that are looked at."""
    frames_per_s_of_video: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PassStage(Block):
    """Median seconds of one stage of a pass from file to moments."""

    median: float
    median_ci99: Interval | Missing
    share_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EndToEnd(Block):
    """Passes from a video file to the moments of one query."""

    unit: str = "s"
    clock: str | Missing = ABSENT
    warmup: int | Missing = ABSENT
    n: int
    stages: Mapping[str, PassStage]
    total: PassStage
    samples: Mapping[str, tuple[float, ...]]
    video_s_per_s: float
    features_s_per_video_minute: float
    codec: str | Missing = ABSENT
    bytes: int | Missing = ABSENT
    sha256: str | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityIntervals(Block):
    """95 % intervals over queries, clustered by video, in percent."""

    r1: Mapping[str, Interval]
    miou: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccuracy(Block):
    """Accuracy of some queries, in percent."""

    queries: int | Missing = ABSENT
    r1: Percent
    miou: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryScores(Block):
    """The first answer to every query, so that two runs can be paired by query."""

    queries: tuple[str, ...]
    """Names, each once."""
    videos: tuple[str, ...]
    """Of each query: queries of one video are not independent."""
    iou: tuple[float, ...]
    """Of each query, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality(Block):
    """Accuracy of a trained run on a split, in percent."""

    model: str | Missing = ABSENT
    dataset: str
    split: str
    seed: int | Missing = ABSENT
    synthetic: bool | Missing = ABSENT
    queries: int | Missing = ABSENT
    protocol: Literal["timestamp", "index"] | Missing = ABSENT
    comparison: str | Missing = ABSENT
    r1: Percent
    r5: Percent | Missing = ABSENT
    miou: float
    ci95: QualityIntervals | Missing = ABSENT
    by_kind: Mapping[str, GroupAccuracy] | Missing = ABSENT
    by_moment_length: Mapping[str, GroupAccuracy] | Missing = ABSENT
    by_query_length: Mapping[str, GroupAccuracy] | Missing = ABSENT
    floors: Mapping[str, GroupAccuracy] | Missing = ABSENT
    """What models reach that lack the query or the video."""
    notes: tuple[str, ...] | Missing = ABSENT
    official: str | Missing = ABSENT
    """Which published version of the test set it is of, by its content; published figures compare with no other."""
    per_query: QueryScores | Missing = ABSENT
    n: int
    """Queries, once more: readers of flat tables find `n` and `r1_iou05` and its like in the file."""
    source: Literal["measured", "paper"]
    seeds: tuple[int, ...] | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord(Block):
    """One model on one workload in one way of running it, with all that was measured."""

    case_id: str
    """Stable name: equal ids in two runs mean the same measurement."""
    model: Model
    workload: Workload
    execution: ExecutionRecord
    status: Status
    reason: str | Missing = ABSENT
    """Why there is no result, where the status is not ok."""
    params: Params | Missing = ABSENT
    compute: Compute | Missing = ABSENT
    latency: Latency | Missing = ABSENT
    repeats: Repeats | Missing = ABSENT
    throughput: Throughput | Missing = ABSENT
    reuse: Reuse | Missing = ABSENT
    growth: Growth | Missing = ABSENT
    memory: Memory | Missing = ABSENT
    dispatch: Dispatch | Missing = ABSENT
    roofline: Roofline | Missing = ABSENT
    cold_start: ColdStart | Missing = ABSENT
    energy: Energy | Missing = ABSENT
    training: Training | Missing = ABSENT
    evaluation: EvaluationCost | Missing = ABSENT
    backbone: Backbone | Missing = ABSENT
    end_to_end: EndToEnd | Missing = ABSENT
    quality: Quality | Missing = ABSENT
    reference: Reference | Missing = ABSENT
    noise: Noise | Missing = ABSENT
