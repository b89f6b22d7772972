"""Noise between runs from their counts: the planted day effect is found, chance is not, and few runs are covered."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from model_governance.engine.dependence import DesignEffect
from model_governance.engine.run_noise import LEAST_RUNS, noise_between_runs

EDGES = norm.ppf(np.arange(1, 10) / 10)


def days(draw: np.random.Generator, runs: int, *, effect: float, rows: int = 1000) -> np.ndarray:
    """Counts over tenths of a normal column whose level differs from day to day, shape (runs, 10)."""
    levels = draw.normal(0, effect, runs)
    return np.array([
        np.bincount(np.searchsorted(EDGES, draw.normal(level, 1, rows)), minlength=10) for level in levels
    ])  # fmt: skip


def test_independent_runs_rarely_teach_noise():
    draw = np.random.default_rng(1)
    found = [noise_between_runs(days(draw, 20, effect=0.0), in_order=True) for _ in range(100)]
    assert sum(effect != DesignEffect() for effect in found) <= 12


@pytest.mark.parametrize("effect", [0.1, 0.2])
def test_a_day_effect_on_the_level_is_found_in_its_direction(effect):
    draw, planted, found = np.random.default_rng(2), 1 + 1000 * effect**2, []
    for _ in range(20):
        noise = noise_between_runs(days(draw, 20, effect=effect), in_order=True)
        assert noise.unevenness > 0.5
        found.append(noise.mean * (1 + np.sqrt(noise.unevenness * 8)))  # of nine directions, eight alike
    # Ranks of a normal level hold nearly all of its effect; Student's t and resemblance widen by up to five times.
    assert 0.9 * planted <= np.median(found) <= 6 * planted


def test_fewer_runs_are_covered_more():
    draw = np.random.default_rng(3)
    wide = [np.mean([noise_between_runs(days(draw, runs, effect=0.2), in_order=True).mean for _ in range(20)])
            for runs in (10, 30)]  # fmt: skip
    assert wide[0] > wide[1]


def test_runs_that_resemble_the_run_before_are_fewer():
    draw = np.random.default_rng(4)
    counts = days(draw, 20, effect=0.2)
    by_level = counts[np.argsort(counts @ np.arange(10))]
    assert noise_between_runs(by_level, in_order=True).mean > noise_between_runs(counts, in_order=True).mean


def test_one_label_that_comes_and_goes_is_found():
    draw = np.random.default_rng(5)
    shares = np.clip(draw.normal(0.2, 0.08, 20), 0.01, None)
    counts = np.array([draw.multinomial(1000, [share, 0.5, 0.5 - share]) for share in shares])
    assert noise_between_runs(counts, in_order=False).mean > 5


@pytest.mark.parametrize(
    "counts",
    [np.full((LEAST_RUNS - 1, 3), [1000, 10, 10]), np.full((20, 1), 100), np.zeros((20, 4)), np.zeros((0, 3))],
    ids=["few-runs", "one-cell", "no-rows", "no-runs"],
)
def test_too_little_teaches_nothing(counts):
    assert noise_between_runs(counts, in_order=True) == DesignEffect()
