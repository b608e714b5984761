"""Writes what the committed comparisons found into their page: `python -m tests.peers.page`."""

from __future__ import annotations

from pathlib import Path

from bench.peers.document import read
from bench.peers.record import PeerRun
from bench.peers.tables import tables
from bench.report.formats.markdown import table_markdown
from bench.report.quantity import duration

ROOT = Path(__file__).resolve().parents[2]
PAGE, FOLDER = ROOT / "docs" / "peers.md", ROOT / "reports" / "peers"
BEGIN, END = "<!-- found -->\n", "<!-- /found -->\n"
NOT_YET = "Not measured on a quiet machine yet.\n"


def found() -> str:
    """What stands between the marks."""
    return "\n".join(map(of_file, sorted(FOLDER.glob("*.json")))) or NOT_YET


def of_file(path: Path) -> str:
    """The tables of one comparison."""
    run = read(path)
    made = "\n\n".join(table_markdown(table) for table in tables(run))
    return f"{introduction(path.name, run)}\n\n{made}\n"


def introduction(name: str, run: PeerRun) -> str:
    """Where and when the tables were measured."""
    disturbed, timings = (sum(values) for values in zip(*((c.disturbed, len(c.noise)) for c in run.cases), strict=True))
    return (
        f"From [`{name}`](../reports/peers/{name}), measured on {run.created_utc[:10]} in "
        f"{duration(run.elapsed_s)} on {run.env.hardware.cpu_model}, TensorFlow {run.versions['peer']['tensorflow']}, "
        f"torch {run.env.software.torch}. In {disturbed} of {timings} timings some process waited for a CPU."
    )


def page() -> str:
    """The page as it has to be."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}{found()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
