"""Metrics, thresholds and the verdict that a policy of one check reaches over them."""

from __future__ import annotations

from datetime import UTC, datetime

from model_governance.contract.result import CheckResult, Metric
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.stats.limits import ExactShare
from model_governance.verdict import Verdict, judge

TODAY = datetime(2026, 6, 1, tzinfo=UTC)


def metric(
    value, *, name="psi", low=None, high=None, n=1000, key=None, better="lower", reason="", p_value=None
) -> Metric:
    return Metric(
        name=name, value=value, low=low, high=high, n=n, key=key, meaning="m", better=better, reason=reason,
        p_value=p_value,
    )  # fmt: skip


def share(hits: float, rows: float, *, name="share", better="lower", key=None) -> Metric:
    """A share of rows with its exact limits."""
    limits = ExactShare(successes=float(hits), n=float(rows))
    low, high = limits.interval()
    return Metric(
        name=name,
        value=hits / rows,
        low=low,
        high=high,
        n=int(rows),
        key=key,
        meaning="m",
        better=better,
        limits=limits,
    )


def policy_of(*thresholds, waivers=(), fail_on="error", on_uncertain="warn", alarms=None) -> Policy:
    """A policy of one check, `drift`."""
    return Policy.model_construct(
        checks={"drift": CheckSpec(kind="data_drift", thresholds=thresholds)},
        waivers=waivers, fail_on=fail_on, on_uncertain=on_uncertain, alarms=alarms or AlarmSpec(),
    )  # fmt: skip


def verdict(metrics, *thresholds, baselines=None, earlier=(), basis="", **rules) -> Verdict:
    result = CheckResult(kind="data_drift", seed=1, metrics=tuple(metrics))
    policy = policy_of(*thresholds, **rules)
    return judge("drift", result, policy, moment=TODAY, baselines=baselines or {}, earlier=earlier, basis=basis)
