"""All figures of a report, in the order they are shown."""

from __future__ import annotations

from bench.report.content.study import Study
from bench.report.figure_aggregation import aggregation_figures
from bench.report.figure_study import gain_figure
from bench.report.style import Figure


def study_figures(study: Study) -> list[Figure]:
    """What the variants gain, how much the teachers are trusted, single queries; what has no data is left out."""
    return [*filter(None, (gain_figure(study),)), *aggregation_figures(study)]
