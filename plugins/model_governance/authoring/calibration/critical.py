"""The bound at which a window changes from pass to fail, found by bisection over `verdict.judge`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from model_governance.authoring.calibration.curve import Side
    from model_governance.contract.result import CheckResult, Metric
    from model_governance.policy import Policy, Threshold
    from model_governance.verdict import Baseline

UPPER = ("less_than", "leq_to")
LOWER = ("greater_than", "geq_to", "min_absolute_change", "min_relative_change")
HALVINGS = 36
REACH = 8.0
"""No level stretches a 95% interval further: the normal quantile of 1e-15 is 4.1 times that of 2.5%."""


def side_of(threshold: Threshold) -> Side | None:
    """Whether numbers must stay under the bound or reach it; None for demands with no single bound to move."""
    if threshold.condition in UPPER:
        return "upper"
    return "lower" if threshold.condition in LOWER else None


def critical_bound(
    name: str,
    place: int,
    result: CheckResult,
    *,
    policy: Policy,
    moment: datetime,
    baselines: Mapping[str, Mapping[str, Baseline]] = {},
) -> float:
    """The bound of one threshold (the `place`-th of check `name`) between failing and not failing this result.

    Found by halving: the only rule of judging is `verdict.judge`. Infinite where no bound fails it.
    """
    threshold = policy.checks[name].thresholds[place]
    upper = side_of(threshold) == "upper"

    def fails(bound: float) -> bool:
        moved = threshold.model_copy(update={threshold.condition: bound, "confirm": None})
        return _violates(name, result, with_thresholds(policy, name, {place: moved}), place, moment, baselines)

    low, high = _span([metric for metric in result.metrics if metric.name == threshold.metric], baselines)
    strictest, loosest = (low, high) if upper else (high, low)
    if not fails(strictest):
        return -math.inf if upper else math.inf
    return _boundary(fails, strictest, loosest)


def with_thresholds(policy: Policy, name: str, moved: Mapping[int, Threshold]) -> Policy:
    """The policy with some thresholds of one check replaced, by their place; the budget stays the same."""
    spec = policy.checks[name]
    thresholds = tuple(moved.get(place, threshold) for place, threshold in enumerate(spec.thresholds))
    checks = {**policy.checks, name: spec.model_copy(update={"thresholds": thresholds})}
    return policy.model_copy(update={"checks": checks})


def _violates(
    name: str,
    result: CheckResult,
    policy: Policy,
    place: int,
    moment: datetime,
    baselines: Mapping[str, Mapping[str, Baseline]],
) -> bool:
    threshold = policy.checks[name].thresholds[place]
    verdict = judge(name, result, policy, moment=moment, baselines=baselines)
    return any(
        finding.violated
        and (finding.metric, finding.condition, finding.bound)
        == (threshold.metric, threshold.condition, threshold.bound)
        for finding in verdict.findings
    )


def _boundary(fails: Callable[[float], bool], strictest: float, loosest: float) -> float:
    """Halve between a bound that fails and one that does not."""
    for _ in range(HALVINGS):
        middle = (strictest + loosest) / 2
        if fails(middle):
            strictest = middle
        else:
            loosest = middle
    return strictest


def _span(metrics: list[Metric], baselines: Mapping[str, Mapping[str, Baseline]]) -> tuple[float, float]:
    """An interval that holds every number the judge may compare with a bound."""
    ends = [0.0]
    for metric in metrics:
        values = [float(end) for end in (metric.value, metric.low, metric.high) if end is not None]
        if values:
            wide = REACH * (max(values) - min(values))
            ends += [min(values) - wide, max(values) + wide]
    size = max(map(abs, ends)) + max((abs(b.value) for group in baselines.values() for b in group.values()), default=0)
    return min(ends) - size - 1, max(ends) + size + 1
