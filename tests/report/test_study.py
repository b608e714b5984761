import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.report.content.study import Study, read_study
from bench.report.document import build
from bench.report.figures.aggregation import _order, aggregation_figures
from bench.report.figures.gains import gain_figures
from bench.report.figures.style import Figure
from bench.report.formats.folder import report_files
from bench.report.formats.markdown import table_markdown
from bench.report.sections.study import study_command, study_limits
from bench.report.sections.study_tables import study_tables
from emtm.errors import UserError
from emtm.metrics.metric import METRICS, MIOU
from emtm.metrics.paired import MeanInterval
from tests.report.conftest import EXAMPLE, Doc, run_of
from tests.report.studies import EXAMPLE_QUERY, example_summary, row
from tests.report.test_page import parsed

Write = Callable[[], Path]
"""Writes the summary as it now is; gives its path."""


@pytest.fixture
def summary() -> Doc:
    """A copy that a test may change."""
    copied: Doc = json.loads(json.dumps(example_summary()))
    return copied


@pytest.fixture
def written(summary: Doc, tmp_path: Path) -> Write:
    """Writes the summary as it now is; gives its path."""

    def write() -> Path:
        path = tmp_path / "summary.json"
        path.write_text(json.dumps(summary))
        return path

    return write


@pytest.fixture
def bare(summary: Doc) -> Doc:
    """The summary, cut down to what draws no figure, so that commands are quick."""
    del summary["aggregation"]
    summary["rows"] = [row for row in summary["rows"] if row["name"] == "student-alone"]
    return summary


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("study") / "summary.json"
    path.write_text(json.dumps(example_summary()))
    return report_files(build([], [], [read_study(path)]))


def study_figures(study: Study) -> list[Figure]:
    return [*gain_figures(study), *aggregation_figures(study)]


def markdown(study: Study) -> str:
    return "\n\n".join(table_markdown(table) for table in study_tables(study))


def lines(text: str, start: str) -> list[list[str]]:
    """Cells of the Markdown rows whose first cell is `start`."""
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith(f"| {start} ")]
    return [[cell.strip() for cell in row] for row in rows]


def test_the_rows_are_the_files_own_figures(files: dict[str, bytes]) -> None:
    text = files["report.md"].decode().partition("### What distillation is worth")[2]
    assert lines(text, "full") == [
        ["full", "2", "80.2 ± 3.3", "+6.3 ± 2.2", "68.6 ± 1.0", "+7.4 ± 0.3", "0.73", "12.6 min", "the whole method"]
    ]
    assert lines(text, "student-alone") == [
        ["student-alone", "2", "74.3 ± 2.0", "", "61.5 ± 0.5", "", "—¹", "30 s", "the student without teachers"]
    ]
    assert lines(text, "official-losses") == [
        [
            "official-losses",
            "2",
            "74.7 ± 1.2",
            "+0.4 ± 1.9²",
            "61.6 ± 0.8",
            "+0.1 ± 0.7²",
            "1.2 × 10⁻⁸",
            "30 s",
            "the released code's losses",
        ]
    ]
    assert lines(text, "only:eamat")[0][-1] == "taught by eamat alone"
    assert lines(text, "floor: fixed-best")[0][2:6] == ["27.1", "", "29.4", ""]
    assert "¹ not taught by teachers' labels  \n² the interval holds zero: no difference is shown" in text


def test_teachers_and_their_weights(files: dict[str, bytes]) -> None:
    plain, weights = lines(files["report.md"].decode(), "seqpan")
    assert plain == ["seqpan", "seqpan", "81.2", "96.0", "70.6", "85.1"]
    # Start weights .75 .9 .5 .2; the third query trusts both alike, and counts half for each.
    assert weights == ["seqpan", "0.59 [0.25, 0.88]", "62 %", "0.50 [0.50, 0.50]", "50 %"]


def test_a_control_without_teachers_is_subtracted_seed_by_seed(summary: Doc, written: Write) -> None:
    assert not any("control" in header for table in study_tables(read_study(written())) for header in table.headers)
    summary["rows"].append(row("smoothed-truth", "control", ([77.0, 78.0], 77.5, 9.9), ([64.0, 65.0], 64.5, 9.9), None))
    (table,) = (t for t in study_tables(read_study(written())) if "smoothed" in t.title)
    assert table.headers[2] == "R1@0.5 over the control"
    # Differences of 2 and 4: t of one degree of freedom is 12.7, the standard error 1.
    (full,) = lines(table_markdown(table), "full")
    assert full == ["full", "+0.0 ± 0.0¹", "+3.0 ± 12.7¹", "+0.0 ± 0.0¹", "+4.0 ± 0.0"]
    assert [cells[0].text for cells in table.rows] == ["full", "official-losses", "only:eamat"]


def test_without_anything_taught_models_stand_side_by_side(summary: Doc, written: Write) -> None:
    summary.update(rows=[row for row in summary["rows"] if row["name"] in ("vslnet", "student-alone")], teachers=[])
    (table,) = (t for t in study_tables(read_study(written())) if t.headers[0] == "Model")
    assert table.title == "Models side by side on smoke (synthetic)"
    assert "gradient" not in " ".join((table.caption, *table.headers)).lower()
    (vslnet,) = lines(table_markdown(table), "vslnet")
    assert vslnet == ["vslnet", "2", "70.4 ± 6.1", "-4.2 ± 1.1", "60.1 ± 0.4", "-1.0 ± 0.4", "30 s",
                      "another model, without teachers"]  # fmt: skip
    assert len(lines(table_markdown(table), "floor: fixed-best")[0]) == len(table.headers)


def test_a_changed_file_changes_the_report(summary: Doc, written: Write) -> None:
    summary["rows"][1]["r1_0.5"]["over_student_alone"]["mean"] = -7.77
    study = read_study(written())
    assert lines(markdown(study), "full")[0][3] == "-7.8 ± 2.2"
    assert "full -7.8 ± 2.2" in gain_figures(study)[0].alt


def test_rows_stand_with_the_reference_first_and_other_models_last(written: Write) -> None:
    assert [(r.name, r.kind) for r in read_study(written()).rows] == [
        ("student-alone", "alone"),
        ("full", "variant"),
        ("official-losses", "variant"),
        ("only:eamat", "variant"),
        ("vslnet", "baseline"),
    ]


def test_all_figures_are_there_and_marked_synthetic(files: dict[str, bytes]) -> None:
    names = ("study-gains", "study-weights", "study-queries")
    for name in names:
        assert files[f"figures/{name}.png"].startswith(b"\x89PNG")
        assert b"<svg" in files[f"figures/{name}.svg"]
    page = files["report.html"].decode()
    assert page.count('class="plot"') == 3
    assert {name for name in files if not name.startswith("tables/")} == {
        *("report.html", "report.md", "study.csv"),
        *(f"figures/{name}.{kind}" for name in names for kind in ("svg", "png", "pdf")),
    }


def test_the_page_is_well_formed_and_its_ids_are_unique(files: dict[str, bytes]) -> None:
    page = parsed(files)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {address[1:] for address in page.addresses} <= set(page.ids)


def test_figures_say_what_they_show_and_name_a_synthetic_world(files: dict[str, bytes]) -> None:
    text = files["report.md"].decode()
    assert "full +6.3 ± 2.2, only:eamat +3.1 ± 0.9, official-losses +0.4 ± 1.9" in text
    assert "seqpan 0.59 and 0.50, eamat 0.41 and 0.50" in text
    titles = [line for line in text.splitlines() if line.startswith("#### ")]
    assert len(titles) == 4 and all(title.endswith("on smoke (synthetic)") for title in titles)
    assert "not what it gains on real ones" in text


def test_a_real_dataset_is_not_called_synthetic(summary: Doc, written: Write) -> None:
    summary |= {"dataset": "charades-sta", "synthetic": False}
    real = read_study(written())
    assert all(figure.title.endswith("charades-sta") for figure in study_figures(real))
    assert not any("synthetic" in table.title for table in study_tables(real))


def test_figures_are_equal_for_equal_studies(files: dict[str, bytes], written: Write) -> None:
    for figure in study_figures(read_study(written())):
        assert files[f"figures/{figure.name}.svg"] == figure.svg.encode()
        assert files[f"figures/{figure.name}.png"] == figure.png


def test_queries_stand_by_the_teacher_they_trust_most(written: Write) -> None:
    found = read_study(written()).aggregation
    assert found is not None
    weights = found.weights[:, :, 0]
    assert _order(weights).tolist() == [1, 0, 2, 3]


def test_a_single_teacher_has_no_weights_to_show(summary: Doc, written: Write) -> None:
    found = summary["aggregation"]
    found["teachers"] = ["seqpan"]
    found["weights"] = {boundary: [[1.0]] * 4 for boundary in ("start", "end")}
    found["examples"][0] |= {"weights": [[1.0, 1.0]], "teachers": EXAMPLE_QUERY["teachers"][:1]}
    assert [figure.name for figure in aggregation_figures(read_study(written()))] == ["study-queries"]


def test_a_study_without_the_whole_method_or_the_student_alone(summary: Doc, written: Write) -> None:
    del summary["aggregation"]
    summary["rows"] = [r for r in summary["rows"] if r["name"] == "full"]
    for metric in METRICS:
        del summary["rows"][0][metric.key]["over_student_alone"]
    study = read_study(written())
    assert study_figures(study) == []
    assert lines(markdown(study), "full")[0][3].startswith("—")
    assert "the study has no student alone" in markdown(study)


def test_one_seed_has_no_interval(summary: Doc, written: Write) -> None:
    summary["seeds"] = [0]
    for r in summary["rows"]:
        r["seeds"] = [0]
        for name in (metric.key for metric in METRICS):
            gain = r[name].get("over_student_alone")
            for estimate in filter(None, (r[name], gain)):
                estimate |= {"half_width": None, "n": 1}
            r[name]["values"] = r[name]["values"][:1]
    study = read_study(written())
    assert lines(markdown(study), "full")[0][2:4] == ["80.2", "+6.3²"]
    assert "may be chance" in gain_figures(study)[0].caption
    assert any("1 seed only" in line for line in study_limits(study))


@pytest.mark.parametrize(("estimate", "sign"), [((1, 0.5), 1), ((-1, 0.5), -1), ((1, 1), 0), ((1, None), 0)])
def test_a_gain_is_shown_where_its_interval_keeps_clear_of_zero(
    estimate: tuple[float, float | None], sign: int
) -> None:
    assert MeanInterval(*estimate, 2).sign == sign


def test_csv_holds_every_row_and_value(files: dict[str, bytes]) -> None:
    rows = {r["name"] + r["kind"]: r for r in csv.DictReader(io.StringIO(files["study.csv"].decode()))}
    assert len(rows) == 2 + 5 + 1
    full = rows["fullvariant"]
    assert (full["r1_0.5.over_student_alone.mean"], full["r1_0.5.over_student_alone.half_width"]) == ("6.3", "2.2")
    assert json.loads(full["r1_0.5.values"]) == [79.0, 82.0]
    assert float(rows["official-lossesvariant"]["soft_gradient_ratio"]) == 1.23e-8
    assert rows["seqpanteacher"]["train.r1_0.5.mean"] == "96.0"
    assert rows["fixed-bestfloor"]["r1_0.5.mean"] == "27.1"
    assert {r["synthetic"] for r in rows.values()} == {"True"}


def test_the_section_stands_beside_a_run_without_trained_models(doc: Doc, bare: Doc, written: Write) -> None:
    doc["cases"] = [case for case in doc["cases"] if case["status"] == "failed"]
    study = read_study(written())
    report = build([run_of(doc)], ["run.json"], [study])
    assert [section.key for section in report.sections] == ["study", "missing"]
    assert report.sections[0].title == "What distillation is worth"
    assert report.commands[-1] == f"python -m bench.report run.json --study {study.path}"


def test_the_study_goes_behind_accuracy(doc: Doc, bare: Doc, written: Write) -> None:
    doc["cases"] = [case for case in doc["cases"] if (case.get("quality") or {}).get("dataset") == "smoke"]
    keys = [section.key for section in build([run_of(doc)], ["run.json"], [read_study(written())]).sections]
    assert keys[:2] == ["tradeoff", "study"]


def test_the_command_that_does_it_again(summary: Doc, written: Write) -> None:
    path = written()
    expected = (
        "python -m emtm reproduce --dataset smoke --teachers seqpan,eamat --ablate "
        "student-alone,full,official-losses,only:eamat --baselines vslnet --seeds 2 --set emtm.epochs=9 --out "
    )
    assert study_command(read_study(path)) == [f"{expected}{path.parent.as_posix()}"]
    summary["synthetic"] = False
    assert study_command(read_study(written())) == []


def test_text_from_a_study_is_escaped(bare: Doc, written: Write) -> None:
    bare["rows"][0]["what"] = "<script>alert(1)</script> a|b"
    files = report_files(build([], [], [read_study(written())]))
    assert "<script>alert" not in files["report.html"].decode()
    assert "a\\|b" in files["report.md"].decode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update(format="emtm-study/9"), "has format emtm-study/9"),
        (lambda s: s.pop("format"), "is not the summary.json of a study"),
        (lambda s: s.pop("rows"), "damaged: the file: 'rows' is a required property"),
        (lambda s: s["rows"][1]["miou"].pop("mean"), "damaged: rows.1.miou: 'mean' is a required property"),
        (lambda s: s["rows"][1]["miou"]["values"].pop(), "full, miou: 1 values for 2 seeds"),
        (lambda s: s["rows"][1].pop("r1_0.5"), "damaged: full lacks r1_0.5"),
        (lambda s: s["teachers"][0]["train"].pop("miou"), "damaged: teacher seqpan, train lacks miou"),
        (lambda s: s["rows"].append(s["rows"][1]), "two rows have the same name"),
        (lambda s: s["rows"][0].update(training_s="long"), "rows.0.training_s: 'long' is not of type 'number'"),
        (lambda s: s["rows"][0].update(pseudo_right=140), "rows.0.pseudo_right: 140 is not valid"),
        (lambda s: s["aggregation"]["weights"]["end"].pop(), "end weights: 3 x 2 values instead of 4 x 2"),
        (lambda s: s["aggregation"]["weights"]["end"][0].pop(), "end weights: rows of unequal length"),
        (lambda s: s["aggregation"]["weights"]["end"].__setitem__(0, [0.1, 0.1]), "do not sum to 1"),
        (lambda s: s["aggregation"]["examples"][0]["student"][1].pop(), "query q0, student: rows of unequal length"),
        (lambda s: s["aggregation"]["examples"][0]["teachers"].pop(), "query q0, teachers: 1 x 2 x 4 values"),
        (lambda s: s.update(queries=float("nan")), "is damaged: NaN is no JSON number"),
        (lambda s: s.update(teachers={"a" * 200: 1}), "damaged: teachers: breaks the rule 'type'"),
    ],
)
def test_a_damaged_or_foreign_summary_is_one_sentence(
    summary: Doc,
    written: Write,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Doc], object],
    message: str,
) -> None:
    change(summary)
    out = tmp_path / "report"
    assert main([str(EXAMPLE), "--study", str(written()), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("content", [None, b"{", b"[]", b"\xff\xfe", EXAMPLE.read_bytes()])
def test_what_is_no_summary_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None) -> None:
    path = tmp_path / "summary.json"
    if content is not None:
        path.write_bytes(content)
    assert main(["--study", str(path), "--out", str(tmp_path / "report")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_without_any_run_the_study_is_a_report_of_its_own(
    bare: Doc, written: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written()
    monkeypatch.chdir(tmp_path)
    assert main(["--study", str(path), "--out", "report", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["runs"], summary["studies"]) == ([], [path.as_posix()])
    text = (tmp_path / "report" / "report.md").read_text("utf-8")
    assert "## What distillation is worth" in text and "## Environment" not in text
    assert not (tmp_path / "report" / "results.csv").exists()


def test_the_newest_run_stands_beside_a_study(
    bare: Doc,
    written: Write,
    doc: Doc,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    doc["cases"] = [case for case in doc["cases"] if case["status"] == "failed"]
    runs = tmp_path / "reports" / "runs"
    runs.mkdir(parents=True)
    (runs / "run.json").write_text(json.dumps(doc))
    monkeypatch.chdir(tmp_path)
    assert main(["--study", str(written()), "--out", "report"]) == 0
    shown = capsys.readouterr().out
    assert "Models side by side on smoke (synthetic)" in shown
    assert "report.html, report.md, results.csv, study.csv" in shown


def test_a_summary_of_the_suites_own_shape_is_read(written: Write) -> None:
    """The estimates of the package fit the schema of the report."""
    from emtm.metrics.paired import mean_interval, paired_difference

    path = written()
    doc = json.loads(path.read_text())
    one = mean_interval([1.0]).to_json()
    difference = paired_difference({0: 1.5}, {0: 1.0})
    assert difference is not None
    doc["rows"][1]["miou"] |= {**one, "over_student_alone": difference.to_json()}
    path.write_text(json.dumps(doc))
    assert read_study(path).rows[1].measures[MIOU].gain == MeanInterval(0.5, None, 1)
    with pytest.raises(UserError, match="half_width"):
        del doc["rows"][1]["miou"]["half_width"]
        path.write_text(json.dumps(doc))
        read_study(path)
