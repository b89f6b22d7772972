"""Sums against exact fractions, in every order and cut."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_governance.engine.sums import Moments

floats = st.floats(allow_nan=False, allow_infinity=False, width=64)


def moments(values, *, piece=None, centre=0.0):
    found = Moments(centre)
    values = np.asarray(values, dtype="float64")
    for start in range(0, len(values), piece or max(len(values), 1)):
        part = values[start : start + (piece or len(values))]
        found.add(part, least=part.min(), most=part.max())
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(floats, min_size=1, max_size=40), st.randoms(use_true_random=False), st.integers(1, 7))
def test_the_mean_is_the_exact_one_whatever_the_order(values, shuffle, piece):
    found = moments(values)
    exact = sum(map(Fraction, values)) / len(values)
    largest = max(map(abs, values))
    assert abs(Fraction(found.mean) - exact) <= Fraction(largest) / 2**52 + Fraction(2) ** -988
    mixed = list(values)
    shuffle.shuffle(mixed)
    other = moments(mixed, piece=piece)
    assert (other.mean, other.std) == (found.mean, found.std)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([1e16, 1.0, -1e16], 1 / 3),
        ([1e300, 1.0, -1e300], 1 / 3),
        ([1.7e308, 1.7e308], 1.7e308),
        ([0.0, -0.0], 0.0),
        ([0.1] * 10, 0.1),
    ],
)
def test_what_cancels_leaves_the_rest(values, mean):
    assert moments(values).mean == pytest.approx(mean, rel=1e-15)


def test_the_last_digit_does_not_depend_on_how_a_million_values_are_cut():
    values = np.random.default_rng(1).standard_t(2, 200_000) * 10.0 ** np.random.default_rng(2).integers(-9, 9, 200_000)
    found = {(one.mean, one.std) for one in (moments(values, piece=cut) for cut in (200_000, 16_384, 7_001, 131_072))}
    found |= {(one.mean, one.std) for one in [moments(np.sort(values))]}
    assert len(found) == 1
    ((mean, _),) = found
    assert mean == pytest.approx(math.fsum(values) / len(values), rel=1e-15)


def test_a_spread_far_from_zero_wants_another_centre():
    values = 1e9 + np.arange(7.0)
    assert moments(values).is_off_centre
    about = moments(values, centre=1e9 + 3)
    assert not about.is_off_centre
    assert (about.std, about.mean) == (2.0, 1e9 + 3)
    assert moments([1.7e308, -1.7e308]).std == pytest.approx(1.7e308)
