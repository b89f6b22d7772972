from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta
from sklearn import metrics as sk

from model_governance.errors import CheckError, ModelMisbehaved
from quality_cases import binary, drawn_binary, measure, model_of, subject_of, two_columns

PROBABILITY_METRICS = ("roc_auc", "average_precision", "log_loss", "brier_score", "calibration_error")


def test_its_numbers_are_those_of_scikit_learn():
    subject = drawn_binary(500)
    frame = subject.datasets["current"].frame
    label, says, score = frame["label"], frame["says"], frame["score"]
    expected = {
        "accuracy": sk.accuracy_score(label, says),
        "balanced_accuracy": sk.balanced_accuracy_score(label, says),
        "precision": sk.precision_score(label, says),
        "recall": sk.recall_score(label, says),
        "f1": sk.f1_score(label, says),
        "specificity": sk.recall_score(label, says, pos_label=0),
        "false_positive_rate": 1 - sk.recall_score(label, says, pos_label=0),
        "roc_auc": sk.roc_auc_score(label, score),
        "average_precision": sk.average_precision_score(label, score),
        "log_loss": sk.log_loss(label, score),
        "brier_score": sk.brier_score_loss(label, score),
        "prevalence": label.mean(),
        "predicted_positive_share": says.mean(),
    }
    result = measure(subject)
    for name, value in expected.items():
        metric = result.metric(name)
        assert metric.value == pytest.approx(value, abs=1e-12), name
        assert metric.low < metric.value < metric.high, name


def test_n_is_what_stands_behind_each_number():
    result = measure(binary([1, 1, 1, 0, 0, 0, 0, 0], [0.9, 0.8, 0.1, 0.7, 0.1, 0.1, 0.2, 0.3]))
    assert [result.metric(name).n for name in ("accuracy", "recall", "precision", "specificity", "f1")] == [
        8,
        3,
        3,
        5,
        4,
    ]
    assert result.metric("recall").value == pytest.approx(2 / 3)


def test_calibration_error_is_the_weighted_gap_over_bins():
    # Two bins: half the rows say 0.2 and 0.4 happen, half say 0.8 and 0.7 happen.
    score = [0.2] * 10 + [0.8] * 10
    label = [1] * 4 + [0] * 6 + [1] * 7 + [0] * 3
    result = measure(binary(label, score), calibration_bins=2)
    assert result.metric("calibration_error").value == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)
    rows = next(table for table in result.tables if table.name == "calibration").rows
    assert [row[:4] for row in rows] == [(1, 10, pytest.approx(0.2), 0.4), (2, 10, pytest.approx(0.8), 0.7)]


def test_equal_probabilities_share_one_bin_and_separate_nothing():
    result = measure(binary([0, 1] * 20, [0.5] * 40))
    assert result.metric("calibration_error").value == 0
    assert result.metric("roc_auc").value == 0.5
    assert result.metric("average_precision").value == 0.5
    assert len(next(table for table in result.tables if table.name == "calibration").rows) == 1


def test_a_model_that_always_says_no_has_no_precision_and_warns_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = measure(binary([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]))
    precision = result.metric("precision")
    assert precision.value is None
    assert "predicted the positive class 1 for none of 4 rows" in precision.reason
    assert result.metric("recall").value == 0
    assert result.metric("f1").value == 0
    assert result.metric("balanced_accuracy").value == 0.5


def test_perfect_predictions_keep_an_open_interval_where_counts_allow_one():
    result = measure(binary([0] * 10 + [1] * 10, [0.0] * 10 + [1.0] * 10))
    for name in ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity"):
        assert result.metric(name).value == 1
        assert result.metric(name).low < 0.9, name
    assert result.metric("roc_auc").value == 1
    assert result.metric("log_loss").value == pytest.approx(0, abs=1e-12)


def test_without_probabilities_their_metrics_are_absent_with_the_reason():
    result = measure(binary([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.7], proba=False))
    for name in PROBABILITY_METRICS:
        assert result.metric(name).value is None
        assert "no class probabilities" in result.metric(name).reason
    assert result.metric("accuracy").value == 0.75


def test_the_decision_threshold_replaces_the_models_own_labels():
    subject = binary([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.9])
    assert measure(subject).metric("recall").value == 0.5
    decided = measure(replace(subject, decision_threshold=0.4))
    assert decided.metric("recall").value == 1
    assert decided.metric("specificity").value == 1
    assert "Predicted positive from a probability of 0.4 on." in decided.notes


def test_the_positive_class_is_the_one_the_policy_names():
    first = measure(binary([0, 0, 0, 1], [0.1, 0.2, 0.9, 0.9], positive=0))
    assert first.metric("prevalence").value == 0.75
    assert first.metric("recall").value == pytest.approx(2 / 3)
    assert "Positive class: 0." in first.notes


@pytest.mark.parametrize("positive", ["1", 2, "yes"])
def test_a_positive_class_the_model_does_not_know_is_an_error(positive):
    with pytest.raises(CheckError, match=r"columns.positive is .* not a class of model 'case': 0 \(int\), 1 \(int\)"):
        measure(binary([0, 1], [0.1, 0.9], positive=positive))


@pytest.mark.parametrize(
    ("label", "classes"),
    [
        (["no", "yes", "yes", "no"], ("no", "yes")),
        ([False, True, True, False], (False, True)),
        (np.array([0, 1, 1, 0], dtype=np.int8), (0, 1)),
        (np.array([0.0, 1.0, 1.0, 0.0]), (np.int64(0), np.int64(1))),
    ],
    ids=["strings", "booleans", "numpy integers", "floats after a join"],
)
def test_labels_come_in_many_types(label, classes):
    result = measure(binary(label, [0.1, 0.9, 0.8, 0.7], classes=classes))
    assert result.metric("accuracy").value == 0.75
    assert result.metric("recall").value == 1


def test_labels_of_another_type_than_the_classes_are_an_error_that_says_so():
    with pytest.raises(CheckError, match=r"found '0', '1' \(str\), expected 0, 1 \(int\)"):
        measure(binary(["0", "1"] * 10, [0.1, 0.9] * 10))


def test_labels_the_model_does_not_know_are_listed():
    with pytest.raises(CheckError, match=r"20 of 40 labels are not among the classes .* found 2, 3 \(int\)"):
        measure(binary([0, 1, 2, 3] * 10, [0.1, 0.9, 0.5, 0.5] * 10))


def test_labels_of_a_few_rows_are_counted_and_not_named():
    with pytest.raises(CheckError, match=r"found 2 and 1 with fewer than 10 rows each \(int\), expected") as raised:
        measure(binary([0, 2] * 10 + [4711], [0.1, 0.5] * 10 + [0.5]))
    assert "4711" not in str(raised.value)


def test_with_labels_of_one_class_what_can_be_measured_is_measured_and_the_rest_is_uncertain():
    result = measure(binary([0] * 30, np.linspace(0.05, 0.6, 30)))
    assert result.metric("accuracy").value == pytest.approx(result.metric("specificity").value)
    assert result.metric("false_positive_rate").value == pytest.approx(1 - result.metric("accuracy").value)
    assert result.metric("log_loss").value is not None
    assert result.metric("brier_score").value is not None
    for name in ("recall", "f1", "balanced_accuracy", "roc_auc", "average_precision"):
        metric = result.metric(name)
        assert (metric.value, metric.absence) == (None, "uncertain"), name
        assert "widen the window" in metric.reason
    positives = measure(binary([1] * 5, [0.1, 0.9, 0.5, 0.5, 0.2]))
    assert positives.metric("recall").value == 0.6
    assert positives.metric("false_positive_rate").absence == "uncertain"
    assert positives.metric("average_precision").value == 1


def test_a_champion_on_labels_of_one_class_leaves_the_gains_uncertain_that_need_two():
    subject = binary([0] * 30, np.linspace(0.05, 0.6, 30))
    champion = replace(subject.model, name="champion", call_proba=lambda rows: two_columns(rows)[:, ::-1])
    result = measure(replace(subject, champion=champion))
    assert result.metric("accuracy_gain").value is not None
    assert result.metric("brier_score_gain").value is not None
    for name in ("recall_gain", "f1_gain", "balanced_accuracy_gain", "roc_auc_gain", "average_precision_gain"):
        assert (result.metric(name).value, result.metric(name).absence) == (None, "uncertain"), name


def test_a_model_that_never_predicts_the_positive_class_has_an_uncertain_precision():
    result = measure(binary([0, 1, 1, 0], [0.1, 0.2, 0.3, 0.1]))
    assert result.metric("precision").absence == "uncertain"
    assert result.metric("recall").value == 0


def test_a_share_has_exact_limits_at_any_level():
    metric = measure(drawn_binary(400)).metric("accuracy")
    n, right = 400, round(metric.value * 400)
    assert metric.limits.low(1e-4) == pytest.approx(beta.ppf(1e-4, right, n - right + 1))
    assert (metric.low, metric.high) == pytest.approx(metric.limits.interval())


def test_a_model_of_three_classes_is_no_binary_model():
    with pytest.raises(CheckError, match="two classes; 'case' has 3"):
        measure(binary([0, 1], [0.1, 0.9], classes=(0, 1, 2)))


def test_predictions_outside_the_classes_are_the_models_fault():
    with pytest.raises(ModelMisbehaved, match=r"predicted 'maybe' \(str\) for 1 of 2 rows"):
        measure(binary([0, 1], [0.1, 0.9], says=[0, "maybe"]))


def test_a_prediction_that_is_missing_is_the_models_fault():
    with pytest.raises(ModelMisbehaved, match="1 of 2 rows"):
        measure(binary([0, 1], [0.1, 0.9], says=[0, None]))


def test_margins_in_place_of_probabilities_are_refused():
    with pytest.raises(ModelMisbehaved, match="outside 0 to 1"):
        measure(binary([0, 1], [-3.0, 2.0]))


def test_what_the_model_raises_surfaces():
    def broken(rows):
        raise RuntimeError("boom")

    frame = drawn_binary(20).datasets["current"].frame
    with pytest.raises(ModelMisbehaved, match="boom"):
        measure(subject_of(frame, model_of("binary_classification", classes=(0, 1), call=broken)))


def test_nan_probabilities_surface():
    frame = drawn_binary(20).datasets["current"].frame
    model = model_of("binary_classification", classes=(0, 1), call_proba=lambda rows: two_columns(rows) * np.nan)
    with pytest.raises(ModelMisbehaved, match="NaN"):
        measure(subject_of(frame, model))


def test_a_single_positive_says_next_to_nothing():
    result = measure(binary([1, 0, 0, 0], [0.6, 0.1, 0.7, 0.2]))
    area, precision = result.metric("roc_auc"), result.metric("average_precision")
    assert area.value == pytest.approx(2 / 3)
    assert area.low < 0.2
    assert area.high > 0.9
    assert (precision.low, precision.high) == (0, 1)


def test_classes_that_do_not_overlap_have_an_interval_below_one():
    draw = np.random.default_rng(2)
    score = np.concatenate([draw.uniform(0.8, 1, 4), draw.uniform(0, 0.5, 400)])
    result = measure(binary([1] * 4 + [0] * 400, score))
    for name in ("roc_auc", "average_precision"):
        assert result.metric(name).value == 1
        assert result.metric(name).low < 0.8
