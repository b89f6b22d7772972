"""From which bound on a change of twice its size is proven by one run."""

from __future__ import annotations

import pytest
from scipy.stats import binom, norm

from model_governance.authoring.calibration.detectable import bound_seen_at_twice, smallest_detectable
from model_governance.contract.result import Metric
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.stats.limits import ExactShare, StudentT
from model_governance.verdict import Baseline, budget_of

ROWS = 2_000
ERROR = 0.01


def budget():
    check = CheckSpec(kind="k", thresholds=[{"metric": "m", "less_than": 1}])
    return budget_of(Policy.model_construct(checks={"c": check}, alarms=AlarmSpec(), fail_on="error"))


def threshold(**fields):
    return CheckSpec(kind="k", thresholds=[{"metric": "m"} | fields]).thresholds[0]


def share(value: float, key: str | None = None, better: str = "lower") -> Metric:
    limits = ExactShare(successes=value * ROWS, n=float(ROWS))
    return Metric(name="m", value=value, n=ROWS, meaning="m", better=better, key=key, limits=limits)


def normal(value: float) -> Metric:
    limits = StudentT(value=value, error=ERROR, freedom=1e9)
    return Metric(name="m", value=value, n=ROWS, meaning="m", better="higher", limits=limits)


def windows(*metrics: Metric):
    return [(metrics, {})] * 3


def test_a_change_of_twice_the_bound_fails_in_95_of_100_runs_exactly():
    bound = bound_seen_at_twice(windows(share(0.05)), threshold(less_than=0.06), 0.06, budget=budget())
    level = budget().level_for(threshold(less_than=0.06))
    least = next(count for count in range(ROWS) if binom.sf(count - 1, ROWS, bound) <= level)
    assert 0.06 < bound < 0.2
    assert binom.sf(least - 1, ROWS, 0.05 + 2 * (bound - 0.05)) == pytest.approx(0.95, abs=0.005)


def test_a_bound_from_which_twice_is_seen_stays_as_it_is():
    assert bound_seen_at_twice(windows(share(0.05)), threshold(less_than=0.2), 0.2, budget=budget()) == 0.2


def test_a_bound_below_moves_down():
    level = budget().level_for(threshold(geq_to=0.9))
    bound = bound_seen_at_twice(windows(normal(0.9)), threshold(geq_to=0.89), 0.89, budget=budget())
    assert bound == pytest.approx(0.9 - (norm.isf(level) + norm.isf(0.05)) * ERROR, rel=1e-3)


def test_the_error_of_the_reference_moves_the_bound_away_so_that_an_unlucky_reference_still_shows_twice():
    level = budget().level_for(threshold(geq_to=0.9))
    seen = windows(normal(0.9))
    bound = bound_seen_at_twice(seen, threshold(geq_to=0.89), 0.89, budget=budget(), reference_error=0.3)
    unlucky = 0.9 - norm.isf(0.05) * 0.3 * ERROR
    assert bound == pytest.approx(unlucky - (norm.isf(level) + norm.isf(0.05)) * ERROR, rel=1e-3)


def test_of_several_keys_the_one_that_needs_most_room_decides():
    few = [share(value, key) for value, key in ((0.01, "a"), (0.05, "b"))]
    alone = bound_seen_at_twice(windows(few[1]), threshold(less_than=0.06), 0.06, budget=budget())
    assert bound_seen_at_twice(windows(*few), threshold(less_than=0.06), 0.06, budget=budget()) >= alone


@pytest.mark.parametrize("change", ["min_absolute_change", "min_relative_change"])
def test_a_bound_on_a_change_moves_in_its_own_unit(change):
    level = budget().level_for(threshold(**{change: -0.01}))
    base = Baseline(value=0.5)
    seen = [((normal(0.5),), {"m": base})]
    bound = bound_seen_at_twice(seen, threshold(**{change: -0.01}), -0.01, budget=budget())
    absolute = -(norm.isf(level) + norm.isf(0.05)) * ERROR
    assert bound == pytest.approx(absolute if change == "min_absolute_change" else absolute / 0.5, rel=1e-3)


def test_without_limits_nothing_is_known():
    bare = Metric(name="m", value=3, n=ROWS, meaning="m", better="lower")
    assert bound_seen_at_twice(windows(bare), threshold(less_than=4), 4, budget=budget()) is None
    assert smallest_detectable(windows(bare), threshold(less_than=4), 4, budget=budget()) is None
