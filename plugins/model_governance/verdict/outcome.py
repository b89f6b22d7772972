"""The one rule that turns a measurement into an outcome, and the sentence that says so."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from model_governance.contract.text import quantity
from model_governance.stats.accumulation import NOTHING, accumulated, deviate_of, log_evidence_of, runs_until
from model_governance.stats.limits import TAIL
from model_governance.verdict.finding import Finding
from model_governance.verdict.requirement import detectable_beyond, nearest_limit, surely_allowed

if TYPE_CHECKING:
    from model_governance.policy import Threshold
    from model_governance.stats.limits import Limits
    from model_governance.verdict.finding import Outcome
    from model_governance.verdict.measurement import Evidence, Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """Outcome, reason (empty when the numbers say it all), and the evidence accumulated over runs."""

    outcome: Outcome
    reason: str = ""
    limit: float | None = None
    detectable: float | None = None
    log_evidence: tuple[float, ...] | None = None


def judged_finding(name: str, measurement: Measurement, threshold: Threshold, *, evidence: Evidence) -> Finding:
    """The finding of one metric under one threshold."""
    metric, base = measurement.metric, measurement.baseline
    decision = _decide(measurement, threshold, evidence)
    low, high = metric.low, metric.high
    if measurement.noise > 1 and base is None and measurement.limits is not None:
        low, high = measurement.limits.interval()
    against, unit = threshold.against if threshold.is_change else None, metric.unit
    judged = partial(
        Finding, check=name, outcome=decision.outcome, severity=threshold.severity, metric=metric.name, key=metric.key,
        value=metric.value, low=low, high=high, n=metric.n, condition=threshold.condition, bound=threshold.bound,
        tolerance=threshold.tolerance, against=against, baseline=base.value if base else None, p_value=evidence.p_value,
        level=evidence.level, limit=decision.limit, detectable=decision.detectable, noise=measurement.noise,
        log_evidence=decision.log_evidence, basis=evidence.basis, violated=decision.outcome in ("fail", "warn"), unit=unit,
        title=metric.plain_name,
    )  # fmt: skip
    finding = judged(sentence="")  # spells its own numbers
    facts = [metric.detail] if metric.detail else []
    if low is not None and high is not None:
        facts.append(f"95% interval {finding.spread}")
    if measurement.noise > 1:
        facts.append(f"variance of {measurement.noise_runs} earlier runs x {measurement.noise:.1f}")
    facts.append(f"n = {metric.n:,}")
    text = f"{name}: {metric.label} is {finding.seen or 'absent'} ({'; '.join(facts)}), must be {finding.requirement}"
    if base is not None:
        text += f" (baseline {quantity(base.value, unit, beside=[metric.value])})"
    text += f": {decision.outcome}" + (f", {decision.reason}" if decision.reason else "")
    return judged(sentence=text)


def _decide(measurement: Measurement, threshold: Threshold, evidence: Evidence) -> _Decision:
    if measurement.obstacle is not None:
        return _Decision(outcome=measurement.obstacle[0], reason=measurement.obstacle[1])
    if measurement.metric.n < threshold.minimum_rows:
        return _Decision(outcome="uncertain", reason=f"fewer than {threshold.minimum_rows:,} rows")
    worst: Outcome = "fail" if threshold.severity == "error" else "warn"
    if measurement.limits is None:
        decision = _without_limits(measurement, evidence, worst)
    else:
        decision = _by_limits(measurement, measurement.limits, threshold, evidence=evidence, worst=worst)
    if threshold.severity == "info" and decision.outcome != "pass":
        return _Decision(outcome="pass", reason="for information only")
    return decision


def _without_limits(measurement: Measurement, evidence: Evidence, worst: Outcome) -> _Decision:
    """A number without an interval is judged as it is; where it has a p-value, it needs that evidence to fail."""
    if measurement.allowed.holds(measurement.value):
        return _Decision(outcome="pass")
    if evidence.p_value is None or evidence.p_value <= evidence.level:
        return _Decision(outcome=worst)
    reason = f"without evidence that it is more than chance (p = {evidence.p_value:.2g}, needed {evidence.level:.2g})"
    return _Decision(outcome="uncertain", reason=reason)


def _by_limits(
    measurement: Measurement, limits: Limits, threshold: Threshold, *, evidence: Evidence, worst: Outcome
) -> _Decision:
    """Fail: the limit at the budget's level is beyond the bound. Pass: the 95% interval is allowed. Else uncertain."""
    allowed, value = measurement.allowed, measurement.value
    deviate, log_evidence = _accumulate(measurement, limits, threshold, evidence=evidence)
    limit = nearest_limit(limits, allowed, value=value, tail=evidence.tail)
    start = measurement.baseline.value if measurement.baseline is not None else 0.0
    detectable = detectable_beyond(limits, allowed, tail=evidence.tail)
    shown = _Decision(
        outcome="uncertain", limit=start + limit, detectable=None if detectable is None else start + detectable,
        log_evidence=log_evidence,
    )  # fmt: skip
    # At the levels of warnings the limit could lie inside the 95% interval: what the picture leaves open is no fail.
    open_at_95 = allowed.holds(nearest_limit(limits, allowed, value=value, tail=TAIL))
    if evidence.p_value is not None and evidence.p_value <= evidence.level and not open_at_95:
        # What a run has proven alone is spent: the evidence over runs starts anew.
        return replace(shown, outcome=worst, log_evidence=NOTHING)
    if surely_allowed(limits, allowed):
        return replace(shown, outcome="pass")
    accumulated_enough = log_evidence_of(log_evidence) >= _needed(evidence)
    if not allowed.holds(value) and accumulated_enough:
        reason = "in this run not surely enough, but over the runs so far (accumulated evidence)"
        return replace(shown, outcome=worst, reason=reason, log_evidence=NOTHING)
    if open_at_95:
        return replace(shown, reason="the interval lies on both sides")
    reason = (
        f"beyond the bound, but not surely enough for the alarm budget (its limit at level {evidence.tail:.2g} is "
        f"{quantity(start + limit, measurement.metric.unit, beside=[start + allowed.low, start + allowed.high])})"
    )
    runs = runs_until(log_evidence, needed=_needed(evidence), deviate=deviate)
    if runs is not None:
        reason += f"; as far beyond it every time, {runs} more {'run' if runs == 1 else 'runs'} make a fail at most"
    return replace(shown, reason=reason)


def _accumulate(
    measurement: Measurement, limits: Limits, threshold: Threshold, *, evidence: Evidence
) -> tuple[float, tuple[float, ...]]:
    """This run's deviate from what is allowed, and the evidence over runs, this one included."""
    before: tuple[float, ...] = NOTHING
    for verdict in evidence.earlier:
        for finding in verdict.findings:
            if _continues(finding, measurement, threshold, evidence):
                before = finding.log_evidence or NOTHING
    tail = evidence.accumulated_level / max(1, evidence.keys)
    p_value = 1.0 if measurement.p_value is None else measurement.p_value
    deviate = deviate_of(p_value, shared=limits.shared, tail=tail)
    return deviate, accumulated(before, deviate)


def _continues(finding: Finding, measurement: Measurement, threshold: Threshold, evidence: Evidence) -> bool:
    """Whether a finding of the run before judged the same threshold on the same metric against the same things."""
    same_metric = (finding.metric, finding.key) == (measurement.metric.name, measurement.metric.key)
    same_bound = (finding.condition, finding.bound) == (threshold.condition, threshold.bound)
    return same_metric and same_bound and finding.basis == evidence.basis


def _needed(evidence: Evidence) -> float:
    """The logarithm of the evidence that makes a fail: 1 / level, shared by the keys."""
    return math.log(max(1, evidence.keys) / evidence.accumulated_level)
