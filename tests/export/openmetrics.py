"""A strict reader of the OpenMetrics text that gauges need, after the grammar of the standard."""

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)?\}})? ({_NUMBER})")
_META = re.compile(rf"# (TYPE|UNIT|HELP) ({_NAME}) (.*)")


@dataclass
class Family:
    """What an exposition says of one metric."""

    unit: str = ""
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Family]:
    """Families by name; raises ValueError for anything that the standard forbids."""
    if not text.endswith("\n# EOF\n"):
        raise ValueError("the exposition does not end in # EOF")
    lines = text.split("\n")[:-2]
    families: dict[str, Family] = {}
    current = ""
    for line in lines:
        if meta := _META.fullmatch(line):
            current = _describe(families, current, *meta.groups())
        elif sample := _SAMPLE.fullmatch(line):
            _add(families, current, *sample.groups())
        else:
            raise ValueError(f"neither a comment nor a sample: {line!r}")
    return families


def _describe(families: dict[str, Family], current: str, what: str, name: str, text: str) -> str:
    if what == "TYPE":
        if name in families or text != "gauge":
            raise ValueError(f"{name}: described twice, or not as a gauge")
        families[name] = Family()
        return name
    if name != current or families[name].samples:
        raise ValueError(f"{name}: {what} out of place")
    if what == "UNIT":
        if not name.endswith(f"_{text}"):
            raise ValueError(f"{name} does not end in its unit {text}")
        families[name].unit = text
    return current


def _add(families: dict[str, Family], current: str, name: str, labels: str | None, value: str) -> None:
    if name != current:
        raise ValueError(f"a sample of {name} among those of {current}")
    found = [part.partition("=") for part in re.findall(_LABEL, labels or "")]
    key = tuple((label, _unescaped(text[1:-1])) for label, _, text in found)
    if len({label for label, _ in key}) != len(key) or key in families[name].samples:
        raise ValueError(f"{name}: a label or a sample twice")
    families[name].samples[key] = float(value)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)
