"""A teacher's knowledge as a file: `soft-labels`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emtm.cli.app import DeviceOption, JsonFlag, check_device, command, compute, out_option
from emtm.cli.output import figure, print_json, progress
from emtm.metrics.metric import HEADLINE, MIOU


@command("python -m emtm soft-labels runs/seqpan --out runs/seqpan/soft-labels-train.h5")
def soft_labels(
    run: Annotated[Path, typer.Argument(help="Run directory of the teacher, any model.")],
    out: Annotated[Path, out_option("Soft label file (HDF5) to create.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "train",
    batch_size: Annotated[int, typer.Option(min=1, help="Queries at a time.")] = 64,
    device: DeviceOption = "cpu",
    as_json: JsonFlag = False,
) -> None:
    """Write a trained model's start and end distributions for every query of a split."""
    from emtm.distillation.soft_labels import write_soft_labels

    check_device(device)
    compute()
    with progress("queries") as advance:
        written = write_soft_labels(run, out, split, batch_size=batch_size, device=device, progress=advance)
    if as_json:
        print_json(written.to_json())
        return
    info = written.info
    print(f"{written.num_queries} queries of {info.dataset} {info.split} by {info.teacher}, seed {info.seed}")
    reached, mean = figure(info.accuracy, HEADLINE), figure(info.accuracy, MIOU)
    print(f"the teacher's {HEADLINE.title} on them is {reached}, its {MIOU.title} {mean}")
    print(f"soft labels: {out}")
