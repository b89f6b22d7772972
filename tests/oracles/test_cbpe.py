"""Confidence-based estimates against answers that can be counted: all coins tossed, all pairs compared."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

from estimation_cases import chance_of, classifier, drawn
from model_governance.checks.quality.performance_estimation.calibration import calibrate, calibration_bins
from model_governance.checks.quality.performance_estimation.cbpe import (
    Predictions,
    bernoulli_variances,
    bin_scores,
    estimate_metrics,
    expected_auc,
    expected_metrics,
)
from model_governance.checks.quality.performance_estimation.uncertainty import normal_interval


def uncalibrated(score: np.ndarray, predicted: np.ndarray | None = None):
    predicted = score >= 0.5 if predicted is None else predicted
    curves = calibrate(score, predicted, predicted, method="none", folds=2, resamples=50, seed=1)
    estimates = estimate_metrics(Predictions(score=score, predicted=predicted), curves, binary=True)
    return {number.name.removeprefix("estimated_"): number for number in estimates}


def test_with_known_probabilities_accuracy_is_the_mean_of_the_larger_one():
    probability = np.random.default_rng(1).beta(0.7, 1.1, 5000)
    exact = np.maximum(probability, 1 - probability).mean()
    assert uncalibrated(probability)["accuracy"].value == pytest.approx(exact, abs=1e-12)


def test_means_and_variances_are_those_of_all_outcomes():
    probability, predicted = np.array([0.9, 0.7, 0.6, 0.3, 0.2, 0.8, 0.1]), np.array([1, 1, 1, 0, 0, 0, 1], dtype=bool)
    weights, accuracy, precision = [], [], []
    for outcome in product((0, 1), repeat=len(probability)):
        label = np.array(outcome)
        weights.append(np.prod(np.where(label, probability, 1 - probability)))
        accuracy.append(np.mean(label == predicted))
        precision.append(label[predicted].mean())
    estimates, variance = (
        expected_metrics(probability, predicted, np.ones(7)),
        bernoulli_variances(probability, predicted),
    )
    for name, values in (("accuracy", accuracy), ("precision", precision)):
        mean = np.average(values, weights=weights)
        assert estimates[name] == pytest.approx(mean, abs=1e-12)
        assert variance[name] == pytest.approx(np.average((np.array(values) - mean) ** 2, weights=weights), abs=1e-12)


def poisson_binomial(probability: np.ndarray) -> np.ndarray:
    mass = np.array([1.0])
    for share in probability:
        mass = np.convolve(mass, [1 - share, share])
    return mass


def test_ratios_at_expected_counts_are_their_exact_means_but_for_one_over_n():
    draw = np.random.default_rng(2)
    probability = draw.beta(1, 1.5, 600)
    predicted = probability > 0.4
    hits, misses = poisson_binomial(probability[predicted]), poisson_binomial(probability[~predicted])
    joint = np.outer(hits, misses)
    tp, fn = np.arange(len(hits))[:, None], np.arange(len(misses))[None, :]
    positive, total = predicted.sum(), len(predicted)
    exact = {
        "recall": tp / np.maximum(tp + fn, 1),
        "f1": 2 * tp / (tp + fn + positive),
        "specificity": (total - positive - fn) / np.maximum(total - tp - fn, 1),
    }
    estimates, variance = (
        expected_metrics(probability, predicted, np.ones(total)),
        bernoulli_variances(probability, predicted),
    )
    for name, values in exact.items():
        mean = float((joint * values).sum())
        spread = float((joint * (values - mean) ** 2).sum())
        assert estimates[name] == pytest.approx(mean, abs=1 / total), name
        assert variance[name] == pytest.approx(spread, rel=0.02), name


def test_the_area_is_that_of_all_pairs_with_ties_and_without_pairs_of_a_row_with_itself():
    draw = np.random.default_rng(3)
    score, probability = draw.integers(0, 12, 60) / 12, draw.random(60)
    above = 0.5 * (score[:, None] == score[None, :]) + (score[:, None] > score[None, :])
    weight = probability[:, None] * (1 - probability[None, :])
    np.fill_diagonal(weight, 0)
    value, gradient = expected_auc(score, probability)
    assert value == pytest.approx((weight * above).sum() / weight.sum(), abs=1e-12)
    shifted = probability.copy()
    shifted[7] += 1e-6
    assert (expected_auc(score, shifted)[0] - value) / 1e-6 == pytest.approx(gradient[7], abs=2e-4)


def test_certain_probabilities_give_the_area_of_scikit_learn():
    draw = np.random.default_rng(4)
    score, label = draw.random(200).round(1), draw.integers(0, 2, 200)
    assert expected_auc(score, label.astype(float))[0] == pytest.approx(sk.roc_auc_score(label, score), abs=1e-12)


def test_bins_keep_every_row_and_the_sums():
    draw = np.random.default_rng(5)
    score = draw.random(20_000)
    predictions = Predictions(score=score, predicted=score > 0.3)
    bins = bin_scores(predictions)
    assert bins.rows.sum() == 20_000
    whole, binned = (
        expected_metrics(score, predictions.predicted, np.ones(20_000)),
        expected_metrics(bins.score, bins.predicted, bins.rows),
    )
    assert binned == pytest.approx(whole, abs=1e-12)


def test_isotonic_curves_are_those_of_scikit_learn():
    draw = np.random.default_rng(6)
    score = draw.random(900)
    hit, predicted = draw.random(900) < score**2, score > 0.6
    curves = calibrate(score, predicted, hit, method="isotonic", folds=3, resamples=50, seed=8)
    fold = np.random.default_rng(8).permutation(900) % 3
    train = (fold != 0) & predicted
    fitted = IsotonicRegression(out_of_bounds="clip").fit(score[train], hit[train])
    grid = np.linspace(0.61, 0.99, 50)
    assert curves.curves[0](grid, np.ones(50, dtype=bool)) == pytest.approx(fitted.predict(grid), abs=1e-12)


@pytest.mark.parametrize("sharpness", [0.4, 2.5])
def test_the_logistic_curve_undoes_false_confidence(sharpness):
    frame, model = drawn(40_000, seed=9), classifier(sharpness=sharpness)
    score = model.predict_proba(frame)[:, 1]
    predicted, hit = score > 0.5, frame["label"].to_numpy() == 1
    curves = calibrate(score, predicted, hit, method="auto", folds=5, resamples=50, seed=1)
    assert curves.method == "platt"
    assert np.abs(curves(score, predicted) - chance_of(frame)).max() < 0.05
    assert np.abs(curves(score, predicted) - chance_of(frame)).mean() < 0.01
    assert calibration_bins(score, hit, score).error > 0.05 > 3 * calibration_bins(score, hit, curves.held_out).error


def test_auto_takes_isotonic_regression_where_a_logistic_curve_cannot_follow():
    draw = np.random.default_rng(10)
    score = draw.random(8000)
    predicted, hit = score > 0.5, draw.random(8000) < np.where(score > 0.8, 0.95, np.where(score > 0.3, 0.5, 0.1))
    curves = calibrate(score, predicted, hit, method="auto", folds=5, resamples=50, seed=1)
    assert curves.method == "isotonic"
    assert calibration_bins(score, hit, curves.held_out).error < 0.03


def test_under_covariate_shift_what_comes_true_lies_in_the_interval():
    covered: dict[str, list[bool]] = {}
    for seed in range(40):
        centre, model = (-1.0, 0.0, 0.5, 1.0)[seed % 4], classifier(sharpness=(0.5, 2.0)[seed // 20])
        reference, current = drawn(1500, seed=1000 + seed), drawn(800, seed=5000 + seed, centre=centre)
        reference_rows, current_rows = (
            Predictions(score=model.predict_proba(frame)[:, 1], predicted=model.predict(frame) == 1)
            for frame in (reference, current)
        )
        curves = calibrate(
            reference_rows.score,
            reference_rows.predicted,
            reference["label"].to_numpy() == 1,
            method="platt",
            folds=5,
            resamples=50,
            seed=seed,
        )
        label, predicted = current["label"], current_rows.predicted.astype(int)
        truth = {
            "estimated_accuracy": sk.accuracy_score(label, predicted),
            "estimated_precision": sk.precision_score(label, predicted),
            "estimated_recall": sk.recall_score(label, predicted),
            "estimated_f1": sk.f1_score(label, predicted),
            "estimated_specificity": sk.recall_score(label, predicted, pos_label=0),
            "estimated_roc_auc": sk.roc_auc_score(label, current_rows.score),
            "estimated_average_precision": sk.average_precision_score(label, current_rows.score),
        }
        for number in estimate_metrics(current_rows, curves, binary=True):
            low, high = normal_interval(number.value, number.error, "logit")
            covered.setdefault(number.name, []).append(low <= truth[number.name] <= high)
    assert len(covered) == 7
    assert all(np.mean(inside) >= 0.9 for inside in covered.values()), {
        k: float(np.mean(v)) for k, v in covered.items()
    }
