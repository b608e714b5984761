"""EMTM: `distill` trains one student from teachers, `reproduce` does the whole study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from emtm.cli.app import (
    MAX_THREADS,
    AnnotatedOption,
    ClipOption,
    DatasetOption,
    DeviceOption,
    DrawOption,
    FeaturesOption,
    FoldOption,
    GloveOption,
    JsonFlag,
    RootOption,
    SeedOption,
    SetOption,
    ThreadsOption,
    TitleOption,
    UnlabelledOption,
    check_device,
    command,
    compute,
    out_option,
    source,
)
from emtm.cli.output import print_json, print_scores, print_table, resumable
from emtm.errors import UserError
from emtm.metrics.metric import METRICS, SHORT_LIST
from emtm.processes import held

MAX_SEEDS = 1000
PresetOption = Annotated[
    str | None, typer.Option(help="paper, compact, or a preset's own name [default: compact on embedded and own data]")
]


@command("python -m emtm distill --dataset smoke --teachers runs/seqpan,runs/vslnet --out runs/emtm")
def distill(
    dataset: DatasetOption,
    out: Annotated[Path, out_option("Run directory to create.")],
    teachers: Annotated[
        str, typer.Option(help="Soft-label files or run directories, comma-separated; no-distillation needs none.")
    ] = "",
    ablate: Annotated[str, typer.Option(help="Variant of the method; see `python -m emtm reproduce --help`.")] = "full",
    preset: PresetOption = None,
    settings: SetOption = None,
    seed: SeedOption = 0,
    annotated: AnnotatedOption = None,
    draw: DrawOption = None,
    unlabelled: UnlabelledOption = None,
    fold: FoldOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    root: RootOption = None,
    features: FeaturesOption = None,
    clip_s: ClipOption = None,
    glove: GloveOption = None,
    title: TitleOption = None,
    device: DeviceOption = "cpu",
    threads: ThreadsOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Train EMTM: a student taught by teachers' soft labels and by the isomorphic teacher."""
    from emtm.distillation.study import distilled, find_soft_labels, short_names
    from emtm.distillation.variants import TAUGHT, check_distilled, make_variant
    from emtm.training.evaluation import open_source
    from emtm.training.loop import train
    from emtm.training.spec import plan

    check_device(device)
    compute(threads)
    data = source(dataset, root, features, glove, title, annotated, draw, clip_s, fold, unlabelled)
    # Settings that no run can have are found before the teachers' labels are made, which takes minutes.
    plan(TAUGHT, data, preset, settings or [], seed)
    named = split_list(teachers)
    check_distilled(ablate, short_names(named))
    with held(out):
        pass  # So is another process at work there; training holds it again.
    files = find_soft_labels(named, open_source(data), device)
    variant = make_variant(ablate, list(files), next(iter(files), None))
    spec = plan(TAUGHT, data, preset, [*variant.settings, *(settings or [])], seed)
    spec = distilled(spec, variant, files)
    with resumable(out, "the same command with --resume goes on"):
        metrics = train(spec, out, resume=resume, device=device)
    if as_json:
        print_json(metrics)
    else:
        print_scores(metrics)
        print(f"run directory: {out}")


@command("python -m emtm reproduce --dataset smoke --teachers seqpan,vslnet --seeds 2 --out runs/study")
def reproduce(
    dataset: DatasetOption,
    out: Annotated[Path, out_option("Study directory; a study there is gone on with.")],
    preset: PresetOption = None,
    teachers: Annotated[
        str, typer.Option(help="Models to train as teachers, or run directories, comma-separated.")
    ] = "seqpan,eamat,ban-apr",
    ablations: Annotated[
        str, typer.Option("--ablate", help="Variants, comma-separated, or 'all'; see above.")
    ] = "student-alone,full,no-distillation",
    baselines: Annotated[str, typer.Option(help="Models trained beside, comma-separated.")] = "",
    seeds: Annotated[int, typer.Option(min=1, max=MAX_SEEDS, help="Seeds 0 to N - 1 of students and baselines.")] = 5,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="MODEL.KEY=VALUE", help="Override a setting of one model."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=MAX_THREADS, help="Runs trained at a time.")] = 1,
    threads: Annotated[int, typer.Option(min=1, max=MAX_THREADS, help="CPU threads a run.")] = 1,
    annotated: Annotated[
        str | None,
        typer.Option(
            metavar="SHARES|FILE",
            help="Annotated shares of the videos, comma-separated (one with --folds), or a file of video or query ids.",
        ),
    ] = None,
    draws: Annotated[int, typer.Option(min=1, max=MAX_SEEDS, help="Draws of each annotated share.")] = 1,
    hold_out: Annotated[
        float, typer.Option(help="Share of the annotated videos that teachers are not trained on, for both-informed.")
    ] = 0.0,
    unlabelled: UnlabelledOption = None,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Do it N times, each fold by video tested on by models of the others, on what has features of a real "
            "dataset; the summary takes all folds together.",
        ),
    ] = None,
    root: RootOption = None,
    features: FeaturesOption = None,
    clip_s: ClipOption = None,
    glove: GloveOption = None,
    title: TitleOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonFlag = False,
) -> None:
    """The whole study: teachers, soft labels, EMTM, ablations, baselines, one summary. Resumable.

    Variants: full, student-alone, no-distillation, no-shared-encoder, distillation-only, uniform,
    best-teacher, plain-distillation, smoothed-truth, official-losses, hidden-alignment, only:TEACHER
    for a teacher alone, KEY=VALUE for one setting of EMTM (temperature=2, soft_weight=0.5); 'all' is
    every named one.

    With --annotated or --unlabelled, those of part of the annotation too: pseudo, soft, both, both-geometric,
    both-unit, both-informed, both-isomorphic, both:TEACHER, pseudo-smoothed, self-teacher, and all-labels, the student
    with every moment.
    """
    from emtm.distillation.cross_validation import run_folds, summarise_folds
    from emtm.distillation.few_labels import FewLabels, run_few_labels, summarise_few_labels
    from emtm.distillation.study import Study, run_study
    from emtm.distillation.summary import summarise
    from emtm.distillation.variants import ALONE, all_ablations

    check_device(device)
    shares = read_shares(annotated)
    if not 0 <= hold_out < 1:
        raise UserError(f"--hold-out is a share below 1, not {hold_out:g}")
    if (draws > 1 or hold_out) and not shares:
        raise UserError("--draws and --hold-out are for shares of the videos: give --annotated SHARES")
    if folds is not None and (len(shares) > 1 or draws > 1 or hold_out):
        raise UserError("with --folds goes one share of --annotated, of one draw, and no --hold-out")
    named = tuple(split_list(teachers))
    chosen = split_list(ablations)
    first = None if folds is None else f"1/{folds}"
    study = Study(
        data=source(
            *(dataset, root, features, glove, title, None if shares and folds is None else annotated),
            clip_s=clip_s,
            fold=first,
            unlabelled=unlabelled,
        ),
        preset=preset,
        seeds=tuple(range(seeds)),
        teachers=named,
        ablations=tuple(chosen),
        baselines=tuple(split_list(baselines)),
        settings=tuple(settings or ()),
        hold_out=hold_out,
    )
    if shares and folds is None:
        few = FewLabels(study, shares, draws)
        with resumable(out, "the same command goes on"):
            run_few_labels(few, out, parallel=jobs, threads=threads, device=device)
        print_few(summarise_few_labels(few, out), out, as_json)
        return
    if chosen == ["all"]:
        study = replace(study, ablations=(ALONE, *all_ablations(study.names)))
    run, summarised = (run_study, summarise) if folds is None else (run_folds, summarise_folds)
    with resumable(out, "the same command goes on"):
        run(study, out, parallel=jobs, threads=threads, device=device)
    summary = summarised(study, out)
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)
        print(f"study directory: {out}")


def read_shares(text: str | None) -> tuple[float, ...]:
    """Annotated shares; none where there are no numbers, but a file or nothing."""
    from emtm.data.annotated import read_annotated

    try:
        shares = tuple(float(item) for item in split_list(text or ""))
    except ValueError:
        return ()
    for share in shares:
        read_annotated(str(share))
    return shares


def print_few(summary: dict[str, Any], out: Path, as_json: bool) -> None:
    """The study of part of the annotation, as JSON or as tables, on stdout."""
    from emtm.metrics.paired import p_text

    if as_json:
        print_json(summary)
        return
    whole = summary["all_labels"]
    for part in summary["shares"]:
        gains = {test["variant"]: test for test in part["comparisons"] if test["over"] == "student-alone"}
        rows = []
        for row in [*part["rows"], *([whole] if whole else [])]:
            test, cells = gains.get(row["name"]), [_interval(row[metric.key]) for metric in SHORT_LIST]
            gain = _interval(test["difference"], "+") if test and test["difference"] else ""
            corrected = "" if test is None or test["p_holm"] is None else p_text(test["p_holm"])
            right = "" if row["pseudo_right"] is None else f"{row['pseudo_right']:.1f}"
            rows.append((row["name"], *cells, gain, corrected, right, str(len(row["runs"]))))
        counts, bill = part["queries"], part["bill"]
        title = f"{summary['dataset']}, {100 * part['share']:g} % of the videos annotated ({counts['train']} queries)"
        headers = (
            "",
            *(metric.title for metric in SHORT_LIST),
            "over student alone",
            "p (Holm)",
            "pseudo right",
            "runs",
        )
        print_table(headers, rows, title)
        teachers = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in bill["teacher_s"].items())
        print(f"bill: {teachers or 'no teacher'}, their labels {bill['labels_s']:.0f} s")
    print(f"study directory: {out}")


def split_list(text: str) -> list[str]:
    """Items of a comma-separated list; UserError when one is named twice."""
    items = [item.strip() for item in text.split(",") if item.strip()]
    twice = next((item for item in items if items.count(item) > 1), None)
    if twice:
        raise UserError(f"'{twice}' is named twice")
    return items


def print_summary(summary: dict[str, Any]) -> None:
    """The study as a table on stdout."""
    if "folds" in summary:
        print_folds(summary)
        return
    kind = "synthetic, " if summary["synthetic"] else ""
    title = f"{summary['dataset']} ({kind}{summary['split']}, {summary['queries']} queries), mean ± 95 % CI over seeds"
    rows = []
    for teacher in summary["teachers"]:
        cells = [text for metric in SHORT_LIST for text in (f"{teacher['test'][metric.key]:.1f}", "")]
        rows.append((f"teacher {teacher['name']}", *cells, "1", ""))
    for row in summary["rows"]:
        cells = [text for m in SHORT_LIST for text in (_interval(row[m.key]), _gain(row[m.key]))]
        rows.append((row["name"], *cells, str(len(row["seeds"])), f"{row['training_s']:.0f}"))
    measures = [header for metric in SHORT_LIST for header in (metric.title, "over student alone")]
    print_table(("", *measures, "seeds", "training s"), rows, title)
    for name, ratio in summary["soft_gradient_ratio"].items():
        print(f"{name}: the distillation's gradient is {ratio:.1e} of the hard loss's, at the student's logits")


def print_folds(summary: dict[str, Any]) -> None:
    """The study by folds as a table on stdout."""
    folds, rows = summary["folds"], []
    for row in summary["rows"]:
        gains = [_clustered(row[metric.key]["over_best_floor"], "+") for metric in SHORT_LIST]
        rows.append((row["name"], *(_clustered(row[metric.key]) for metric in METRICS), *gains, str(len(row["seeds"]))))
    for name, floor in summary["floors"].items():
        cells = [f"{metric.read(floor) or 0.0:.1f}" for metric in METRICS]
        rows.append((f"floor: {name}", *cells, *("" for _ in SHORT_LIST), ""))
    title = (
        f"{summary['dataset']} ({summary['queries']:,} queries, {folds['of']} folds by video of {folds['videos']:,} "
        "videos), mean [95 % interval over videos]"
    )
    over = (f"{metric.title} over best floor" for metric in SHORT_LIST)
    print_table(("", *(metric.title for metric in METRICS), *over, "seeds"), rows, title)
    print(f"features: {folds['source']}")
    print("not the official split: nothing published compares")


def _clustered(figure: dict[str, Any], sign: str = "") -> str:
    ends = figure["ci95"]
    return f"{figure['mean']:{sign}.1f}" + (f" [{ends[0]:{sign}.1f}, {ends[1]:{sign}.1f}]" if ends else "")


def _interval(figure: dict[str, Any], sign: str = "") -> str:
    half = figure["half_width"]
    return f"{figure['mean']:{sign}.1f}" + ("" if half is None else f" ± {half:.1f}")


def _gain(figure: dict[str, Any]) -> str:
    difference = figure.get("over_student_alone")
    return _interval(difference, "+") if difference else ""
