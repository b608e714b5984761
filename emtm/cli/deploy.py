"""`export`: a trained model as a file that runs without torch."""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from emtm.cli.app import JsonFlag, command
from emtm.cli.output import print_json


class Target(StrEnum):
    """Formats of exported models."""

    ONNX = "onnx"


@command("python -m emtm export runs/student --to onnx --out student.onnx")
def export(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    out: Annotated[Path, typer.Option(help="File to write; its name ends in .onnx.")],
    to: Annotated[Target, typer.Option(help="Format.")] = Target.ONNX,
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Most moments that the file gives for a sentence.")] = 5,
    cached_videos: Annotated[
        bool, typer.Option("--cached-videos", help="Also write the two steps, for videos that are encoded once.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write a trained model as a file that needs no torch, checked against the checkpoint before it is written.

    Any number of queries, clips, words and characters. `emtm.deploy.grounder.Grounder` and `predict` run it.
    """
    from emtm.deploy.exporting import export_onnx

    def tell(step: str) -> None:
        if sys.stderr.isatty():
            print(step, file=sys.stderr)

    done = export_onnx(run, out, top_k=top_k, cached_videos=cached_videos, progress=tell)
    parity = done.card.parity
    if as_json:
        sizes = {str(path): path.stat().st_size for path in done.paths}
        print_json({"files": sizes, "model": done.card.model, "parity": asdict(parity)})
        return
    for path in done.paths:
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")
    print(
        f"{done.card.model}, checked over {parity.batches} batches: span distributions differ by at most "
        f"{parity.distribution_max_abs:.1e}, scores by {parity.scores_max_abs:.1e}; "
        f"{parity.equal_moments:.0%} of the moments are the same"
    )
