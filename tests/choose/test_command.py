"""`python -m bench.report choose`."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.cli.app import main
from tests.choose.conftest import EXAMPLE
from tests.hostile import HOSTILE, open_places, planted, sound

ROOT = Path(__file__).parents[2]


def test_the_command_itself_answers_from_the_newest_run() -> None:
    command = [sys.executable, "-m", "bench.report", "choose", "--dataset", "synth-charades", "--latency-ms", "1000"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Accuracy measured with these weights" in done.stdout
    assert "surely fits" in done.stdout
    assert "published" not in done.stdout


def test_json_says_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--dataset", "charades-sta", "--latency-ms", "6", "--memory-mb", "1e4", "--queries-per-video", "10"]
    assert main(["choose", str(EXAMPLE), *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["limits"] == {"latency_s": pytest.approx(0.006), "memory_bytes": pytest.approx(1e10)}
    by_model = {model["model"]: model for model in found["models"]}
    assert by_model["emtm-student"]["fit"] == "may fit"
    assert by_model["emtm-student"]["accuracy"] is None
    assert by_model["seqpan"]["accuracy"]["measured"] is False
    for model in found["models"]:
        latency = model["costs"]["latency_s"]
        assert latency["value"] is None or latency["low"] <= latency["value"]
        assert latency["value"] is None or latency["doubts"]


def test_the_plot_is_one_picture_and_the_same_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [str(EXAMPLE), "--dataset", "synth-charades", "--latency-ms", "4"]
    for name in ("one.svg", "two.svg"):
        assert main(["choose", *options, "--plot", str(tmp_path / "deep" / name)]) == 0
    one, two = ((tmp_path / "deep" / name).read_bytes() for name in ("one.svg", "two.svg"))
    assert one == two
    assert ET.fromstring(one).tag.endswith("svg")
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"one.svg", "two.svg"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--dataset", "charades-sta", "--device", "cuda"], "no model was measured"),
        (["--dataset", "charades-sta", "--latency-ms", "0"], "positive"),
        (["--dataset", "charades-sta", "--latency-ms", "nan"], "positive"),
        (["--dataset", "charades-sta", "--plot", "/proc/x/plot.svg"], "cannot write"),
    ],
)
def test_mistakes_are_one_sentence(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["choose", str(EXAMPLE), *options]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_plot_without_accuracies_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    doc = json.loads(EXAMPLE.read_text("utf-8"))
    doc["cases"] = [case for case in doc["cases"] if case["case_id"].startswith("emtm-student|charades-sta|single")]
    (tmp_path / "run.json").write_text(json.dumps(doc))
    options = ["--dataset", "charades-sta", "--plot", str(tmp_path / "plot.svg")]
    assert main(["choose", str(tmp_path / "run.json"), *options]) == 2
    assert "no plot" in capsys.readouterr().err
    assert not (tmp_path / "plot.svg").exists()


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["choose", "--help"]) == 0
    assert "Example: python -m bench.report choose --dataset charades-sta" in capsys.readouterr().out


@pytest.mark.parametrize("first", (0, 12, 24))
def test_no_text_of_a_run_file_becomes_more(first: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [text for text in (*HOSTILE[first:], *HOSTILE[:first]) if "\x00" not in text and text.strip()]
    doc = json.loads(EXAMPLE.read_text("utf-8"))
    doc["cases"] = [case for case in doc["cases"] if re.search(r"\|smoke\|.*\|s0$", case["case_id"])][:2]
    places = open_places(doc, sound)
    wanted = {"dataset": texts[0], "device": texts[1]}
    turn = {place: f"{texts[i % len(texts)]}{i}" for i, place in enumerate(places)}
    doc = planted(doc, turn | {place: wanted[str(place[-1])] for place in places if place[-1] in wanted})
    run, plot = tmp_path / "run.json", tmp_path / "plot.svg"
    run.write_text(json.dumps(doc))
    options = [f"--{name}={text}" for name, text in wanted.items()]
    assert main(["choose", str(run), *options, "--latency-ms", "4", "--plot", str(plot)]) == 0
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800]", capsys.readouterr().out)
    elements = list(ET.fromstring(plot.read_text("utf-8")).iter())
    assert {element.tag.rpartition("}")[2] for element in elements} <= {
        *("svg", "g", "path", "use", "defs", "style", "clipPath", "rect"),
        *("metadata", "RDF", "Work", "type", "format"),
    }
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "plot.svg"}
