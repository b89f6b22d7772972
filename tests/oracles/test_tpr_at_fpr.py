"""Rates of membership scores against closed forms: two Gaussians, memorised coins, published intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from model_governance.checks.privacy.membership_inference.rates import (
    advantage,
    auc,
    chance_advantage,
    operating_point,
    roc,
)
from model_governance.stats.limits import DifferenceOfShares


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0])
def test_shifted_gaussians_have_the_rates_of_the_closed_form(shift):
    draw = np.random.default_rng(11)
    members, others = draw.normal(shift, 1, 200_000), draw.normal(0, 1, 200_000)
    value, (low, high) = auc(members, others)
    assert value == pytest.approx(norm.cdf(shift / np.sqrt(2)), abs=0.003)
    assert low <= value <= high
    for fpr in (0.01, 0.001):
        point = operating_point(members, others, fpr=fpr)
        assert point is not None
        assert point.tpr == pytest.approx(norm.cdf(norm.ppf(fpr) + shift), abs=0.012)
    # The best threshold lies halfway: Phi(shift/2) - Phi(-shift/2).
    assert advantage(members, others) == pytest.approx(2 * norm.cdf(shift / 2) - 1, abs=0.006)


def test_the_interval_of_the_auc_covers_the_truth_as_often_as_it_says():
    truth, hits = norm.cdf(1 / np.sqrt(2)), 0
    for seed in range(400):
        draw = np.random.default_rng(seed)
        low, high = auc(draw.normal(1, 1, 120), draw.normal(0, 1, 80))[1]
        hits += low <= truth <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_the_auc_counts_ties_half_like_scikit_learn():
    draw = np.random.default_rng(2)
    members, others = draw.integers(0, 6, 300), draw.integers(0, 5, 200)
    truth = np.r_[np.ones(300), np.zeros(200)]
    assert auc(members, others)[0] == pytest.approx(roc_auc_score(truth, np.r_[members, others]), abs=1e-12)


def test_the_roc_ends_in_both_corners_and_encloses_the_auc():
    draw = np.random.default_rng(4)
    members, others = draw.normal(0.7, 1, 500), draw.normal(0, 1, 400)
    false, true = roc(members, others)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(auc(members, others)[0], abs=1e-12)


def test_the_threshold_is_the_next_largest_score_and_ties_are_not_named():
    others = np.array([9.0, 8.0, 7.0, 7.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    point = operating_point(np.array([10.0, 8.0, 7.5, 7.0, 6.0]), others, fpr=0.2)
    assert point is not None
    assert (point.max_false_positives, point.threshold, point.false_positives, point.true_positives) == (2, 7.0, 2, 3)
    tied = operating_point(np.array([7.0, 8.0]), np.full(10, 7.0), fpr=0.5)
    assert tied is not None
    assert (tied.false_positives, tied.true_positives) == (0, 1)


@pytest.mark.parametrize(
    ("fpr", "rows", "allowed"), [(0.29, 100, 29), (0.07, 100, 7), (0.001, 1000, 1), (0.01, 250, 2)]
)
def test_rounding_of_floats_takes_no_false_positive_away(fpr, rows, allowed):
    point = operating_point(np.arange(3.0), np.arange(float(rows)), fpr=fpr)
    assert point is not None
    assert point.max_false_positives == point.false_positives == allowed


def test_constant_scores_say_nothing():
    same = np.full(1000, 0.3)
    assert auc(same, same)[0] == 0.5
    assert advantage(same, same) == 0
    point = operating_point(same, same, fpr=0.01)
    assert point is not None
    assert point.true_positives == 0


def test_the_advantage_of_guessing_is_what_a_brownian_bridge_reaches():
    draws = [np.random.default_rng(seed) for seed in range(300)]
    mean = np.mean([advantage(draw.normal(size=400), draw.normal(size=250)) for draw in draws])
    assert mean == pytest.approx(chance_advantage(400, 250), rel=0.07)


@pytest.mark.parametrize(
    ("first", "second", "interval"),
    [((56, 70), (48, 80), (0.0524, 0.3339)), ((9, 10), (3, 10), (0.1705, 0.8090)), ((10, 10), (0, 10), (0.6075, 1.0))],
)
def test_differences_of_shares_have_the_intervals_of_newcombes_table(first, second, interval):
    assert DifferenceOfShares(first=second, second=first).interval() == pytest.approx(interval, abs=5e-5)
