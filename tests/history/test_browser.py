"""The site in a real browser, from files: no complaint, every control by keyboard, narrow and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cli.app import main
from tests.history.browser import Page, browser, executable
from tests.history.synthetic import write
from tests.history.test_site import NASTY, example

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(executable() is None, reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("site")
    folder = write(top / "runs", example(NASTY[1]))
    assert main(["history", str(folder), "--out", str(top / "site")]) == 0
    return top / "site"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def case_page(site: Path) -> Path:
    return next((site / "cases").glob("a*.html"))


def tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        page.press("Tab")
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            return
    pytest.fail(f"{selector} is not reached by keyboard")


def test_every_page_is_quiet_and_loads_its_own_files_alone(page: Page, site: Path) -> None:
    for path in sorted(site.rglob("*.html")):
        page.open(path)
        assert page.complaints() == []
        assert page.evaluate("document.styleSheets.length") == 1
        assert page.evaluate("RUNS.length") == 24


def shown(page: Page) -> int:
    return page.evaluate("[...document.querySelectorAll('.cases tbody tr')].filter((row) => !row.hidden).length")


def test_cases_are_filtered_by_keyboard(page: Page, site: Path) -> None:
    page.open(site / "index.html")
    assert shown(page) == 2
    tab_to(page, "#words")
    for key in "b smoke":
        page.press(key)
    assert shown(page) == 1
    assert page.evaluate("document.getElementById('shown').textContent") == "1 of 2 cases"
    page.open(site / "index.html")
    tab_to(page, "[data-status=failing]")
    page.press(" ")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert shown(page) == 1
    page.press(" ")
    assert shown(page) == 2


def test_a_chart_is_read_by_keyboard(page: Page, site: Path) -> None:
    page.open(case_page(site))
    newest = page.evaluate("document.querySelector('.figure output').textContent")
    tab_to(page, ".reader")
    told = []
    for key in ("ArrowLeft", "ArrowLeft", "Home", "ArrowRight", "End"):
        page.press(key)
        told.append(page.evaluate("document.activeElement.parentElement.querySelector('output').textContent"))
    assert told[0] == told[-1] and len(set(told)) == 4
    assert told[2].startswith("2026-01-01") and "environment A" in told[2]
    assert told[0].startswith("2026-01-24") and "[" in told[0]
    page.press("Escape")
    assert page.evaluate("document.querySelector('.figure output').textContent") == newest


def test_the_pointer_reads_the_nearest_run(page: Page, site: Path) -> None:
    page.open(case_page(site))
    box = page.evaluate("JSON.parse(JSON.stringify(document.querySelector('.chart').getBoundingClientRect()))")
    page.send("Input.dispatchMouseEvent", type="mouseMoved", x=box["left"] + 1, y=box["top"] + box["height"] / 2)
    assert page.evaluate("document.querySelector('.figure output').textContent").startswith("2026-01-01")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_screen(width: int, page: Page, site: Path) -> None:
    page.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    for path in (site / "index.html", case_page(site)):
        page.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelector('svg path').getBoundingClientRect().right") <= width


def test_light_and_dark(page: Page, site: Path) -> None:
    page.open(site / "index.html")
    seen = {}
    for scheme in ("light", "dark"):
        page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        seen[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert seen == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}


def test_print_is_light_and_opens_what_is_folded(page: Page, site: Path) -> None:
    page.open(site / "index.html")
    page.send("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.filter')).display") == "none"
    folded = "document.querySelector('details li')"
    assert page.evaluate(f"{folded} === null || {folded}.getBoundingClientRect().height > 0")
    page.send("Emulation.setEmulatedMedia", media="", features=[])
