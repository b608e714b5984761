"""The study by folds: every query of the pool is tested on once, by models that saw nothing of its video.

Each fold is a study of its own in a folder of its own, whose teachers are trained on its training part alone::

    fold-1-of-5/                  as `emtm.distillation.study` has it
    summary.json                  written last: the test queries of all folds taken together

The summary is that of a study (`emtm.distillation.summary`), whose accuracies are over all queries of the pool, with
`folds` beside them. Its intervals resample videos and take the mean over seeds of each query as given: they are of what
these models do on other such videos, not of other trainings, whose spread the values by seed show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emtm.data.benchmarks import BENCHMARKS
from emtm.data.features import split_paths
from emtm.data.folds import Fold
from emtm.data.real import EMBEDDED, features_path, shown_name
from emtm.data.records import Dataset
from emtm.distillation.study import (
    SUMMARY,
    Study,
    all_labels,
    baseline_jobs,
    is_run,
    run_study,
    student_jobs,
    teacher_runs,
)
from emtm.distillation.summary import FORMAT, flat, group_of, pseudo_right, row, scored_on, summarise
from emtm.distillation.variants import ALONE
from emtm.errors import UserError
from emtm.metrics.bootstrap import cluster_interval
from emtm.metrics.floors import floor_hits
from emtm.metrics.means import hits, percent
from emtm.metrics.metric import METRICS
from emtm.training import runs
from emtm.training.evaluation import open_source
from emtm.training.runs import features_origin, read_metrics, read_tested
from emtm.training.spec import DataSource

Array = npt.NDArray[np.float64]
Hits = dict[str, dict[int, Array]]
"""Of each row and seed, `[Q, M + 1]` in percent over the queries of all folds; see `emtm.metrics.means.hits`."""


@dataclass(frozen=True, slots=True)
class Part:
    """The study of one fold, finished."""

    study: Study
    path: Path
    dataset: Dataset
    summary: Mapping[str, Any]

    @property
    def fold(self) -> Fold:
        """Which it is."""
        return _fold(self.study)

    def hits(self, run: Path) -> Array:
        """What a run of this fold scores on each of its test queries, `[Q, M + 1]`."""
        return hits(np.array(read_tested(run, self.dataset.splits["test"])))


def fold_studies(study: Study) -> list[tuple[str, Study]]:
    """Folder and study of every fold, of a study whose data are of any of them."""
    first = _fold(study)
    numbered = [replace(first, number=number) for number in range(1, first.of + 1)]
    return [
        (f"fold-{fold.number}-of-{fold.of}", replace(study, data=replace(study.data, fold=fold))) for fold in numbered
    ]


def run_folds(study: Study, out: Path, *, parallel: int, threads: int, device: str, quiet: bool = False) -> None:
    """Do every step of every fold that is not done yet.

    Raises:
        UserError: as `run_study`, before anything is trained; and for teachers that are trained already.
    """
    trained = next((teacher for teacher in study.teachers if is_run(teacher)), None)
    if trained is not None:
        raise UserError(f"every fold needs teachers of its own: name a model instead of the run {trained}")
    parts = fold_studies(study)
    for _, part in parts:
        part.check()
    for folder, part in parts:
        run_study(part, out / folder, parallel=parallel, threads=threads, device=device, quiet=quiet)


def summarise_folds(study: Study, out: Path) -> dict[str, Any]:
    """Summary of a finished study; written to `out` and returned."""
    parts = [
        Part(part, out / folder, open_source(part.data), summarise(part, out / folder))
        for folder, part in fold_studies(study)
    ]
    found, took, told = _rows(parts)
    floors = {
        name: np.concatenate([part[name] for part in each])
        for each in [[floor_hits(part.dataset) for part in parts]]
        for name in each[0]
    }
    videos = [query.video_id for part in parts for query in part.dataset.splits["test"]]
    scores = {
        name: {seed: {**_means(values), "training": took[name][seed]} for seed, values in by_seed.items()}
        for name, by_seed in found.items()
    }
    rows = [
        {**row(name, by_seed, scores.get(ALONE)), "pseudo_right": pseudo_right(told[name])}
        for name, by_seed in scores.items()
    ]
    pairs = _compare(rows, found, floors, videos)
    fold, pool, whole = _fold(study), set(videos), parts[0].dataset
    summary = {
        **scored_on(FORMAT, whole),
        "dataset": f"{shown_name(study.data.shown, whole.synthetic, None)}{_part(study.data)}+{fold.of}-folds",
        "queries": len(videos),
        "preset": study.preset,
        "seeds": list(study.seeds),
        "settings": list(study.settings),
        "study": replace(study, data=_without_places(study.data)).to_json(),
        "floors": {name: _means(values) for name, values in floors.items()},
        "teachers": [_teacher(parts, name) for name in study.names],
        "rows": rows,
        "soft_gradient_ratio": {
            name: float(np.mean([part.summary["soft_gradient_ratio"][name] for part in parts]))
            for name in parts[0].summary["soft_gradient_ratio"]
        },
        "folds": {
            "of": fold.of,
            "videos": len(pool),
            "pool_sha256": fold.pool_sha256,
            "source": features_source(study.data, len(pool), whole.features.dim),
            "notes": list(whole.notes),
            "parts": [
                {split: len(queries) for split, queries in part.dataset.splits.items()} | {"fold": part.fold.number}
                for part in parts
            ],
            "pairs": pairs,
        },
    }
    runs.write_json(out / SUMMARY, summary)
    return summary


def features_source(data: DataSource, videos: int, width: int) -> str:
    """Where the features of so many videos come from, in words: public ones are known by how many and how wide."""
    if data.features == EMBEDDED:
        return "synthetic features, rendered for the real annotations"
    public = BENCHMARKS[data.name].recognise_features(videos, width) if data.name in BENCHMARKS else None
    if public is not None:
        return f"{public.what}: {public.source}"
    if features_origin(data) is not None:
        return f"made by `python -m emtm extract`, {width} wide"
    names = _names(features_path(Path(data.root or "."), data.features))
    return f"{names}, {width} wide, of an origin that is not stated"


def _part(data: DataSource) -> str:
    """What tells a study of part of the annotation from one of all."""
    if data.annotated is None:
        return ""
    return f"+{100 * data.annotated.share:g}%-annotated" if data.annotated.share is not None else "+part-annotated"


def _fold(study: Study) -> Fold:
    if study.data.fold is None:
        raise ValueError("the study is not one by folds")
    return study.data.fold


def _rows(parts: Sequence[Part]) -> tuple[Hits, dict[str, dict[int, dict[str, Any]]], dict[str, list[dict[str, Any]]]]:
    """Of every row and seed what it scores on the queries of all folds, and what its trainings took together.

    And the metrics of every run of a row.
    """
    pieces: dict[str, dict[int, list[Array]]] = {}
    took: dict[str, dict[int, dict[str, Any]]] = {}
    told: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        labels = all_labels(part.study, part.path, part.dataset, "cpu")
        for job in [*student_jobs(part.study, part.path, labels), *baseline_jobs(part.study, part.path)]:
            name, seed = group_of(job), job.spec.seed
            pieces.setdefault(name, {}).setdefault(seed, []).append(part.hits(job.out))
            told.setdefault(name, []).append(read_metrics(job.out))
            training = told[name][-1]["training"]
            known = took.setdefault(name, {}).setdefault(seed, {"seconds": 0.0, "device": training["device"]})
            known["seconds"] += training["seconds"]
    return {n: {seed: np.concatenate(each) for seed, each in by.items()} for n, by in pieces.items()}, took, told


def _compare(
    rows: list[dict[str, Any]], found: Hits, floors: Mapping[str, Array], videos: Sequence[str]
) -> list[dict[str, Any]]:
    """Put intervals into the rows, and differences to the student alone and the best floor; gives those of all pairs.

    All are of the same resampled videos, and paired by query.
    """
    means = {name: np.mean(list(by_seed.values()), 0) for name, by_seed in found.items()}
    # Of each metric the best floor of all queries, which no choice on training data could better.
    reached = {name: values.mean(0) for name, values in floors.items()}
    names = list(reached)
    best = [names[int(place)] for place in np.argmax([reached[name] for name in names], 0)]
    floor = np.stack([floors[name][:, column] for column, name in enumerate(best)], 1)
    couples = list(combinations(means, 2))
    tables = [*means.values(), *(own - floor for own in means.values()), *(means[a] - means[b] for a, b in couples)]
    intervals = cluster_interval(np.concatenate(tables, 1), videos)
    measured = iter(_measures(tables, intervals))
    own, over_floor = ({name: next(measured) for name in means} for _ in range(2))
    pairs = dict(zip(couples, measured, strict=True))
    for entry in rows:
        name = entry["name"]
        against = pairs.get((name, ALONE)) or _turned(pairs.get((ALONE, name)))
        for column, metric in enumerate(METRICS):
            figures = entry[metric.key]
            figures["ci95"] = own[name][metric.key]["ci95"]
            figures["over_best_floor"] = {"floor": best[column], **over_floor[name][metric.key]}
            if against is not None:
                figures["over_student_alone"]["ci95"] = against[metric.key]["ci95"]
    return [{"row": a, "over": b, **figures} for (a, b), figures in pairs.items()]


def _measures(tables: Sequence[Array], intervals: Array | None) -> list[dict[str, dict[str, Any]]]:
    """Mean and interval of each metric of each table `[Q, M + 1]`."""
    width = len(METRICS)
    found = []
    for at, table in enumerate(tables):
        ends = None if intervals is None else intervals[at * width : (at + 1) * width].tolist()
        found.append(
            {
                metric.key: {"mean": float(mean), "ci95": None if ends is None else ends[column]}
                for column, (metric, mean) in enumerate(zip(METRICS, table.mean(0), strict=True))
            }
        )
    return found


def _turned(figures: Mapping[str, Mapping[str, Any]] | None) -> dict[str, dict[str, Any]] | None:
    """The differences the other way round."""
    if figures is None:
        return None
    return {
        key: {"mean": -one["mean"], "ci95": one["ci95"] and [-end for end in reversed(one["ci95"])]}
        for key, one in figures.items()
    }


def _teacher(parts: Sequence[Part], name: str) -> dict[str, Any]:
    """A teacher over all folds: each of its trainings is tested on its fold, and teaches what it was trained on."""
    records = [next(one for one in part.summary["teachers"] if one["name"] == name) for part in parts]
    tested = np.concatenate([part.hits(teacher_runs(part.study, part.path)[name]) for part in parts])
    taught = np.array([len(part.dataset.splits["train"]) for part in parts])
    devices = {record["device"] for record in records}
    labels = [record["labels_s"] for record in records]
    return {
        **{key: records[0][key] for key in ("name", "model", "seed", "config_hash")},
        "test": flat(_means(tested)),
        "train": {
            key: float(np.average([record["train"][key] for record in records], weights=taught))
            for key in records[0]["train"]
        },
        "training_s": sum(record["training_s"] for record in records),
        "labels_s": None if None in labels else sum(labels),
        "device": None if None in devices else ", ".join(sorted(devices)),
    }


def _means(values: Array) -> dict[str, Any]:
    """Scores of `[Q, M + 1]` in the JSON form of scores."""
    mean = values.mean(0)
    return {"r1": percent(mean[:-1]), "miou": float(mean[-1])}


def _without_places(data: DataSource) -> DataSource:
    """Files by their names, for a summary that is passed on."""
    features = data.features if data.features in (None, EMBEDDED) else _names(data.features)
    pairs = data.unlabelled and replace(data.unlabelled, path=Path(data.unlabelled.path).name)
    return replace(data, root=None, features=features, glove=data.glove and Path(data.glove).name, unlabelled=pairs)


def _names(places: Path | str) -> str:
    return ", ".join(path.name for path in split_paths(places))
