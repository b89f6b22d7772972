"""Differences of two models on the same rows: against definitions, brute force and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, t

from model_governance.checks.quality.model_quality.classification import Outcomes
from model_governance.checks.quality.model_quality.paired import (
    paired_auc,
    paired_classes,
    paired_difference,
    paired_errors,
    paired_share,
)
from model_governance.stats.intervals import bootstrap, mcnemar, paired_shares


def score_statistic(ours: int, theirs: int, n: int, difference: float) -> float:
    """Tango's statistic with the nuisance share found by maximising the likelihood, not by his formula."""

    def minus_log_likelihood(share):
        cells = (share + difference, share, 1 - 2 * share - difference)
        counts = (ours, theirs, n - ours - theirs)
        return -sum(count * math.log(max(cell, 1e-300)) for count, cell in zip(counts, cells, strict=True))

    low, high = max(0.0, -difference), (1 - difference) / 2
    share = minimize_scalar(minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (ours - theirs - n * difference) / math.sqrt(n * (2 * share + difference * (1 - difference)))


@pytest.mark.parametrize(("ours", "theirs", "n"), [(12, 2, 50), (5, 5, 40), (1, 0, 30), (9, 21, 1000), (30, 4, 34)])
def test_at_the_limits_of_a_paired_difference_the_score_statistic_is_the_normal_quantile(ours, theirs, n):
    low, high = paired_shares(ours, theirs, n)
    assert score_statistic(ours, theirs, n, low) == pytest.approx(1.959964, abs=1e-3)
    assert score_statistic(ours, theirs, n, high) == pytest.approx(-1.959964, abs=1e-3)


def test_a_paired_interval_stays_open_where_no_row_differs():
    z2 = 1.959964**2
    assert paired_shares(0, 0, 20) == pytest.approx((-z2 / (20 + z2), z2 / (20 + z2)), abs=1e-5)
    assert paired_shares(20, 0, 20)[1] == 1


def test_turning_the_models_around_turns_the_interval_around():
    low, high = paired_shares(12, 3, 70)
    assert paired_shares(3, 12, 70) == pytest.approx((-high, -low), abs=1e-8)


@pytest.mark.parametrize(("ours", "theirs"), [(0, 0), (3, 3), (10, 2), (0, 7), (40, 61)])
def test_mcnemar_is_the_binomial_test_of_rows_that_differ(ours, theirs):
    expected = 1.0 if ours + theirs == 0 else binomtest(ours, ours + theirs).pvalue
    assert mcnemar(ours, theirs) == pytest.approx(expected)


@pytest.mark.parametrize("wrong", [(-1, 2, 10), (6, 5, 10), (0, 0, 0)])
def test_counts_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="need 0 <="):
        paired_shares(*wrong)


def test_the_variance_of_two_paired_areas_is_delongs_counted_pair_by_pair():
    draw = np.random.default_rng(5)
    positive = draw.random(80) < 0.4
    one, other = (np.round(draw.normal(size=80) + shift * positive, 1) for shift in (1.2, 0.8))

    def kernel(score):
        return np.sign(score[positive][:, None] - score[~positive][None, :]) / 2 + 0.5

    gap = kernel(one) - kernel(other)
    variance = gap.mean(axis=1).var(ddof=1) / positive.sum() + gap.mean(axis=0).var(ddof=1) / (~positive).sum()
    found = paired_auc(one, other, positive)
    assert found.value == pytest.approx(gap.mean())
    sides = gap.mean(axis=1), gap.mean(axis=0)
    freedom = variance**2 / sum((one.var(ddof=1) / len(one)) ** 2 / (len(one) - 1) for one in sides)
    width = 2 * t.ppf(0.975, freedom) * math.sqrt(variance)
    assert found.interval[1] - found.interval[0] == pytest.approx(width, rel=1e-6)


def answers(draw, count: int = 900) -> tuple[Outcomes, Outcomes]:
    """A good model and a worse one on the same rows."""
    truth = (draw.random(count) < 0.35).astype(int)
    shared = draw.normal(size=count)
    found = []
    for skill in (1.6, 1.1):
        score = 1 / (1 + np.exp(-(skill * (2 * truth - 1) + shared + 0.6 * draw.normal(size=count))))
        found.append(
            Outcomes(
                classes=(0, 1), truth=truth, predicted=(score > 0.5).astype(int),
                probabilities=np.column_stack([1 - score, score]),
            )
        )  # fmt: skip
    return found[0], found[1]


def test_every_gain_is_the_difference_of_the_two_metrics_and_agrees_with_the_paired_bootstrap():
    from sklearn import metrics

    model, champion = answers(np.random.default_rng(3))
    truth = model.truth

    def balanced(rows, one):
        return metrics.balanced_accuracy_score(truth[rows], one.predicted[rows])

    statistics = {
        "accuracy_gain": lambda rows, one: metrics.accuracy_score(truth[rows], one.predicted[rows]),
        "balanced_accuracy_gain": balanced,
        "recall_gain": lambda rows, one: metrics.recall_score(truth[rows], one.predicted[rows]),
        "f1_gain": lambda rows, one: metrics.f1_score(truth[rows], one.predicted[rows]),
        "roc_auc_gain": lambda rows, one: metrics.roc_auc_score(truth[rows], one.probabilities[rows, 1]),
        "average_precision_gain": lambda rows, one: metrics.average_precision_score(
            truth[rows], one.probabilities[rows, 1]
        ),
        "log_loss_gain": lambda rows, one: -metrics.log_loss(truth[rows], one.probabilities[rows]),
        "brier_score_gain": lambda rows, one: -np.mean((one.probabilities[rows, 1] - truth[rows]) ** 2),
    }
    found = {estimate.name: estimate for estimate in paired_classes(model, champion, seed=1, positive=1)}
    assert found.keys() == statistics.keys()
    every = np.arange(len(truth))
    for name, statistic in statistics.items():
        gain = lambda rows, s=statistic: s(rows, model) - s(rows, champion)  # noqa: E731
        assert found[name].value == pytest.approx(gain(every)), name
        low, high = bootstrap(gain, len(truth), seed=1, resamples=120)
        assert found[name].interval == pytest.approx((low, high), abs=0.3 * (high - low)), name


def test_the_gain_in_macro_f1_agrees_with_the_paired_bootstrap():
    from sklearn.metrics import f1_score

    draw = np.random.default_rng(8)
    truth = draw.integers(0, 3, 1200)
    predictions = [np.where(draw.random(1200) < right, truth, draw.integers(0, 3, 1200)) for right in (0.7, 0.6)]
    model, champion = (
        Outcomes(classes=tuple("abc"), truth=truth, predicted=predicted, probabilities=None)
        for predicted in predictions
    )
    found = {estimate.name: estimate for estimate in paired_classes(model, champion, seed=1)}["f1_macro_gain"]

    def gain(rows):
        one, other = (f1_score(truth[rows], s[rows], average="macro") for s in predictions)
        return one - other

    assert found.value == pytest.approx(gain(np.arange(1200)))
    low, high = bootstrap(gain, 1200, seed=1, resamples=300)
    assert found.interval == pytest.approx((low, high), abs=0.2 * (high - low))


def test_gains_of_errors_are_differences_and_pairing_makes_them_narrow():
    draw = np.random.default_rng(2)
    hard = draw.normal(0, 5, 500)
    error, champion = hard + draw.normal(0, 0.3, 500), hard * 1.05 + draw.normal(0, 0.3, 500)
    mae, rmse = paired_errors(error, champion, seed=1)
    assert mae.value == pytest.approx(np.abs(champion).mean() - np.abs(error).mean())
    assert rmse.value == pytest.approx(np.sqrt((champion**2).mean()) - np.sqrt((error**2).mean()))
    assert mae.interval[0] > 0, "an improvement of 5% shows although the errors themselves are noisy"

    def gain(rows):
        return np.sqrt((champion[rows] ** 2).mean()) - np.sqrt((error[rows] ** 2).mean())

    low, high = bootstrap(gain, 500, seed=1, resamples=400)
    assert rmse.interval == pytest.approx((low, high), abs=0.2 * (high - low))


def test_a_model_does_not_gain_on_itself():
    model, _ = answers(np.random.default_rng(1))
    for estimate in paired_classes(model, model, seed=1, positive=1):
        assert estimate.value == 0, estimate.name
        assert estimate.interval is None or estimate.interval[0] < 0 < estimate.interval[1]


def test_a_share_names_the_rows_that_differ():
    found = paired_share("accuracy_gain", np.array([True] * 8 + [False] * 2), np.array([True] * 5 + [False] * 5))
    assert "better on 3 rows, worse on 0" in found.detail
    assert "p = 0.25" in found.detail


def test_a_mean_difference_is_students():
    gains = np.array([1.0, 2, 3, 4, 5])
    assert paired_difference("mae_gain", gains, seed=1).interval == pytest.approx((3 - 1.9632, 3 + 1.9632), abs=1e-3)
