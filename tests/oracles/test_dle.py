"""Direct loss estimation against errors whose expectation is known at every row."""

from __future__ import annotations

import numpy as np
import pytest

from estimation_cases import measure, measured, regressor, spread_of, subject_of
from model_governance.checks.quality.performance_estimation.dle import design_matrices, learn_loss, predict_loss
from model_governance.contract.subject import Columns, Feature

COLUMNS = Columns(features={"x": Feature(kind="numeric"), "site": Feature(kind="category")}, target="label")


def learned(reference, current, *, folds: int = 5):
    errors = np.abs((reference["x"] - reference["label"]).to_numpy())
    answers = reference["x"].to_numpy(), current["x"].to_numpy()
    design, current_design, categories = design_matrices(reference, current, COLUMNS, answers=answers)
    fold = np.random.default_rng(1).permutation(len(errors)) % folds
    return predict_loss(learn_loss(errors, design, categories=categories, fold=fold), errors, current_design)


def test_the_second_model_finds_the_known_expectation():
    reference, current = measured(10_000, seed=1), measured(5000, seed=2, centre=0.8)
    losses = learned(reference, current)
    exact = spread_of(current) * np.sqrt(2 / np.pi)
    assert losses.value == pytest.approx(exact.mean(), rel=0.03)
    assert np.corrcoef(losses.current.mean(axis=0), exact)[0, 1] > 0.95
    assert losses.held_out.mean() == pytest.approx(losses.observed.mean(), rel=0.01)


def test_what_comes_true_lies_in_the_interval():
    covered = []
    for seed in range(12):
        reference, current = measured(800, seed=100 + seed), measured(600, seed=500 + seed, centre=0.6 * (seed % 2))
        losses = learned(reference, current)
        realised = np.abs(current["x"] - current["label"]).mean()
        covered.append(abs(losses.value - realised) <= 1.96 * np.sqrt(losses.realised_variance()))
    assert np.mean(covered) >= 0.9


def test_an_unseen_category_counts_as_missing_and_codes_do_not_depend_on_the_order_of_rows():
    reference, current = measured(300, seed=1), measured(50, seed=2).assign(site="unknown")
    design, current_design, categories = design_matrices(
        reference, current, COLUMNS, answers=(np.zeros(300), np.zeros(50))
    )
    again, _, _ = design_matrices(reference[::-1], current, COLUMNS, answers=(np.zeros(300), np.zeros(50)))
    assert categories == [2]
    assert np.isnan(current_design[:, 2]).all()
    assert np.array_equal(design, again[::-1])


def test_rmse_and_mae_are_those_of_the_known_noise():
    reference, current = measured(4000, seed=3), measured(2000, seed=4, centre=1.0)
    result = measure(subject_of(reference, current, regressor(), x="numeric", site="category"))
    spread = spread_of(current)
    assert result.metric("estimated_mae").value == pytest.approx((spread * np.sqrt(2 / np.pi)).mean(), rel=0.05)
    assert result.metric("estimated_rmse").value == pytest.approx(np.sqrt((spread**2).mean()), rel=0.05)
