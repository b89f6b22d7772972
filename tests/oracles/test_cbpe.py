"""Confidence-based estimates against answers that can be counted: all coins tossed, all pairs compared."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

from estimation_cases import chance_of, classifier, drawn
from model_governance.checks.quality.performance_estimation.calibration import calibrate, into_bins
from model_governance.checks.quality.performance_estimation.confidence import (
    Answers,
    coin_variances,
    estimate_shares,
    expected_auc,
    gather,
    shares,
)
from model_governance.checks.quality.performance_estimation.uncertainty import limits


def trusted(score: np.ndarray, said: np.ndarray | None = None):
    said = score >= 0.5 if said is None else said
    curves = calibrate(score, said, said, wanted="none", folds=2, resamples=50, seed=1)
    found = estimate_shares(Answers(score=score, said=said), curves, binary=True)
    return {one.name.removeprefix("estimated_"): one for one in found}


def test_with_known_chances_accuracy_is_the_mean_of_the_larger_one():
    chance = np.random.default_rng(1).beta(0.7, 1.1, 5000)
    exact = np.maximum(chance, 1 - chance).mean()
    assert trusted(chance)["accuracy"].value == pytest.approx(exact, abs=1e-12)


def test_means_and_variances_are_those_of_all_outcomes():
    chance, said = np.array([0.9, 0.7, 0.6, 0.3, 0.2, 0.8, 0.1]), np.array([1, 1, 1, 0, 0, 0, 1], dtype=bool)
    weights, accuracy, precision = [], [], []
    for outcome in product((0, 1), repeat=len(chance)):
        label = np.array(outcome)
        weights.append(np.prod(np.where(label, chance, 1 - chance)))
        accuracy.append(np.mean(label == said))
        precision.append(label[said].mean())
    found, variance = shares(chance, said, np.ones(7)), coin_variances(chance, said)
    for name, values in (("accuracy", accuracy), ("precision", precision)):
        mean = np.average(values, weights=weights)
        assert found[name] == pytest.approx(mean, abs=1e-12)
        assert variance[name] == pytest.approx(np.average((np.array(values) - mean) ** 2, weights=weights), abs=1e-12)


def poisson_binomial(chance: np.ndarray) -> np.ndarray:
    mass = np.array([1.0])
    for one in chance:
        mass = np.convolve(mass, [1 - one, one])
    return mass


def test_ratios_at_expected_counts_are_their_exact_means_but_for_one_over_n():
    draw = np.random.default_rng(2)
    chance = draw.beta(1, 1.5, 600)
    said = chance > 0.4
    hits, missed = poisson_binomial(chance[said]), poisson_binomial(chance[~said])
    joint = np.outer(hits, missed)
    tp, fn = np.arange(len(hits))[:, None], np.arange(len(missed))[None, :]
    named, total = said.sum(), len(said)
    exact = {
        "recall": tp / np.maximum(tp + fn, 1),
        "f1": 2 * tp / (tp + fn + named),
        "specificity": (total - named - fn) / np.maximum(total - tp - fn, 1),
    }
    found, variance = shares(chance, said, np.ones(total)), coin_variances(chance, said)
    for name, values in exact.items():
        mean = float((joint * values).sum())
        spread = float((joint * (values - mean) ** 2).sum())
        assert found[name] == pytest.approx(mean, abs=1 / total), name
        assert variance[name] == pytest.approx(spread, rel=0.02), name


def test_the_area_is_that_of_all_pairs_with_ties_and_without_pairs_of_a_row_with_itself():
    draw = np.random.default_rng(3)
    score, chance = draw.integers(0, 12, 60) / 12, draw.random(60)
    above = 0.5 * (score[:, None] == score[None, :]) + (score[:, None] > score[None, :])
    weight = chance[:, None] * (1 - chance[None, :])
    np.fill_diagonal(weight, 0)
    value, slope = expected_auc(score, chance)
    assert value == pytest.approx((weight * above).sum() / weight.sum(), abs=1e-12)
    moved = chance.copy()
    moved[7] += 1e-6
    assert (expected_auc(score, moved)[0] - value) / 1e-6 == pytest.approx(slope[7], abs=2e-4)


def test_certain_chances_give_the_area_of_scikit_learn():
    draw = np.random.default_rng(4)
    score, label = draw.random(200).round(1), draw.integers(0, 2, 200)
    assert expected_auc(score, label.astype(float))[0] == pytest.approx(sk.roc_auc_score(label, score), abs=1e-12)


def test_cells_keep_every_row_and_the_sums():
    draw = np.random.default_rng(5)
    score = draw.random(20_000)
    answers = Answers(score=score, said=score > 0.3)
    cells = gather(answers)
    assert cells.rows.sum() == 20_000
    whole, gathered = shares(score, answers.said, np.ones(20_000)), shares(cells.score, cells.said, cells.rows)
    assert gathered == pytest.approx(whole, abs=1e-12)


def test_isotonic_curves_are_those_of_scikit_learn():
    draw = np.random.default_rng(6)
    score = draw.random(900)
    hit, said = draw.random(900) < score**2, score > 0.6
    curves = calibrate(score, said, hit, wanted="isotonic", folds=3, resamples=50, seed=8)
    fold = np.random.default_rng(8).permutation(900) % 3
    kept = (fold != 0) & said
    theirs = IsotonicRegression(out_of_bounds="clip").fit(score[kept], hit[kept])
    grid = np.linspace(0.61, 0.99, 50)
    assert curves.curves[0](grid, np.ones(50, dtype=bool)) == pytest.approx(theirs.predict(grid), abs=1e-12)


@pytest.mark.parametrize("sharpness", [0.4, 2.5])
def test_the_logistic_curve_undoes_false_confidence(sharpness):
    frame, model = drawn(40_000, seed=9), classifier(sharpness=sharpness)
    score = model.predict_proba(frame)[:, 1]
    said, hit = score > 0.5, frame["label"].to_numpy() == 1
    curves = calibrate(score, said, hit, wanted="auto", folds=5, resamples=50, seed=1)
    assert curves.method == "platt"
    assert np.abs(curves(score, said) - chance_of(frame)).max() < 0.05
    assert np.abs(curves(score, said) - chance_of(frame)).mean() < 0.01
    assert into_bins(score, hit, score).error > 0.05 > 3 * into_bins(score, hit, curves.held_out).error


def test_auto_takes_isotonic_regression_where_a_logistic_curve_cannot_follow():
    draw = np.random.default_rng(10)
    score = draw.random(8000)
    said, hit = score > 0.5, draw.random(8000) < np.where(score > 0.8, 0.95, np.where(score > 0.3, 0.5, 0.1))
    curves = calibrate(score, said, hit, wanted="auto", folds=5, resamples=50, seed=1)
    assert curves.method == "isotonic"
    assert into_bins(score, hit, curves.held_out).error < 0.03


def test_under_covariate_shift_what_comes_true_lies_in_the_interval():
    covered: dict[str, list[bool]] = {}
    for seed in range(40):
        centre, model = (-1.0, 0.0, 0.5, 1.0)[seed % 4], classifier(sharpness=(0.5, 2.0)[seed // 20])
        reference, current = drawn(1500, seed=1000 + seed), drawn(800, seed=5000 + seed, centre=centre)
        known, tonight = (
            Answers(score=model.predict_proba(one)[:, 1], said=model.predict(one) == 1) for one in (reference, current)
        )
        curves = calibrate(
            known.score,
            known.said,
            reference["label"].to_numpy() == 1,
            wanted="platt",
            folds=5,
            resamples=50,
            seed=seed,
        )
        label, said = current["label"], tonight.said.astype(int)
        truth = {
            "estimated_accuracy": sk.accuracy_score(label, said),
            "estimated_precision": sk.precision_score(label, said),
            "estimated_recall": sk.recall_score(label, said),
            "estimated_f1": sk.f1_score(label, said),
            "estimated_specificity": sk.recall_score(label, said, pos_label=0),
            "estimated_roc_auc": sk.roc_auc_score(label, tonight.score),
        }
        for one in estimate_shares(tonight, curves, binary=True):
            low, high = limits(one.value, one.error, "logit")
            covered.setdefault(one.name, []).append(low <= truth[one.name] <= high)
    assert len(covered) == 6
    assert all(np.mean(seen) >= 0.9 for seen in covered.values()), {k: float(np.mean(v)) for k, v in covered.items()}
