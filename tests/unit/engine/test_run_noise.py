"""Noise between runs is found in its direction, and chance, decay and too few runs are none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from model_governance.engine.dependence import DesignEffect
from model_governance.engine.run_noise import noise_between_runs

EDGES = stats.norm.ppf(np.arange(1, 10) / 10)
ROWS = 2000


def runs(draw: np.random.Generator, levels) -> np.ndarray:
    """Counts in tenths of runs of 2,000 rows whose means lie at these levels."""
    return np.array([draw.multinomial(ROWS, np.diff([0, *stats.norm.cdf(EDGES - level), 1])) for level in levels])


def test_equal_runs_have_no_noise_more_often_than_not():
    draw = np.random.default_rng(1)
    found = [noise_between_runs(runs(draw, np.zeros(20)), in_order=True).mean for _ in range(40)]
    assert sum(mean == 1.0 for mean in found) >= 30
    assert max(found) < 2


@pytest.mark.parametrize("size", [0.1, 0.2])
def test_a_level_of_the_day_lies_in_one_direction_and_is_never_underestimated_by_much(size):
    draw, excess = np.random.default_rng(2), ROWS * size**2
    found = [noise_between_runs(runs(draw, draw.normal(0, size, 20)), in_order=True) for _ in range(40)]
    # One of nine directions varies by about 1 + rows x variance x what tenths see of it; the mean over all is a ninth.
    assert np.median([effect.mean for effect in found]) > 0.9 * excess / 9
    assert min(effect.unevenness for effect in found) > 1


def test_a_share_of_missing_values_has_noise_of_its_own():
    draw = np.random.default_rng(3)
    shares = np.clip(draw.normal(0.1, 0.03, 20), 0.01, 0.5)
    counts = np.array([[missing, ROWS - missing] for missing in draw.binomial(ROWS, shares)])
    assert noise_between_runs(counts, in_order=False).mean > 5


def test_too_few_runs_or_a_single_cell_teach_nothing():
    draw = np.random.default_rng(4)
    assert noise_between_runs(runs(draw, draw.normal(0, 1, 9)), in_order=True) == DesignEffect()
    assert noise_between_runs(np.full((20, 1), 100), in_order=True) == DesignEffect()
