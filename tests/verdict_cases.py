"""Metrics, thresholds and the verdict that a policy of one check reaches over them."""

from __future__ import annotations

from datetime import UTC, datetime

from model_governance.contract.result import CheckResult, Metric
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.verdict import Verdict, judge

TODAY = datetime(2026, 6, 1, tzinfo=UTC)


def metric(
    value, *, name="psi", low=None, high=None, n=1000, key=None, better="lower", reason="", p_value=None
) -> Metric:
    return Metric(
        name=name, value=value, low=low, high=high, n=n, key=key, meaning="m", better=better, reason=reason,
        p_value=p_value,
    )  # fmt: skip


def verdict(
    metrics, *thresholds, baselines=None, waivers=(), fail_on="error", on_uncertain="warn", alarms=None, earlier=()
) -> Verdict:
    spec = CheckSpec(kind="data_drift", thresholds=thresholds)
    policy = Policy.model_construct(
        checks={"drift": spec},
        waivers=waivers,
        fail_on=fail_on,
        on_uncertain=on_uncertain,
        alarms=alarms or AlarmSpec(),
    )
    result = CheckResult(kind="data_drift", seed=1, metrics=tuple(metrics))
    return judge("drift", result, policy, moment=TODAY, baselines=baselines or {}, earlier=earlier)
