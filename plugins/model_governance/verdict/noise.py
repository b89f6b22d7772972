"""What earlier runs teach about the noise between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.stats.limits import AT_95, LargestShareFactor, NoncentralChiSquare, PartialConjunction
from model_governance.stats.overdispersion import learnt_runs, variance_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.contract.result import Metric
    from model_governance.stats.limits import Limits
    from model_governance.verdict.finding import Finding, Verdict

RUNS = 40
"""Earlier runs that are read for noise."""
LEARNT_FROM = ("pass", "uncertain", "waived")


def noise_factor(metric: Metric, limits: Limits, earlier: Sequence[Verdict], *, tail: float) -> tuple[float, int]:
    """The factor on the variance of a metric, and the number of runs behind it.

    Distances of a drift check hold the noise between runs already: it is measured in the counts of their cells.

    Args:
        metric: of this run.
        limits: its limits.
        earlier: verdicts of the check in previous runs, the newest first.
        tail: level at which the limit will be compared with a bound.
    """
    if isinstance(limits, LargestShareFactor | NoncentralChiSquare | PartialConjunction):
        return 1.0, 0
    values, variances = [], []
    for verdict in reversed(earlier[:RUNS]):
        finding = _same_metric(metric, verdict.findings)
        if finding is None or finding.value is None or finding.low is None or finding.high is None:
            continue
        # The interval in a finding holds the noise of then, unless its threshold is on a change.
        widened = finding.noise if finding.baseline is None else 1.0
        values.append(float(finding.value))
        variances.append(((float(finding.high) - float(finding.low)) / (2 * AT_95)) ** 2 / widened)
    learnt = learnt_runs(len(values))
    return variance_factor(values[:learnt], variances[:learnt], tail=tail), learnt


def _same_metric(metric: Metric, findings: Sequence[Finding]) -> Finding | None:
    """The finding of an earlier run on this metric, unless the run was red for it: an incident is no noise."""
    same = [finding for finding in findings if (finding.metric, finding.key) == (metric.name, metric.key)]
    if not same or any(finding.outcome not in LEARNT_FROM for finding in same):
        return None
    return same[0]
