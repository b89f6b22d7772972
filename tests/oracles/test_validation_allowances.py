"""A suggested suite tolerates what chance causes: simulated unchanged data violate it at most as often as stated."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from model_governance.checks.data.data_validation.allowances import allowed_missing, allowed_outside_range, as_mostly

RUNS = 1500


def worst(seen: int, reference: int, current: int, found: int) -> float:
    """The probability of `found` missing values or more in the current rows, given those of both datasets, by counting."""
    samples = comb(reference + current, seen + found)
    ways = sum(comb(current, one) * comb(reference, seen + found - one) for one in range(found, seen + found + 1))
    return ways / samples


@pytest.mark.parametrize("seen", [0, 1, 5, 30])
def test_missing_values_are_allowed_to_the_last_row_that_chance_could_bring(seen):
    allowed = allowed_missing(seen, 60, 40, chance=0.01)
    assert worst(seen, 60, 40, allowed) > 0.01
    assert allowed == 40 or worst(seen, 60, 40, allowed + 1) <= 0.01


@pytest.mark.parametrize(
    ("reference", "current", "rate"), [(400, 400, 0.001), (400, 400, 0.2), (3000, 1000, 0.6), (5000, 9000, 0.002)]
)
def test_data_of_the_same_rate_rarely_have_more_missing_values(reference, current, rate):
    draw = np.random.default_rng([reference, current])
    seen = draw.binomial(reference, rate, RUNS)
    found = draw.binomial(current, rate, RUNS)
    allowed = {one: allowed_missing(int(one), reference, current, chance=0.05) for one in set(seen)}
    broken = np.mean([found[at] > allowed[seen[at]] for at in range(RUNS)])
    assert broken <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)


@pytest.mark.parametrize("ends", [1, 2])
@pytest.mark.parametrize(("reference", "current"), [(400, 400), (200, 1000)])
def test_data_of_the_same_distribution_rarely_leave_the_range(ends, reference, current):
    draw = np.random.default_rng([ends, reference])
    allowed = allowed_outside_range(ends, reference, current, chance=0.05)
    broken = 0
    for _ in range(RUNS):
        seen, found = draw.standard_t(2, reference), draw.standard_t(2, current)
        beyond = (found > seen.max()).sum() + (ends == 2) * (found < seen.min()).sum()
        broken += int(beyond > allowed)
    rate = broken / RUNS
    assert 0.02 < rate <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS), "the bound is exact, so it is nearly reached"


def test_one_row_beyond_the_maximum_has_the_chance_of_every_textbook():
    """A dataset of m rows exceeds the largest of n with chance m / (n + m)."""
    assert allowed_outside_range(1, 99, 1, chance=0.0101) == 0
    assert allowed_outside_range(1, 99, 1, chance=0.0099) == 1


def test_many_missing_values_are_bounded_by_the_rate_and_the_rows():
    exact = allowed_missing(1000, 10_000, 10_000, chance=0.001)
    bounded = allowed_missing(1001, 10_000, 10_000, chance=0.001)
    assert exact <= bounded <= 1.1 * exact
    assert allowed_missing(2000, 2000, 500, chance=0.01) == 500


def test_a_share_allows_just_as_many_rows():
    for current in (7, 400, 1234, 10_000_000):
        for allowed in (0, 1, 6):
            mostly = as_mostly(allowed, current)
            assert (current - allowed) / current >= mostly
            assert (current - allowed - 1) / current < mostly or current >= 10_000_000
