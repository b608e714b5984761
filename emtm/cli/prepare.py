"""Checking a real dataset before it is trained on: `prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emtm.cli.app import ClipOption, FeaturesOption, GloveOption, JsonFlag, TitleOption, command, own_name
from emtm.cli.output import print_json, progress
from emtm.data.choices import Blank, Empty, Ends, Starts
from emtm.errors import ExitCode


@command("python -m emtm prepare charades-sta --root ANNOTATIONS --features FEATURES --glove glove.840B.300d.txt")
def prepare(
    name: Annotated[str, typer.Argument(help="Real dataset; see `python -m emtm datasets`, or custom for your own.")],
    root: Annotated[Path, typer.Option(help="Folder of its annotation files.")],
    features: FeaturesOption = None,
    clip_s: ClipOption = None,
    glove: GloveOption = None,
    ends: Annotated[Ends, typer.Option(help="Ends beyond the video.")] = "clip",
    empty: Annotated[Empty, typer.Option(help="Empty or inverted moments.")] = "drop",
    starts: Annotated[Starts, typer.Option(help="Starts less than a second before the video.")] = "clip",
    blank: Annotated[Blank, typer.Option(help="Sentences without a word.")] = "drop",
    title: TitleOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what is found, missing and wrong, and write the manifest that training checks.

    Exit code 1 if annotations are missing or anything is wrong.
    """
    from emtm.data.annotations import Policy
    from emtm.data.clocks import Stated
    from emtm.data.prepare import prepare as inspect

    policy = Policy(ends=ends, empty=empty, starts=starts, blank=blank)
    stated = None if clip_s is None else str(Stated.read(clip_s))
    with progress("reading") as advance:
        inspection = inspect(name, root, features, glove, policy, advance, clip_s=stated, title=own_name(name, title))
    if as_json:
        print_json(inspection.to_json())
    else:
        for heading in ("found", "missing", "wrong"):
            findings = getattr(inspection, heading)
            print(f"{heading}:{'' if findings else ' nothing'}")
            for finding in findings:
                print(f"  {finding}")
        for split, size in inspection.splits.items():
            print(f"split {split}: {size['queries']:,} queries of {size['videos']:,} videos")
        if inspection.manifest is not None:
            print(f"manifest: {inspection.manifest}")
        print("ready to train" if inspection.ready else "not ready to train")
    if inspection.wrong or not inspection.annotations_sound:
        raise typer.Exit(ExitCode.UNEXPECTED)
