"""What differs between the machines of two runs, and between what ran on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from bench.missing import Block, Missing, known
from bench.run import Run

_RAM = 0.1
"""Share of the memory that a kernel may keep for itself without being another machine."""


def hardware(base: Run, head: Run) -> tuple[str, ...]:
    """What tells the machines apart; their times cannot be compared then."""
    before, after = base.env.hardware, head.env.hardware
    found = list(_fields(before, after, ("cpu_model", "cores_physical", "cores_logical")))
    found += _fields(base.env.software, head.env.software, ("cpu_capability",))
    if abs(after.ram_bytes - before.ram_bytes) > _RAM * max(before.ram_bytes, after.ram_bytes):
        found.append(f"memory {before.ram_bytes / 2**30:.0f} GiB → {after.ram_bytes / 2**30:.0f} GiB")
    cards = [
        ", ".join(f"{gpu.name} ({known(gpu.vram_bytes)} B)" for gpu in side.gpus) or "none" for side in (before, after)
    ]
    if cards[0] != cards[1]:
        found.append(f"graphics {cards[0]} → {cards[1]}")
    return tuple(found)


def software(base: Run, head: Run) -> tuple[str, ...]:
    """Versions and settings that differ: named, and compared all the same."""
    before, after = base.env.software, head.env.software
    found = list(_fields(before, after, ("python", "torch", "os", "cuda")))
    found += _items(before.packages, after.packages)
    if not found and before.packages_hash != after.packages_hash:
        found.append("other packages")
    found += _settings(base, head)
    if base.suite.profile != head.suite.profile:
        found.append(f"profile {base.suite.profile} → {head.suite.profile}")
    return tuple(found)


def _settings(base: Run, head: Run) -> Iterator[str]:
    names = tuple(field.name for field in dataclasses.fields(base.env.settings) if field.name not in ("kept", "env"))
    yield from _fields(base.env.settings, head.env.settings, names)
    before, after = (known(run.env.settings.env) or {} for run in (base, head))
    yield from _items(before, after)


def _fields(before: Block, after: Block, names: tuple[str, ...]) -> Iterator[str]:
    """Fields that both have and that differ."""
    for name in names:
        was, now = getattr(before, name), getattr(after, name)
        if was != now and not isinstance(was, Missing) and not isinstance(now, Missing):
            yield f"{name.replace('_', ' ')} {_shown(was)} → {_shown(now)}"


def _items(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        was, now = before.get(name, "none"), after.get(name, "none")
        if was != now:
            yield f"{name} {was} → {now}"


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
