"""Intervals against published limits, their own definition and coverage in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, t

from model_governance.checks.quality.model_quality.calibration import bin_probabilities, calibration_error
from model_governance.checks.quality.model_quality.discrimination import (
    auc_interval,
    average_precision,
    average_precision_influence,
    average_precision_interval,
)
from model_governance.checks.quality.model_quality.uncertainty import (
    average_interval,
    f1_interval,
    mean_interval,
    median_interval,
    positive_mean_interval,
    resampled,
)
from model_governance.stats.intervals import bootstrap, clopper_pearson


# Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 5.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_clopper_pearson_gives_the_published_limits(successes, n, low, high):
    assert clopper_pearson(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(1, 7), (5, 10), (40, 400), (69_000, 70_000)])
def test_at_the_limits_of_clopper_pearson_the_binomial_tails_hold_two_and_a_half_percent(successes, n):
    low, high = clopper_pearson(successes, n)
    assert binom.sf(successes - 1, n, low) == pytest.approx(0.025, rel=1e-6)
    assert binom.cdf(successes, n, high) == pytest.approx(0.025, rel=1e-6)


def test_none_and_all_close_one_side_by_the_rule_of_their_own():
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 1 - 0.025 ** (1 / 10)))
    assert clopper_pearson(10, 10) == pytest.approx((0.025 ** (1 / 10), 1.0))


@pytest.mark.parametrize("n", [10, 40])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.97])
def test_clopper_pearson_covers_at_least_95_percent_exactly_counted(share, n):
    covered = [low <= share <= high for low, high in (clopper_pearson(number, n) for number in range(n + 1))]
    assert binom.pmf(np.arange(n + 1), n, share)[covered].sum() >= 0.95


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_shares_that_are_none_are_refused(successes, n):
    with pytest.raises(ValueError, match="need 0 <= successes"):
        clopper_pearson(successes, n)


def coverage(trial, *, truth: float, trials: int, seed: int = 1) -> float:
    """Share of simulated samples whose interval holds the truth."""
    draw = np.random.default_rng(seed)
    found = [trial(draw) for _ in range(trials)]
    return float(np.mean([interval is not None and interval[0] <= truth <= interval[1] for interval in found]))


def test_the_bootstrap_covers_the_mean_of_a_skewed_sample():
    def trial(draw):
        sample = draw.exponential(1.0, 150)
        return bootstrap(lambda rows: sample[rows].mean(), 150, seed=int(draw.integers(1 << 30)))

    assert 0.90 <= coverage(trial, truth=1.0, trials=400) <= 0.98


def test_the_bootstrap_agrees_with_the_normal_theory_of_a_mean():
    sample = np.random.default_rng(5).normal(3.0, 2.0, 2000)
    low, high = bootstrap(lambda rows: sample[rows].mean(), 2000, seed=3, resamples=4000)
    reach = 1.96 * sample.std(ddof=1) / math.sqrt(2000)
    assert (low, high) == pytest.approx((sample.mean() - reach, sample.mean() + reach), abs=0.008)


def test_the_bootstrap_repeats_itself_and_follows_its_seed():
    sample = np.arange(50.0)
    one, same, other = (bootstrap(lambda rows: sample[rows].mean(), 50, seed=seed) for seed in (1, 1, 2))
    assert one == same != other


def test_the_bootstrap_gives_nothing_where_most_resamples_are_undefined():
    assert bootstrap(lambda rows: math.nan if 0 in rows else 1.0, 3, seed=1) is None


def test_an_interval_without_width_is_no_interval():
    assert resampled(lambda rows: 1.0, 10, seed=1, resamples=50) is None
    assert mean_interval(np.ones(10)) is None
    assert median_interval(np.ones(10)) is None


def test_the_median_interval_is_that_of_the_order_statistics():
    # n = 20: P(B <= 5) = 0.0207 for B ~ Bin(20, 1/2), so the 6th smallest and the 6th largest.
    assert median_interval(np.random.default_rng(1).permutation(np.arange(1.0, 21.0))) == (6.0, 15.0)
    assert median_interval(np.arange(5.0)) is None


def test_the_interval_of_a_positive_mean_is_halls():
    """Solved numerically from Hall's definition: T + T^2 g/3 + T^3 g^2/27 + g/6n is normal."""
    from scipy.optimize import brentq

    values = np.random.default_rng(2).exponential(size=40)
    spread, n = values.std(), 40
    skew = np.mean(((values - values.mean()) / spread) ** 3)

    def transformed(mean):
        one = (values.mean() - mean) / (spread * math.sqrt(n / (n - 1)))
        return one + skew * one**2 / 3 + skew**2 * one**3 / 27 + skew / (6 * n)

    reach = t.ppf(0.975, n - 1) / math.sqrt(n)
    low, high = positive_mean_interval(values)
    assert low == pytest.approx(brentq(lambda one: transformed(one) - reach, 0, 10))
    assert high == pytest.approx(brentq(lambda one: transformed(one) + reach, 0, 10))
    assert positive_mean_interval(np.array([0.0, 0, 0, 9]))[0] >= 0


def test_the_mean_interval_is_students():
    # t(0.975, 4 degrees of freedom) = 2.776
    assert mean_interval(np.array([1.0, 2, 3, 4, 5])) == pytest.approx((3 - 1.9632, 3 + 1.9632), abs=1e-3)


@pytest.mark.parametrize("shares", [(0.9, 0.8), (0.99, 0.6), (1.0, 1.0)])
def test_the_interval_of_an_average_of_shares_covers(shares):
    def trial(draw):
        return average_interval([(int(draw.binomial(60, shares[0])), 60), (int(draw.binomial(25, shares[1])), 25)])

    assert coverage(trial, truth=sum(shares) / 2, trials=2000) >= 0.945


@pytest.mark.parametrize("cells", [(0.3, 0.1, 0.1, 0.5), (0.03, 0.02, 0.01, 0.94)])
def test_the_interval_of_f1_covers(cells):
    tp, fp, fn, _ = cells

    def trial(draw):
        hits, false, missed, _ = draw.multinomial(200, cells)
        return f1_interval(int(hits), int(false + missed)) if hits + false + missed else (0.0, 1.0)

    assert coverage(trial, truth=2 * tp / (2 * tp + fp + fn), trials=2000) >= 0.945


@pytest.mark.parametrize("gap", [0.0, 1.0, 2.5])
def test_delongs_interval_covers_the_auc_of_two_normals(gap):
    from scipy.stats import norm

    def trial(draw):
        positive = np.arange(120) < 40
        return auc_interval((draw.normal(size=120) + gap * positive)[:, None], positive, np.array([True]))

    assert 0.92 <= coverage(trial, truth=float(norm.cdf(gap / math.sqrt(2))), trials=600) <= 0.985


def test_delongs_variance_is_that_of_the_formula_counted_pair_by_pair():
    draw = np.random.default_rng(8)
    positive = draw.random(60) < 0.4
    scores = np.round(draw.normal(size=60) + positive, 1)
    beats = np.sign(scores[positive][:, None] - scores[~positive][None, :]) / 2 + 0.5
    area = beats.mean()
    variance = beats.mean(axis=1).var(ddof=1) / positive.sum() + beats.mean(axis=0).var(ddof=1) / (~positive).sum()
    low, high = auc_interval(scores[:, None], positive, np.array([True]))
    width = math.log(high / (1 - high)) - math.log(low / (1 - low))
    sides = beats.mean(axis=1), beats.mean(axis=0)
    parts = [values.var(ddof=1) / len(values) for values in sides]
    freedom = variance**2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, sides, strict=True))
    assert width == pytest.approx(2 * t.ppf(0.975, freedom) * math.sqrt(variance) / (area * (1 - area)), rel=1e-6)


def test_the_interval_of_an_auc_over_classes_agrees_with_the_bootstrap():
    from sklearn.metrics import roc_auc_score

    draw = np.random.default_rng(4)
    truth = draw.integers(0, 3, 600)
    scores = draw.normal(size=(600, 3)) + 1.2 * (truth[:, None] == np.arange(3))

    def macro(rows):
        return np.mean([roc_auc_score(truth[rows] == number, scores[rows, number]) for number in range(3)])

    low, high = auc_interval(scores, truth, np.arange(3))
    assert (low, high) == pytest.approx(bootstrap(macro, 600, seed=1, resamples=300), abs=0.006)


def test_average_precision_and_its_influence_are_scikit_learns():
    from sklearn.metrics import average_precision_score

    draw = np.random.default_rng(6)
    positive = draw.random(150) < 0.3
    scores = np.round(draw.random(150) + 0.3 * positive, 1)
    assert average_precision(scores, positive) == pytest.approx(average_precision_score(positive, scores), abs=1e-12)
    influence = average_precision_influence(scores, positive)
    weight = np.ones(150)
    for row in (0, 17, 88, 149):
        weight[row] = 1 + 1e-6
        more = average_precision_score(positive, scores, sample_weight=weight)
        weight[row] = 1.0
        slope = (more - average_precision(scores, positive)) / 1e-6
        assert influence[row] == pytest.approx(150 * slope, abs=1e-3)


def test_the_interval_of_average_precision_agrees_with_the_bootstrap():
    from sklearn.metrics import average_precision_score

    draw = np.random.default_rng(6)
    positive = draw.random(1500) < 0.3
    scores = draw.random(1500) + 0.3 * positive
    drawn = bootstrap(lambda rows: average_precision_score(positive[rows], scores[rows]), 1500, seed=2, resamples=400)
    assert average_precision_interval(scores, positive) == pytest.approx(drawn, abs=0.008)


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.1])
def test_the_interval_of_the_calibration_error_covers(shift):
    # Every probability is too high by `shift`, which is therefore the calibration error.
    def trial(draw):
        probability = draw.uniform(0.2, 0.8, 600)
        positive = draw.random(600) < probability - shift
        return calibration_error(bin_probabilities(probability, positive, count=10), seed=1, resamples=100).interval

    assert coverage(trial, truth=shift, trials=150) >= 0.94


def test_the_interval_of_the_calibration_error_tells_a_large_one_from_chance():
    draw = np.random.default_rng(3)
    probability = draw.uniform(0.2, 0.8, 2000)
    found = calibration_error(
        bin_probabilities(probability, draw.random(2000) < probability - 0.15, count=10), seed=1, resamples=100
    )
    assert found.interval[0] > 0.08
    assert found.value > 4 * float(found.detail.split()[0])
