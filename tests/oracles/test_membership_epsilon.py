"""The bound on memorisation against mechanisms whose epsilon is known."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, norm

from model_governance.checks.privacy.membership_inference.epsilon import ceiling, correct_guesses, lower_bound, p_value

RUNS = 400


def answered(epsilon: float, records: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Randomised response: each record's membership, a fair coin, is told truly with probability e^eps / (1 + e^eps)."""
    member = draw.random(records) < 0.5
    truthful = draw.random(records) < 1 / (1 + math.exp(-epsilon))
    # A hair of noise, so that there is an order to guess by.
    scores = np.where(member == truthful, 1.0, 0.0) + 0.01 * draw.random(records)
    return scores[member], scores[~member]


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("records", [200, 1000])
def test_randomised_response_stays_above_its_bound_in_95_of_100_runs(epsilon, records):
    bound = cache(lambda correct: lower_bound(correct, records // 2, records=records))
    found = []
    for run in range(RUNS):
        members, others = answered(epsilon, records, np.random.default_rng([run, records, int(10 * epsilon)]))
        found.append(bound(correct_guesses(members, others, guesses=records // 2)))
    beyond = int(np.sum(np.array(found) > epsilon))
    # More than 5% of the runs beyond the truth, and not by chance: one in a thousand.
    assert binom.sf(beyond - 1, RUNS, 0.05) > 0.001
    assert np.mean(found) > 0.3 * min(epsilon, ceiling(records // 2))


def test_the_level_of_the_bound_is_exact_where_every_guess_is_a_coin_of_known_bias():
    # All 100 guesses of randomised response are right independently with probability e^eps / (1 + e^eps).
    for epsilon in (0.5, 1.0, 2.0, 4.0):
        rejected = [v for v in range(101) if p_value(v, 100, epsilon=epsilon, records=200) <= 0.05]
        share = 1 / (1 + math.exp(-epsilon))
        assert sum(binom.pmf(v, 100, share) for v in rejected) <= 0.05
        assert all(lower_bound(v, 100, records=200) >= epsilon - 1e-6 for v in rejected)


@pytest.mark.parametrize("mu", [0.5, 1.0, 2.0])
def test_gaussian_mechanisms_stay_above_their_bound(mu):
    delta = 1e-5

    def excess(epsilon: float) -> float:
        return norm.cdf(-epsilon / mu + mu / 2) - math.exp(epsilon) * norm.cdf(-epsilon / mu - mu / 2) - delta

    truth = brentq(excess, 0, 50)
    bounds = []
    for run in range(20):
        draw = np.random.default_rng(run)
        correct = correct_guesses(draw.normal(mu, 1, 2000), draw.normal(0, 1, 2000), guesses=400)
        bounds.append(lower_bound(correct, 400, records=4000, delta=delta))
    assert max(bounds) < truth
    assert np.mean(bounds) > 0.3 * truth


def test_the_truth_of_gaussians_is_the_published_one():
    truths = {0.5: 1.99, 1.0: 4.38, 2.0: 10.0}
    for mu, truth in truths.items():
        left = norm.cdf(-truth / mu + mu / 2) - math.exp(truth) * norm.cdf(-truth / mu - mu / 2)
        assert left == pytest.approx(1e-5, rel=0.08)


def test_a_p_value_is_the_sum_written_out():
    def literal(m: int, r: int, v: int, epsilon: float, delta: float) -> float:
        share = 1 / (1 + math.exp(-epsilon))
        pmf = [binom.pmf(k, r, share) for k in range(r + 1)]
        tail = sum(pmf[v:])
        steepest = max(sum(pmf[v - i : v]) / i for i in range(1, v + 1))
        return min(1.0, tail + 2 * m * delta * steepest)

    for v in (30, 45, 60):
        for delta in (0.0, 1e-4):
            expected = literal(300, 60, v, 0.7, delta)
            assert p_value(v, 60, epsilon=0.7, records=300, delta=delta) == pytest.approx(expected, rel=1e-9)


def test_scores_that_say_nothing_prove_nothing():
    constant = np.full(500, 0.3)
    assert correct_guesses(constant, constant, guesses=200) == 0
    assert lower_bound(0, 200, records=1000) == 0
    bound, above = cache(lambda correct: lower_bound(correct, 100, records=600)), 0
    for run in range(RUNS):
        draw = np.random.default_rng(run)
        above += bound(correct_guesses(draw.random(300), draw.random(300), guesses=100)) > 0
    assert binom.sf(above - 1, RUNS, 0.05) > 0.001


@pytest.mark.parametrize(("guesses", "most"), [(50, 2.78), (100, 3.49), (200, 4.19), (500, 5.11)])
def test_perfect_guesses_reach_the_ceiling_and_no_more(guesses, most):
    members, others = np.arange(1000.0, 2000.0), np.arange(1000.0)
    assert correct_guesses(members, others, guesses=guesses) == guesses
    assert lower_bound(guesses, guesses, records=2000) == pytest.approx(ceiling(guesses), abs=1e-6)
    assert ceiling(guesses) == pytest.approx(most, abs=0.005)


def test_a_delta_only_ever_lowers_the_bound():
    bounds = [lower_bound(180, 200, records=1000, delta=delta) for delta in (0.0, 1e-6, 1e-4)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > bounds[-1]


@pytest.mark.parametrize("guesses", [0, 3, 22])
def test_guesses_that_make_no_sense_are_refused(guesses):
    with pytest.raises(ValueError, match="guesses must be even and lie between 2 and 20"):
        correct_guesses(np.zeros(10), np.zeros(10), guesses=guesses)
