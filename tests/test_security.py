"""What SECURITY.md says of how inputs are read, held against every call in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")
FILES = sorted(path for package in ("emtm", "baselines", "bench") for path in (ROOT / package).rglob("*.py"))
FORBIDDEN = (
    *("pickle", "marshal", "shelve", "dill", "joblib"),
    *("socket", "ssl", "http", "ftplib", "requests", "urllib.request"),
)
"""Modules that run what they read, or that speak to others."""
RUNS_CODE = {
    "bench/count.py": "MODULE:FACTORY",
    "emtm/registry.py": "emtm.models",
    "bench/ab/arm.py": "bench.report ab",
    "bench/peers/workers/emet.py": "bench.peers",
}
"""Where code is run that the user named, and how the document calls it."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call, under the last two names of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ".".join(ast.unparse(node.func).split(".")[-2:]), node


def keywords(call: ast.Call) -> dict[str, str]:
    return {word.arg: ast.unparse(word.value) for word in call.keywords if word.arg is not None}


def offences(text: str) -> list[str]:
    """Calls and imports of a module by which an input could be run, or sent."""
    tree, found = ast.parse(text), []
    safe = {"yaml.BaseLoader", "yaml.SafeLoader"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and [ast.unparse(base) for base in node.bases] == ["yaml.SafeLoader"]:
            safe.add(node.name)
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [name for name in names if any(f"{name}.".startswith(f"{bad}.") for bad in FORBIDDEN)]
    for name, call in calls(tree):
        given = keywords(call)
        if name in ("eval", "exec", "compile", "os.system", "os.popen", "yaml.unsafe_load", "yaml.full_load"):
            found.append(name)
        if name == "torch.load" and given.get("weights_only") != "True":
            found.append("torch.load of a pickle")
        if name == "np.load" and given.get("allow_pickle") != "False":
            found.append("np.load of a pickle")
        if name == "yaml.load" and not {ast.unparse(argument) for argument in call.args[1:2]} & safe:
            found.append("yaml.load of objects")
        if given.get("shell", "False") != "False":
            found.append("a shell")
    return found


@pytest.mark.parametrize(
    "text",
    [
        *("import pickle", "from urllib.request import urlopen", "import http.client", "eval('1')", "exec(x)"),
        *("torch.load(p)", "torch.load(p, weights_only=False)", "np.load(p)", "np.load(p, allow_pickle=True)"),
        *("yaml.load(t)", "yaml.load(t, yaml.Loader)", "subprocess.run('x', shell=True)", "os.system('x')"),
    ],
)
def test_what_would_break_the_promise_is_found(text: str) -> None:
    assert offences(text)


def test_no_input_is_unpickled_evaluated_or_sent() -> None:
    found = {path.relative_to(ROOT).as_posix(): offences(path.read_text("utf-8")) for path in FILES}
    assert {path: what for path, what in found.items() if what} == {}


def test_every_place_that_runs_named_code_is_in_the_document() -> None:
    """Modules by a name that is not written in the code: what is found in our own packages, and what is named here."""
    dynamic = set()
    for path in FILES:
        for name, call in calls(ast.parse(path.read_text("utf-8"))):
            written = call.args and isinstance(call.args[0], ast.Constant)
            if name in ("importlib.import_module", "entry.load", "entry_points") and not written:
                dynamic.add(path.relative_to(ROOT).as_posix())
    # Our own packages are looked through by name.
    ours = {"bench/discovery.py", "emtm/parity/building.py", "emtm/parity/checking.py"}
    assert dynamic - ours == {"bench/count.py", "bench/peers/workers/emet.py", "emtm/registry.py"}
    assert all(called in SECURITY for called in RUNS_CODE.values())
    assert all((ROOT / path).is_file() for path in RUNS_CODE)


def test_all_that_the_document_links_or_names_is_there() -> None:
    for name in ("requirements/ci.lock", "docs/limits.md", "docs/ci.md", "bench/safe.py", "tests/licences.py"):
        assert (ROOT / name).is_file()
    assert ".tox/sbom.cdx.json" in SECURITY
    assert "sbom.cdx.json" in (ROOT / "tox.ini").read_text("utf-8")
