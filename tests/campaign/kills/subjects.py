"""The commands that take a while, on data so small that each takes a second or two."""

from __future__ import annotations

from tests.campaign.kills.specimens import DATA, TINY
from tests.campaign.kills.subject import FILLS, RENAMES, Subject

_STUDY = ("vslnet", "emtm", "emtm-student")
_SIZES = [
    part for model in _STUDY for size in ("dim=16", "batch_size=4", "epochs=1") for part in ("--set", f"{model}.{size}")
]
_ONE = "vslnet and not transformer and charades-sta and single_stream and eager"

SUBJECTS: tuple[Subject, ...] = (
    Subject(
        "choose",
        "bench.report",
        ("choose", "run.json", "--dataset", "charades-sta", "--macs", "1e9", "--plot", "out.svg"),
        "run files",
        out="out.svg",
    ),
    Subject(
        "soft-labels",
        "emtm",
        ("soft-labels", "teacher", "--out", "out.h5"),
        "teacher",
        refused_when_done="out.h5",
        out="out.h5",
    ),
    Subject("prepare", "emtm", ("prepare", "custom", "--root", "data"), "data", out="data", works_in_out=True),
    Subject(
        "export to gab", "bench.report", ("export", "--to", "gab", "run.json", "--out", "gab"), "run files", out="gab"
    ),
    Subject(
        "export to asv", "bench.report", ("export", "--to", "asv", "run.json", "--out", "asv"), "run files", out="asv"
    ),
    Subject("evaluate, nothing cached", "emtm", ("evaluate", "teacher"), "teacher", cold=True),
    Subject(
        "extract",
        "emtm",
        ("extract", "videos", "--out", "out", "--threads", "1"),
        "videos",
        out="out",
        works_in_out=True,
    ),
    Subject(
        "export",
        "emtm",
        ("export", "teacher", "--cached-videos", "--out", "out.onnx"),
        "teacher",
        most=2,
        at_random=2,
        out="out.onnx",
    ),
    Subject(
        "history",
        "bench.report",
        ("history", "history", "--out", "site"),
        "run files",
        replaced="site",
        kinds=FILLS,
        out="site",
    ),
    Subject(
        "train",
        "emtm",
        ("train", "emtm-student", *DATA, *TINY, "--set", "epochs=2", "--out", "out"),
        "data",
        again=("--resume",),
        out="out",
        works_in_out=True,
        most=8,
        at_random=8,
    ),
    Subject(
        "distill",
        "emtm",
        ("distill", *DATA, *TINY, "--set", "epochs=1", "--teachers", "teacher", "--out", "out"),
        "teacher",
        again=("--resume",),
        kinds=RENAMES,
        most=10,
        at_random=4,
        out="out",
        works_in_out=True,
    ),
    Subject(
        "report",
        "bench.report",
        ("report", "run.json", "--out", "report"),
        "report",
        replaced="report",
        kinds=FILLS,
        out="report",
        most=1,
        at_random=1,
    ),
    Subject(
        "reproduce",
        "emtm",
        (
            *("reproduce", *DATA, "--teachers", "vslnet", "--ablate", "student-alone,full", "--seeds", "1"),
            *(*_SIZES, "--out", "out"),
        ),
        "data",
        kinds=frozenset({"rename"}),
        out="out",
        works_in_out=True,
        most=6,
        at_random=2,
    ),
    Subject(
        "pytest bench/",
        "pytest",
        (
            *("bench/", "--benchmark-only", "--bench-profile", "smoke", "-p", "no:cacheprovider", "-q"),
            *("--runs", "none", "-k", _ONE),
            *("--run-file", "out.json"),
        ),
        "nothing",
        again=("--resume",),
        out="out.json",
        kinds=RENAMES,
        most=1,
        at_random=1,
    ),
    Subject(
        "ab",
        "bench.report",
        (
            *("ab", "--package", "package", "--base", "HEAD~1", "--head", "HEAD", "-k", _ONE),
            *("--rounds", "4", "--budget", "5", "--soft", "--out", "out.json"),
        ),
        "package",
        out="out.json",
        kinds=RENAMES,
        at_random=2,
    ),
    Subject(
        "selftest",
        "bench.report",
        (
            *("selftest", "--comparisons", "1", "--slowed", "1", "-k", _ONE, "--budget", "5", "--out", "out.json"),
            "--resume",
        ),
        "nothing",
        out="out.json",
        kinds=RENAMES,
        at_random=2,
        ends=frozenset({0, 5}),
    ),
)
