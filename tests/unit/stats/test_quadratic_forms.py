"""The multiple of a chi-square variable that stands for a sum of squares has its mean, and its tail where that is rare."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from model_governance.stats.quadratic_forms import RARE, tail_freedom

DEVIATES = np.linspace(-12, 12, 24001)


def beyond(limit: float, largest: float, others: int) -> float:
    """The exact probability that largest * z^2 + chi-square(others) exceeds the limit."""
    rest = stats.chi2.sf(np.maximum(limit - largest * DEVIATES**2, 0), others)
    return float((rest * stats.norm.pdf(DEVIATES)).sum() * (DEVIATES[1] - DEVIATES[0]))


@pytest.mark.parametrize("others", [1, 2, 8, 40])
@pytest.mark.parametrize("largest", [1.2, 2.0, 5.4, 50.0, 5000.0])
def test_the_tail_is_that_of_the_sum(largest, others):
    directions, mean = others + 1, (largest + others) / (others + 1)
    freedom = tail_freedom(mean, largest, directions)
    factor = mean * directions / freedom
    for tail, least in ((1e-3, 0.1), (1e-4, 0.25), (1e-5, 0.4), (RARE, 0.8)):
        assert least * tail <= beyond(factor * stats.chi2.isf(tail, freedom), largest, others) <= 1.25 * tail


def test_equal_directions_keep_their_degrees_of_freedom():
    assert tail_freedom(3.0, 3.0, 9) == 9
    assert tail_freedom(3.0, 2.0, 9) == 9, "the largest of estimates may lie below their mean"
    assert tail_freedom(3.0, 5.0, 1) == 1


def test_a_direction_that_stands_out_leaves_one_degree_of_freedom():
    assert tail_freedom((1e6 + 8) / 9, 1e6, 9) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("directions", [2, 9, 999])
def test_freedom_falls_as_one_direction_stands_out(directions):
    found = [tail_freedom((largest + directions - 1) / directions, largest, directions) for largest in (1.01, 2, 8, 99)]
    assert found == sorted(found, reverse=True)
    assert 0 < found[-1] < found[0] <= directions
