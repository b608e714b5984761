"""Part of the annotation: what is chosen, and that the rest is looked at by nothing."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emtm.data.annotated import AnnotatedPart, annotated_ids, read_annotated, restrict, video_order
from emtm.data.loader import mixed_batches, training_batches
from emtm.data.records import Query
from emtm.distillation.study import Study
from emtm.errors import UserError
from emtm.training.runs import read_spec
from emtm.training.spec import DataSource
from tests.distillation.few import (
    DRAW,
    SHARE,
    outcome,
    poisoned,
    run,
    settings,
    small_world,
    stand_in,
    without,
)

PART = AnnotatedPart(SHARE, DRAW)
QUERIES = tuple(Query(f"q{i}", f"v{i // 3}", "a person sits.", 30.0, 1.0, 2.0) for i in range(60))


@given(small=st.floats(0.01, 1.0), more=st.floats(0.0, 1.0), draw=st.integers(0, 5))
def test_shares_nest_and_are_of_whole_videos(small: float, more: float, draw: int) -> None:
    large = min(1.0, small + more)
    inner, outer = (annotated_ids(QUERIES, AnnotatedPart(share, draw)) for share in (small, large))
    assert inner
    assert inner <= outer
    videos = {query.video_id for query in QUERIES if query.query_id in inner}
    assert len(inner) == 3 * len(videos)
    assert abs(len(videos) - 20 * small) <= 1


def test_draws_differ_and_no_video_moves_the_others() -> None:
    videos = [f"v{i}" for i in range(20)]
    assert video_order(videos, 0) != video_order(videos, 1)
    fewer = [video for video in video_order(videos, 0) if video != "v7"]
    assert video_order([video for video in reversed(videos) if video != "v7"], 0) == fewer
    assert annotated_ids(QUERIES, AnnotatedPart(1.0)) == {query.query_id for query in QUERIES}


def test_a_list_names_videos_or_queries(tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    file.write_text("v3\n\nq0\n")
    assert annotated_ids(QUERIES, read_annotated(str(file))) == {"q0", "q9", "q10", "q11"}


@pytest.mark.parametrize(
    ("content", "words"), [("", "names no video"), ("v1\nv2\nv1\n", "names 'v1' twice"), (None, "neither a share")]
)
def test_a_list_that_says_nothing(content: str | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=words):
        read_annotated(str(file))


@pytest.mark.parametrize("share", ["0", "1.5", "-0.2", "nan"])
def test_a_share_is_above_nothing_and_at_most_all(share: str) -> None:
    with pytest.raises(UserError, match="above 0 and at most 1"):
        read_annotated(share)


def test_what_is_not_annotated_has_no_moment() -> None:
    world = small_world()
    few = restrict(world, PART)
    assert 0 < len(few.splits["train"]) < 60
    assert 0 < len(few.splits["val"]) < 20
    assert few.splits["test"] == world.splits["test"]
    assert len(few.splits["train"]) + len(few.unlabelled) == len(world.splits["train"])
    assert all(math.isnan(query.start_s) and math.isnan(query.end_s) for query in few.unlabelled)
    assert {query.query_id for query in few.all_queries} < {query.query_id for query in world.all_queries}
    with pytest.raises(UserError, match="'nowhere' is neither"):
        restrict(world, AnnotatedPart(ids=("nowhere",)))
    with pytest.raises(UserError, match="no annotated query in val"):
        restrict(world, AnnotatedPart(ids=(world.splits["train"][0].video_id,)))


def test_an_epoch_has_as_many_rows_however_few_are_annotated() -> None:
    few = QUERIES[:7]
    chunks = list(training_batches(few, 4, 0, 1, 20))
    assert [len(chunk) for chunk in chunks] == [4] * 5
    rows = [query for chunk in chunks for query in chunk]
    assert {rows.count(query) for query in few} == {2, 3}
    assert set(rows[:7]) == set(few)
    assert rows != [query for chunk in training_batches(few, 4, 0, 2, 20) for query in chunk]


def test_every_batch_has_its_share_of_annotated_queries() -> None:
    few, rest = QUERIES[:15], QUERIES[15:]
    chunks = list(mixed_batches(few, rest, 16, 0, 0))
    assert sorted(query.query_id for chunk in chunks for query in chunk) == sorted(q.query_id for q in QUERIES)
    assert all(abs(sum(query in few for query in chunk) - len(chunk) / 4) <= 1 for chunk in chunks)
    assert chunks != list(mixed_batches(few, rest, 16, 0, 1))


def test_the_choice_is_stored_and_absent_where_all_is_annotated() -> None:
    part = DataSource("smoke", annotated=PART)
    assert DataSource.from_json(json.loads(json.dumps(part.to_json()))) == part
    assert "annotated" not in DataSource("smoke").to_json()


def test_training_never_sees_a_moment_that_is_not_annotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another moment in every query that is not annotated changes nothing: weights, epochs, floors, scores, hashes."""
    world = small_world()
    outcomes = []
    for name, dataset in (("clean", world), ("poisoned", poisoned(world, PART))):
        stand_in(monkeypatch, dataset)
        options = [*settings(), f"--annotated={SHARE}", f"--draw={DRAW}", f"--out={tmp_path / name}"]
        assert run("train", "emtm-student", *options) == 0
        outcomes.append(outcome(tmp_path / name))
    assert outcomes[0] == outcomes[1]
    assert read_spec(tmp_path / "clean").data.annotated == PART
    assert any("25 % of the videos" in note for note in outcomes[0]["metrics"]["notes"])


def test_distillation_never_sees_a_moment_that_is_not_annotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the teacher to EMTM with its unit and isomorphic branch; the one figure that may differ tells them apart."""
    world = small_world()
    outcomes = []
    for name, dataset in (("clean", world), ("poisoned", poisoned(world, PART))):
        stand_in(monkeypatch, dataset)
        options = [*settings(), f"--annotated={SHARE}", f"--draw={DRAW}"]
        assert run("train", "vslnet", *options, f"--out={tmp_path / name / 'vslnet'}") == 0
        teacher = f"--teachers={tmp_path / name / 'vslnet'}"
        assert run("distill", *options, teacher, f"--out={tmp_path / name / 'emtm'}") == 0
        outcomes.append(outcome(tmp_path / name / "emtm"))
        # The second teacher has seen less, so that there are annotated queries to learn from whom to trust.
        assert run("train", "vslnet", *settings("epochs=1"), "--annotated=0.12", f"--draw={DRAW}",
                   f"--out={tmp_path / name / 'less'}") == 0  # fmt: skip
        informed = ["--set=aggregation=informed", f"--out={tmp_path / name / 'informed'}"]
        assert run("distill", *options, *informed, f"--teachers={tmp_path / name / 'less'}") == 0
        outcomes[-1]["informed"] = without(outcome(tmp_path / name / "informed"), "pseudo")
        assert run("distill", *options, teacher, "--set=aggregation=informed", f"--out={tmp_path / name / 'none'}") == 2
    right = [found["metrics"]["pseudo"].pop("right") for found in outcomes]
    assert outcomes[0] == outcomes[1]
    assert "branches.safetensors" in outcomes[0]["weights"]
    assert right[0] != right[1]
    made_up = outcomes[0]["metrics"]["pseudo"]
    assert made_up["queries"] == len(restrict(world, PART).unlabelled)
    assert 0 < made_up["mean_weight"] < 1


def test_teachers_that_saw_what_is_withheld_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, small_world())
    everything, file = tmp_path / "everything", tmp_path / "labels.h5"
    assert run("train", "vslnet", *settings("epochs=1"), f"--out={everything}") == 0
    assert run("soft-labels", everything, f"--out={file}") == 0
    few = ["distill", *settings("epochs=1"), f"--out={tmp_path / 'student'}", f"--annotated={SHARE}"]
    for teacher, words in ((everything, "moments of"), (file, "lacks soft labels of")):
        capsys.readouterr()
        assert run(*few, f"--teachers={teacher}") == 2
        assert words in capsys.readouterr().err
    assert run(*few[:-1], f"--teachers={everything}", "--annotated=1", "--ablate=official-losses") == 2
    assert "annotated queries alone" in capsys.readouterr().err
    assert not (tmp_path / "student").exists()


def test_a_study_with_all_annotated_is_stored_as_before() -> None:
    stored = Study(DataSource("smoke"), None, (0,), ("vslnet",), ("full",)).to_json()
    assert set(stored) == {"data", "preset", "seeds", "teachers", "ablations", "baselines", "settings"}
    assert set(stored["data"]) == {"name", "root", "features", "glove", "soft_labels"}


def test_all_annotated_is_taught_by_labels_of_train_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, small_world())
    assert run("train", "vslnet", *settings("epochs=1"), f"--out={tmp_path / 'vslnet'}") == 0
    distill = ["distill", *settings("epochs=1"), f"--teachers={tmp_path / 'vslnet'}"]
    assert run(*distill, f"--out={tmp_path / 'emtm'}") == 0
    assert "pseudo" not in outcome(tmp_path / "emtm")["metrics"]


def test_a_run_goes_on_with_the_same_choice_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, small_world())
    options = ["train", "emtm-student", *settings(), f"--out={tmp_path / 'run'}"]
    assert run(*options, "--annotated=0.5") == 0
    assert run(*options, "--annotated=0.5", "--resume") == 0
    for other in (["--annotated=0.25"], ["--annotated=0.5", "--draw=1"], []):
        assert run(*options, *other, "--resume") == 2
        assert "other settings" in capsys.readouterr().err
    assert run(*options, "--draw=1") == 2
    assert "--annotated SHARE" in capsys.readouterr().err
