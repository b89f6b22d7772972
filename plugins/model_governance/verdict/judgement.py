"""The only place where numbers meet thresholds: judge a result, combine the verdicts of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.contract.moments import end_of
from model_governance.contract.result import label_of
from model_governance.stats.multiplicity import adjusted
from model_governance.verdict.budget import budget_of
from model_governance.verdict.finding import FailPolicy, Finding, Verdict, damage_finding, fail_policy_of
from model_governance.verdict.measurement import Evidence, measurement_of
from model_governance.verdict.outcome import judged_finding
from model_governance.verdict.requirement import Baseline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from model_governance.contract.result import CheckResult, Metric
    from model_governance.policy import Policy, Threshold, Waiver
    from model_governance.verdict.budget import Budget
    from model_governance.verdict.finding import Outcome

MOST_DAMAGED = 3
"""The most damaged objects that a sentence names."""


def baselines_of(result: CheckResult) -> dict[str, Baseline]:
    """The numbers of a result by label, absent ones left out: what a threshold on change compares with."""
    return {
        metric.label: Baseline(value=metric.value, low=metric.low, high=metric.high, limits=metric.limits)
        for metric in result.metrics
        if metric.value is not None
    }


def judge(
    name: str,
    result: CheckResult,
    policy: Policy,
    *,
    moment: datetime,
    baselines: Mapping[str, Mapping[str, Baseline]] = {},
    earlier: Sequence[Verdict] = (),
    basis: str = "",
    granted: Sequence[Waiver] = (),
) -> Verdict:
    """The verdict of one check of a policy on its result.

    One rule gives every outcome. A threshold fails where the confidence limit at the level of the alarm budget lies
    beyond its bound, passes where the whole 95% interval is allowed, and is uncertain between. It fails too where the
    evidence of the runs so far, accumulated, excludes that it holds.

    Args:
        name: of the check in the policy.
        result: what it measured.
        policy: its thresholds, waivers and alarm budget.
        moment: logical date of the run, UTC; it decides which waivers are in force.
        baselines: what changes are measured from, by the name that `against` uses and by label.
        earlier: verdicts of the check in previous runs, the newest first: for `confirm`, for noise between runs, and
            for evidence that accumulates.
        basis: digest of what the metrics are compared with; evidence accumulates only as long as it stays.
        granted: waivers that were granted after the policy was written; those of the policy come first.
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
        base = baselines.get(threshold.against, {}) if threshold.is_change else {}
        judged = _judge_keys(name, metrics, threshold, budget=budget, baselines=base, earlier=earlier, basis=basis)
        findings.extend(_confirm(finding, threshold, earlier) for finding in _never_all_skipped(judged))
    waived = (_waive(finding, (*policy.waivers, *granted), moment) for finding in findings)
    return Verdict(name=name, findings=tuple(waived), fail_policy=fail_policy)


def _judge_keys(
    name: str,
    metrics: Sequence[Metric],
    threshold: Threshold,
    *,
    budget: Budget,
    baselines: Mapping[str, Baseline],
    earlier: Sequence[Verdict],
    basis: str,
) -> list[Finding]:
    """The metrics of one threshold, key by key; the keys share its level as the policy's `adjust` says."""
    level = budget.level_for(threshold)
    measured = [
        measurement_of(metric, threshold, baselines.get(metric.label), earlier=earlier, level=level / len(metrics))
        for metric in metrics
    ]
    with_evidence = [measurement for measurement in measured if measurement.p_value is not None]
    adjusted_values = adjusted([float(measurement.p_value or 0) for measurement in with_evidence], budget.adjust)
    rejected = sum(p_value <= level for p_value in adjusted_values)
    # The level that the clearest key's limit must have for limit and adjusted p-value to agree.
    tail = level / max(1, len(with_evidence))
    if budget.adjust == "benjamini_hochberg":
        tail *= max(1, rejected)
    p_values = dict(zip(map(id, with_evidence), adjusted_values, strict=True))
    return [
        judged_finding(
            name, measurement, threshold,
            evidence=Evidence(
                p_value=p_values.get(id(measurement)), level=level, tail=tail, keys=len(metrics),
                accumulated_level=budget.accumulated_level_for(threshold), earlier=earlier[:1], basis=basis,
            ),
        )
        for measurement in measured
    ]  # fmt: skip


def _never_all_skipped(findings: list[Finding]) -> list[Finding]:
    """The findings, the first uncertain where all were skipped: a threshold that judged nothing is no pass."""
    if not findings or any(finding.outcome != "skipped" for finding in findings):
        return findings
    first = findings[0]
    text = f"{first.sentence}; no key was left to judge: uncertain"
    return [replace(first, outcome="uncertain", sentence=text), *findings[1:]]


def unmeasured(name: str, problem: str, *, fail_policy: FailPolicy) -> Verdict:
    """The verdict of a check that could not measure: always an error."""
    finding = Finding(check=name, outcome="error", sentence=f"{name}: could not measure: {problem}")
    return Verdict(name=name, findings=(finding,), fail_policy=fail_policy)


def with_damage(verdict: Verdict, name: str, sentences: Sequence[str]) -> Verdict:
    """The verdict of a check with a warning that objects of earlier runs, or of tasks before it, are damaged; as it is where none is.

    What was measured in this run stands: the warning turns a pass into `warn`, and never stops the run.
    """
    if not sentences:
        return verdict
    more = f" And {len(sentences) - MOST_DAMAGED} more, in the record." if len(sentences) > MOST_DAMAGED else ""
    objects = "1 object" if len(sentences) == 1 else f"{len(sentences)} objects"
    text = (
        f"{name}: {objects} of earlier runs or tasks damaged and left out: {' '.join(sentences[:MOST_DAMAGED])}{more}"
    )
    return replace(verdict, findings=(*verdict.findings, damage_finding(name, text)))


def combine(
    name: str, verdicts: Sequence[Verdict], *, fail_policy: FailPolicy, problems: Sequence[str] = ()
) -> Verdict:
    """The verdict of a run; a run in which nothing was measured is an error, and so is each of its `problems`."""
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    findings += [Finding(check=name, outcome="error", sentence=f"{name}: {problem}") for problem in problems]
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


def _waive(finding: Finding, waivers: Sequence[Waiver], moment: datetime) -> Finding:
    """The finding, waived where a waiver of this very check, metric and key is in force at the moment of the run.

    One that expired covers nothing; the sentence says so, for the number fails again without having changed.
    """
    if finding.outcome not in ("fail", "warn", "uncertain"):
        return finding
    fitting = [
        waiver
        for waiver in waivers
        if waiver.check == finding.check and waiver.metric == finding.metric and waiver.key in (None, finding.key)
    ]
    for waiver in fitting:
        if waiver.is_live(moment):
            note = f"waived until {waiver.until} by {waiver.approver} ({waiver.ticket}): {waiver.reason}"
            return replace(finding, outcome="waived", sentence=f"{finding.sentence}; {note}", waiver=waiver.ticket)
    if not fitting:
        return finding
    last = max(fitting, key=lambda waiver: end_of(waiver.expires))
    expired = f"its waiver by {last.approver} ({last.ticket}) has expired: it was in force until {last.until}"
    return replace(finding, sentence=f"{finding.sentence}; {expired}")
