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
    name = metric.name, metric.key
    samples = [verdict.samples[name] for verdict in reversed(earlier[:RUNS]) if name in verdict.samples]
    learnt = learnt_runs(len(samples))
    values, variances = [sample[0] for sample in samples[:learnt]], [sample[1] for sample in samples[:learnt]]
    return variance_factor(values, variances, tail=tail), learnt


def samples_of(findings: Sequence[Finding]) -> dict[tuple[str, str | None], tuple[float, float]]:
    """Value and sampling variance of each metric of a verdict, by name and key: what noise is learnt from.

    A metric for which the run was red is left out: an incident is no noise. So is one without an interval.
    """
    first: dict[tuple[str, str | None], Finding] = {}
    red = set()
    for finding in findings:
        if finding.metric is None:
            continue
        name = finding.metric, finding.key
        first.setdefault(name, finding)
        if finding.outcome not in LEARNT_FROM:
            red.add(name)
    samples = {}
    for name, finding in first.items():
        if name in red or finding.value is None or finding.low is None or finding.high is None:
            continue
        # The interval in a finding holds the noise of then, unless its threshold is on a change.
        widened = finding.noise if finding.baseline is None else 1.0
        variance = ((float(finding.high) - float(finding.low)) / (2 * AT_95)) ** 2 / widened
        samples[name] = float(finding.value), variance
    return samples
