"""What a study found: accuracy with intervals over seeds, differences paired by seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from emtm.data.records import Dataset
from emtm.data.soft_labels import SoftLabels, read_soft_labels
from emtm.distillation.inspection import aggregation_report, gradient_ratio
from emtm.distillation.study import (
    SPLITS,
    SUMMARY,
    Study,
    all_labels,
    baseline_jobs,
    label_seconds,
    student_jobs,
    teacher_runs,
)
from emtm.distillation.variants import ALONE, FULL, in_words
from emtm.metrics.metric import HEADLINE, METRICS, Metric
from emtm.metrics.paired import mean_interval, paired_difference
from emtm.training import runs
from emtm.training.evaluation import open_source
from emtm.training.jobs import Job
from emtm.training.runs import read_metrics, read_spec

FORMAT = "emtm-study/1"


def summarise(study: Study, out: Path) -> dict[str, Any]:
    """Summary of a finished study; written to `out` and returned."""
    dataset = open_source(study.data)
    jobs = student_jobs(study, out, all_labels(study, out, dataset, "cpu"))
    groups: dict[str, dict[int, dict[str, Any]]] = {}
    for job in [*jobs, *baseline_jobs(study, out)]:
        groups.setdefault(group_of(job), {})[job.spec.seed] = read_metrics(job.out)
    alone = groups.get(ALONE)
    some = next(iter(groups.values()))
    summary = {
        **scored_on(FORMAT, dataset),
        "preset": study.preset,
        "seeds": list(study.seeds),
        "settings": list(study.settings),
        "study": study.to_json(),
        "floors": next(iter(some.values()))["floors"],
        "teachers": [teacher_record(name, path) for name, path in teacher_runs(study, out).items()],
        "rows": [row(name, found, alone) for name, found in groups.items()],
    }
    taught = {job.name: job for job in jobs if job.spec.data.soft_labels and job.spec.seed == study.seeds[0]}
    summary["soft_gradient_ratio"] = {
        group_of(job): gradient_ratio(job.out, dataset, [stored(file.path) for file in job.spec.data.soft_labels])
        for job in taught.values()
    }
    full = taught.get(f"{FULL}-s{study.seeds[0]}")
    if full:
        shown = {name: stored(shown_labels(path)) for name, path in teacher_runs(study, out).items()}
        summary["aggregation"] = aggregation_report(full.out, dataset, shown, SPLITS[1])
    runs.write_json(out / SUMMARY, summary)
    return summary


def scored_on(form: str, dataset: Dataset) -> dict[str, Any]:
    """How a summary begins: its format, and what its accuracies are of."""
    return {
        "format": form,
        "dataset": dataset.name,
        "synthetic": dataset.synthetic,
        "split": "test",
        "protocol": "timestamp",
        "queries": len(dataset.splits["test"]),
    }


def shown_labels(run: Path) -> Path:
    """A teacher's soft labels of the test split."""
    return run / f"soft-labels-{SPLITS[1]}.h5"


def stored(path: Path | str) -> SoftLabels:
    """Soft labels of a file."""
    return read_soft_labels(Path(path))


def group_of(job: Job) -> str:
    """Name of a job without its seed."""
    return job.name.rpartition("-s")[0]


def teacher_record(name: str, path: Path) -> dict[str, Any]:
    """A teacher's accuracy, on the test split and on the queries it labelled, and what it took."""
    metrics, labels = read_metrics(path), stored(path / f"soft-labels-{SPLITS[0]}.h5")
    spec = read_spec(path)
    return {
        "name": name,
        "model": spec.model,
        "seed": spec.seed,
        "config_hash": labels.info.config_hash,
        "weights_sha256": labels.info.weights_sha256,
        "test": flat(metrics),
        "train": flat(labels.info.accuracy),
        "training_s": metrics["training"]["seconds"],
        "labels_s": label_seconds(path),
        "device": devices([metrics]),
    }


def devices(found: Iterable[Mapping[str, Any]]) -> str | None:
    """What the runs with these metrics were trained on; None where one does not say."""
    names = {metrics["training"].get("device") for metrics in found}
    return None if None in names else ", ".join(sorted(names))


def flat(scores: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of one run by their keys; those that it was scored with."""
    return {metric.key: value for metric in METRICS if (value := metric.read(scores)) is not None}


def over_seeds(metric: Metric, found: Mapping[int, Mapping[str, Any]]) -> dict[int, float] | None:
    """A metric by seed; None where a run was scored without it."""
    values = {seed: metric.read(scores) for seed, scores in found.items()}
    known = {seed: value for seed, value in values.items() if value is not None}
    return known if len(known) == len(values) else None


def row(name: str, found: dict[int, dict[str, Any]], alone: dict[int, dict[str, Any]] | None) -> dict[str, Any]:
    """Figures of one model or variant over its seeds, in percent."""
    figures: dict[str, Any] = {}
    for metric in METRICS:
        values = over_seeds(metric, found)
        if values is None:
            continue
        figures[metric.key] = {"values": list(values.values()), **mean_interval(list(values.values())).to_json()}
        if alone is not None and name != ALONE:
            difference = paired_difference(values, over_seeds(metric, alone) or {})
            figures[metric.key]["over_student_alone"] = difference and difference.to_json()
    seconds = mean_interval([metrics["training"]["seconds"] for metrics in found.values()])
    return {
        "name": name,
        "what": in_words(name),
        "seeds": list(found),
        **figures,
        "training_s": seconds.mean,
        "device": devices(found.values()),
        "pseudo_right": pseudo_right(found.values()),
    }


def pseudo_right(found: Iterable[Mapping[str, Any]]) -> float | None:
    """Percent of their pseudo-moments that have an IoU of 1/2 with the truth, mean over runs; None where none is known.

    Of the metrics of runs, or several parts of one: those with more pseudo-moments count more.
    """
    told = [metrics["pseudo"] for metrics in found if metrics.get("pseudo", {}).get("right")]
    queries = sum(pseudo["queries"] for pseudo in told)
    right = sum(pseudo["queries"] * (HEADLINE.read(pseudo["right"]) or 0.0) for pseudo in told)
    return right / queries if queries else None
