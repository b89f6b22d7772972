"""Limits of ROC areas and of ratios of shares."""

from __future__ import annotations

import bisect
import json
import math

import numpy as np
import pytest
from scipy.stats import binom, norm, poisson

from model_governance.stats.limits import RatioOfShares, RocArea, read_limits
from model_governance.stats.limits.areas import standard_error, third_moment


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


@pytest.mark.parametrize("positives", [20, 50])
@pytest.mark.parametrize("truth", [0.7, 0.85, 0.95])
def test_an_area_is_not_called_below_its_true_value_more_often_than_stated(truth, positives):
    draw, negatives, runs, tail = np.random.default_rng(11), 200, 12_000, 1e-3
    shift = math.sqrt(2) * float(norm.ppf(truth))
    areas = np.empty(runs)
    for run in range(runs):
        before = np.sort(draw.standard_normal(negatives))
        areas[run] = np.searchsorted(before, draw.standard_normal(positives) + shift).sum()
    areas = np.sort(areas) / (negatives * positives)

    def limits(area: float) -> RocArea:
        return RocArea(value=float(area), rows=((negatives, positives),))

    below = bisect.bisect_left(areas, True, key=lambda area: limits(area).high(tail) >= truth)
    above = runs - bisect.bisect_left(areas, True, key=lambda area: limits(area).low(tail) > truth)
    # Without the correction for skewness the first are 1.3 to 3 times the nominal ones.
    assert below <= binom.isf(0.01, runs, tail)
    assert above <= binom.isf(0.01, runs, tail)


@pytest.mark.parametrize(("area", "rows"), [(0.85, (60, 30)), (0.7, (40, 40)), (0.25, (30, 60))])
def test_the_third_moment_is_that_of_the_model_of_the_error(area, rows):
    # Scores of one class are the largest of `odds` draws of the other; which class, the formula leaves open.
    draw, (negatives, positives), runs = np.random.default_rng(5), rows, 40_000
    odds, found = area / (1 - area), []
    for n, m in ((negatives, positives), (positives, negatives)):
        before, now = np.sort(draw.random((runs, n))), draw.random((runs, m)) ** (1 / odds)
        seen = np.array([np.searchsorted(*pair).sum() for pair in zip(before, now, strict=True)]) / (n * m)
        assert seen.mean() == pytest.approx(area, abs=0.002)
        found.append(float(((seen - seen.mean()) ** 3).mean()))
    assert np.mean(found) == pytest.approx(third_moment(area, [rows]), rel=0.15)


def test_skewness_is_mirrored_with_the_area_and_is_none_at_a_half():
    rows = [(40, 150), (30, 30)]
    assert third_moment(0.5, rows) == 0
    assert third_moment(0.2, rows) == pytest.approx(-third_moment(0.8, rows))
    assert third_moment(0.8, rows) < 0
    mirrored = RocArea(value=0.2, rows=((40, 150),)), RocArea(value=0.8, rows=((40, 150),))
    assert mirrored[0].low(1e-4) == pytest.approx(1 - mirrored[1].high(1e-4))
    assert mirrored[0].high(1e-4) == pytest.approx(1 - mirrored[1].low(1e-4))


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
