"""Pictures of groups side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.report.figures import SERIES, canvas, to_svg
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.quality.fairness.classes import Rate
    from model_governance.contract.result import Artifact

MOST = 30  # groups in a picture: more cannot be told apart


def rates(name: str, groups: Sequence[str], found: Sequence[Rate]) -> Artifact:
    """Every rate by group with its 95% limits; groups that are too small are left out."""
    names = list(groups)[:MOST]
    figure, axes = canvas(columns=len(found), width=2.6 * len(found) + 1.6, height=1.4 + 0.28 * len(names))
    for axis, rate, colour in zip(axes, found, SERIES, strict=False):
        for place in [one for one in rate.groups.tolist() if one < MOST]:
            hits, rows = int(rate.successes[place]), int(rate.rows[place])
            axis.plot(clopper_pearson(hits, rows), (place, place), color=colour, linewidth=1.5)
            axis.plot(hits / rows, place, "o", color=colour, markersize=5)
        axis.set_yticks(range(len(names)), names if axis is axes[0] else [""] * len(names))
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_xlim(0, 1)
        axis.set_title(rate.name.replace("_", " "))
    return to_svg(figure, name=f"groups_{_slug(name)}.svg", title=f"Rates by {name} with 95% limits")


def means(name: str, groups: Sequence[str], found: Mapping[str, Mapping[int, float]]) -> Artifact:
    """Every mean by group; groups that are too small are left out."""
    names = list(groups)[:MOST]
    shown = {key: values for key, values in found.items() if values} or dict(list(found.items())[:1])
    figure, axes = canvas(columns=len(shown), width=2.6 * len(shown) + 1.6, height=1.4 + 0.28 * len(names))
    for axis, (key, values), colour in zip(axes, shown.items(), SERIES, strict=False):
        places = [one for one in values if one < MOST]
        axis.barh(places, [values[one] for one in places], color=colour, height=0.6)
        axis.set_yticks(range(len(names)), names if axis is axes[0] else [""] * len(names))
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_title(key.replace("_", " "))
    return to_svg(figure, name=f"groups_{_slug(name)}.svg", title=f"Means by {name}")


def _slug(name: str) -> str:
    return "".join(one if one.isalnum() else "_" for one in name)
