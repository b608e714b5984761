"""The training loop, the same for every model.

`train` sets up, trains, and scores the best weights once on the test split; `fit` is the loop itself.
Everything random follows from the seed and the epoch, so a resumed run ends with the very weights
of an uninterrupted one on the same machine and thread count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.optim import Optimizer

from emtm.contract import AnyModel
from emtm.data.loader import mixed_batches, training_batches
from emtm.errors import UserError
from emtm.metrics.metric import HEADLINE, MIOU
from emtm.metrics.scoring import score
from emtm.processes import held
from emtm.processor import route
from emtm.training import runs
from emtm.training.checkpoint import restore, save
from emtm.training.evaluation import evaluate_run, known_moments, predict
from emtm.training.history import Epoch, best_epoch
from emtm.training.manifest import settle
from emtm.training.parallel import join
from emtm.training.setup import Setup, set_up
from emtm.training.spec import RunSpec


def train(
    spec: RunSpec, out: Path, *, resume: bool = False, device: str = "cpu", quiet: bool = False
) -> dict[str, Any]:
    """Train `spec` into the directory `out` and return the test metrics of the best epoch.

    Raises UserError when `out` holds a run and `resume` is False, holds another run, cannot be
    written, is in the hands of another process, or when features are missing, of the wrong width, not
    finite or of several clocks.
    """
    with join(device) as world:
        setup = set_up(spec, out, world)
        with held(out) if world.leads else nullcontext():
            finished = runs.look_up(out, spec, resume, setup.dataset, setup.vocabulary)
            if world.leads:
                settle(out)
            if finished is not None:
                return finished
            world.wait()  # until every process has looked, before one of them writes
            if world.leads:
                runs.create(out, spec, setup.dataset, setup.vocabulary, setup.teachers)
            history = restore(setup) if resume else []
            try:
                fit(setup, history, quiet or not world.leads)
            except Exception:
                if world.leads and not (out / runs.LAST).exists():
                    runs.discard(out)
                raise
            world.wait()

            tested = evaluate_run(out, "test", dataset=setup.dataset, device=world.device)
            metrics = tested.to_json()
            metrics["training"] = {
                **({} if setup.clock is None else {"clock": setup.clock}),
                "epochs": len(history),
                "best_epoch": best_epoch(history),
                "seconds": round(sum(epoch["seconds"] for epoch in history), 3),
                "threads": torch.get_num_threads(),
                "products": route().name,
                "processes": world.size,
                "device": world.device,
            }
            if setup.pseudo is not None:
                metrics["pseudo"] = setup.pseudo.to_json(known_moments(spec.data))
            if world.leads:
                if spec.data.fold is not None:
                    runs.write_json(out / runs.TESTED, dict(tested.ious))
                runs.write_json(out / runs.METRICS, metrics)
            return metrics


def fit(setup: Setup, history: list[Epoch], quiet: bool) -> None:
    """Train the epochs that remain; each adds its line to `history` and leaves a checkpoint.

    Raises:
        UserError: the loss is not finite, or features cannot be read.
    """
    spec, recipe, world, model = setup.spec, setup.spec.recipe, setup.world, setup.model
    train_queries, val_queries = setup.dataset.splits["train"], setup.dataset.splits["val"]
    # An epoch is as long however many of the queries are annotated, so that what is compared has the same steps.
    rows = len(train_queries) + len(setup.dataset.unlabelled)
    steps = math.ceil(rows / recipe.batch_size)

    with _bar(f"{spec.model} on {spec.data.shown}", len(history) * steps, recipe.epochs * steps, quiet) as show:
        for epoch in range(len(history), recipe.epochs):
            # Early stop; asked here so that a run cut off after its last epoch does not train another.
            if recipe.patience is not None and epoch - best_epoch(history) > recipe.patience:
                break
            began = time.monotonic()

            # Reseeding by epoch makes dropout independent of how often training was interrupted.
            torch.manual_seed((spec.seed * 1_000_003 + epoch) * world.size + world.rank)
            model.train()
            model.on_progress(epoch / recipe.epochs)
            sums: dict[str, Tensor] = {}
            if setup.pseudo is None:
                chunks = training_batches(train_queries, recipe.batch_size, spec.seed, epoch, rows)
            else:
                chunks = mixed_batches(train_queries, setup.pseudo.queries, recipe.batch_size, spec.seed, epoch)
            for step, chunk in enumerate(chunks):
                share = world.share(chunk)
                batch = setup.train_collator.collate(share).to(world.device)
                losses: dict[str, Tensor] = setup.objective(batch)
                # Processes' gradients are averaged alike, so a smaller share has to weigh less.
                loss = losses["total"] * (len(share) * world.size / len(chunk))
                optimize(model, setup.optimizer, loss, recipe.rate(epoch + step / steps), recipe.clip_norm)
                for name, value in losses.items():
                    sums[name] = sums.get(name, torch.zeros((), device=value.device)) + value.detach()
                show(advance=1)
            means = {name: float(value) / steps for name, value in sums.items()}
            if not all(map(math.isfinite, means.values())):
                raise UserError(f"the loss is not finite in epoch {epoch}; try a lower learning rate")

            predictions = world.gather(predict(model, setup.val_collator, world.share(val_queries)))
            validation = score(predictions, val_queries)
            history.append(
                {
                    "epoch": epoch,
                    "loss": means,
                    "val": {"r1": validation.r1, "miou": validation.miou},
                    "seconds": round(time.monotonic() - began, 3),
                }
            )

            best = best_epoch(history)
            if world.leads:
                save(setup, history, best=best == epoch)
            best_miou = history[best]["val"]["miou"]
            reached = HEADLINE.of(validation) or 0.0
            show(status=f"val {HEADLINE.title} {reached:.1f}, best {MIOU.title} {best_miou:.1f}")


def optimize(model: AnyModel, optimizer: Optimizer, loss: Tensor, learning_rate: float, clip_norm: float) -> None:
    """One step: backward, clip the global gradient norm, update."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    update(model, optimizer, learning_rate, clip_norm)


def update(model: AnyModel, optimizer: Optimizer, learning_rate: float, clip_norm: float) -> None:
    """The end of a step, once gradients are there: clip their global norm, update the parameters."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    optimizer.step()


@contextmanager
def _bar(title: str, done: int, total: int, quiet: bool) -> Iterator[Callable[..., None]]:
    """A bar on stderr; the value takes `advance` (steps) and `status` (what stands at its end)."""
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
    )
    with Progress(*columns, disable=quiet, console=Console(stderr=True)) as progress:
        yield partial(progress.update, progress.add_task(title, total=total, completed=done, status=""))
