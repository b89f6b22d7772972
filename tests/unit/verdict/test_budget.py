"""The alarm budget: what a run may spend, who shares it, and what of its promise rests on which assumption."""

from __future__ import annotations

import pytest

from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.stats.multiplicity import adjusted
from model_governance.verdict import budget_of
from model_governance.verdict.budget import ACCUMULATED, WARN_LEVEL, Budget


def policy(*severities: str, fail_on: str = "error", **alarms) -> Policy:
    thresholds = [{"metric": "m", "less_than": 1, "severity": one} for one in severities]
    return Policy.model_construct(
        checks={"c": CheckSpec(kind="k", thresholds=thresholds)}, fail_on=fail_on, alarms=AlarmSpec(**alarms)
    )


@pytest.mark.parametrize(("accepted", "confidence", "runs"), [(4, 0.95, 365), (0, 0.95, 365), (12, 0.99, 250)])
def test_the_worst_year_there_can_be_breaks_the_budget_exactly_as_often_as_the_owner_accepts(
    accepted, confidence, runs
):
    level = budget_of(policy("error", false_fails_per_year=accepted, confidence=confidence, runs_per_year=runs)).level
    # Markov's bound is met with equality where false fails come in bunches of accepted + 1 runs and never else.
    share_of_bad_years = level * runs / (accepted + 1)
    assert share_of_bad_years == pytest.approx(1 - confidence)


def test_more_alarms_than_nights_leave_no_level_above_one():
    assert budget_of(policy("error", false_fails_per_year=10_000)).level == 1.0


def test_thresholds_that_cannot_stop_a_night_take_nothing_from_those_that_can():
    alone = budget_of(policy("error")).level
    assert budget_of(policy("error", "warn", "info")).level == alone
    assert budget_of(policy("error", "warn", "info", fail_on="warn")).level == alone / 2


def test_a_policy_that_only_warns_has_a_budget_that_nothing_shares():
    assert budget_of(policy("warn")).level == pytest.approx(0.05 * 5 / 365)


def test_a_warning_keeps_the_customary_level():
    spec = policy("error", "warn")
    error, warn = spec.checks["c"].thresholds
    budget = budget_of(spec)
    own = 1 - ACCUMULATED
    assert budget.level_for(error) == pytest.approx(own * budget.level)
    assert budget.level_for(warn) == pytest.approx(own * WARN_LEVEL)
    assert budget.level_for(warn) > budget.level


def test_evidence_of_one_run_and_of_all_runs_share_the_level_of_a_threshold():
    spec = policy("error", "error")
    budget, threshold = budget_of(spec), spec.checks["c"].thresholds[0]
    shares = budget.level_for(threshold), budget.accumulated_level_for(threshold)
    assert sum(shares) == pytest.approx(budget.level)
    assert 2 * sum(shares) == pytest.approx(spec.level_per_run)


def test_a_generous_budget_is_not_cut_down_to_the_level_of_warnings():
    spec = policy("error", "warn", false_fails_per_year=3650)
    levels = [budget_of(spec).level_for(threshold) for threshold in spec.checks["c"].thresholds]
    assert levels == [pytest.approx(0.8 * 0.05 * 3651 / 365)] * 2


def test_every_severity_that_stops_a_night_is_bound_by_the_budget():
    spec = policy("error", "warn", fail_on="warn")
    budget = budget_of(spec)
    levels = [budget.level_for(threshold) for threshold in spec.checks["c"].thresholds]
    assert levels == [pytest.approx(0.8 * budget.level)] * 2


def hommel(columns: int, level: float) -> list[tuple[float, list[float]]]:
    """The joint distribution on which Simes' rule errs most (Hommel, 1983), as (chance, p-values) of its events.

    With the chance level / j, j columns have p-values just within j * level / columns; every p-value alone is uniform.
    """
    return [
        (level / count, [count * level / columns] * count + [1.0] * (columns - count))
        for count in range(1, columns + 1)
    ]


def test_under_the_worst_dependence_of_columns_only_bonferroni_keeps_the_level():
    columns, level = 50, 0.05 * 5 / 365

    def chance_of_a_fail(method: str) -> float:
        return sum(
            chance for chance, p_values in hommel(columns, level)
            if min(adjusted(p_values, method)) <= level * (1 + 1e-12)
        )  # fmt: skip

    assert chance_of_a_fail("bonferroni") == pytest.approx(level)
    harmonic = sum(1 / count for count in range(1, columns + 1))
    assert chance_of_a_fail("benjamini_hochberg") == pytest.approx(level * harmonic), "4.5 times for 50 columns"


def test_a_budget_binds_errors_if_nothing_else_is_named():
    error, warn = policy("error", "warn").checks["c"].thresholds
    budget = Budget(level=0.01, adjust="bonferroni")
    assert (budget.level_for(error), budget.level_for(warn)) == pytest.approx((0.008, 0.8 * WARN_LEVEL))


@pytest.mark.parametrize("method", ["bonferroni", "benjamini_hochberg"])
def test_an_adjusted_p_value_is_one_at_most(method):
    assert adjusted([0.6, 0.9], method)[1] <= 1.0
    assert max(adjusted([0.6, 1.0], method)) == 1.0
