"""The largest factor of several shares: the limits of its ratios, stored as counts and computed together."""

from __future__ import annotations

import json

import numpy as np
import pytest

from model_governance.stats.limits import LargestOf, LargestShareFactor, RatioOfShares, read_limits

CASES = {
    "rare": ((20_000.0, 500.0), ((19_980.0, 495.0), (20.0, 5.0))),
    "vanished": ((20_000.0, 5_000.0), ((19_800.0, 5_000.0), (200.0, 0.0))),
    "many": ((20_000.0, 20_000.0), tuple((float(3 * place), float(400 - place)) for place in range(50))),
}


def factor(name) -> LargestShareFactor:
    rows, counts = CASES[name]
    return LargestShareFactor(rows=rows, counts=counts)


def one_by_one(limits: LargestShareFactor) -> LargestOf:
    """The same ratios, each with limits of its own."""
    n, m = limits.rows
    grown = [RatioOfShares(first=(a, n), second=(b, m)) for a, b in limits.counts]
    shrunk = [RatioOfShares(first=(b, m), second=(a, n)) for a, b in limits.counts]
    return LargestOf(parts=(*grown, *shrunk))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("tail", [0.3, 0.025, 1e-5])
def test_the_limits_are_those_of_the_ratios(name, tail):
    own, other = factor(name), one_by_one(factor(name))
    assert own.low(tail) == pytest.approx(max(1.0, other.low(tail)))
    assert own.high(tail) == pytest.approx(other.high(tail))
    wider = own.inflated(2.5)
    assert wider.low(tail) == pytest.approx(max(1.0, other.inflated(2.5).low(tail)))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bound", [1.0, 1.5, 3.0, 50.0])
def test_p_values_in_closed_form_are_those_found_by_bisection(name, bound):
    own, other = factor(name), one_by_one(factor(name))
    assert (
        own.p_above(bound) == pytest.approx(other.p_above(bound), rel=1e-3)
        or min(own.p_above(bound), other.p_above(bound)) >= 0.5
    )
    assert (
        own.p_below(bound) == pytest.approx(other.p_below(bound), rel=1e-3)
        or min(own.p_below(bound), other.p_below(bound)) >= 0.5
    )


def test_a_factor_counts_both_directions_and_is_never_below_one():
    assert factor("vanished").value == pytest.approx(100)
    assert factor("vanished").low(1e-6) > 3
    equal = LargestShareFactor(rows=(1000.0, 500.0), counts=((1000.0, 500.0),))
    assert (equal.value, equal.low(0.3)) == (1.0, 1.0)
    assert equal.p_above(0.9) == 0
    assert equal.p_below(1.0) == 1


def test_a_factor_is_stored_in_a_few_numbers_and_read_again():
    limits = factor("many")
    record = json.dumps(limits.record())
    assert len(record) < 1500
    assert read_limits(json.loads(record)) == limits


def test_what_is_detectable_is_that_of_the_category_that_shows_least():
    rare, common = ((20.0, 5.0),), ((2_000.0, 500.0),)
    rows = (20_000.0, 5_000.0)
    alone = LargestShareFactor(rows=rows, counts=common).detectable(1.5, 1e-4)
    both = LargestShareFactor(rows=rows, counts=common + rare).detectable(1.5, 1e-4)
    assert 1.5 < alone < 2.5 < both
    assert LargestShareFactor(rows=rows, counts=common).detectable(0.5, 1e-4) is None
    draw = np.random.default_rng(1)
    seen = [
        LargestShareFactor(rows=rows, counts=((2_000.0, float(draw.binomial(5_000, 0.1 * alone))),)).low(1e-4) > 1.5
        for _ in range(300)
    ]
    assert np.mean(seen) > 0.9
