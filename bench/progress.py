"""One line of a terminal that says which case is being measured, and how many measurements are left."""

from __future__ import annotations

import shutil

import pytest
from _pytest.terminal import TerminalReporter


class Progress:
    """Rewrites its line in the place of pytest's dots; where there is no terminal, or with -v or -q, dots stay."""

    def __init__(self, reporter: TerminalReporter) -> None:
        self._reporter = reporter
        self._rewrites = bool(reporter.isatty) and reporter.verbosity == 0
        self._total, self._at = 0, 0
        if self._rewrites:
            reporter.showfspath = False

    def start(self, total: int) -> None:
        """So many measurements are to come."""
        self._total = total

    def measuring(self, case_id: str, measure: str) -> None:
        """The next one has begun."""
        self._at += 1
        if self._rewrites:
            self.say(f"{self._at} of {self._total}: {measure} of {case_id}")

    def say(self, text: str) -> None:
        """Shows a text in the line, or in one of its own where none is rewritten."""
        if self._rewrites:
            self._reporter.rewrite(text[: shutil.get_terminal_size().columns - 1], erase=True)
        else:
            self._reporter.ensure_newline()
            self._reporter.write_line(text)

    def end(self) -> None:
        """Leaves the line empty for what comes."""
        if self._rewrites:
            self._reporter.rewrite("", erase=True)

    def status(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Counted at the end, and no dot now; None where pytest is to say it."""
        told = report.when == "call" or report.failed or report.skipped
        return (report.outcome, "", "") if self._rewrites and told else None
