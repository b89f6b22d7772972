"""The limits of a change: distances of both ends to their limits, added in squares (Zou and Donner, 2008)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from model_governance.policy import Threshold
from model_governance.stats.limits import MISSED, ExactShare, Stretched
from model_governance.verdict import Baseline
from model_governance.verdict.requirement import (
    Allowed,
    Change,
    allowed_change,
    change_of,
    detectable_beyond,
    limits_of,
    nearest_limit,
    p_violated,
    surely_allowed,
)
from verdict_cases import metric

OWN, BASE = ExactShare(successes=160.0, n=200.0), ExactShare(successes=450.0, n=500.0)
BOTH = Change(value=0.8, base_value=0.9, own=OWN, base=BASE, shared=0.25)
TAIL = 1e-3


def test_both_ends_bring_an_error_of_their_own():
    assert BOTH.low(TAIL) == pytest.approx(-0.1 - math.hypot(0.8 - OWN.low(TAIL), BASE.high(TAIL) - 0.9))
    assert BOTH.high(TAIL) == pytest.approx(-0.1 + math.hypot(OWN.high(TAIL) - 0.8, 0.9 - BASE.low(TAIL)))


def test_an_end_without_limits_is_exact():
    number, baseline = replace(BOTH, own=None), replace(BOTH, base=None)
    assert number.low(TAIL) == pytest.approx(-0.1 - (BASE.high(TAIL) - 0.9))
    assert number.high(TAIL) == pytest.approx(-0.1 + (0.9 - BASE.low(TAIL)))
    assert baseline.low(TAIL) == pytest.approx(-0.1 - (0.8 - OWN.low(TAIL)))
    assert baseline.high(TAIL) == pytest.approx(-0.1 + (OWN.high(TAIL) - 0.8))


@pytest.mark.parametrize("missing", [None, "own", "base"])
def test_noise_widens_both_ends_and_moves_neither(missing):
    change = BOTH if missing is None else replace(BOTH, **{missing: None})
    noisy = change.inflated(4.0)
    assert (noisy.value, noisy.base_value, noisy.shared) == (0.8, 0.9, 0.25)
    assert noisy.own == (None if missing == "own" else OWN.inflated(4.0))
    assert noisy.base == (None if missing == "base" else BASE.inflated(4.0))


def test_what_can_be_detected_lies_beyond_the_bound_by_level_and_power():
    detected = BOTH.detectable(0.02, TAIL)
    assert detected == pytest.approx(0.02 + (-0.1 - BOTH.low(TAIL)) + (BOTH.high(MISSED) + 0.1))
    assert detected > 0.02
    assert detectable_beyond(BOTH, Allowed(high=0.02), tail=TAIL) == detected
    assert detectable_beyond(BOTH, Allowed(low=-0.02), tail=TAIL) == pytest.approx(
        -0.02 - (BOTH.high(TAIL) + 0.1) - (-0.1 - BOTH.low(MISSED))
    )


def test_what_can_be_detected_of_a_share_is_exact_on_either_side():
    above = OWN.detectable(0.9, TAIL)
    assert detectable_beyond(OWN, Allowed(high=0.9), tail=TAIL) == above
    below = ExactShare(successes=40.0, n=200.0).detectable(0.3, TAIL)
    assert detectable_beyond(OWN, Allowed(low=0.7), tail=TAIL) == pytest.approx(1 - below)
    assert detectable_beyond(OWN, Allowed(low=0.0), tail=TAIL) is None


def test_the_baseline_s_part_of_the_variance_is_shared_by_all_runs():
    seen = metric(0.8, low=0.7, high=0.9, name="accuracy", better="higher")
    change = change_of(seen, Baseline(value=0.9, low=0.85, high=0.95))
    assert (change.value, change.base_value, change.shared) == (0.8, 0.9, pytest.approx(0.1**2 / (0.1**2 + 0.2**2)))
    assert change_of(seen, Baseline(value=0.9)).shared == 0
    assert change_of(metric(0.8, name="accuracy"), Baseline(value=0.9, low=0.85, high=0.95)).shared == 1
    assert change_of(metric(0.8, name="accuracy"), Baseline(value=0.9)) is None
    surely = metric(1.0, low=1.0, high=1.0, name="accuracy")
    assert change_of(surely, Baseline(value=0.9, low=0.9, high=0.9)).shared == 0


def test_limits_that_a_metric_brings_are_preferred_to_its_stretched_interval():
    seen = replace(metric(0.8, low=0.7, high=0.9, name="accuracy"), limits=OWN)
    assert limits_of(seen) is OWN
    change = change_of(seen, Baseline(value=0.9, low=0.85, high=0.95, limits=BASE))
    assert (change.own, change.base) == (OWN, BASE)
    assert limits_of(metric(0.8, low=0.7, high=0.9)) == Stretched(value=0.8, low95=0.7, high95=0.9)
    assert limits_of(metric(0.8)) is None


def test_a_number_that_fell_to_nothing_is_nothing():
    change = change_of(metric(0.0, low=0.0, high=0.1, name="accuracy"), Baseline(value=0.9))
    assert change.value == 0.0


@pytest.mark.parametrize(
    ("better", "condition", "tolerance", "allowed"),
    [
        ("higher", {"min_absolute_change": -0.1}, 0.0, Allowed(low=-0.1)),
        ("lower", {"min_absolute_change": -0.1}, 0.0, Allowed(high=0.1)),
        ("higher", {"min_relative_change": -0.1}, 0.0, Allowed(low=-0.05)),
        ("lower", {"min_relative_change": -0.1}, 0.0, Allowed(high=0.05)),
        ("higher", {"min_relative_change": -0.1}, 0.5, Allowed(low=-0.075)),
        ("higher", {"min_absolute_change": 0.1}, 0.5, Allowed(low=0.05)),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_relative_change_is_one_of_the_size_of_the_baseline(better, condition, tolerance, allowed, sign):
    threshold = Threshold(metric="accuracy", tolerance=tolerance, against="approved", **condition)
    found = allowed_change(threshold, metric(0.5, name="accuracy", better=better), Baseline(value=0.5 * sign))
    assert (found.low, found.high) == pytest.approx((allowed.low, allowed.high))


@pytest.mark.parametrize(
    ("allowed", "side"),
    [
        (Allowed(high=0.7), "low"),
        (Allowed(high=0.9), "low"),
        (Allowed(low=0.9), "high"),
        (Allowed(low=0.7), "high"),
        (Allowed(low=0.1, high=0.7), "low"),
        (Allowed(low=0.1, high=0.85), "low"),
        (Allowed(low=0.9, high=1.0), "high"),
        (Allowed(low=0.75, high=1.0), "high"),
        (Allowed(low=0.7, high=0.9), "low"),
    ],
)
def test_the_limit_that_decides_is_the_one_towards_the_nearer_end(allowed, side):
    assert nearest_limit(OWN, allowed, value=0.8, tail=TAIL) == getattr(OWN, side)(TAIL)


def test_halfway_between_two_ends_the_lower_limit_decides():
    share = ExactShare(successes=150.0, n=200.0)
    assert nearest_limit(share, Allowed(low=0.5, high=1.0), value=0.75, tail=TAIL) == share.low(TAIL)


@pytest.mark.parametrize(
    ("allowed", "p_value"),
    [
        (Allowed(high=0.7), OWN.p_above(0.7)),
        (Allowed(low=0.9), OWN.p_below(0.9)),
        (Allowed(low=0.1, high=0.7), 2 * OWN.p_above(0.7)),
        (Allowed(low=0.9, high=0.95), 2 * OWN.p_below(0.9)),
        (Allowed(low=0.7, high=0.9), 1.0),
    ],
)
def test_two_sides_share_the_level(allowed, p_value):
    assert p_violated(OWN, allowed) == pytest.approx(p_value)


@pytest.mark.parametrize(
    ("allowed", "surely"),
    [
        (Allowed(low=0.5), True),
        (Allowed(low=0.79), False),
        (Allowed(high=0.81), False),
        (Allowed(high=0.95), True),
        (Allowed(low=0.5, high=0.81), False),
        (Allowed(low=0.79, high=0.95), False),
        (Allowed(low=0.5, high=0.95), True),
    ],
)
def test_a_pass_needs_the_whole_interval(allowed, surely):
    assert surely_allowed(OWN, allowed) is surely
