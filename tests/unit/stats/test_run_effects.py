"""Effects of runs: their likelihood is that of the residuals, and limits hold at the level that is asked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from model_governance.stats.run_effects import MEMORIES, log_likelihoods, predictive_factors, run_effects


def series(draw: np.random.Generator, runs: int, *, planted: float, memory: float) -> np.ndarray:
    """Values in standard errors whose variance is `planted` times that of their own rows, of which 1 is theirs."""
    size = np.sqrt(planted - 1)
    effects = [draw.normal(0, size)]
    for shock in draw.normal(0, size * np.sqrt(1 - memory**2), runs - 1):
        effects.append(memory * effects[-1] + shock)
    return np.array(effects) + draw.normal(size=runs)


def factor(values: np.ndarray, *, tail: float) -> float:
    largest = float(values.var())
    logarithms = log_likelihoods(values[None], largest=largest, removed="trend")
    return float(
        predictive_factors(
            np.exp(logarithms - logarithms.max()), run_effects(largest, unchanged=0.25), tail=tail, notable=1.2
        )[0]
    )


@pytest.mark.parametrize("memory", MEMORIES)
def test_the_likelihood_is_that_of_what_the_mean_leaves(memory):
    """Against the density of the deviations from the first run, of which no mean is left."""
    draw, runs, largest = np.random.default_rng(1), 7, 3.0
    values = draw.normal(size=runs) * 2
    effects = run_effects(largest, unchanged=0.25)
    found = log_likelihoods(values[None], largest=largest, removed="mean")[0]
    apart = np.abs(np.subtract.outer(np.arange(runs), np.arange(runs)))
    without = np.eye(runs)[1:] - np.eye(runs)[0]

    def density(size: float) -> float:
        covariance = np.eye(runs) + (size - 1) * float(memory) ** apart
        return float(stats.multivariate_normal.logpdf(without @ values, cov=without @ covariance @ without.T))

    per_memory = (len(found) - 1) // len(MEMORIES)
    first = 1 + MEMORIES.index(memory) * per_memory
    for point in (first, first + per_memory - 1):
        assert found[point] == pytest.approx(density(float(effects.factors[point])) - density(1.0))


@pytest.mark.parametrize("removed", ["mean", "trend"])
def test_what_is_removed_says_nothing(removed):
    values = np.random.default_rng(2).normal(size=(1, 20))
    moved = values + 7 + (0.3 * np.arange(20) if removed == "trend" else 0)
    before, after = (log_likelihoods(one, largest=2.0, removed=removed) for one in (values, moved))
    assert after == pytest.approx(before)
    stepped = values + 9.0 * (np.arange(20) >= 12)
    with_step = [log_likelihoods(one, largest=2.0, removed=removed, step=12) for one in (values, stepped)]
    assert with_step[1] == pytest.approx(with_step[0])


@pytest.mark.parametrize("memory", [0.0, 0.5])
@pytest.mark.parametrize("runs", [10, 20, 30])
@pytest.mark.parametrize("planted", [5.0, 20.0])
def test_a_limit_is_exceeded_about_as_often_as_the_level_says(runs, planted, memory):
    draw, tail = np.random.default_rng(3), 1e-4
    exceeded = [
        stats.norm.sf(stats.norm.isf(tail) * np.sqrt(factor(series(draw, runs, planted=planted, memory=memory), tail=tail) / planted))
        for _ in range(800)
    ]  # fmt: skip
    assert np.mean(exceeded) <= 2.5 * tail


def test_rarer_levels_ask_for_more():
    values = series(np.random.default_rng(4), 20, planted=6.0, memory=0.5)
    found = [factor(values, tail=tail) for tail in (0.025, 1e-3, 1e-5, 1e-7)]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_a_factor_near_one_is_none():
    """Three hundred runs of independent rows leave no doubt worth a word."""
    values = np.random.default_rng(5).normal(size=300)
    assert factor(values, tail=1e-3) == 1.0
    assert factor(series(np.random.default_rng(6), 20, planted=6.0, memory=0.0), tail=1e-3) >= 1.2


@pytest.mark.parametrize("spread", [0.3, 1.0, 1.6, 3.0])
def test_one_look_at_columns_without_effects_gives_what_the_search_gives(spread):
    values = spread * np.random.default_rng(8).normal(size=(40, 30))
    effects = run_effects(2.0, unchanged=0.5)
    likelihoods = np.exp(log_likelihoods(values, largest=2.0, removed="trend"))
    for row in likelihoods:
        searched = predictive_factors(row[None], effects, tail=1e-4, notable=1.0)
        expected = np.where(searched < 1.2, 1.0, searched)
        assert predictive_factors(row[None], effects, tail=1e-4, notable=1.2) == pytest.approx(expected)
