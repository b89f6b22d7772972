"""Figures of `fairness`: rates and means by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness.report import table_name
from model_governance.report.figures import SERIES, canvas, to_svg
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.quality.fairness.group_metrics import Rate
    from model_governance.checks.quality.fairness.groups import Grouping
    from model_governance.contract.result import Artifact

MAX_GROUPS = 30  # in a figure: more are not legible


def rates(grouping: Grouping, measured: Sequence[Rate]) -> Artifact:
    """Draw every rate by group with its 95% limits; groups that are too small have no point, and the smallest no name."""
    places, names = _places(grouping)
    figure, axes = canvas(columns=len(measured), width=2.6 * len(measured) + 1.6, height=1.4 + 0.28 * len(names))
    for axis, rate, colour in zip(axes, measured, SERIES, strict=False):
        for number in [group for group in rate.groups.tolist() if group in places]:
            hits, rows, place = int(rate.successes[number]), int(rate.rows[number]), places[number]
            axis.plot(clopper_pearson(hits, rows), (place, place), color=colour, linewidth=1.5)
            axis.plot(hits / rows, place, "o", color=colour, markersize=5)
        axis.set_yticks(range(len(names)), names if axis is axes[0] else [""] * len(names))
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_xlim(0, 1)
        axis.set_title(rate.name.replace("_", " "))
    return to_svg(figure, name=f"{table_name(grouping.name)}.svg", title=f"Rates by {grouping.name} with 95% limits")


def means(grouping: Grouping, measured: Mapping[str, Mapping[int, float]]) -> Artifact:
    """Draw every mean by group, from means by metric name and group number; groups without a mean have no bar."""
    places, names = _places(grouping)
    drawn = {metric: by_group for metric, by_group in measured.items() if by_group} or dict(list(measured.items())[:1])
    figure, axes = canvas(columns=len(drawn), width=2.6 * len(drawn) + 1.6, height=1.4 + 0.28 * len(names))
    for axis, (metric, by_group), colour in zip(axes, drawn.items(), SERIES, strict=False):
        numbers = [number for number in by_group if number in places]
        axis.barh(
            [places[number] for number in numbers], [by_group[number] for number in numbers], color=colour, height=0.6
        )
        axis.set_yticks(range(len(names)), names if axis is axes[0] else [""] * len(names))
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_title(metric.replace("_", " "))
    return to_svg(figure, name=f"{table_name(grouping.name)}.svg", title=f"Means by {grouping.name}")


def _places(grouping: Grouping) -> tuple[dict[int, int], list[str]]:
    """The place of each group that is drawn, by its number, and the names in this order; those not named come last."""
    drawn = grouping.named[:MAX_GROUPS]
    names = [grouping.names[number] for number in drawn]
    names += [grouping.folded_name] if grouping.folded_name and len(names) < MAX_GROUPS else []
    return {number: place for place, number in enumerate(drawn)}, names
