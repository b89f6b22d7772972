"""Limits of ROC areas and of ratios of shares."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.stats import binom, norm, poisson

from model_governance.stats.limits import RatioOfShares, RocArea, read_limits
from model_governance.stats.limits.areas import standard_error


def test_the_error_of_an_area_of_a_half_is_that_of_mann_and_whitney():
    assert standard_error(0.5, [(40, 60)]) == pytest.approx(math.sqrt(101 / (12 * 40 * 60)), rel=0.01)
    assert standard_error(0.5, [(40, 40)] * 4) == pytest.approx(math.sqrt(81 / (12 * 40 * 40)) / 2)


def test_limits_of_an_area_cover_the_truth_at_the_stated_rate():
    draw = np.random.default_rng(1)
    shift, n, runs = 0.5, 150, 800
    truth = float(norm.cdf(shift / math.sqrt(2)))
    missed = [0, 0]
    for _ in range(runs):
        before, now = draw.normal(size=n), draw.normal(shift, size=n)
        area = float(np.searchsorted(np.sort(before), now).mean() / n)
        limits = RocArea(value=area, rows=((n, n),))
        missed[0] += limits.low(0.025) > truth
        missed[1] += limits.high(0.025) < truth
    assert all(binom.sf(count - 1, runs, 0.025) > 0.001 for count in missed)
    assert sum(missed) > 0.03 * runs, "the limits are no wider than they must be"


def test_an_area_of_one_has_a_lower_limit_below_one():
    limits = RocArea(value=1.0, rows=((20, 20),))
    assert 0.8 < limits.low(0.025) < 0.99
    assert limits.high(0.025) == 1


@pytest.mark.parametrize(("common", "rows"), [(0.0013, 500), (0.002, 30_000), (0.05, 2000)])
@pytest.mark.parametrize("tail", [0.025, 0.0001])
def test_the_lower_limit_of_a_ratio_keeps_its_level_exactly(common, rows, tail):
    # Every pair of counts with a probability that matters, weighted by it: no simulation can see a ten-thousandth.
    reference = 100_000
    before = np.unique(poisson.ppf(np.linspace(0.001, 0.999, 60), common * reference)).astype(int)
    weights = np.diff(np.append(0, poisson.cdf(before, common * reference)))
    beyond = 0.0
    for count, weight in zip(before, weights, strict=True):
        counts = np.arange(int(binom.ppf(1 - 1e-7, rows, common)) + 2)
        first = next(
            (now for now in counts if RatioOfShares(first=(count, reference), second=(now, rows)).low(tail) > 1), None
        )
        beyond += 0 if first is None else weight * binom.sf(first - 1, rows, common)
    assert beyond <= tail * 1.02


def test_limits_of_a_ratio_of_common_shares_are_as_wide_as_they_must_be():
    draw = np.random.default_rng(2)
    runs, n, m = 2000, 5000, 1000
    before, now = draw.binomial(n, 0.6, runs), draw.binomial(m, 0.6, runs)
    limits = [RatioOfShares(first=(a, n), second=(b, m)) for a, b in zip(before.tolist(), now.tolist(), strict=True)]
    covered = np.mean([limit.low(0.025) <= 1 <= limit.high(0.025) for limit in limits])
    assert 0.935 < covered < 0.975


def test_a_ratio_is_finite_and_open_where_the_reference_has_no_flag():
    limits = RatioOfShares(first=(0, 1000), second=(2, 1000))
    assert limits.value == 4
    assert limits.low(0.025) < 1 < 4 < limits.high(0.025) < math.inf
    assert RatioOfShares(first=(0, 100_000), second=(30, 500)).low(0.0001) > 100
    nothing = RatioOfShares(first=(130, 100_000), second=(0, 500))
    assert (nothing.value, nothing.low(0.025)) == (0, 0)
    assert nothing.high(0.025) > 2
    assert RatioOfShares(first=(500, 500), second=(500, 500)).low(0.025) < 1


@pytest.mark.parametrize(
    "limits",
    [RocArea(value=0.7, rows=((30.0, 40.0),), spread=1.2), RatioOfShares(first=(3, 900), second=(5, 400))],
    ids=["area", "ratio"],
)
def test_limits_can_be_stored_and_widened(limits):
    stored = read_limits(json.loads(json.dumps(limits.record())))
    assert stored.interval() == limits.interval()
    wider = limits.inflated(2)
    assert wider.low(0.025) < limits.low(0.025)
    assert wider.high(0.025) > limits.high(0.025)
    assert limits.detectable(2.0 if isinstance(limits, RatioOfShares) else 0.6, 0.001) > 0.6
