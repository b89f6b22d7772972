from __future__ import annotations

import math
from datetime import UTC, datetime
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_governance.authoring.calibration.critical import critical_bound, with_thresholds
from model_governance.contract.result import CheckResult, Metric
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.verdict import Baseline, budget_of, judge

TODAY = datetime(2026, 6, 1, tzinfo=UTC)
CONDITIONS = ("less_than", "leq_to", "greater_than", "geq_to")
numbers = st.floats(-50, 50).map(lambda one: round(one, 6))


def policy(**threshold) -> Policy:
    return Policy.model_construct(
        checks={"c": CheckSpec(kind="k", thresholds=[{"metric": "other", "less_than": 9}, {"metric": "m"} | threshold])},
        waivers=(), fail_on="error", on_uncertain="warn", alarms=AlarmSpec(),
    )  # fmt: skip


@st.composite
def metrics(draw):
    value, reach = draw(numbers), draw(st.floats(0.01, 5))
    kind = draw(st.sampled_from(["bare", "interval", "evidence"]))
    return {
        "value": value,
        "low": value - reach if kind == "interval" else None,
        "high": value + 2 * reach if kind == "interval" else None,
        "p_value": draw(st.sampled_from([1e-9, 1e-4, 0.3])) if kind == "evidence" else None,
    }


def result(found) -> CheckResult:
    own = [Metric(name="m", n=100, meaning="m", better="lower", key=str(k), **one) for k, one in enumerate(found)]
    other = Metric(name="other", value=1, n=100, meaning="o", better="lower")
    return CheckResult(kind="k", seed=1, metrics=(other, *own))


@settings(max_examples=60, deadline=None)
@given(
    found=st.lists(metrics(), min_size=1, max_size=4), condition=st.sampled_from(CONDITIONS), aside=st.floats(1e-6, 30)
)
def test_the_judge_fails_on_the_strict_side_of_the_critical_bound_and_nowhere_else(found, condition, aside):
    night, rules = result(found), policy(**{condition: 0.0})
    critical = critical_bound("c", 1, night, policy=rules, moment=TODAY)

    def fails(bound: float) -> bool:
        moved = rules.checks["c"].thresholds[1].model_copy(update={condition: bound})
        verdict = judge("c", night, with_thresholds(rules, "c", {1: moved}), moment=TODAY)
        return any(one.outcome == "fail" and one.metric == "m" for one in verdict.findings)

    strict = -1 if condition in ("less_than", "leq_to") else 1
    near = max(min(critical, 1e6), -1e6)
    assert not fails(near - strict * aside)
    if abs(critical) != float("inf"):
        assert fails(near + strict * aside)
    else:
        assert not fails(strict * 1e9)


def test_a_loss_against_the_last_run_has_a_critical_bound_too():
    run = result([{"value": 0.8, "low": 0.79, "high": 0.81}])
    rules = policy(min_absolute_change=-0.02)
    before = {"approved": {"m[0]": Baseline(value=0.7, low=0.69, high=0.71)}}
    # lower is better: a rise of 0.1, less the reach of both runs at the level, added in squares
    reach = math.sqrt(2) * 0.01 * NormalDist().inv_cdf(budget_of(rules).level) / NormalDist().inv_cdf(0.025)
    found = critical_bound("c", 1, run, policy=rules, moment=TODAY, baselines=before)
    assert found == pytest.approx(-0.1 + reach, abs=1e-6)


def test_a_threshold_that_other_runs_confirm_is_calibrated_on_the_current_run():
    run = result([{"value": 0.8, "low": None, "high": None}])
    rules = policy(less_than=0.5, confirm={"violations": 2, "window": 3})
    assert critical_bound("c", 1, run, policy=rules, moment=TODAY) == pytest.approx(0.8)
