"""Noise between runs is found in its direction, columns teach one another, and chance and too few runs are none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from model_governance.engine.dependence import Dependence, DesignEffect
from model_governance.engine.run_noise import noise_between_runs

EDGES = stats.norm.ppf(np.arange(1, 10) / 10)
ROWS = 2000
SEEN_BY_TENTHS = 0.96
"""Of the information on a shift of the mean."""


def runs(draw: np.random.Generator, levels) -> np.ndarray:
    """Counts in tenths of runs of 2,000 rows whose means lie at these levels."""
    return np.array([draw.multinomial(ROWS, np.diff([0, *stats.norm.cdf(EDGES - level), 1])) for level in levels])


def days(draw: np.random.Generator, count: int, size: float, memory: float) -> np.ndarray:
    """Effects of days that resemble the day before, of this standard deviation."""
    found = [draw.normal(0, size)]
    for shock in draw.normal(0, size * np.sqrt(1 - memory**2), count - 1):
        found.append(memory * found[-1] + shock)
    return np.array(found)


def learnt(columns, *, in_order: bool = True) -> list[DesignEffect]:
    return noise_between_runs(columns, in_order=[in_order] * len(columns))


def test_equal_runs_have_next_to_no_noise():
    draw = np.random.default_rng(1)
    found = [
        effect for _ in range(8) for effect in learnt([runs(draw, np.zeros(20)) for _ in range(10)])
    ]  # fmt: skip
    assert np.mean([effect == DesignEffect(directions=9) for effect in found]) >= 0.8
    assert np.quantile([effect.largest for effect in found], 0.95) <= 2.5


@pytest.mark.parametrize("size", [0.1, 0.2])
def test_a_level_of_the_day_lies_in_one_direction_and_is_never_underestimated_by_much(size):
    draw, excess = np.random.default_rng(2), ROWS * size**2
    found = [learnt([runs(draw, draw.normal(0, size, 20))])[0] for _ in range(40)]
    # One of nine directions varies by about 1 + rows x variance x what tenths see of it; the mean over all is a ninth.
    assert np.median([effect.mean for effect in found]) > 0.9 * excess / 9
    assert min(effect.unevenness for effect in found) > 1
    assert {effect.directions for effect in found} == {9}


@pytest.mark.parametrize(
    ("columns", "taught", "memory", "level"),
    [(10, 20, 0.5, 5e-5), (10, 10, 0.5, 5e-5), (10, 20, 0.0, 5e-5), (50, 20, 0.5, 1e-5), (1, 20, 0.5, 5e-4)],
)
def test_one_more_day_exceeds_its_limit_no_more_often_than_the_budget_allows(columns, taught, memory, level):
    """Exactly, given what was learnt: the deviate of a day has the variance that was planted."""
    draw, size = np.random.default_rng(3), 0.05
    planted = 1 + SEEN_BY_TENTHS * ROWS * size**2
    exceeded = []
    for _ in range(max(2, 300 // columns)):
        earlier = [runs(draw, days(draw, taught, size, memory)) for _ in range(columns)]
        for effect in learnt(earlier):
            limit = stats.norm.isf(level / 2) * np.sqrt(effect.largest)
            exceeded.append(2 * stats.norm.sf(limit / np.sqrt(planted)))
    assert np.mean(exceeded) <= level


def test_columns_that_vary_alike_need_less_than_a_column_alone():
    draw = np.random.default_rng(4)
    earlier = [[runs(draw, days(draw, 20, 0.05, 0.5)) for _ in range(10)] for _ in range(10)]
    together = [effect.largest for check in earlier for effect in learnt(check)]
    alone = [learnt([column])[0].largest for check in earlier for column in check]
    assert np.median(together) < 0.8 * np.median(alone)
    assert np.std(together) < 0.8 * np.std(alone)


def test_a_column_without_noise_stays_so_beside_one_with_much():
    draw = np.random.default_rng(5)
    noisy = runs(draw, draw.normal(0, 0.3, 20))
    found = learnt([noisy, *(runs(draw, np.zeros(20)) for _ in range(9))])
    assert found[0].largest > 100
    assert max(effect.largest for effect in found[1:]) < 4


def test_a_flag_that_hardly_any_row_has_teaches_no_noise_by_chance():
    """Counts of 0 and 1, and a 3 among them, vary like those of independent rows."""
    draw = np.random.default_rng(6)
    flagged = draw.binomial(500, 0.00025, size=(20, 200)).T
    found = learnt([np.column_stack([500 - counts, counts]) for counts in flagged], in_order=False)
    assert set(found) == {DesignEffect()}


def test_a_rare_flag_that_comes_in_waves_teaches_its_noise():
    draw = np.random.default_rng(6)
    calm, wild = draw.binomial(20_000, 0.001, 20), draw.binomial(20_000, 0.001 * draw.choice([0.3, 2.0], 20))
    quiet, noisy = learnt([np.column_stack([20_000 - counts, counts]) for counts in (calm, wild)], in_order=False)
    assert noisy.mean > 5
    assert quiet.mean < 3


def test_noise_in_all_directions_counts_in_all():
    draw = np.random.default_rng(7)
    wild = np.array([draw.multinomial(ROWS, draw.dirichlet(np.full(10, 60.0))) for _ in range(20)])
    (found,) = learnt([wild])
    assert found.mean > 0.8 * (1 + ROWS / 600)


def test_a_share_of_missing_values_has_noise_of_its_own():
    draw = np.random.default_rng(3)
    shares = np.clip(draw.normal(0.1, 0.03, 20), 0.01, 0.5)
    counts = np.array([[missing, ROWS - missing] for missing in draw.binomial(ROWS, shares)])
    assert learnt([counts], in_order=False)[0].mean > 5


def test_too_few_runs_or_a_single_cell_teach_nothing():
    draw = np.random.default_rng(4)
    none = DesignEffect()
    assert learnt([]) == []
    assert learnt([runs(draw, draw.normal(0, 1, 9)), np.full((20, 1), 100)]) == [none, none]
    found = learnt([np.full((20, 1), 100), runs(draw, draw.normal(0, 1, 20))])
    assert found[0] == none
    assert found[1].largest > 100, "each column keeps its place"


def test_what_one_direction_adds_does_not_thin_the_tail():
    """A limit at 1 in 100,000 for 5.4 times the variance in one of nine directions, with their exact distribution."""
    effect = DesignEffect(mean=(5.4 + 8) / 9, largest=5.4, directions=9)
    found = Dependence.of(effect)
    limit = found.factor * stats.chi2.isf(1e-5, found.freedom * 9)
    deviates = np.linspace(-10, 10, 20001)
    beyond = stats.chi2.sf(np.maximum(limit - 5.4 * deviates**2, 0), 8) * stats.norm.pdf(deviates)
    assert 3e-6 < beyond.sum() * 0.001 <= 1e-5
    assert found.factor * found.freedom == pytest.approx(effect.mean)
