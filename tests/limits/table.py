"""The measured limits as the page shows them."""

from __future__ import annotations

from typing import Any

_BEGIN, _END = "<!-- limits -->", "<!-- /limits -->"
HEAD = "| what | size | command | processor time | memory |\n| --- | ---: | --- | ---: | ---: |"


def markdown(found: dict[str, Any]) -> str:
    """A row for every command, in the order of the file."""
    rows = [
        f"| {row['what']} | {_size(row['size'], row['unit'])} | `{row['command']}` | {_time(row['cpu_s'])} "
        f"| {_memory(row['peak_mib'])} |"
        for row in found["rows"]
    ]
    return "\n".join([HEAD, *rows])


def with_table(page: str, found: dict[str, Any]) -> str:
    """The page with the table of these rows between its marks."""
    before, _, rest = page.partition(_BEGIN)
    return f"{before}{_BEGIN}\n{markdown(found)}\n{_END}{rest.partition(_END)[2]}"


def _size(size: int, unit: str) -> str:
    return f"{size / 1e9:.3g} GB" if unit == "bytes" and size >= 1e9 else f"{size:,} {unit}"


def _time(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 120 else f"{seconds:.0f} s"


def _memory(mib: int) -> str:
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib} MiB"
