"""The statistics that scipy computes for us against their formulas, written out, over a grid of counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from model_governance.stats.intervals import clopper_pearson, mcnemar
from model_governance.stats.limits import TAIL
from model_governance.stats.limits.shares import wilson_limits
from model_governance.stats.multiplicity import adjusted

EQUAL = 5e-13
Z = 1.959963984540054  # the 97.5% quantile of the normal distribution
SIZES = (1, 2, 7, 20, 40)
LARGE = ((3, 1_000), (500, 1_000), (99_990, 100_000), (12_345, 10_000_000))


def counts() -> list[tuple[int, int]]:
    return [(successes, n) for n in SIZES for successes in range(n + 1)] + list(LARGE)


def test_wilson_is_its_closed_form():
    for successes, n in counts():
        share = successes / n
        centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
        reach = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
        assert wilson_limits(successes, n, TAIL) == pytest.approx((centre - reach, centre + reach), rel=0, abs=EQUAL)


def upper_tail(successes: int, n: int, share: float) -> float:
    """Probability of at least that many successes, summed up term by term."""
    return math.fsum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(successes, n + 1))


def test_the_limits_of_clopper_pearson_leave_tails_of_two_and_a_half_percent():
    for n in SIZES:
        for successes in range(n + 1):
            low, high = clopper_pearson(successes, n)
            assert low == 0 if successes == 0 else upper_tail(successes, n, low) == pytest.approx(0.025, rel=1e-11)
            if successes == n:
                assert high == 1
            else:
                assert 1 - upper_tail(successes + 1, n, high) == pytest.approx(0.025, rel=1e-11)


@pytest.mark.parametrize(("successes", "n"), [(0, 9), (1, 9), (9, 9), (30, 100), *LARGE])
def test_clopper_pearson_is_the_exact_interval_of_scipy(successes, n):
    exact = binomtest(successes, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(successes, n) == pytest.approx((exact.low, exact.high), rel=0, abs=EQUAL)


def test_mcnemar_is_twice_the_smaller_tail_of_a_fair_coin():
    for first in range(35):
        for second in range(35):
            n = first + second
            tail = sum(math.comb(n, k) for k in range(min(first, second) + 1)) / 2**n
            assert mcnemar(first, second) == pytest.approx(min(1.0, 2 * tail), rel=EQUAL, abs=0)


def step_up(p_values: list[float]) -> list[float]:
    """Benjamini and Hochberg (1995): the smallest p * m / rank among the tests of this rank and above."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    scaled = [p_values[place] * len(p_values) / rank for rank, place in enumerate(order, start=1)]
    result = [0.0] * len(p_values)
    for rank, place in enumerate(order):
        result[place] = min(1.0, *scaled[rank:])
    return result


@pytest.mark.parametrize("seed", range(20))
def test_benjamini_hochberg_is_its_step_up_rule(seed):
    draw = np.random.default_rng(seed)
    p_values = (draw.random(1 + 3 * seed) ** draw.integers(1, 6)).round(seed % 4 * 4 + 1).tolist()
    assert adjusted(p_values, "benjamini_hochberg") == pytest.approx(step_up(p_values), rel=0, abs=EQUAL)


def test_of_no_test_nothing_is_adjusted():
    assert adjusted([], "benjamini_hochberg") == adjusted([], "bonferroni") == ()
