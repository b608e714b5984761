"""Moments that teachers make up: how they are read off, how far they are trusted, what they weigh."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from emtm.data.annotated import AnnotatedPart, restrict, seen_in_training
from emtm.data.datasets import open_dataset
from emtm.data.loader import Collator
from emtm.data.records import Dataset, FloatArray, PseudoQuery
from emtm.data.soft_labels import SoftLabelInfo, SoftLabels, read_soft_labels, save_soft_labels
from emtm.data.text import Vocabulary
from emtm.errors import UserError
from emtm.layers.span.losses import match_loss, span_loss
from emtm.training.evaluation import collator_for
from emtm.training.pseudo import Answers, fit_trust, pseudo_moments
from tests.distillation.few import DRAW, SHARE, small_world
from tests.models.helpers import small_model

PART = AnnotatedPart(SHARE, DRAW)
CELLS = 20
INFO = SoftLabelInfo("made", {}, "0", "0", "smoke", "train", 0, {"r1": {"0.5": 0.0}, "miou": 0.0})


def oracle(world: Dataset, few: Dataset, path: Path, wrong: int = 3) -> SoftLabels:
    """A teacher that knows the moments of all but every `wrong`th query, of which it is unsure."""
    truth = {query.query_id: query for query in world.all_queries}
    labels: dict[str, FloatArray] = {}
    for i, query in enumerate(few.asked("train")):
        known = truth[query.query_id]
        label = np.full((2, CELLS), 1 / CELLS, np.float32)
        if i % wrong:
            first = int(known.start_s / known.duration_s * CELLS)
            last = max(first, min(CELLS - 1, round(known.end_s / known.duration_s * CELLS) - 1))
            label = np.full((2, CELLS), 0.1 / CELLS, np.float32)
            label[0, first] += 0.9
            label[1, last] += 0.9
        labels[query.query_id] = label
    save_soft_labels(path, INFO, labels, seen_in_training(few, PART))
    return read_soft_labels(path)


@pytest.fixture(scope="module")
def worlds() -> tuple[Dataset, Dataset]:
    world = small_world()
    return world, restrict(world, PART)


def collator(few: Dataset, labels: SoftLabels) -> Collator:
    vocabulary = Vocabulary.build([query.sentence for query in few.all_queries], few.word_vectors)
    return collator_for(small_model("emtm", max_clips=64).config, few, vocabulary, [labels])


def test_what_the_teacher_is_unsure_of_weighs_less(worlds: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    world, few = worlds
    labels = oracle(world, few, tmp_path / "labels.h5")
    model, batches = small_model("emtm"), collator(few, labels)
    found = pseudo_moments(model, batches, few, [labels], "confidence", 1.0)
    assert [query.query_id for query in found.queries] == [query.query_id for query in few.unlabelled]
    # Those of train were seen by the teacher, and tell nothing of how right it is.
    assert found.trust.queries == len(few.splits["val"])
    report = found.to_json(world.splits["train"])
    assert 55 < report["right"]["r1"]["0.5"] < 80
    weights = np.array([query.weight for query in found.queries])
    sure = np.array([i % 3 > 0 for i in range(len(few.splits["train"]), len(few.asked("train")))])[: len(weights)]
    assert weights[sure].min() > weights[~sure].max() + 0.2

    half = pseudo_moments(model, batches, few, [labels], "threshold", 0.5)
    assert {query.weight for query in half.queries} == {0.0, 0.5}
    assert half.to_json([])["used"] == sure.sum()
    assert half.to_json([])["right"] is None
    every = pseudo_moments(model, batches, few, [labels], "all", 1.0)
    assert {query.weight for query in every.queries} == {1.0}


def test_teachers_that_know_every_annotated_query_tell_nothing(worlds: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    world, few = worlds
    labels = oracle(world, few, tmp_path / "labels.h5")
    seen = dataclasses.replace(few, splits={**few.splits, "val": few.splits["train"]})
    with pytest.raises(UserError, match="new to the teachers"):
        pseudo_moments(small_model("emtm"), collator(few, labels), seen, [labels], "all", 1.0)


def test_the_curve_follows_what_is_right_and_is_flat_where_nothing_tells() -> None:
    queries = open_dataset("smoke").splits["val"][:100]
    truth = np.array([(query.start_s, query.end_s) for query in queries])
    right = np.arange(100) % 4 > 0
    moments = np.where(right[:, None], truth, truth + 1000.0)
    telling = np.column_stack([np.where(right, -1.0, -5.0), np.zeros(100)])
    chance = fit_trust(Answers(moments, telling), queries).chance(telling)
    assert chance[right].min() > 0.9
    assert chance[~right].max() < 0.2
    silent = np.column_stack([np.tile([-1.0, -3.0], 50), np.ones(100)])
    flat = fit_trust(Answers(moments, np.zeros((100, 2))), queries).chance(silent)
    assert flat == pytest.approx(0.75, abs=0.02)


def losses(weight: Tensor | None) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    start, end = (torch.randn(3, 6, generator=generator) for _ in range(2))
    classes, mask = torch.randn(3, 6, 4, generator=generator), torch.ones(3, 6) > 0
    soft = [torch.randn(3, 6, generator=generator).softmax(1) for _ in range(2)]
    labels = torch.randint(4, (3, 6), generator=generator)
    return torch.stack([span_loss(start, end, *soft, mask, weight), match_loss(classes, labels, mask, weight)])


def test_a_weight_multiplies_its_own_sample_s_loss() -> None:
    torch.testing.assert_close(losses(torch.ones(3)), losses(None))
    first, others = losses(torch.tensor([1.0, 0.0, 0.0])), losses(torch.tensor([0.0, 1.0, 1.0]))
    torch.testing.assert_close(first + others, losses(None))
    torch.testing.assert_close(losses(torch.tensor([0.5, 1.0, 1.0])), 0.5 * first + others)


def test_a_batch_says_whose_moments_are_made_up(worlds: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    world, few = worlds
    batches = collator(few, oracle(world, few, tmp_path / "labels.h5"))
    annotated, blank = few.splits["train"][0], few.unlabelled[0]
    made_up = PseudoQuery(blank.query_id, blank.video_id, blank.sentence, blank.duration_s, 1.0, 2.0, weight=0.25)
    truth = batches.collate([annotated, made_up]).truth()
    assert truth.annotated is not None
    assert truth.weight is not None
    assert truth.annotated.tolist() == [True, False]
    assert truth.weight.tolist() == [1.0, 0.25]
    assert batches.collate([annotated]).truth().weight is None
    with pytest.raises(ValueError, match="no targets"):
        batches.collate([annotated, blank]).truth()
