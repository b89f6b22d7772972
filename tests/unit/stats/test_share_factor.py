"""The largest factor of several shares: the limits of its ratios, stored as counts and computed together."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom

from model_governance.stats.limits import LargestShareFactor, read_limits

CASES = {
    "rare": ((20_000.0, 500.0), ((19_980.0, 495.0), (20.0, 5.0))),
    "vanished": ((20_000.0, 5_000.0), ((19_800.0, 5_000.0), (200.0, 0.0))),
    "many": ((20_000.0, 20_000.0), tuple((float(3 * place), float(400 - place)) for place in range(50))),
}


def factor(name) -> LargestShareFactor:
    rows, counts = CASES[name]
    return LargestShareFactor(rows=rows, counts=counts)


def ratios(limits: LargestShareFactor):
    """Count and rows below the line and above it, of the ratios in both directions."""
    n, m = limits.rows
    return [(a, n, b, m) for a, b in limits.counts] + [(b, m, a, n) for a, b in limits.counts]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bound", [1.0, 1.5, 3.0, 50.0])
def test_p_values_are_those_of_binomial_counts_given_their_sum(name, bound):
    own = factor(name)
    tails = [(binom.sf(b - 1, a + b, bound * m / (bound * m + n)), b > 0) for a, n, b, m in ratios(own)]
    least = min(p_value if some else 1.0 for p_value, some in tails)
    assert own.p_above(bound) == pytest.approx(min(1.0, len(tails) * least))
    if bound > 1 and name != "vanished":
        below = [binom.cdf(b, a + b, bound * m / (bound * m + n)) for a, n, b, m in ratios(own) if a > 0]
        assert own.p_below(bound) >= max(below) * (1 - 1e-9)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("tail", [0.3, 0.025, 1e-5])
def test_limits_are_where_their_p_values_reach_the_tail(name, tail):
    limits = factor(name)
    if limits.low(tail) > 1:
        assert limits.p_above(limits.low(tail)) == pytest.approx(tail)
    assert limits.p_below(limits.high(tail)) == pytest.approx(tail)
    assert limits.inflated(2.5).low(tail) <= limits.low(tail)
    if all(min(pair) > 0 for pair in limits.counts):  # half a row stands for none, of fewer rows too
        assert limits.inflated(2.5).high(tail) >= limits.high(tail)


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
