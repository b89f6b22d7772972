"""What earlier runs teach about the noise between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.stats.limits import LargestShareFactor, NoncentralChiSquare, PartialConjunction
from model_governance.stats.overdispersion import learnt_runs, variance_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.contract.result import Metric
    from model_governance.stats.limits import Limits
    from model_governance.verdict.finding import Verdict

RUNS = 40
"""Earlier runs that are read for noise."""
WITH_NOISE = frozenset({LargestShareFactor, NoncentralChiSquare, PartialConjunction})
"""Limits of the distances of drift checks."""


def noise_factor(metric: Metric, limits: Limits, earlier: Sequence[Verdict], *, tail: float) -> tuple[float, int]:
    """The factor on the variance of a metric, and the number of runs behind it.

    Distances of a drift check hold the noise between runs already: it is measured in the counts of their cells.

    Args:
        metric: of this run.
        limits: its limits.
        earlier: verdicts of the check in previous runs, the newest first.
        tail: level at which the limit will be compared with a bound.
    """
    if type(limits) in WITH_NOISE:
        return 1.0, 0
    name = metric.name, metric.key
    samples = [sample for verdict in reversed(earlier[:RUNS]) if (sample := verdict.samples.get(name)) is not None]
    learnt = learnt_runs(len(samples))
    values, variances = zip(*samples[:learnt], strict=True) if learnt else ((), ())
    return variance_factor(values, variances, tail=tail), learnt
