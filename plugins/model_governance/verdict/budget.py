"""How much evidence a fail needs, so that false fails stay within what the policy's owner accepts.

Let a year have N runs and the owner accept B false fails. The chance of a false fail in one run is held at
(1 - confidence) * (B + 1) / N. Then the expected number in a year is at most (1 - confidence) * (B + 1), and by
Markov's inequality a year with more than B of them has at most the probability 1 - confidence. Nothing is assumed of
how runs or checks depend on one another: they share a reference, so they do. The run's level is split evenly over
the thresholds that can fail it (Bonferroni), and within a threshold over its columns by the adjustment that the policy
names: Bonferroni's needs no assumption either, Benjamini and Hochberg's that columns do not work against one another
(include/adr/0007-alarm-budget.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.contract.result import Metric
    from model_governance.policy import Policy, Threshold
    from model_governance.stats.multiplicity import Adjustment

TAIL = 0.025
"""What the 95% interval of a metric leaves on each side."""
WARN_LEVEL = 0.05
"""Warnings stop nothing, so no budget binds them; they keep the customary level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The level that each failing threshold may spend in one run, and how columns share it."""

    level: float
    adjust: Adjustment
    stopping: tuple[str, ...] = ("error",)

    def level_for(self, threshold: Threshold) -> float:
        """The chance of a false alarm that one threshold may take in one run."""
        return self.level if threshold.severity in self.stopping else max(self.level, WARN_LEVEL)


def budget_of(policy: Policy) -> Budget:
    """The budget of a policy, split over the thresholds that can stop a run."""
    stopping = ("error", "warn") if policy.fail_on == "warn" else ("error",)
    deciding = sum(threshold.severity in stopping for spec in policy.checks.values() for threshold in spec.thresholds)
    level = policy.level_per_run / max(1, deciding)
    return Budget(level=level, adjust=policy.alarms.adjust, stopping=stopping)


def evidence(metrics: Sequence[Metric], budget: Budget) -> dict[str, float]:
    """Adjusted p-values by label, over the metrics of one threshold that carry one."""
    given = [(metric.label, metric.p_value) for metric in metrics if metric.p_value is not None]
    values = adjusted([p_value for _, p_value in given], budget.adjust)
    return dict(zip([label for label, _ in given], values, strict=True))


def widened(interval: tuple[float, float, float], *, level: float, tests: int) -> tuple[float, float, float]:
    """(low, value, high) with the 95% limits stretched so that each side is missed with the chance level / tests.

    The distance from value to limit grows in proportion to the normal quantile; an interval that already
    leaves less stays as it is.
    """
    low, value, high = interval
    tail = min(TAIL, level / max(1, tests))
    stretch = NormalDist().inv_cdf(tail) / NormalDist().inv_cdf(TAIL)
    return min(low, value - stretch * (value - low)), value, max(high, value + stretch * (high - value))
