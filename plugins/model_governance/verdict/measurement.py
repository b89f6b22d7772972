"""A metric under a threshold: the allowed range, the limits and the p-value that it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.verdict.noise import noise_factor
from model_governance.verdict.requirement import (
    Allowed,
    Baseline,
    allowed_by,
    allowed_change,
    change_of,
    limits_of,
    p_violated,
)
from model_governance.verdict.words import NO_BASELINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.contract.result import Metric
    from model_governance.policy import Threshold
    from model_governance.stats.limits import Limits
    from model_governance.verdict.finding import Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A metric with what its threshold compares: the value itself, or its change against a baseline.

    `p_value` is that of "the threshold holds", None where there is nothing to compute it from. `obstacle` says why it
    cannot be judged, and which outcome that is.
    """

    metric: Metric
    baseline: Baseline | None
    value: float
    allowed: Allowed
    limits: Limits | None = None
    p_value: float | None = None
    noise: float = 1.0
    noise_runs: int = 0
    obstacle: tuple[Outcome, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the budget leaves one threshold, and what earlier runs say.

    `p_value` is adjusted over the keys and compared with `level`; `tail` is the level of the confidence limit that
    agrees with it. `earlier` holds the verdict of the run before, where there is one.
    """

    p_value: float | None
    level: float
    tail: float
    keys: int
    accumulated_level: float
    earlier: Sequence[Verdict]
    basis: str


def measurement_of(
    metric: Metric, threshold: Threshold, baseline: Baseline | None, *, earlier: Sequence[Verdict], level: float
) -> Measurement:
    """The metric as its threshold judges it; `level` is what one key may spend at least."""
    obstacle = _obstacle(metric, threshold, baseline, earlier=earlier)
    if obstacle is not None:
        return Measurement(metric=metric, baseline=baseline, value=0.0, allowed=Allowed(), obstacle=obstacle)
    limits: Limits | None
    if baseline is None:
        value, allowed, limits = float(metric.value or 0), allowed_by(threshold), limits_of(metric)
    else:
        value = float(metric.value or 0) - baseline.value
        allowed, limits = allowed_change(threshold, metric, baseline), change_of(metric, baseline)
    if limits is None:
        # A p-value alone says that nothing has changed, not by how much: it counts beside the bound.
        p_value = None if threshold.is_change else metric.p_value
        return Measurement(metric=metric, baseline=baseline, value=value, allowed=allowed, p_value=p_value)
    noise, runs = noise_factor(metric, limits, earlier, tail=level)
    limits = limits.inflated(noise) if noise > 1 else limits
    return Measurement(
        metric=metric, baseline=baseline, value=value, allowed=allowed, limits=limits,
        p_value=p_violated(limits, allowed), noise=noise, noise_runs=runs,
    )  # fmt: skip


def _obstacle(
    metric: Metric, threshold: Threshold, baseline: Baseline | None, *, earlier: Sequence[Verdict]
) -> tuple[Outcome, str] | None:
    """Why the metric cannot be judged: absent, or a change with nothing to compare with or no share of it."""
    if metric.value is None:
        return _absent(metric, earlier)
    if not threshold.is_change:
        return None
    if baseline is None and threshold.against == "champion":
        return "error", "the champion was not measured"
    if baseline is None:
        return "uncertain", NO_BASELINE[threshold.against]
    if threshold.condition == "min_relative_change" and baseline.value == 0:
        return "error", "a relative change against a baseline of 0 has no meaning"
    return None


def _absent(metric: Metric, earlier: Sequence[Verdict]) -> tuple[Outcome, str]:
    """The outcome of an absent metric; a group that has no row at all is uncertain only where it had some before."""
    if metric.absence != "no_rows":
        return metric.absence, metric.reason
    if _judged_before(metric, earlier):
        return "uncertain", f"{metric.reason}; an earlier run had some"
    return "error", f"{metric.reason}, and no earlier run had any: check the spelling of the key"


def _judged_before(metric: Metric, earlier: Sequence[Verdict]) -> bool:
    """Whether an earlier run judged this key, or knew it all the same."""
    return any(
        (finding.metric, finding.key) == (metric.name, metric.key) and finding.outcome != "error"
        for verdict in earlier
        for finding in verdict.findings
    )
