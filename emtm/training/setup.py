"""What a run is made of, built once before its first epoch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.data.features import check_values
from emtm.data.loader import Collator
from emtm.data.real import features_path
from emtm.data.records import Dataset
from emtm.data.soft_labels import open_soft_labels
from emtm.data.synthetic.progress import late_progress
from emtm.data.text import Vocabulary
from emtm.errors import UserError
from emtm.registry import model_class
from emtm.training.evaluation import check_features, collator_for, open_source
from emtm.training.optimizer import build_optimizer
from emtm.training.parallel import World
from emtm.training.precision import lower_recurrent_inputs
from emtm.training.pseudo import Pseudo, pseudo_moments, unseen
from emtm.training.sizes import check_size
from emtm.training.spec import RunSpec
from emtm.training.teachers import Teacher, teachers_of


class Objective(nn.Module):
    """Forward pass and loss in one module, which is what processes have to agree on."""

    def __init__(self, model: AnyModel, precision: str) -> None:
        super().__init__()
        self.model, self.precision = model, precision
        if precision == "bf16":
            lower_recurrent_inputs(model)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss to minimise as `total`, and its terms, detached; each a scalar."""
        with torch.autocast(batch.video.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            losses = self.model.loss(self.model(batch), batch)
        return {"total": losses.total, **{name: term.detach() for name, term in losses.terms.items()}}


@dataclass(frozen=True, slots=True)
class Setup:
    """A run about to begin: its data, and a model with the weights that the seed gives it."""

    spec: RunSpec
    out: Path
    """The run directory."""
    world: World
    dataset: Dataset
    vocabulary: Vocabulary
    train_collator: Collator
    """Its batches hold the teachers' soft labels."""
    teachers: tuple[Teacher, ...]
    """Whose labels these are."""
    pseudo: Pseudo | None
    """Moments of the training queries that have none; None where all have one, or no teacher says any."""
    val_collator: Collator
    model: AnyModel
    objective: nn.Module
    """The model's `Objective`; its gradients are averaged over the processes."""
    optimizer: Optimizer
    clock: str | None
    """What the rows of the features say about their times; None where they are rendered."""


def set_up(spec: RunSpec, out: Path, world: World) -> Setup:
    """Open the data of `spec`, build model and optimiser; writes nothing.

    Raises:
        UserError: features or soft labels are missing, of the wrong width, not finite or of several clocks, word
            vectors of the wrong width, the model larger than the memory, or nothing says how far teachers can be
            trusted.
    """
    dataset = open_source(spec.data)
    queries = dataset.all_queries
    # All splits at once, so that one message lists all that is missing.
    clock = check_features(dataset.features, queries, spec.config, dataset.clip_s)
    if spec.data.root is not None and not dataset.synthetic and not dataset.features_read:
        _read_once(dataset, features_path(Path(spec.data.root), spec.data.features))
    words, width = dataset.word_vectors, spec.config.word_dim
    if not words.learned and words.vectors.shape[1] != width:
        raise UserError(f"the word vectors are {words.vectors.shape[1]} wide, not {width}")
    vocabulary = Vocabulary.build([query.sentence for query in queries], dataset.word_vectors)
    soft_labels = [open_soft_labels(file, dataset) for file in spec.data.soft_labels]

    lexicon = vocabulary.lexicon_to_learn(width, spec.seed) if words.learned else vocabulary.lexicon(words)
    check_size(spec.model, spec.config, lexicon, len(soft_labels))
    torch.manual_seed(spec.seed)
    model = model_class(spec.model)(spec.config, lexicon)
    model.prepare_training(len(soft_labels))
    held_out = {query.query_id for query in unseen(dataset.splits["train"], soft_labels)} if soft_labels else set()
    if soft_labels and model.needs_held_out and not held_out:
        raise UserError(
            "this aggregation learns from annotated queries that no teacher was trained on, and there is none: train "
            "the teachers with a smaller --annotated of the same draw"
        )
    train_collator = collator_for(spec.config, dataset, vocabulary, soft_labels, held_out)
    pseudo = None
    if dataset.unlabelled and soft_labels:
        made_up = spec.data.pseudo_trust, spec.data.pseudo_weight
        pseudo = pseudo_moments(model, train_collator, dataset, soft_labels, *made_up)
    model.to(world.device)
    return Setup(
        spec=spec,
        out=out,
        world=world,
        dataset=dataset,
        vocabulary=vocabulary,
        train_collator=train_collator,
        teachers=teachers_of(soft_labels),
        pseudo=pseudo,
        val_collator=collator_for(spec.config, dataset, vocabulary),
        model=model,
        objective=world.replicate(Objective(model, spec.recipe.precision)),
        optimizer=build_optimizer(model, spec.recipe),
        clock=None if clock is None else clock.note(),
    )


def _read_once(dataset: Dataset, place: Path | str) -> None:
    """Raise UserError where features of any split cannot be used, as those of the last test video."""
    videos = {query.video_id for query in dataset.all_queries}
    with late_progress("reading the features once", len(videos)) as report:
        check_values(dataset.features, place, videos, report)
