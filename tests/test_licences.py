"""The licences of what is installed, and how they are read off metadata."""

from __future__ import annotations

from email.message import Message
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.licences import expression, installed, offence, offences, permitted

LOCK = Path(__file__).resolve().parents[1] / "requirements" / "ci.lock"


def metadata(**fields: str | tuple[str, ...]) -> Message:
    """As packages have it."""
    message = Message()
    for name, values in fields.items():
        for value in (values,) if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("spdx", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("Apache-2.0 AND GPL-3.0-only", False),
        ("MIT AND BSD-3-Clause OR AGPL-3.0-only", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("(MIT OR GPL-3.0-only) AND BSD-3-Clause", False),
        ("(MIT OR ISC) AND BSD-3-Clause", True),
        ("LicenseRef-Proprietary", False),
    ],
)
def test_which_expressions_are_allowed(spdx: str, allowed: bool) -> None:
    assert permitted(spdx) is allowed


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"License_Expression": "MIT", "License": "GPL"}, "MIT"),
        ({"Classifier": ("License :: OSI Approved :: BSD License", "Topic :: X")}, "BSD-3-Clause"),
        ({"Classifier": ("License :: OSI Approved", "License :: OSI Approved :: MIT License")}, "MIT"),
        (
            {"Classifier": ("License :: OSI Approved :: MIT License", "License :: OSI Approved :: GNU Affero")},
            "MIT AND GNU Affero",
        ),
        ({"License": "Apache 2.0"}, "Apache-2.0"),
        ({"License": "Copyright me\nAll rights reserved"}, None),
        ({"License": "UNKNOWN"}, None),
        ({}, None),
    ],
)
def test_what_metadata_says(fields: dict[str, str | tuple[str, ...]], expected: str | None) -> None:
    assert expression(metadata(**fields)) == expected


def test_a_licence_that_is_not_allowed_or_not_known_is_named() -> None:
    assert offence("strict", metadata(License_Expression="AGPL-3.0-only")) == "strict: AGPL-3.0-only"
    assert offence("silent", metadata()) == "silent: says nothing of its licence"
    assert offence("nvidia-cublas", metadata(License="NVIDIA")) is None
    assert offence("nvidia", metadata(License="NVIDIA")) == "nvidia: NVIDIA"


def test_all_that_is_installed_is_followed_and_what_is_locked_is_allowed() -> None:
    """Later versions than the locked ones are for `tox -e audit`: their metadata may be of a new kind any day."""
    packages = list(installed())
    names = {package.metadata["Name"].lower() for package in packages}
    assert {"emtm-bench", "torch", "numpy", "sympy", "hypothesis"} <= names
    locked = set(LOCK.read_text("utf-8").splitlines())
    known = [p for p in packages if f"{canonicalize_name(p.metadata['Name'])}=={p.version.partition('+')[0]}" in locked]
    assert offences(known) == []
