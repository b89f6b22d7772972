"""Rare positives without labels: average precision, changes that an error rate hides, copies that cross no fold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score

from estimation_cases import measure, subject_of
from model_governance.checks.quality.performance_estimation import CHECK
from model_governance.checks.quality.performance_estimation.average_precision import expected_average_precision
from model_governance.checks.quality.performance_estimation.folds import folds_of, resampled_rows, same_rows
from model_governance.contract.subject import Columns, Feature, Model


def rare_chance(frame: pd.DataFrame) -> np.ndarray:
    return expit(2.5 * frame["x"].to_numpy() - 6)


def rare_rows(count: int, *, seed: int, shrink: float = 1.0) -> pd.DataFrame:
    """About 1.5% positives; `shrink` below 1 takes away the rows that the model is sure of."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": shrink * draw.normal(size=count)})
    return frame.assign(label=(draw.random(count) < rare_chance(frame)).astype(int))


def flagging() -> Model:
    """Says the true chance, and flags from a tenth on."""
    return Model(
        name="case", format="skops", sha256="0" * 64, task="binary_classification", native=None, classes=(0, 1),
        call=lambda frame: (rare_chance(frame) >= 0.1).astype(int),
        call_proba=lambda frame: np.column_stack([1 - rare_chance(frame), rare_chance(frame)]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("slope", "shift", "digits"),
    [pytest.param(1.5, -4, 9, id="few positives"), pytest.param(2, 0, 1, id="many ties")],
)
def test_the_expectation_is_the_mean_over_labels_and_so_is_its_spread(slope, shift, digits):
    draw = np.random.default_rng(3)
    probability = expit(slope * draw.normal(size=600) + shift)
    score = probability.round(digits)
    expected = expected_average_precision(score, probability)
    drawn = draw.random((600, 600)) < probability
    values = [average_precision_score(labels, score) for labels in drawn if labels.any()]
    spread = np.sqrt((probability * (1 - probability) * expected.by_probability**2).sum())
    assert expected.value == pytest.approx(np.mean(values), abs=4 * np.std(values) / np.sqrt(len(values)) + 0.004)
    assert spread == pytest.approx(np.std(values), rel=0.2)


def test_its_gradients_are_those_of_small_steps():
    draw = np.random.default_rng(4)
    probability = draw.random(40)
    score, weights = probability.round(1), np.ones(40)
    expected = expected_average_precision(score, probability)
    for place in (0, 7, 39):
        step = np.eye(40)[place] * 1e-6
        by_probability = expected_average_precision(score, probability + step).value - expected.value
        by_row = expected_average_precision(score, probability, rows=weights + step).value - expected.value
        assert by_probability / 1e-6 == pytest.approx(expected.by_probability[place], abs=1e-6)
        assert by_row / 1e-6 == pytest.approx(expected.by_row[place], abs=1e-6)
    assert expected_average_precision(score, np.zeros(40)) is None


def test_unchanged_rows_hold_the_truth_in_every_interval():
    reference, current = rare_rows(8000, seed=1), rare_rows(8000, seed=2)
    result = measure(subject_of(reference, current.drop(columns="label"), flagging(), x="numeric"))
    truth = average_precision_score(current["label"], rare_chance(current))
    estimate = result.metric("estimated_average_precision")
    assert estimate.low < truth < estimate.high
    assert estimate.limits.low(1e-6) < estimate.low
    for name in ("estimated_recall_change", "estimated_average_precision_change", "estimated_loss_increase"):
        assert result.metric(name).low < 0 < result.metric(name).high, name
    assert result.metric("realised_accuracy").absence == "uncertain"


def test_a_loss_of_the_rare_class_that_the_error_rate_hides_is_seen():
    reference, current = rare_rows(20_000, seed=1), rare_rows(20_000, seed=2, shrink=0.6)
    result = measure(subject_of(reference, current.drop(columns="label"), flagging(), x="numeric"))
    assert result.metric("estimated_loss_increase").high < 0.02
    assert result.metric("estimated_recall_change").high < -0.1
    assert result.metric("estimated_average_precision_change").high < 0
    assert any("adds at most" in note and "estimated_recall_change" in note for note in result.notes)


def test_the_suggestion_can_fail_for_a_rare_class():
    labels = np.zeros(5000, dtype=int)
    labels[:10] = 1
    columns = Columns(features={"x": Feature(kind="numeric")}, target="label")
    rare = CHECK.suggest(pd.DataFrame({"x": 0.0, "label": labels}), columns)
    assert {"metric": "estimated_loss_increase", "less_than": 0.0005} in rare.thresholds
    assert {"metric": "estimated_recall_change", "geq_to": -0.1} in rare.thresholds
    even = CHECK.suggest(pd.DataFrame({"x": 0.0, "label": [0, 1] * 50}), columns)
    assert {"metric": "estimated_loss_increase", "less_than": 0.02} in even.thresholds


def test_copies_of_a_row_share_a_fold_and_are_drawn_together():
    frame = pd.DataFrame({"x": np.repeat(np.arange(200.0), 5), "town": np.repeat(["a", "b"], 500)})
    groups, draw = same_rows(frame.sample(frac=1, random_state=1)), np.random.default_rng(1)
    fold = folds_of(groups, 5, draw)
    assert all(len(set(fold[groups == group])) == 1 for group in range(200))
    assert sorted(set(fold)) == [0, 1, 2, 3, 4]
    drawn = np.bincount(groups[resampled_rows(groups, draw)], minlength=200)
    assert set(drawn % 5) == {0}
    assert same_rows(pd.DataFrame({"x": [1.0, np.nan, 1.0, np.nan]})).tolist() in ([0, 1, 0, 1], [1, 0, 1, 0])


def test_rows_that_repeat_because_they_are_coarse_are_split_as_they_stand():
    coarse = np.arange(1000) % 6
    fold = folds_of(coarse, 5, np.random.default_rng(1))
    assert len(set(fold[coarse == 0])) == 5


def test_a_reference_full_of_copies_is_no_better_calibrated_than_it_is():
    single = rare_rows(1500, seed=5)
    copies = pd.concat([single] * 4, ignore_index=True)
    current = rare_rows(3000, seed=6).drop(columns="label")
    once = measure(subject_of(single, current, flagging(), x="numeric"), calibration="isotonic")
    often = measure(subject_of(copies, current, flagging(), x="numeric"), calibration="isotonic")
    width = [result.metric("estimated_recall").high - result.metric("estimated_recall").low for result in (once, often)]
    # Copies that crossed folds and resamples would halve the error of the calibration.
    assert width[1] > 0.85 * width[0]
