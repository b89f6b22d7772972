"""Noise between runs: none on independent runs, the planted factor under day effects, and a trend is no noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm, t

from model_governance.stats.overdispersion import LEAST_RUNS, variance_factor

TAIL = 1e-4


def few(runs: int) -> float:
    """What Student's t adds for the runs behind the estimate."""
    return float((t.isf(TAIL, runs - 2) / norm.isf(TAIL)) ** 2)


def test_independent_runs_teach_little_noise():
    draw = np.random.default_rng(1)
    factors = [variance_factor(draw.normal(size=30), [1.0] * 30, tail=TAIL) for _ in range(400)]
    assert np.mean(np.array(factors) == 1) >= 0.4
    assert np.quantile(factors, 0.95) / few(30) <= 1.6


@pytest.mark.parametrize("planted", [2.0, 5.0, 20.0])
def test_day_effects_give_their_factor(planted):
    draw = np.random.default_rng(2)
    factors = [
        variance_factor(draw.normal(scale=np.sqrt(planted), size=30), [1.0] * 30, tail=TAIL) / few(30)
        for _ in range(300)
    ]
    learnt = np.median(factors)
    # A little above Student's t with known independence: days might resemble the day before.
    assert 0.9 * planted <= learnt <= 1.25 * planted


@pytest.mark.parametrize("planted", [2.0, 10.0])
def test_a_run_as_the_others_exceeds_the_widened_limit_about_as_often_as_stated(planted):
    draw, tail, red, runs = np.random.default_rng(3), 0.01, 0, 1000
    for _ in range(runs):
        values = draw.normal(scale=np.sqrt(planted), size=31)
        factor = variance_factor(values[:-1], [1.0] * 30, tail=tail)
        red += values[-1] > norm.isf(tail) * np.sqrt(factor)
    assert red <= binom.isf(1e-3, runs, 1.2 * tail)


@pytest.mark.parametrize("slope", [0.3, 1.0, 10.0])
def test_a_trend_is_no_noise(slope):
    draw = np.random.default_rng(4)
    decaying = slope * np.arange(30) + draw.normal(size=30)
    assert variance_factor(decaying, [1.0] * 30, tail=TAIL) <= 1.5 * few(30)


@pytest.mark.parametrize("since", [2, 5, 15])
def test_a_step_is_no_noise(since):
    """Runs that are uncertain after a change are learnt from: they must not hide it in the runs that follow."""
    draw = np.random.default_rng(5)
    stepped = draw.normal(size=30) - 8.0 * (np.arange(30) >= 30 - since)
    assert variance_factor(stepped, [1.0] * 30, tail=TAIL) <= 1.8 * few(30)


def test_days_that_resemble_the_day_before_stay_noise():
    """A step is only taken for one where noise hardly ever gives it: 4 times the variance, of which half stays."""
    draw, factors = np.random.default_rng(6), []
    for _ in range(200):
        days = [draw.normal()]
        for _ in range(29):
            days.append(0.5 * days[-1] + np.sqrt(0.75) * draw.normal())
        values = np.sqrt(4) * np.array(days) + draw.normal(size=30)
        factors.append(variance_factor(values, [1.0] * 30, tail=TAIL) / few(30))
    assert np.median(factors) >= 4
    assert np.mean(np.array(factors) < 2) <= 0.1


def test_too_few_runs_teach_nothing():
    wild = [(-10.0) ** (place % 2) for place in range(LEAST_RUNS - 1)]
    assert variance_factor(wild, [1.0] * len(wild), tail=TAIL) == 1.0
    assert variance_factor([*wild, 5.0], [1.0] * LEAST_RUNS, tail=TAIL) > 1.0


def test_a_run_without_variance_teaches_nothing():
    assert variance_factor(range(0, 40, 2), [0.0] + [1.0] * 19, tail=TAIL) == 1.0


def test_fewer_runs_widen_more():
    wild = [3.0 * (-1) ** place for place in range(30)]
    factors = [variance_factor(wild[:runs], [1.0] * runs, tail=TAIL) for runs in (12, 20, 30)]
    assert factors == sorted(factors, reverse=True)
