"""The extremes of a floor are what the least and the most favourable counts of so many rows give, and none gives more."""

from __future__ import annotations

import itertools

import pytest

from model_governance.contract.floors import (
    ANY_NUMBER,
    difference_of,
    paired_difference_of,
    share_of,
    stretched_share_of,
)
from model_governance.stats.intervals import clopper_pearson, paired_shares
from model_governance.stats.limits import DifferenceOfShares, ExactShare, Stretched

ROWS = 30
TAILS = (0.025, 0.0005, 1e-6)


def stretched(value: float, interval: tuple[float, float]) -> Stretched:
    return Stretched(value=value, low95=interval[0], high95=interval[1])


def shares():
    return [ExactShare(successes=float(count), n=float(ROWS)) for count in range(ROWS + 1)]


def stretched_shares():
    return [stretched(count / ROWS, clopper_pearson(count, ROWS)) for count in range(ROWS + 1)]


def differences():
    counts = itertools.product(range(ROWS + 1), repeat=2)
    return [DifferenceOfShares(first=(float(a), ROWS), second=(float(b), ROWS)) for a, b in counts]


def paired_differences():
    pairs = [(a, b) for a in range(ROWS + 1) for b in range(ROWS + 1 - a)]
    return [stretched((a - b) / ROWS, paired_shares(a, b, ROWS)) for a, b in pairs]


def differences_from_many():
    return [DifferenceOfShares(first=(0.0, n), second=(float(ROWS), ROWS)) for n in (ROWS, 1000.0, 1e6)]


@pytest.mark.parametrize(
    ("extremes", "possible"),
    [
        pytest.param(share_of(ROWS), shares, id="shares"),
        pytest.param(stretched_share_of(ROWS), stretched_shares, id="stretched shares"),
        pytest.param(difference_of(ROWS, ROWS), differences, id="differences"),
        pytest.param(difference_of(ANY_NUMBER, ROWS), differences_from_many, id="differences from many rows"),
        pytest.param(paired_difference_of(ROWS), paired_differences, id="paired differences"),
    ],
)
@pytest.mark.parametrize("tail", TAILS)
def test_no_counts_of_so_many_rows_prove_more(extremes, possible, tail):
    smallest, largest = extremes
    every = possible()
    assert max(limits.low(tail) for limits in every) <= largest.low(tail) + 1e-8
    assert min(limits.high(tail) for limits in every) >= smallest.high(tail) - 1e-8


@pytest.mark.parametrize(
    ("extremes", "possible"),
    [
        (stretched_share_of(ROWS), stretched_shares),
        (paired_difference_of(ROWS), paired_differences),
        (difference_of(ROWS, ROWS), differences),
    ],
)
def test_the_extremes_are_reached(extremes, possible):
    every = possible()
    assert max(limits.low(0.001) for limits in every) == pytest.approx(extremes[1].low(0.001), abs=1e-8)
    assert min(limits.high(0.001) for limits in every) == pytest.approx(extremes[0].high(0.001), abs=1e-8)
