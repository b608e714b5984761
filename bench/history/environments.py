"""What a run was made on, reduced to what tells two environments apart."""

from __future__ import annotations

from collections.abc import Mapping

from bench.codec import encode
from bench.missing import Json, known
from bench.run import Environment

Facts = Mapping[str, str]
"""Name and value as people read them; equal facts mean the same environment."""

_NAMES = {
    "cpu_model": "processor",
    "cores_physical": "physical cores",
    "cores_logical": "logical cores",
    "ram_bytes": "memory",
    "gpus": "GPU",
    "packages_hash": "other packages",
    "num_threads": "threads",
    "interop_threads": "inter-op threads",
    "affinity": "allowed cores",
    "virtualised": "virtualised",
    "mha_fastpath": "attention fast path",
}
_VALUELESS = frozenset({"other packages"})
"""Known by a hash alone: the values would tell nobody anything."""


def facts(environment: Environment) -> Facts:
    """Hardware, software and settings, without what changes from minute to minute."""
    found: dict[str, str] = {}
    for block in (environment.hardware, environment.software, environment.settings):
        for key, value in encode(block).items():
            if not key.endswith("_reason") and value is not None:
                found |= _named(key, value)
    return found


def machine(environment: Environment) -> str:
    """The hardware, so that runs with the same text were made on machines of one kind."""
    hardware = environment.hardware
    capability = known(environment.software.cpu_capability)
    parts = [
        f"{hardware.cpu_model}{f' ({capability})' if capability else ''}",
        f"{hardware.cores_physical}/{hardware.cores_logical} cores",
        _gibibytes(hardware.ram_bytes),
        *(gpu.name for gpu in hardware.gpus),
    ]
    return ", ".join(parts)


def differences(before: Facts, after: Facts) -> tuple[str, ...]:
    """What changed from one environment to another, such as `torch 2.13.0 → 2.14.0`."""
    names = [*before, *(name for name in after if name not in before)]
    return tuple(
        name if name in _VALUELESS else f"{name} {before.get(name, '—')} → {after.get(name, '—')}"
        for name in names
        if before.get(name) != after.get(name)
    )


def _named(key: str, value: Json) -> dict[str, str]:
    if key == "packages" and isinstance(value, dict):
        return {package: str(version) for package, version in value.items()}
    return {_NAMES.get(key, key): _text(key, value)}


def _text(key: str, value: Json) -> str:
    if key == "ram_bytes" and isinstance(value, int):
        return _gibibytes(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(_text("", item) for item in value) or "none"
    if isinstance(value, dict):
        return str(value["name"]) if "name" in value else ", ".join(f"{k}={v}" for k, v in value.items()) or "none"
    return str(value)


def _gibibytes(size: int) -> str:
    # The kernel keeps a few MiB more or less for itself at every start of the same machine.
    return f"{size / 2**30:.0f} GiB"
