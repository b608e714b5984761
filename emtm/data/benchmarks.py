"""The real benchmarks: their files, published counts, licences, and where everything comes from.

No annotation, feature or word vector is shipped: none of their licences covers the videos, and several
of the repositories that hold the files state none. Links are as the authors' repositories give them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emtm.errors import UserError, unknown

GLOVE_SOURCE = "http://nlp.stanford.edu/data/glove.840B.300d.zip"


@dataclass(frozen=True, slots=True)
class Count:
    """Size of a published version of a split."""

    queries: int
    videos: int
    label: str


@dataclass(frozen=True, slots=True)
class PartialFeatures:
    """Public features of part of a benchmark's videos, known again by how many and how wide they are."""

    what: str
    videos: int
    width: int
    source: str
    caution: str

    @property
    def text(self) -> str:
        """All of it, in words."""
        return f"{self.what}: {self.source} ({self.caution})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One benchmark on real video."""

    name: str
    title: str
    files: Mapping[str, tuple[str, ...]]
    """Names of the annotation file of each split, the preferred one first."""
    counts: Mapping[str, tuple[Count, ...]]
    """Published versions of each split; the first is the one that papers mean by default."""
    licence: str
    annotation_source: str
    feature_source: str
    video_source: str
    partial_features: tuple[PartialFeatures, ...] = ()
    """Of part of the videos: enough for cross-validation (`emtm.data.folds`), not for the official splits."""
    durations: bool = False
    """Whether a file of durations belongs to the annotations."""
    held_out_val: bool = False
    """Whether there is no official validation split, so that a tenth of the training videos is held out."""
    secret_test: bool = False
    """Whether the test windows may be missing: then the official val is tested on and val is held out."""
    test_alias: str | None = None
    """Split that `test` stands for where there are several."""
    notes: tuple[str, ...] = field(default=())
    """What every table about the benchmark must say."""

    @property
    def all_feature_sources(self) -> str:
        """Where features are, of all videos and of part of them."""
        return "; ".join((self.feature_source, *(f"for --folds alone, {part.text}" for part in self.partial_features)))

    def recognise_features(self, videos: int, width: int) -> PartialFeatures | None:
        """The public features of so many videos and that width; None for others."""
        return next((part for part in self.partial_features if (part.videos, part.width) == (videos, width)), None)

    def recognise(self, split: str, queries: int, videos: int) -> tuple[str | None, Count | None]:
        """Split and version published with so many queries and videos, `split` if it may be; None if none was."""
        order = (split, *(name for name in self.counts if name != split))
        for name in order:
            for version in self.counts[name]:
                if (version.queries, version.videos) == (queries, videos):
                    return name, version
        return None, None


def _cd_files(prefix: str) -> dict[str, tuple[str, ...]]:
    """Names of the files of a "changing distribution" split, as released and without the prefix."""
    names = {"train": "train", "val": "val", "test-iid": "test_iid", "test-ood": "test_ood"}
    return {split: (f"{prefix}{name}.json", f"{prefix}{name}.jsonl", f"{name}.json") for split, name in names.items()}


_CHARADES_VIDEOS = "https://allenai.org/plato/charades/ (Sigurdsson et al., ECCV 2016)"
_I3D = "I3D: https://app.box.com/s/d7q5atlidb31cuj1u8znd7prgrck1r1s (SeqPAN, EMTM)"
_ZOO = "https://huggingface.co/datasets/k-nick/NLVL (TSGVZoo, HDF5)"
_2DTAN = "https://rochester.box.com/s/8znalh6y5e82oml2lr7to8s6ntab6mav (2D-TAN, C3D and VGG)"
_DRIVE = "https://drive.google.com/file/d"

_BENCHMARKS = (
    Benchmark(
        name="charades-sta",
        title="Charades-STA",
        files={
            "train": ("charades_sta_train.txt", "charades_train_release.jsonl", "train.json"),
            "test": ("charades_sta_test.txt", "charades_test_release.jsonl", "test.json"),
        },
        counts={
            "train": (
                Count(12408, 5338, "official"),
                Count(12404, 5336, "official without its four broken lines, as in 2D-TAN and lighthouse"),
            ),
            "test": (Count(3720, 1334, "official"),),
        },
        licence="videos under the terms of Charades (Allen Institute for AI); annotations: none stated (TALL)",
        annotation_source="https://github.com/jiyanggao/TALL (Gao et al., ICCV 2017); "
        "charades.json or Charades_v1_*.csv for durations",
        feature_source=f"{_I3D}; {_ZOO}; {_2DTAN}; "
        f"CLIP + SlowFast: {_DRIVE}/1EOeP2A4IMYdotbTlTqDbv5VdvEAgQJl8 (lighthouse)",
        video_source=_CHARADES_VIDEOS,
        partial_features=(
            PartialFeatures(
                "CLIP ViT-B/32 at 1 row a second, of the 1,334 test videos",
                1334,
                512,
                "https://github.com/some-1-else/video-moment-retrieval at commit 488fdf2, which is in its history and "
                "no longer at its head: results/charades_sta_full_test_clip/embeddings/*.npz",
                "the repository states no licence, and Charades is for non-commercial research: use them to measure, "
                "pass on neither them nor anything from which they could be rebuilt",
            ),
        ),
        durations=True,
        held_out_val=True,
    ),
    Benchmark(
        name="activitynet-captions",
        title="ActivityNet Captions",
        files={
            "train": ("train.json", "activitynet_train_release.jsonl"),
            "val": ("val_1.json", "val.json", "activitynet_val_release.jsonl"),
            "test": ("val_2.json", "test.json", "activitynet_test_release.jsonl"),
        },
        counts={
            "train": (Count(37421, 10009, "official"), Count(33721, 9043, "I3D subset of EMTM and TSGVZoo")),
            "val": (Count(17505, 4917, "val_1"), Count(15753, 4430, "I3D subset of val_1")),
            "test": (Count(17031, 4885, "val_2"), Count(15333, 4400, "I3D subset of val_2, EMTM's test set")),
        },
        licence="videos from YouTube, under their own terms; annotations: none stated",
        annotation_source="https://cs.stanford.edu/people/ranjaykrishna/densevid/ (Krishna et al., ICCV 2017)",
        feature_source=f"{_I3D}; {_ZOO}; "
        "C3D: http://activity-net.org/challenges/2016/download.html (sub_activitynet_v1-3.c3d.hdf5); "
        f"CLIP + SlowFast: {_DRIVE}/1P2xS998XfbN5nSDeJLBF1m9AaVhipBva (lighthouse)",
        video_source="http://activity-net.org/download.html",
        notes=("val is val_1 and test is val_2: two annotations of the same videos",),
    ),
    Benchmark(
        name="tacos",
        title="TACoS",
        files={split: (f"{split}.json", f"tacos_{split}_release.jsonl") for split in ("train", "val", "test")},
        counts={
            "train": (Count(9790, 75, "2D-TAN split"),),
            "val": (Count(4436, 27, "2D-TAN split"),),
            "test": (Count(4001, 25, "2D-TAN split"), Count(4083, 25, "TALL split")),
        },
        licence="videos and sentences under the terms of MPII Cooking; annotations: MIT (VideoX, 2D-TAN)",
        annotation_source="https://github.com/microsoft/VideoX (2D-TAN/data/TACoS; Regneri et al., TACL 2013)",
        feature_source=f"{_I3D}; {_ZOO}; {_2DTAN}; "
        f"C3D: {_DRIVE}/1zQp0aYGFCm8PqqHOh4UtXfy2U3pJMBeu (TALL); "
        f"CLIP + SlowFast: {_DRIVE}/1rYzme9JNAk3niH1K81wgT13pOMn005jb (lighthouse)",
        video_source="MPII Cooking Composite Activities, Max Planck Institute for Informatics",
        notes=("27 and 25 videos in val and test: intervals resample videos and are wide",),
    ),
    Benchmark(
        name="charades-cd",
        title="Charades-CD",
        files=_cd_files("charades_"),
        counts={
            "train": (Count(11071, 4564, "official"),),
            "val": (Count(859, 333, "official"),),
            "test-iid": (Count(823, 333, "official"),),
            "test-ood": (Count(3375, 1442, "official"),),
        },
        licence="videos under the terms of Charades (Allen Institute for AI); annotations: none stated",
        annotation_source="https://github.com/yytzsy/grounding_changing_distribution (Yuan et al., 2021)",
        feature_source="links in https://github.com/yytzsy/grounding_changing_distribution; "
        f"or those of Charades-STA, {_I3D}",
        video_source=_CHARADES_VIDEOS,
        test_alias="test-ood",
        notes=("EMTM's charades_cd_zoom stretches the times of 1,082 training videos: not these files",),
    ),
    Benchmark(
        name="activitynet-cd",
        title="ActivityNet-CD",
        files=_cd_files("anet_"),
        counts={
            "train": (),
            "val": (Count(3521, 746, "official"),),
            "test-iid": (Count(3443, 746, "official"),),
            "test-ood": (Count(13578, 2450, "official"),),
        },
        licence="videos from YouTube, under their own terms; annotations: none stated",
        annotation_source="https://github.com/yytzsy/grounding_changing_distribution (Yuan et al., 2021)",
        feature_source="links in https://github.com/yytzsy/grounding_changing_distribution; "
        f"or those of ActivityNet Captions, {_I3D}",
        video_source="http://activity-net.org/download.html",
        test_alias="test-ood",
    ),
    Benchmark(
        name="qvhighlights",
        title="QVHighlights",
        files={
            "train": ("highlight_train_release.jsonl",),
            "val": ("highlight_val_release.jsonl",),
            "test": ("highlight_test_with_gt.jsonl", "highlight_test_release.jsonl"),
        },
        counts={
            "train": (Count(7218, 7100, "official"),),
            "val": (Count(1550, 1519, "official"),),
            "test": (Count(1542, 1529, "official, with windows"),),
        },
        licence="annotations CC BY-NC-SA 4.0; videos from YouTube, under their own terms",
        annotation_source="https://github.com/jayleicn/moment_detr (Lei et al., NeurIPS 2021)",
        feature_source=f"CLIP + SlowFast: {_DRIVE}/1-ALnsXkA4csKh71sRndMwybxEDqa-dM4 (lighthouse)",
        video_source="https://nlp.cs.unc.edu/data/jielei/qvh/qvhilights_videos.tar.gz",
        secret_test=True,
        notes=("several windows a query: an answer is scored against the window that it overlaps most",),
    ),
)
BENCHMARKS: Mapping[str, Benchmark] = {benchmark.name: benchmark for benchmark in _BENCHMARKS}

FAMILY = {
    "smoke": "charades-sta",
    "synth-charades": "charades-sta",
    "synth-anet": "activitynet-captions",
    "synth-tacos": "tacos",
    "charades-cd": "charades-sta",
    "activitynet-cd": "activitynet-captions",
}
"""Dataset -> the benchmark whose sizes it has."""


def benchmark(name: str) -> Benchmark:
    """Benchmark by name; raises UserError with the closest name when there is none."""
    if name not in BENCHMARKS:
        raise UserError(unknown("real dataset", name, tuple(BENCHMARKS)))
    return BENCHMARKS[name]


def belongs_elsewhere(known: Benchmark, queries: int, videos: int) -> str | None:
    """What other benchmark's published file has so many queries and videos, None where it may be `known`'s.

    TACoS, ActivityNet Captions and flattened lists share file names, so a wrong folder reads well.
    """
    for other in BENCHMARKS.values():
        split, version = other.recognise("train", queries, videos)
        if version is not None and known.recognise("train", queries, videos) == (None, None):
            return f"the published {split} of {other.title} ({version.label})"
    return None
