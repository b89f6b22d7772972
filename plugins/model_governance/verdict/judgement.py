"""The only place where numbers meet thresholds: judge a result, combine the verdicts of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from model_governance.contract.result import label_of
from model_governance.contract.text import interval, number
from model_governance.verdict.budget import budget_of, evidence, widened
from model_governance.verdict.finding import FailPolicy, Finding, Verdict, fail_policy_of
from model_governance.verdict.words import NO_BASELINE, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from model_governance.contract.result import CheckResult, Metric
    from model_governance.policy import Policy, Threshold, Waiver
    from model_governance.verdict.budget import Budget
    from model_governance.verdict.finding import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a change is measured from: the value of the champion or of a previous run, with its interval."""

    value: float
    low: float | None = None
    high: float | None = None


def baselines_of(result: CheckResult) -> dict[str, Baseline]:
    """The numbers of a result by label, absent ones left out: what a threshold on change compares with."""
    return {
        metric.label: Baseline(value=metric.value, low=metric.low, high=metric.high)
        for metric in result.metrics
        if metric.value is not None
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One metric under one threshold, with what the judgement needs to know beside them."""

    metric: Metric
    threshold: Threshold
    level: float
    tests: int
    p_value: float | None
    baseline: Baseline | None


def judge(
    name: str,
    result: CheckResult,
    policy: Policy,
    *,
    moment: datetime,
    baselines: Mapping[str, Mapping[str, Baseline]] = {},
    earlier: Sequence[Verdict] = (),
) -> Verdict:
    """The verdict of one check of a policy on its result.

    `moment` (the logical date of the run, UTC) decides which waivers are in force; `baselines` serve thresholds on change; `earlier` are the
    check's verdicts in the previous runs, the newest first, for thresholds with `confirm`.
    """
    fail_policy = fail_policy_of(policy)
    budget = budget_of(policy)
    findings: list[Finding] = []
    if result.status == "not_applicable":  # what it holds all the same, such as the share of labels, is judged
        text = f"{name}: skipped, not applicable: {result.reason}"
        findings.append(Finding(check=name, outcome="skipped", sentence=text))
    for threshold in policy.checks[name].thresholds:
        metrics = [
            metric for metric in result.metrics
            if metric.name == threshold.metric and (threshold.key is None or metric.key == threshold.key)
        ]  # fmt: skip
        if not metrics and result.status != "not_applicable":
            findings.append(_unmeasured(name, threshold))
        judged = (_finding(name, case) for case in _cases(metrics, threshold, budget, baselines))
        findings.extend(_confirm(finding, threshold, earlier) for finding in judged)
    waived = (_waive(finding, policy.waivers, moment) for finding in findings)
    return Verdict(name=name, findings=tuple(waived), fail_policy=fail_policy)


def _cases(
    metrics: Sequence[Metric],
    threshold: Threshold,
    budget: Budget,
    baselines: Mapping[str, Mapping[str, Baseline]],
) -> list[_Case]:
    proof = evidence(metrics, budget)
    base = baselines.get(threshold.against, {}) if threshold.is_change else {}
    return [
        _Case(
            metric=metric, threshold=threshold, level=budget.level_for(threshold), tests=len(metrics),
            p_value=proof.get(metric.label), baseline=base.get(metric.label),
        )
        for metric in metrics
    ]  # fmt: skip


def unmeasured(name: str, problem: str, *, fail_policy: FailPolicy) -> Verdict:
    """The verdict of a check that could not measure: always an error."""
    finding = Finding(check=name, outcome="error", sentence=f"{name}: could not measure: {problem}")
    return Verdict(name=name, findings=(finding,), fail_policy=fail_policy)


def combine(name: str, verdicts: Sequence[Verdict], *, fail_policy: FailPolicy) -> Verdict:
    """The verdict of a run; a run in which nothing was measured is an error."""
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    if all(finding.outcome == "skipped" for finding in findings):
        sentence = f"{name}: nothing was measured in this run; an empty run is never a pass"
        findings.append(Finding(check=name, outcome="error", sentence=sentence))
    return Verdict(name=name, findings=tuple(findings), fail_policy=fail_policy)


def _unmeasured(name: str, threshold: Threshold) -> Finding:
    label = label_of(threshold.metric, threshold.key)
    text = f"{name}: {label} was not measured, so its threshold cannot be judged"
    return Finding(
        check=name, outcome="error", sentence=text, severity=threshold.severity, metric=threshold.metric,
        key=threshold.key, condition=threshold.condition, bound=threshold.bound,
    )  # fmt: skip


def _finding(name: str, case: _Case) -> Finding:
    metric, threshold, base = case.metric, case.threshold, case.baseline
    outcome, reason = _outcome(case)
    requirement = describe(threshold.condition, threshold.bound, threshold.against if threshold.is_change else None)
    seen = "absent" if metric.value is None else number(metric.value)
    facts = [metric.detail] if metric.detail else []
    if metric.low is not None and metric.high is not None:
        facts.append(f"95% interval {interval(metric.low, metric.high)}")
    facts.append(f"n = {metric.n:,}")
    text = f"{name}: {metric.label} is {seen} ({'; '.join(facts)}), must be {requirement}"
    if base is not None:
        text += f" (baseline {number(base.value)})"
    text += f": {outcome}" + (f", {reason}" if reason else "")
    return Finding(
        check=name, outcome=outcome, sentence=text, severity=threshold.severity, metric=metric.name, key=metric.key,
        value=metric.value, low=metric.low, high=metric.high, n=metric.n, condition=threshold.condition,
        bound=threshold.bound, tolerance=threshold.tolerance,
        against=threshold.against if threshold.is_change else None, baseline=base.value if base else None,
        p_value=case.p_value, level=case.level, violated=outcome in ("fail", "warn"),
    )  # fmt: skip


def _outcome(case: _Case) -> tuple[Outcome, str]:
    """Outcome and reason (empty when the numbers say it all)."""
    metric, threshold = case.metric, case.threshold
    if metric.value is None:
        return "error", metric.reason
    if threshold.is_change and (obstacle := _obstacle(threshold, case.baseline)):
        return obstacle
    if metric.n < threshold.minimum_rows:
        return "uncertain", f"fewer than {threshold.minimum_rows:,} rows"
    worst: Outcome = "fail" if threshold.severity == "error" else "warn"
    if case.p_value is not None and not threshold.is_change:
        outcome, reason = _with_evidence(case, worst)
    else:
        outcome, reason = _with_interval(case, worst)
    if threshold.severity == "info" and outcome != "pass":
        return "pass", "for information only"
    return outcome, reason


def _with_evidence(case: _Case, worst: Outcome) -> tuple[Outcome, str]:
    """An effect beyond its bound counts when chance alone would hardly have produced a change."""
    metric = case.metric
    if metric.value is None or case.p_value is None or _holds(case)(float(metric.value)):
        return "pass", ""
    if case.p_value <= case.level:
        return worst, ""
    return (
        "uncertain",
        f"without evidence that it is more than chance (p = {case.p_value:.2g}, needed {case.level:.2g})",
    )


def _with_interval(case: _Case, worst: Outcome) -> tuple[Outcome, str]:
    """A pass needs the whole 95% interval inside; a fail the whole interval, at the budget's level, outside."""
    seen = _answers(case, level=1.0)
    if seen == {True}:
        return "pass", ""
    if _answers(case, level=case.level) == {False}:
        return worst, ""
    if seen == {False}:
        return "uncertain", f"beyond the bound, but not surely enough for the alarm budget (level {case.level:.2g})"
    return "uncertain", "the interval lies on both sides"


def _confirm(finding: Finding, threshold: Threshold, earlier: Sequence[Verdict]) -> Finding:
    """A fail under `confirm` is a warning until enough of the last runs violated the same threshold."""
    if threshold.confirm is None or finding.outcome != "fail":
        return finding
    wanted, window = threshold.confirm.violations, threshold.confirm.window
    same = [
        any(_same_threshold(previous, finding) and previous.violated for previous in verdict.findings)
        for verdict in earlier[: window - 1]
    ]
    seen = 1 + sum(same)
    story = f"violated in {seen} of the last {window} runs, {wanted} make a fail"
    outcome: Outcome = "fail" if seen >= wanted else "warn"
    return replace(finding, outcome=outcome, sentence=f"{finding.sentence}; {story}: {outcome}")


def _same_threshold(first: Finding, other: Finding) -> bool:
    return (first.metric, first.key, first.condition, first.bound) == (
        other.metric,
        other.key,
        other.condition,
        other.bound,
    )


def _obstacle(threshold: Threshold, base: Baseline | None) -> tuple[Outcome, str] | None:
    """Why a change cannot be judged: nothing to compare with, or no share of it."""
    if base is None and threshold.against == "champion":
        return "error", "the champion was not measured"
    if base is None:
        return "uncertain", NO_BASELINE[threshold.against]
    if threshold.condition == "min_relative_change" and base.value == 0:
        return "error", "a relative change against a baseline of 0 has no meaning"
    return None


def _answers(case: _Case, *, level: float) -> set[bool]:
    """Whether the demand holds, at every point that the intervals leave open once they are widened to a level."""
    holds, metric, base, bound = _holds(case), case.metric, case.baseline, case.threshold.bound
    if metric.value is None or metric.low is None or metric.high is None:
        return {holds(float(metric.value or 0))}
    # A band or a single value can be missed on either side, each of which takes its share of the level.
    sides = 2 if case.threshold.condition in ("equal_to", "between") else 1
    widen = partial(widened, level=level, tests=case.tests * sides)
    low, value, high = widen((float(metric.low), float(metric.value), float(metric.high)))
    if base is not None and base.low is not None and base.high is not None:
        below, start, above = widen((base.low, base.value, base.high))
        # Distances to the limits of both are added in squares (method of variance estimates recovery, Zou and
        # Donner, 2008): two runs, or two models in one run, each bring an error of their own.
        low, high = value - math.hypot(value - low, above - start), value + math.hypot(high - value, start - below)
    inner = bound if isinstance(bound, tuple) else (bound,)
    inside = [bound_value for bound_value in inner if base is None and low < bound_value < high]
    return {holds(point) for point in (low, high, *inside)}


def _holds(case: _Case) -> Callable[[float], bool]:
    """The demand as a predicate on one number; tolerance is a share of the bound."""
    threshold, base = case.threshold, case.baseline
    if isinstance(threshold.bound, tuple):
        low, high = threshold.bound
        low, high = low - threshold.tolerance * abs(low), high + threshold.tolerance * abs(high)
        return lambda seen: low <= seen <= high
    bound = threshold.bound
    slack = threshold.tolerance * abs(bound)
    if base is not None:
        start = base.value
        sign = 1.0 if case.metric.better == "higher" else -1.0
        unit = abs(start) if threshold.condition == "min_relative_change" else 1.0
        return lambda seen: sign * (seen - start) / unit >= bound - slack
    return {
        "equal_to": lambda seen: abs(seen - bound) <= slack,
        "greater_than": lambda seen: seen > bound - slack,
        "geq_to": lambda seen: seen >= bound - slack,
        "less_than": lambda seen: seen < bound + slack,
        "leq_to": lambda seen: seen <= bound + slack,
    }[threshold.condition]


def _waive(finding: Finding, waivers: Iterable[Waiver], moment: datetime) -> Finding:
    if finding.outcome not in ("fail", "warn", "uncertain"):
        return finding
    for waiver in waivers:
        fits = waiver.check == finding.check and waiver.metric == finding.metric and waiver.key in (None, finding.key)
        if fits and waiver.is_live(moment):
            note = f"waived until {waiver.expires} by {waiver.approver} ({waiver.ticket}): {waiver.reason}"
            return replace(finding, outcome="waived", sentence=f"{finding.sentence}; {note}", waiver=waiver.ticket)
    return finding
