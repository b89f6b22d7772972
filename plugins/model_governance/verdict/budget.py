"""How much evidence a fail needs, so that false fails stay within what the policy's owner accepts.

Let a year have N runs and the owner accept B false fails. The chance of a false fail in one run is held at
(1 - confidence) * (B + 1) / N. Then the expected number in a year is at most (1 - confidence) * (B + 1), and by
Markov's inequality a year with more than B of them has at most the probability 1 - confidence. Nothing is assumed of
how runs or checks depend on one another: they share a reference, so they do. The run's level is split evenly over
the thresholds that can fail it (Bonferroni), and within a threshold over its keys by the adjustment that the policy
names: Bonferroni's needs no assumption either, Benjamini and Hochberg's that keys do not work against one another
(include/adr/0007-alarm-budget.md). A fifth of the level is kept for evidence that accumulates over runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.policy.levels import ACCUMULATED, WARN_LEVEL, deciding_thresholds, stopping_severities

if TYPE_CHECKING:
    from model_governance.policy import Policy, Threshold
    from model_governance.stats.multiplicity import Adjustment


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The level that each failing threshold may spend in one run, and how columns share it."""

    level: float
    adjust: Adjustment
    stopping: tuple[str, ...] = ("error",)

    def level_for(self, threshold: Threshold) -> float:
        """The chance of a false alarm that one threshold may take in one run by that run's evidence alone."""
        return (1 - ACCUMULATED) * self._share(threshold)

    def accumulated_level_for(self, threshold: Threshold) -> float:
        """The chance of a false alarm that one threshold may take in one run by evidence of all runs so far."""
        return ACCUMULATED * self._share(threshold)

    def _share(self, threshold: Threshold) -> float:
        return self.level if threshold.severity in self.stopping else max(self.level, WARN_LEVEL)


def budget_of(policy: Policy) -> Budget:
    """The budget of a policy, split over the thresholds that can stop a run."""
    level = policy.level_per_run / deciding_thresholds(policy)
    return Budget(level=level, adjust=policy.alarms.adjust, stopping=stopping_severities(policy))
