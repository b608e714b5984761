"""Every command in a block of the README and of the pages is run by a test, or stands here with the reason why not."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PROGRAM = re.compile(r"(?:python3? -m|pytest|pip|emtm|tox|asv) ")
SCORE = "python -m emtm score predictions.jsonl --annotations charades_sta_test.txt --dataset charades-sta"
OPEN = 6
"""Exit code of `compare`: it cannot be told whether the two differ."""

RUN = {
    SCORE: 0,
    f"{SCORE} --as cbp": 0,
    f"{SCORE} --ends keep --ties strict": 0,
    "python -m bench.count --model vslnet --dataset charades-sta --official": 0,
    "python -m bench.report compare reports/reference/train-step-earlier.json reports/reference/train-step.json": OPEN,
}
"""Run below, word for word, and how they end."""

ELSEWHERE = {
    "python3 -m venv .venv && .venv/bin/python -m pip install -q tox && .venv/bin/tox -e main": ".ci/run",
    "python3 -m venv .venv && .venv/bin/python -m pip install -q tox && .venv/bin/tox -e test": ".ci/run",
    "python -m bench.report reports/costs/20261129T113828Z-e501cb.json": "tests/test_readme.py::reported",
    "python -m bench.report reports/reference/20261123T101911Z-13a7e4.json": "tests/test_readme.py::reported",
    "python -m bench.report --study reports/reference/study-synth-charades.json": "tests/report/test_committed.py",
    "python -m bench.report": "tests/test_plugin.py::test_model_is_trained_measured_and_reported",
    "pip install ./my-grounding": "tests/test_plugin.py::run",
    "python -m emtm train my-model --dataset smoke --out runs/smoke/my-model": (
        "tests/test_plugin.py::test_model_is_trained_measured_and_reported"
    ),
    "pytest bench/ --benchmark-only -k my-model": "tests/test_plugin.py::test_model_is_trained_measured_and_reported",
    "python -m bench.count my_grounding:make": "tests/bench/test_count.py",
    "python -m bench.gpu_check --device cpu --models emtm-student,seqpan --out gpu-check.json": (
        "tests/gpu_check/test_cli.py::test_two_models_on_the_cpu"
    ),
    "python -m emtm prepare custom --root kitchen": "tests/test_custom.py::test_five_commands_to_the_report",
    "python -m emtm train emtm-student --dataset custom --root kitchen --out runs/kitchen": (
        "tests/test_custom.py::test_five_commands_to_the_report"
    ),
    "python -m emtm predict runs/kitchen --video kitchen/features/kitchen-01.npy --duration 74.2 "
    '--query "she opens the oven"': "tests/test_custom.py::test_five_commands_to_the_report",
    "pytest bench/ --benchmark-only --bench-profile smoke -k kitchen": (
        "tests/test_custom.py::test_five_commands_to_the_report"
    ),
    "pytest bench/ --benchmark-only --bench-profile smoke": ".ci/run",
    "python -m emtm prepare charades-sta --root ANNOTATIONS --features FEATURES --glove glove.840B.300d.txt": (
        "tests/test_own_folder.py::test_prepare_counts_what_is_there"
    ),
    "python -m emtm train emtm-student --dataset charades-sta --root ANNOTATIONS --features FEATURES "
    "--glove glove.840B.300d.txt --out runs/charades": (
        "tests/test_own_folder.py::test_training_and_evaluation_agree_and_say_what_they_are_of"
    ),
    "python -m emtm prepare charades-sta --root charades --glove glove.npz": (
        "tests/data/test_folds.py::test_prepare_says_what_folds_can_use"
    ),
    "python -m bench.report --study runs/folds/summary.json --out reports/folds": (
        "tests/report/test_folds.py::test_the_command_reports_it"
    ),
    "python -m emtm extract VIDEOS/ --out FEATURES": (
        "tests/test_video_cli.py::test_extract_goes_on_and_names_what_it_cannot_read"
    ),
    "python -m emtm train emtm-student --dataset charades-sta --root ANNOTATIONS --features FEATURES "
    "--glove glove.840B.300d.txt --out runs/from-video": (
        "tests/test_video_cli.py::test_a_run_on_extracted_features_grounds_raw_video"
    ),
    'python -m emtm predict runs/from-video --video clip.mp4 --query "a person opens the door"': (
        "tests/test_video_cli.py::test_a_run_on_extracted_features_grounds_raw_video"
    ),
    "pytest bench/ --benchmark-only -k end_to_end && python -m bench.report": "tests/bench/test_end_to_end.py",
    'python -m bench.report ab --base HEAD~1 --head WORKTREE -k "emtm-student and charades-sta and single_stream"': (
        "tests/ab/test_planted.py"
    ),
    "asv publish --config asv/asv.conf.json": "tests/ci/test_steps.py::test_asv_publishes_what_was_exported",
    "python -m pip install --quiet -c constraints.txt -e '.[video]'": (
        "tests/ci/test_steps.py::test_cron_speaks_only_when_something_is_wrong"
    ),
    "pytest bench/ --benchmark-only --bench-profile ci > nightly.log 2>&1 || { tail -n 20 nightly.log; exit 1; }": (
        "tests/ci/test_steps.py::test_cron_speaks_only_when_something_is_wrong"
    ),
    "python -m bench.report history history --out site > history.log": (
        "tests/ci/test_steps.py::test_cron_speaks_only_when_something_is_wrong"
    ),
    'python -m bench.report compare "$last" "$new" --soft > verdict.txt || code=$?': (
        "tests/ci/test_steps.py::test_cron_speaks_only_when_something_is_wrong"
    ),
    "python -m bench.report export --to asv \"$(find reports/runs -name '*.json' | sort | tail -n 1)\" --out asv": (
        "tests/ci/test_steps.py::test_asv_publishes_what_was_exported"
    ),
    "python -m emtm predict runs/student --video - --stream 10 --row-s 0.5 "
    '--query "a person opens the door" < rows.jsonl': (
        "tests/deploy/test_stream.py::test_the_command_answers_as_rows_arrive_and_at_the_end"
    ),
    "python -m bench.following runs/stream --out following.json": (
        "tests/deploy/test_following.py::test_the_command_writes_what_it_found"
    ),
    "python -m emtm evaluate reports/weights/smoke/emtm": (
        "tests/test_weights.py::test_evaluating_them_finds_the_stored_metrics"
    ),
    "python -m emtm evaluate reports/weights/smoke/emtm-student --protocol index "
    "> score-smoke-emtm-student-index.json": (
        "tests/test_weights.py::test_what_both_protocols_say_of_them_is_what_is_committed"
    ),
}
"""Run by a test of their own, on data of its making, or by what runs the tests."""

HOURS = "hours of training; with fewer seeds and epochs tests/distillation runs it"
COMMITTED = "tests/report/test_committed.py"
MINUTES = "minutes of training; with one epoch tests/distillation runs it"
NOT_RUN = {
    "python -m bench.peers --code EMET --python tf/bin/python -k charades --out charades.json": (
        "needs somebody else's code and TensorFlow; with another peer tests/peers/test_command.py runs it"
    ),
    "python -m bench.gpu_check --out reports/runs/gpu.json": "needs a graphics card; its parts are tried on the CPU",
    "python -m emtm reproduce --dataset synth-charades --teachers emtm-student,qd-detr "
    "--ablate student-alone,full,uniform,smoothed-truth --seeds 12 --jobs 2 --out runs/study": HOURS,
    "python -m emtm reproduce --dataset smoke --teachers emtm-student,qd-detr "
    "--ablate student-alone,full,official-losses --baselines seqpan,vslnet,my-model --seeds 1 "
    "--out runs/study-smoke": MINUTES,
    "python -m emtm reproduce --dataset smoke --annotated 0.1,0.25 --draws 3 --teachers emtm-student,vslnet "
    "--ablate student-alone,pseudo,soft,both,pseudo-smoothed,self-teacher,all-labels --seeds 10 --out runs/few": HOURS,
    "python -m emtm reproduce --dataset synth-charades --teachers emtm-student,vslnet --annotated 0.25 --draws 3 "
    "--seeds 4 --ablate student-alone,both,pseudo-smoothed,self-teacher,all-labels --out runs/few": HOURS,
    "python -m bench.report --study reports/reference/few-labels-synth-charades.json": COMMITTED,
    "python -m bench.report --study reports/reference/few-labels-synth-charades-variants.json": COMMITTED,
    "python -m emtm reproduce --dataset synth-charades --teachers emtm-student,vslnet "
    "--ablate student-alone,both,both:emtm-student,both:vslnet --seeds 2 --annotated 0.25 --draws 3 "
    "--out runs/teachers": HOURS,
    "python -m bench.report --study reports/reference/few-labels-synth-charades-teachers.json": COMMITTED,
    "python -m emtm reproduce --dataset synth-charades --teachers emtm-student,vslnet --ablate "
    "student-alone,both,pseudo-smoothed,all-labels --seeds 4 --annotated 0.05,0.1,0.25,0.5 --draws 3 "
    "--out runs/shares": HOURS,
    "python -m emtm reproduce --dataset synth-charades --teachers emtm-student,vslnet --ablate student-alone,both,"
    "pseudo-smoothed,pseudo,both-unit,both-geometric,both-isomorphic,soft --seeds 2 --annotated 0.25 --draws 3 "
    "--out runs/ways": HOURS,
    "python -m emtm reproduce --dataset charades-sta --root charades --glove glove.npz --preset compact --folds 5 "
    "--seeds 2 --annotated 0.5 --teachers emtm-student,vslnet --ablate student-alone,both,pseudo-smoothed "
    "--set emtm-student.dropout=0.3 --set emtm.dropout=0.3 --set emtm-student.epochs=20 --set emtm.epochs=20 "
    "--set emtm-student.patience=8 --set emtm.patience=8 --out runs/folds-half": HOURS,
    "python -m emtm reproduce --dataset charades-sta --root charades --glove glove.npz --preset compact --folds 5 "
    "--seeds 2 --teachers emtm-student,vslnet --ablate student-alone,full,smoothed-truth "
    "--set emtm-student.dropout=0.3 --set emtm.dropout=0.3 --set emtm-student.epochs=20 --set emtm.epochs=20 "
    "--set emtm-student.patience=8 --set emtm.patience=8 --out runs/folds-emtm": HOURS,
    "python -m emtm train emtm-student --dataset charades-sta --root charades --glove glove.npz --preset compact "
    "--fold 1/5 --out runs/fold-1": MINUTES,
    "python -m emtm reproduce --dataset charades-sta --root charades --glove glove.npz --preset compact --folds 5 "
    "--seeds 3 --teachers qd-detr,seqpan --ablate student-alone,full,no-distillation,smoothed-truth "
    "--baselines seqpan,vslnet,moment-detr,qd-detr,eatr,tan2d --jobs 2 --out runs/folds": HOURS,
    "python -m emtm reproduce --dataset charades-sta --root charades --glove glove.npz --preset compact --folds 5 "
    '--seeds 3 --teachers "" --ablate student-alone --baselines vslnet,my-model --set emtm-student.dropout=0.3 '
    "--set emtm-student.epochs=20 --set emtm-student.patience=8 --out runs/folds": HOURS,
    "python -m bench.report --study reports/reference/study-charades-clip.json": COMMITTED,
    "python -m emtm reproduce --dataset charades-sta --root charades --glove glove.npz --preset compact --folds 5 "
    '--seeds 1 --teachers "" --ablate student-alone --baselines vslnet,my-model,moment-detr,qd-detr,cca,emb '
    "--set emtm-student.dropout=0.3 --set emtm-student.epochs=20 --set emtm-student.patience=8 "
    "--out runs/folds-models": HOURS,
    "python -m bench.report --study reports/reference/study-models-charades-clip.json": COMMITTED,
    'python -m emtm reproduce --dataset synth-charades --teachers "" --ablate student-alone '
    "--baselines seqpan,vslnet,my-model,moment-detr,qd-detr,cca,emb --seeds 1 --out runs/models": HOURS,
    "python -m bench.report --study reports/reference/study-models-synth-charades.json": COMMITTED,
    "python -m emtm train vslnet --dataset smoke --annotated 0.25 --out runs/vslnet": MINUTES,
    "python -m emtm distill --dataset smoke --annotated 0.25 --teachers runs/vslnet --ablate both --out runs/student": (
        MINUTES
    ),
    "python -m emtm distill --dataset smoke --unlabelled pairs.jsonl --teachers runs/vslnet --ablate both "
    "--out runs/student": "minutes; tests/distillation/test_unlabelled.py does so on less",
    "python -m emtm train emtm-student --dataset smoke --threads 1 --out runs/smoke/emtm-student": MINUTES,
    "python -m emtm train emtm-student --dataset smoke --set max_clips=12 --out runs/stream": MINUTES,
    "python -m emtm train seqpan --dataset smoke --threads 1 --out runs/smoke/seqpan": MINUTES,
    "python -m emtm train vslnet --dataset smoke --threads 1 --out runs/smoke/vslnet": MINUTES,
    "python -m emtm distill --dataset smoke --teachers runs/smoke/seqpan,runs/smoke/vslnet --threads 1 "
    "--out runs/smoke/emtm": MINUTES,
    "pytest bench/ --benchmark-only --bench-profile smoke -k smoke --runs reports/weights/smoke "
    "&& python -m bench.report": "a minute of measuring; tests/test_weights.py makes its cases",
    "python -m tests.limits --out reports/limits/two-shared-cores.json": "long; tests/limits has a part",
    "pip install -c constraints.txt -e '.[video]'": "tox installs it; a test must not change its environment",
}
"""Not run, and why."""

WITHIN_LINES = {
    "pytest bench/": "tests/bench/test_session.py",
    "pytest tests/models/test_contract.py": "tests/test_plugin.py",
    "pytest-benchmark compare": "tests/export/test_consumers.py",
    "bench.count": "tests/bench/test_count.py",
    "bench.peers": "tests/peers/test_command.py",
    "bench.report": "tests/report/test_command.py",
    "bench.report ab": "tests/ab/test_planted.py",
    "bench.report audit": "tests/audit/test_command.py",
    "bench.report choose": "tests/choose/test_command.py",
    "bench.report claims": "tests/claims/test_verdicts.py",
    "bench.report compare": "tests/verdict/test_compare_command.py",
    "bench.report export": "tests/export/test_command.py",
    "bench.report history": "tests/history/test_command.py",
    "bench.report validate": "tests/verdict/test_consistency.py",
    "emtm": "tests/test_cli.py",
    "emtm distill": "tests/distillation/test_study.py",
    "emtm evaluate": "tests/test_cli.py",
    "emtm export": "tests/deploy/test_grounder.py",
    "emtm extract": "tests/test_video_cli.py",
    "emtm models": "tests/test_cli.py",
    "emtm parity": "tests/test_parity.py",
    "emtm predict": "tests/test_cli.py",
    "emtm prepare": "tests/test_own_folder.py",
    "emtm reproduce": "tests/distillation/test_study.py",
    "emtm score": "tests/metrics/test_submission.py",
    "emtm soft-labels": "tests/distillation/test_soft_labels.py",
    "emtm train": "tests/test_cli.py",
    "tests.campaign": "tests/campaign/kills/test_kills.py",
    "tests.cards": "tests/test_light_start.py",
    "tests.data.oddities": "tests/data/test_oddities.py",
    "tests.history.rates": "tests/history/test_changepoints.py",
    "tests.picture": "tests/test_picture.py",
    "tests.repeatability": "tests/repeatability/test_sessions.py",
    "tests.repeatability.neighbour": "tests/repeatability/test_neighbour.py",
}
"""Commands that a page names within a line, without what they are given, and the test that runs each, or its parts."""

NOT_RUN_WITHIN_LINES = {
    "bench.report selftest": "minutes of measuring a quiet machine; tests/selftest runs its truths and its gate",
    "tox -e audit": "asks a service for known vulnerabilities; CI runs it, and tests/test_licences.py its first part",
}
"""Not run, and why."""

ANNOTATIONS = {"AO8RW": "a person is putting a book on a shelf.", "3MSZA": "person turn a light on."}


def shown(page: Path) -> list[str]:
    """Commands of the blocks of a page, each on one line, its comment left out."""
    blocks = re.findall(r"^```bash\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    return [re.sub(r"\s+# .*", "", line).strip() for line in lines if PROGRAM.match(line.strip())]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where somebody has predictions for two sentences, and their annotations."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "reference").symlink_to(ROOT / "reports" / "reference")
    lines = [f"{video} 0.0 6.9##{query}" for video, query in ANNOTATIONS.items()]
    (tmp_path / "charades_sta_test.txt").write_text("\n".join(lines), "utf-8")
    (tmp_path / "charades.json").write_text(
        json.dumps(
            {
                video: {"duration": 30.0, "timestamps": [[0.0, 6.9]], "sentences": [query]}
                for video, query in ANNOTATIONS.items()
            }
        )
    )
    moments = [[0.0, 6.9, 0.91], [3.1, 9.0, 0.40]]
    found = [
        json.dumps({"video_id": video, "query": query, "moments": moments}) for video, query in ANNOTATIONS.items()
    ]
    (tmp_path / "predictions.jsonl").write_text("\n".join(found), "utf-8")
    return tmp_path


def test_every_command_of_every_page_is_accounted_for_once() -> None:
    known = [*RUN, *ELSEWHERE, *NOT_RUN]
    assert len(known) == len(set(known))
    found = {command for page in PAGES for command in shown(page)}
    assert found - set(known) == set(), "run it in a test, or say here why not"
    assert set(known) - found == set(), "no page shows it any more"


def within_lines(page: Path) -> set[str]:
    """Commands that a page names outside of its blocks: program and, where it has several, command."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = set()
    for line in re.findall(r"`((?:python -m (?:emtm|bench|tests)\b|pytest|tox )[^`]*)`", text):
        words = line.removeprefix("python -m ").split()
        several = words[0] in ("emtm", "bench.report", "pytest", "pytest-benchmark") and len(words) > 1
        if words[0] == "tox":
            found.add(" ".join(words))
        elif several and re.fullmatch(r"[a-z][a-z-]*|bench/|tests/\S+", words[1].rstrip(",")):
            found.add(f"{words[0]} {words[1].rstrip(',')}")
        elif words != ["pytest"]:
            found.add(words[0])
    return found


def test_every_command_within_a_line_is_accounted_for_once() -> None:
    known = [*WITHIN_LINES, *NOT_RUN_WITHIN_LINES]
    assert len(known) == len(set(known))
    assert {command for page in PAGES for command in within_lines(page)} == set(known)


@pytest.mark.parametrize("place", sorted({*ELSEWHERE.values(), *WITHIN_LINES.values()}))
def test_what_is_said_to_run_a_command_is_there(place: str) -> None:
    file, _, name = place.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text("utf-8") if name else (ROOT / file).is_file()


@pytest.mark.parametrize(("command", "code"), RUN.items(), ids=lambda value: str(value)[:60])
def test_it_runs(command: str, code: int, folder: Path) -> None:
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    assert done.stdout and not done.stderr.startswith("error")
