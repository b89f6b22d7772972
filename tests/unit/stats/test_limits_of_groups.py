"""Limits of distances, ranges, ratios and maxima: how often they miss, and that a record gives them back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import t

from model_governance.stats.limits import (
    AbsoluteDifference,
    ExactShare,
    LargestOf,
    RangeOf,
    SmallestRatio,
    StudentT,
    read_limits,
)

TAILS = (0.5, 0.3, 0.05, 0.025, 0.01, 1e-4, 1e-7)
TWO = AbsoluteDifference(first=(40.0, 100.0), second=(60.0, 100.0))
RANGE = RangeOf(
    value=0.2, middle=0.18, low95=0.05, high95=0.3,
    groups=tuple(ExactShare(successes=hits, n=100.0) for hits in (40.0, 50.0, 60.0)),
)  # fmt: skip
FAMILIES = [
    TWO,
    RANGE,
    SmallestRatio(shares=((4.0, 300.0), (9.0, 250.0), (20.0, 900.0))),
    StudentT(value=1.0, error=0.2, freedom=12.0),
    LargestOf(parts=(TWO, RANGE)),
]


@pytest.mark.parametrize("limits", FAMILIES, ids=lambda limits: limits.family)
def test_limits_move_outwards_with_the_level_and_with_the_variance(limits):
    lows, highs = [limits.low(tail) for tail in TAILS], [limits.high(tail) for tail in TAILS]
    assert lows == sorted(lows, reverse=True)
    assert highs == sorted(highs)
    wider = limits.inflated(4.0)
    for tail in TAILS[3:]:
        assert wider.low(tail) <= limits.low(tail) + 1e-9
        assert wider.high(tail) >= limits.high(tail) - 1e-9


@pytest.mark.parametrize("limits", FAMILIES, ids=lambda limits: limits.family)
def test_limits_come_back_from_their_record(limits):
    assert read_limits(json.loads(json.dumps(limits.record()))) == limits


@pytest.mark.parametrize("limits", FAMILIES, ids=lambda limits: limits.family)
def test_a_bound_is_excluded_exactly_where_the_limit_lies_beyond_it(limits):
    for bound in (0.01, 0.1, 0.5, 0.8):
        p_value = limits.p_above(bound)
        if 1e-9 < p_value < 0.4:
            assert limits.low(p_value * 1.05) > bound >= limits.low(p_value * 0.95)


def test_a_distance_is_missed_from_either_direction_as_often_as_stated():
    draw = np.random.default_rng(4)
    above = 0
    for _ in range(2000):
        first, second = draw.binomial(400, 0.5, 2).astype(float)
        above += AbsoluteDifference(first=(first, 400.0), second=(second, 400.0)).low(0.05) > 0
    # The signed limits, folded without care, would miss 0 twice as often.
    assert 0.035 <= above / 2000 <= 0.065


def test_the_largest_is_above_what_any_part_surely_exceeds():
    weak, strong = ExactShare(successes=5.0, n=100.0), ExactShare(successes=60.0, n=100.0)
    both = LargestOf(parts=(weak, strong))
    assert both.low(0.02) == strong.low(0.01)
    assert both.high(0.02) == strong.high(0.02)
    assert both.p_above(0.4) == pytest.approx(2 * strong.p_above(0.4))


def test_the_mean_s_limits_are_those_of_student():
    limits = StudentT(value=1.0, error=0.2, freedom=9.0)
    assert limits.interval() == pytest.approx(t.interval(0.95, 9, 1.0, 0.2))
    assert limits.low(1e-6) == pytest.approx(1.0 - t.isf(1e-6, 9) * 0.2)


def test_a_range_is_judged_by_exact_pairs_beyond_its_interval():
    assert RANGE.interval() == pytest.approx((0.05, 0.3))
    assert RANGE.low(1e-4) == 0
    rare = RangeOf(
        value=0.03, middle=0.029, low95=0.02, high95=0.06,
        groups=tuple(ExactShare(successes=hits, n=100.0) for hits in (0.0, 0.0, 3.0)),
    )  # fmt: skip
    # Stretching the interval alone would prove a difference by three rows.
    assert rare.low(1e-3) == 0
