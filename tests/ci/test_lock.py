"""`requirements/ci.lock`: whole, in step with pyproject.toml and constraints.txt, and free of where it came from."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.ci.workflows import DOCS, ROOT, workflow

LINUX = {"python_version": "3.11", "python_full_version": "3.11.9", "sys_platform": "linux", "extra": ""}


def pins(name: str) -> dict[str, str]:
    lines = (line for line in (ROOT / name).read_text("utf-8").splitlines() if line and not line.startswith("#"))
    found = [re.fullmatch(r"([a-z0-9-]+)==([0-9][\w.]*)", line) for line in lines]
    assert all(found), "a line of the lock is no pin"
    return {match[1]: match[2] for match in found if match}


def test_every_dependency_is_pinned_at_a_version_that_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    locked = pins("requirements/ci.lock")
    for needed in map(Requirement, lines):
        if needed.marker is None or needed.marker.evaluate(LINUX):
            assert needed.specifier.contains(locked[canonicalize_name(needed.name)], prereleases=True), str(needed)


def test_what_constraints_pin_is_pinned_alike() -> None:
    locked = pins("requirements/ci.lock")
    assert {name: locked[name] for name in pins("constraints.txt")} == pins("constraints.txt")


def test_no_place_that_packages_came_from_is_named() -> None:
    text = (ROOT / "requirements" / "ci.lock").read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^-|\+cpu|file:", text, re.MULTILINE)


def test_ci_installs_what_is_locked_and_says_how_to_lock_anew() -> None:
    for job in ("check", "audit"):
        assert workflow("ci.yml").yaml["jobs"][job]["env"]["EMTM_CONSTRAINTS"].endswith("/requirements/ci.lock")
    tox = (ROOT / "tox.ini").read_text("utf-8")
    assert "PIP_CONSTRAINT = {env:EMTM_CONSTRAINTS:{toxinidir}/constraints.txt}" in tox
    for name in ("bench-pr.yml", "bench-nightly.yml"):
        assert "-c requirements/ci.lock" in workflow(name).step("Install")["run"]
    assert "uv pip compile" in DOCS.read_text("utf-8")
    # The run that lands changes asks no service.
    assert "audit" not in (ROOT / ".ci" / "run").read_text("utf-8")
