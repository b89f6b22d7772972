"""The room that a suggested suite leaves is what chance takes: simulated nights break it at most as often as it says."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from model_governance.checks.data.data_validation.allowances import as_mostly, of_excess, of_gaps

NIGHTS = 1500


def worst(seen: int, reference: int, night: int, found: int) -> float:
    """The chance of `found` gaps or more in the night, given all gaps of both, by counting."""
    together = comb(reference + night, seen + found)
    ways = sum(comb(night, one) * comb(reference, seen + found - one) for one in range(found, seen + found + 1))
    return ways / together


@pytest.mark.parametrize("seen", [0, 1, 5, 30])
def test_gaps_are_allowed_to_the_last_row_that_chance_could_bring(seen):
    allowed = of_gaps(seen, 60, 40, chance=0.01)
    assert worst(seen, 60, 40, allowed) > 0.01
    assert allowed == 40 or worst(seen, 60, 40, allowed + 1) <= 0.01


@pytest.mark.parametrize(
    ("reference", "night", "rate"), [(400, 400, 0.001), (400, 400, 0.2), (3000, 1000, 0.6), (5000, 9000, 0.002)]
)
def test_nights_of_the_same_rate_rarely_have_more_gaps(reference, night, rate):
    draw = np.random.default_rng([reference, night])
    seen = draw.binomial(reference, rate, NIGHTS)
    found = draw.binomial(night, rate, NIGHTS)
    allowed = {one: of_gaps(int(one), reference, night, chance=0.05) for one in set(seen)}
    broken = np.mean([found[at] > allowed[seen[at]] for at in range(NIGHTS)])
    assert broken <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / NIGHTS)


@pytest.mark.parametrize("ends", [1, 2])
@pytest.mark.parametrize(("reference", "night"), [(400, 400), (200, 1000)])
def test_nights_of_the_same_distribution_rarely_leave_the_range(ends, reference, night):
    draw = np.random.default_rng([ends, reference])
    allowed = of_excess(ends, reference, night, chance=0.05)
    broken = 0
    for _ in range(NIGHTS):
        seen, found = draw.standard_t(2, reference), draw.standard_t(2, night)
        beyond = (found > seen.max()).sum() + (ends == 2) * (found < seen.min()).sum()
        broken += int(beyond > allowed)
    rate = broken / NIGHTS
    assert 0.02 < rate <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / NIGHTS), "the bound is exact, so it is nearly reached"


def test_one_row_beyond_the_maximum_has_the_chance_of_every_textbook():
    """A night of m rows exceeds the largest of n with chance m / (n + m)."""
    assert of_excess(1, 99, 1, chance=0.0101) == 0
    assert of_excess(1, 99, 1, chance=0.0099) == 1


def test_many_gaps_are_bounded_by_the_rate_and_the_night():
    exact = of_gaps(1000, 10_000, 10_000, chance=0.001)
    bounded = of_gaps(1001, 10_000, 10_000, chance=0.001)
    assert exact <= bounded <= 1.1 * exact
    assert of_gaps(2000, 2000, 500, chance=0.01) == 500


def test_a_share_allows_just_as_many_rows():
    for night in (7, 400, 1234, 10_000_000):
        for allowed in (0, 1, 6):
            mostly = as_mostly(allowed, night)
            assert (night - allowed) / night >= mostly
            assert (night - allowed - 1) / night < mostly or night >= 10_000_000
