"""Design effects of means of groups and of the differences between the largest and the smallest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness.metrics import METRICS
from model_governance.contract.dependence import Dependence, dependence_note
from model_governance.contract.result import spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from model_governance.checks.quality.fairness.group_metrics import GroupMetrics
    from model_governance.contract.dependence import Bounds, Clusters
    from model_governance.contract.result import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEffects:
    """Design effects of one mean over the groups; what does not vary has none.

    Attributes:
        groups: By number of the group.
        difference: Of the largest less the smallest mean.
        ratio: Of the smallest over the largest mean.
    """

    groups: Mapping[int, float]
    difference: float | None = None
    ratio: float | None = None


def group_effects(by_group: Mapping[int, tuple[np.ndarray, np.ndarray]], clusters: Clusters) -> GroupEffects:
    """Design effects of the means of groups and of their extremes.

    Rows of one cluster may lie in two groups, so a difference has an effect of its own.

    Args:
        by_group: For the number of each group that is compared: numbers of its rows in current, and their values.
        clusters: Those of all rows of current.
    """
    import numpy as np

    found = {number: clusters.take(rows).effect(values - values.mean()) for number, (rows, values) in by_group.items()}
    known = {number: effect for number, effect in found.items() if effect is not None}
    if len(by_group) < 2:
        return GroupEffects(groups=known)
    means = {number: float(values.mean()) for number, (_, values) in by_group.items()}
    ends = [by_group[max(means, key=means.__getitem__)], by_group[min(means, key=means.__getitem__)]]
    if ends[0] is ends[1]:  # all means are equal
        ends = list(by_group.values())[:2]
    rows = np.concatenate([rows for rows, _ in ends])
    count = len(ends[0][0])
    parts = np.arange(count), np.arange(count, len(rows))
    top, bottom = ((values - values.mean()) / len(values) for _, values in ends)
    both = clusters.take(rows)
    largest, smallest = (float(values.mean()) for _, values in ends)
    ratio = None
    if smallest > 0:
        ratio = both.effect(np.concatenate([top / largest, -bottom / smallest]), parts=parts)
    return GroupEffects(groups=known, difference=both.effect(np.concatenate([top, -bottom]), parts=parts), ratio=ratio)


def labelled_effects(
    effects: GroupEffects, *, group: str, difference: str, names: Sequence[str], grouping: str
) -> dict[str, float]:
    """Design effects by label of the metric.

    Args:
        effects: Those of one mean.
        group: Metric of one group.
        difference: Metric of the difference; empty where there is none.
        names: Names of all groups.
        grouping: Name of the grouping.
    """
    labelled = {f"{group}[{grouping}={names[number]}]": effect for number, effect in effects.groups.items()}
    if difference and effects.difference is not None:
        labelled[f"{difference}[{grouping}]"] = effects.difference
    return labelled


def widened(parts: Sequence[GroupMetrics], clusters: Clusters) -> tuple[list[Estimate], tuple[str, ...]]:
    """The estimates of all groupings, with limits widened by their design effects, and a note on them.

    A p-value of independent rows is left out: the limits say what is known.
    """
    estimates = [estimate for part in parts for estimate in part.estimates]
    if not clusters:
        return estimates, ()
    effects = {label: effect for part in parts for label, effect in part.effects.items()}
    # Where nothing varies, rows of a cluster are all alike as far as anybody can see.
    effects = effects or {"": clusters.size}
    dependence = Dependence(effects=effects, bounds=bounds_of)
    return [replace(dependence.widened(estimate), p_value=None) for estimate in estimates], (
        dependence_note(clusters.described, effects),
    )


def bounds_of(name: str) -> Bounds:
    """The smallest and the largest value of a metric."""
    low, high = spec_of(METRICS, name).range
    return (-float("inf") if low is None else low), (float("inf") if high is None else high)
