"""The page in a real browser, from a file: its policy lets its own style and script work, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history.browser import browser, executable

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(executable() is None, reason="needs Chromium: apt-get install chromium"),
]


def test_the_policy_breaks_nothing(example_files: dict[str, bytes], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(example_files["report.html"])
    with browser(tmp_path / "profile") as page:
        page.open(file)
        assert page.complaints() == []
        assert page.evaluate("getComputedStyle(document.querySelector('.card')).display") == "grid"
        page.evaluate("document.querySelector('th button').click()")
        assert page.evaluate("document.querySelector('th').getAttribute('aria-sort')") == "ascending"
        dash = "[...document.querySelectorAll('figure path')].map((path) => getComputedStyle(path).strokeDasharray)"
        assert page.evaluate(f"{dash}.some((dash) => dash !== 'none')")


def test_the_policy_stops_what_is_not_the_pages_own(example_files: dict[str, bytes], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    foreign = b"<p id=x style='display: none' onclick='window.ran = 1'></p><script>window.ran = 1</script></main>"
    file.write_bytes(example_files["report.html"].replace(b"</main>", foreign))
    with browser(tmp_path / "profile") as page:
        page.open(file)
        page.evaluate("document.getElementById('x').click()")
        assert page.evaluate("window.ran === undefined")
        assert page.evaluate("getComputedStyle(document.getElementById('x')).display") == "block"
        assert len(page.complaints()) == 3
