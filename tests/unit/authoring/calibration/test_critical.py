"""The two critical bounds must be those at which `judge` changes its outcome, for any result and condition."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_governance.authoring.calibration.critical import critical_bounds, judged_metrics
from model_governance.contract.result import CheckResult, Metric
from model_governance.engine.cells import Table, pool_rare, thin_cells
from model_governance.engine.distances import population_stability
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.stats.limits import DifferenceOfShares, PartialConjunction
from model_governance.verdict import Baseline, budget_of, judge

TODAY = datetime(2026, 6, 1, tzinfo=UTC)
CONDITIONS = ("less_than", "leq_to", "greater_than", "geq_to")
ADJUSTMENTS = ("benjamini_hochberg", "bonferroni")
numbers = st.floats(-50, 50).map(lambda number: round(number, 6))


def policy(adjust: str = "benjamini_hochberg", **threshold) -> Policy:
    return Policy.model_construct(
        checks={"c": CheckSpec(kind="k", thresholds=[{"metric": "other", "less_than": 9}, {"metric": "m"} | threshold])},
        waivers=(), fail_on="error", on_uncertain="warn", alarms=AlarmSpec(adjust=adjust),
    )  # fmt: skip


def result(found: list[dict]) -> CheckResult:
    own = [
        Metric(**({"name": "m", "n": 100, "meaning": "m", "better": "lower", "key": str(key)} | fields))
        for key, fields in enumerate(found)
    ]
    other = Metric(name="other", value=1, n=100, meaning="o", better="lower")
    return CheckResult(kind="k", seed=1, metrics=(other, *own))


def bounds(measured: CheckResult, rules: Policy, baselines=None):
    threshold = rules.checks["c"].thresholds[1]
    metrics = judged_metrics(measured, threshold)
    return critical_bounds(metrics, threshold, budget=budget_of(rules), baselines=baselines or {})


def outcomes(measured: CheckResult, rules: Policy, bound: float, baselines=None) -> set[str]:
    spec = rules.checks["c"]
    threshold = spec.thresholds[1]
    moved = threshold.model_copy(update={threshold.condition: bound})
    checks = {"c": spec.model_copy(update={"thresholds": (spec.thresholds[0], moved)})}
    against = {threshold.against: baselines or {}}
    verdict = judge("c", measured, rules.model_copy(update={"checks": checks}), moment=TODAY, baselines=against)
    return {finding.outcome for finding in verdict.findings if finding.metric == "m"}


def check_both_sides(measured, rules, *, aside, upper, baselines=None):
    critical, strict = bounds(measured, rules, baselines), -1 if upper else 1
    for at, on_strict_side, on_loose_side in (
        (critical.fails, lambda seen: "fail" in seen, lambda seen: "fail" not in seen),
        (critical.passes, lambda seen: seen != {"pass"}, lambda seen: seen == {"pass"}),
    ):
        if math.isinf(at):
            continue
        slack = aside * max(1e-3, abs(at))
        assert on_strict_side(outcomes(measured, rules, at + strict * slack, baselines)), (critical, at)
        assert on_loose_side(outcomes(measured, rules, at - strict * slack, baselines)), (critical, at)


@st.composite
def families(draw):
    kind = draw(st.sampled_from(["bare", "interval", "evidence"]))
    found = []
    for _ in range(draw(st.integers(1, 4))):
        value, reach = draw(numbers), draw(st.floats(0.01, 5))
        found.append(
            {
                "value": value,
                "low": value - reach if kind == "interval" else None,
                "high": value + 2 * reach if kind == "interval" else None,
                "p_value": draw(st.sampled_from([1e-9, 1e-4, 0.3])) if kind == "evidence" else None,
            }
        )
    return found


@settings(max_examples=30, deadline=None)
@given(
    found=families(), condition=st.sampled_from(CONDITIONS), adjust=st.sampled_from(ADJUSTMENTS),
    tolerance=st.sampled_from([0.0, 0.1]),
)  # fmt: skip
def test_the_judge_changes_its_outcome_at_the_critical_bounds(found, condition, adjust, tolerance):
    rules = policy(adjust, tolerance=tolerance, **{condition: 0.0})
    check_both_sides(result(found), rules, aside=1e-4, upper=condition in ("less_than", "leq_to"))


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
@pytest.mark.parametrize("seed", range(3))
def test_random_tables_change_their_outcome_where_the_judge_says(adjust, seed):
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(5):
        shares = draw.dirichlet(np.full(8, 0.7))
        moved = 0.8 * shares + 0.2 * draw.dirichlet(np.full(8, 0.7))
        table = Table(reference=draw.multinomial(4000, shares), current=draw.multinomial(900, moved))
        psi = population_stability(pool_rare(table), thin=thin_cells(table, ordered=False))
        found.append({"value": psi.value, "limits": psi.limits, "low": psi.low, "high": psi.high})
    # Chi-square limits and p-values come from different branches of one approximation: equal to a part in a hundred.
    check_both_sides(result(found), policy(adjust, less_than=0.1), aside=0.02, upper=True)


@pytest.mark.parametrize(
    "limits",
    [
        DifferenceOfShares(first=(3, 900), second=(30, 800)),
        PartialConjunction(beyond=(1e-9, 1e-8, 0.2, 0.9), within=(0.05, 0.4, 0.9, 1.0)),
    ],
    ids=["rare share", "share of columns"],
)
def test_exact_families_change_their_outcome_where_the_judge_says(limits):
    value = limits.value if isinstance(limits, DifferenceOfShares) else 0.5
    low, high = limits.interval()
    found = {"value": value, "limits": limits, "low": min(low, value), "high": max(high, value)}
    check_both_sides(result([found]), policy(less_than=0.1), aside=1e-4, upper=True)


@pytest.mark.parametrize("condition", ["min_absolute_change", "min_relative_change"])
@pytest.mark.parametrize("better", ["higher", "lower"])
def test_a_change_has_critical_bounds_too(condition, better):
    measured = result([{"value": 0.8, "low": 0.79, "high": 0.812, "better": better}])
    before = {"m[0]": Baseline(value=0.7, low=0.69, high=0.71)}
    rules = policy(**{condition: -0.02})
    check_both_sides(measured, rules, aside=1e-4, upper=False, baselines=before)


def test_too_few_rows_pass_and_fail_under_no_bound():
    measured = result([{"value": 0.8, "low": 0.79, "high": 0.812}])
    critical = bounds(measured, policy(less_than=0.5, minimum_rows=1000))
    assert (critical.passes, critical.fails) == (math.inf, -math.inf)


def test_a_skipped_key_leaves_the_others_to_decide():
    absent = {"value": None, "reason": "no such class tonight", "absence": "skipped"}
    measured = result([{"value": 0.8, "low": 0.7, "high": 0.9}, absent])
    assert bounds(measured, policy(less_than=0.5)).passes == pytest.approx(0.9)


def test_an_uncertain_key_passes_under_no_bound():
    absent = {"value": None, "reason": "too few rows", "absence": "uncertain"}
    measured = result([{"value": 0.8, "low": 0.7, "high": 0.9}, absent])
    assert bounds(measured, policy(geq_to=0.5)).passes == -math.inf
