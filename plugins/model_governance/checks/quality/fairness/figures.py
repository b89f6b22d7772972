"""Figures of `fairness`: rates and means by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness.report import table_name
from model_governance.report.figures import SERIES, canvas, to_svg
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.quality.fairness.group_metrics import Rate
    from model_governance.contract.result import Artifact

MAX_GROUPS = 30  # in a figure: more are not legible


def rates(name: str, groups: Sequence[str], measured: Sequence[Rate]) -> Artifact:
    """Draw every rate by group with its 95% limits; groups that are too small have no point."""
    names = list(groups)[:MAX_GROUPS]
    figure, axes = canvas(columns=len(measured), width=2.6 * len(measured) + 1.6, height=1.4 + 0.28 * len(names))
    for axis, rate, colour in zip(axes, measured, SERIES, strict=False):
        for number in [group for group in rate.groups.tolist() if group < MAX_GROUPS]:
            hits, rows = int(rate.successes[number]), int(rate.rows[number])
            axis.plot(clopper_pearson(hits, rows), (number, number), color=colour, linewidth=1.5)
            axis.plot(hits / rows, number, "o", color=colour, markersize=5)
        axis.set_yticks(range(len(names)), names if axis is axes[0] else [""] * len(names))
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_xlim(0, 1)
        axis.set_title(rate.name.replace("_", " "))
    return to_svg(figure, name=f"{table_name(name)}.svg", title=f"Rates by {name} with 95% limits")


def means(name: str, groups: Sequence[str], measured: Mapping[str, Mapping[int, float]]) -> Artifact:
    """Draw every mean by group, from means by metric name and group number; groups without a mean have no bar."""
    names = list(groups)[:MAX_GROUPS]
    drawn = {metric: by_group for metric, by_group in measured.items() if by_group} or dict(list(measured.items())[:1])
    figure, axes = canvas(columns=len(drawn), width=2.6 * len(drawn) + 1.6, height=1.4 + 0.28 * len(names))
    for axis, (metric, by_group), colour in zip(axes, drawn.items(), SERIES, strict=False):
        numbers = [number for number in by_group if number < MAX_GROUPS]
        axis.barh(numbers, [by_group[number] for number in numbers], color=colour, height=0.6)
        axis.set_yticks(range(len(names)), names if axis is axes[0] else [""] * len(names))
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_title(metric.replace("_", " "))
    return to_svg(figure, name=f"{table_name(name)}.svg", title=f"Means by {name}")
