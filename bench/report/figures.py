"""All figures of a report, in the order they are shown."""

from __future__ import annotations

import pandas as pd

from bench.report.figure_aggregation import aggregation_figures
from bench.report.figure_pareto import pareto_figures
from bench.report.figure_stages import stage_figure
from bench.report.figure_study import gain_figure
from bench.report.figure_throughput import throughput_figure
from bench.report.study import Study
from bench.report.style import Figure


def all_figures(cases: pd.DataFrame) -> list[Figure]:
    """Accuracy against cost for each dataset, then throughput, then stages; what has no data is left out."""
    return [*pareto_figures(cases), *filter(None, (throughput_figure(cases), stage_figure(cases)))]


def study_figures(study: Study) -> list[Figure]:
    """What the variants gain, how much the teachers are trusted, single queries; what has no data is left out."""
    return [*filter(None, (gain_figure(study),)), *aggregation_figures(study)]
