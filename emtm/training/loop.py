"""The training loop, the same for every model.

Reads top to bottom: set up, resume, then epoch by epoch train, validate on the validation split,
keep the best weights, save the state; last, score the best weights once on the test split.
Everything random follows from the seed and the epoch, so a resumed run ends with the very weights
of an uninterrupted one on the same machine and thread count.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim import Optimizer

from emtm import __version__
from emtm.data.batch import Batch
from emtm.data.loader import Collator, batches
from emtm.data.records import Dataset
from emtm.data.soft_labels import SoftLabels, open_soft_labels
from emtm.data.text import Vocabulary
from emtm.errors import UserError
from emtm.metrics.scoring import score
from emtm.registry import AnyModel, model_class
from emtm.training import runs
from emtm.training.evaluation import check_features, collator_for, evaluate_run, open_source, predict
from emtm.training.optimizer import build_optimizer
from emtm.training.parallel import World, join
from emtm.training.runs import RunSpec


def train(
    spec: RunSpec, out: Path, *, resume: bool = False, device: str = "cpu", quiet: bool = False
) -> dict[str, Any]:
    """Train `spec` into the directory `out` and return the test metrics of the best epoch.

    Raises UserError when `out` holds a run and `resume` is False, holds another run, cannot be
    written, or when features are missing, of the wrong width or not finite.
    """
    with join(device) as world:
        return _train_run(spec, out, world, resume=resume, quiet=quiet or not world.leads)


def _train_run(spec: RunSpec, out: Path, world: World, *, resume: bool, quiet: bool) -> dict[str, Any]:
    dataset = open_source(spec.data)
    # All splits at once, so that one message lists all that is missing.
    check_features(dataset.features, [q for queries in dataset.splits.values() for q in queries], spec.config)
    width = dataset.word_vectors.vectors.shape[1]
    if width != spec.config.word_dim:
        raise UserError(f"the word vectors are {width} wide, not {spec.config.word_dim}")
    vocabulary = Vocabulary.build(
        [q.sentence for queries in dataset.splits.values() for q in queries], dataset.word_vectors
    )
    soft_labels = [open_soft_labels(file, dataset) for file in spec.data.soft_labels]
    finished = _prepare(spec, out, vocabulary, resume, world)
    if finished is not None:
        return finished
    try:
        trainer = _train(spec, out, dataset, vocabulary, soft_labels, resume, world, quiet)
    except UserError:
        if world.leads and not (out / runs.LAST).exists():
            _discard(out)
        raise
    world.wait()

    metrics = evaluate_run(out, "test", dataset=dataset, device=world.device).to_json()
    metrics["training"] = {
        "epochs": len(trainer.history),
        "best_epoch": trainer.best_epoch,
        "seconds": round(sum(entry["seconds"] for entry in trainer.history), 3),
        "threads": torch.get_num_threads(),
        "processes": world.size,
        "device": world.device,
    }
    if world.leads:
        runs.write_json(out / runs.METRICS, metrics)
    return metrics


def _train(
    spec: RunSpec,
    out: Path,
    dataset: Dataset,
    vocabulary: Vocabulary,
    soft_labels: Sequence[SoftLabels],
    resume: bool,
    world: World,
    quiet: bool,
) -> _Trainer:
    torch.manual_seed(spec.seed)
    model = model_class(spec.model)(spec.config, vocabulary.lexicon(dataset.word_vectors))
    model.prepare_training(len(soft_labels))
    collators = (
        collator_for(spec.config, dataset, vocabulary, soft_labels),
        collator_for(spec.config, dataset, vocabulary),
    )
    trainer = _Trainer(spec, out, model.to(world.device), dataset, collators, world)
    if resume and (out / runs.LAST).exists():
        trainer.restore()
    with Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
        disable=quiet,
        console=Console(stderr=True),
    ) as progress:
        trainer.run(progress)
    return trainer


class _Step(nn.Module):
    """Forward pass and loss in one module, which is what processes have to agree on."""

    def __init__(self, model: AnyModel, precision: str) -> None:
        super().__init__()
        self.model, self.precision = model, precision

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss to minimise as `total`, and its terms."""
        with torch.autocast(batch.video.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            losses = self.model.loss(self.model(batch), batch)
        return {"total": losses.total, **{name: term.detach() for name, term in losses.terms.items()}}


class _Trainer:
    """State that lives from epoch to epoch."""

    def __init__(
        self,
        spec: RunSpec,
        out: Path,
        model: AnyModel,
        dataset: Dataset,
        collators: tuple[Collator, Collator],
        world: World,
    ) -> None:
        self.spec, self.out, self.model, self.world = spec, out, model, world
        self.recipe = spec.recipe
        self.train_queries, self.val_queries = dataset.splits["train"], dataset.splits["val"]
        self.collator, self.val_collator = collators
        self.step = world.replicate(_Step(model, spec.recipe.precision))
        self.optimizer = build_optimizer(model, spec.recipe)
        self.history: list[dict[str, Any]] = []
        self.best_epoch, self.best_miou = -1, -1.0

    def run(self, progress: Progress) -> None:
        """Train the epochs that remain."""
        steps = -(-len(self.train_queries) // self.recipe.batch_size)
        done = len(self.history)
        task = progress.add_task(
            f"{self.spec.model} on {self.spec.data.name}",
            total=self.recipe.epochs * steps,
            completed=done * steps,
            status="",
        )
        for epoch in range(done, self.recipe.epochs):
            patience = self.recipe.patience
            if patience is not None and epoch - self.best_epoch > patience:
                break
            began = time.monotonic()
            losses = self._train_epoch(epoch, steps, lambda: progress.advance(task))
            share = self.world.share(self.val_queries)
            predictions = self.world.gather(predict(self.model, self.val_collator, share))
            validation = score(predictions, self.val_queries)
            entry = {
                "epoch": epoch,
                "loss": losses,
                "val": {"r1": validation.r1, "miou": validation.miou},
                "seconds": round(time.monotonic() - began, 3),
            }
            self.history.append(entry)
            if validation.miou > self.best_miou:
                self.best_epoch, self.best_miou = epoch, validation.miou
                self._save_best()
            self._save()
            progress.update(task, status=f"val R1@0.5 {validation.r1['0.5']:.1f}, best mIoU {self.best_miou:.1f}")

    def _train_epoch(self, epoch: int, steps: int, advance: Any) -> dict[str, float]:
        """One pass over the training queries; mean of the total loss and its terms."""
        # Reseeding by epoch makes dropout independent of how often training was interrupted.
        torch.manual_seed((self.spec.seed * 1_000_003 + epoch) * self.world.size + self.world.rank)
        self.model.train()
        self.model.on_progress(epoch / self.recipe.epochs)
        sums: dict[str, Tensor] = {}
        order = batches(self.train_queries, self.recipe.batch_size, self.spec.seed, epoch)
        for step, chunk in enumerate(order):
            share = self.world.share(chunk)
            losses = self.step(self.collator.collate(share).to(self.world.device))
            rate = self.recipe.rate(epoch + step / steps)
            # Processes' gradients are averaged alike, so a smaller share has to weigh less.
            weight = len(share) * self.world.size / len(chunk)
            optimize(self.model, self.optimizer, losses["total"] * weight, rate, self.recipe.clip_norm)
            for name, value in losses.items():
                sums[name] = sums.get(name, torch.zeros((), device=value.device)) + value.detach()
            advance()
        means = {name: float(value) / steps for name, value in sums.items()}
        if not all(map(torch.isfinite, map(torch.tensor, means.values()))):
            raise UserError(f"the loss is not finite in epoch {epoch}; try a lower learning rate")
        return means

    def _save_best(self) -> None:
        if not self.world.leads:
            return
        kept = self.model.inference_state()
        runs.write_tensors(self.out / runs.BEST, kept)
        branches = {name: value for name, value in self.model.state_dict().items() if name not in kept}
        if branches:
            runs.write_tensors(self.out / runs.BRANCHES, branches)

    def _save(self) -> None:
        if not self.world.leads:
            return
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors.update({f"optimizer.{index}.{k}": v for k, v in state.items()})
        state = {"history": self.history, "best_epoch": self.best_epoch, "best_miou": self.best_miou}
        runs.write_tensors(self.out / runs.LAST, tensors, state)
        lines = "".join(json.dumps(entry) + "\n" for entry in self.history)
        runs.write_text(self.out / runs.HISTORY, lines)

    def restore(self) -> None:
        """Go on from the last whole epoch."""
        tensors, state = runs.read_tensors(self.out / runs.LAST)
        prefix = "model."
        self.model.load_state_dict({k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)})
        optimizer = self.optimizer.state_dict()
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".", 2)
                optimizer["state"].setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict(optimizer)
        self.history = state["history"]
        self.best_epoch, self.best_miou = state["best_epoch"], state["best_miou"]


def optimize(model: AnyModel, optimizer: Optimizer, loss: Tensor, learning_rate: float, clip_norm: float) -> None:
    """One step: backward, clip the global gradient norm, update."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    optimizer.step()


def _prepare(spec: RunSpec, out: Path, vocabulary: Vocabulary, resume: bool, world: World) -> dict[str, Any] | None:
    """Create or check the run directory; the metrics if the run there is already finished."""
    world.wait()
    if not world.leads and not resume:
        return None
    if (out / runs.RUN).exists():
        if not resume:
            raise UserError(f"{out} already holds a run; add --resume to go on with it, or choose another --out")
        if runs.read_spec(out) != spec:
            raise UserError(f"{out} holds a run with other settings; choose another --out")
        if (out / runs.METRICS).exists():
            finished: dict[str, Any] = json.loads((out / runs.METRICS).read_text("utf-8"))
            return finished
        return None
    origin = runs.features_origin(spec.data)
    versions = {"emtm": __version__, "torch": torch.__version__, "python": platform.python_version()}
    try:
        out.mkdir(parents=True, exist_ok=True)
        runs.write_text(out / runs.VOCABULARY, vocabulary.to_json())
        if origin is not None:
            runs.write_json(out / runs.FEATURES, origin)
        runs.write_json(out / runs.RUN, {**spec.to_json(), "versions": versions})
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}") from error
    return None


def _discard(out: Path) -> None:
    """Remove a run directory in which no epoch was finished."""
    for name in (runs.RUN, runs.VOCABULARY, runs.FEATURES, runs.BEST, runs.BRANCHES):
        (out / name).unlink(missing_ok=True)
    if not any(out.iterdir()):
        out.rmdir()
