from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from model_governance.errors import CheckError
from quality_cases import measure, three_classes


def drawn(count: int = 400, *, seed: int = 3):
    draw = np.random.default_rng(seed)
    probabilities = draw.dirichlet([1.0, 0.8, 0.6], count)
    label = np.array([draw.choice(list("abc"), p=row) for row in probabilities])
    return label, np.array(list("abc"))[probabilities.argmax(axis=1)], probabilities


def test_its_numbers_are_those_of_scikit_learn():
    label, says, probabilities = drawn()
    expected = {
        "accuracy": sk.accuracy_score(label, says),
        "balanced_accuracy": sk.balanced_accuracy_score(label, says),
        "f1_macro": sk.f1_score(label, says, average="macro"),
        "precision_macro": sk.precision_score(label, says, average="macro"),
        "recall_macro": sk.recall_score(label, says, average="macro"),
        "roc_auc_ovr": sk.roc_auc_score(label, probabilities, multi_class="ovr"),
        "log_loss": sk.log_loss(label, probabilities),
    }
    result = measure(three_classes(label, says, probabilities))
    for name, value in expected.items():
        metric = result.metric(name)
        assert metric.value == pytest.approx(value, abs=1e-12), name
        assert metric.low < metric.value < metric.high, name
    for one, value in zip("abc", sk.recall_score(label, says, average=None), strict=True):
        assert result.metric("class_recall", key=one).value == pytest.approx(value)
    for one, value in zip("abc", sk.precision_score(label, says, average=None), strict=True):
        assert result.metric("class_precision", key=one).value == pytest.approx(value)


def test_a_class_never_predicted_has_no_precision_and_warns_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = measure(three_classes(list("aabbcc"), list("aabbab")))
    assert result.metric("class_precision", key="c").value is None
    assert "predicted c for no row" in result.metric("class_precision", key="c").reason
    assert result.metric("precision_macro").value is None
    assert result.metric("precision_macro").reason.endswith(": c")
    assert result.metric("class_recall", key="c").value == 0
    assert result.metric("f1_macro").value == pytest.approx((0.8 + 0.8 + 0) / 3)


def test_a_class_without_labels_is_left_out_of_recall_and_said():
    result = measure(three_classes(list("aabb"), list("aabb")))
    assert result.metric("recall_macro").value == 1
    assert "2 of 3 classes" in result.metric("recall_macro").detail
    assert result.metric("class_recall", key="c").value is None
    assert result.metric("class_recall", key="c").n == 0


def test_a_constant_prediction_recalls_one_class_of_three():
    result = measure(three_classes(list("abc") * 5, ["a"] * 15, np.full((15, 3), 1 / 3)))
    assert result.metric("balanced_accuracy").value == pytest.approx(1 / 3)
    assert result.metric("roc_auc_ovr").value == 0.5
    assert result.metric("log_loss").value == pytest.approx(np.log(3))


def test_without_probabilities_their_metrics_are_absent_with_the_reason():
    result = measure(three_classes(list("abc"), list("abc")))
    for name in ("roc_auc_ovr", "log_loss"):
        assert result.metric(name).value is None
        assert result.metric(name).reason


def test_the_confusion_table_counts_labels_by_row():
    result = measure(three_classes(list("aabc"), list("abbc")))
    table = next(table for table in result.tables if table.name == "confusion")
    assert table.rows == (("a", 1, 1, 0, 2), ("b", 0, 1, 0, 1), ("c", 0, 0, 1, 1))


def test_numbers_and_strings_are_not_mixed_up():
    with pytest.raises(CheckError, match=r"found 3 with fewer than 10 rows each \(str\), expected 1, 2, 3 \(int\)"):
        measure(three_classes(list("123"), [1, 2, 3], classes=(1, 2, 3)))


def test_many_classes_still_make_a_picture():
    classes = tuple(range(40))
    result = measure(three_classes(list(classes) * 2, list(classes) * 2, classes=classes))
    assert [artifact.name for artifact in result.artifacts] == ["confusion.svg"]


def test_a_class_that_did_not_come_is_skipped_and_the_others_are_judged():
    label = list("ab") * 30
    result = measure(three_classes(label, label))
    assert result.metric("class_recall", key="a").value == 1
    missing = result.metric("class_recall", key="c")
    assert (missing.value, missing.absence) == (None, "skipped")
    assert result.metric("class_precision", key="c").absence == "skipped"
    assert result.metric("balanced_accuracy").value == 1


def test_a_class_that_is_never_predicted_has_an_uncertain_precision():
    result = measure(three_classes(list("abc") * 20, list("aba") * 20))
    assert result.metric("class_recall", key="c").value == 0
    assert result.metric("class_precision", key="c").absence == "uncertain"
    assert result.metric("precision_macro").absence == "uncertain"


def test_with_labels_of_one_class_accuracy_is_measured():
    result = measure(three_classes(["a"] * 30, ["a"] * 25 + ["b"] * 5, np.full((30, 3), 1 / 3)))
    assert result.metric("accuracy").value == pytest.approx(25 / 30)
    for name in ("balanced_accuracy", "recall_macro", "roc_auc_ovr"):
        assert result.metric(name).absence == "uncertain"


def test_a_class_of_one_row_makes_the_area_uncertain():
    label, says, probabilities = drawn(200)
    keep = (label != "c") | (np.cumsum(label == "c") == 1)
    few = measure(three_classes(label[keep], says[keep], probabilities[keep])).metric("roc_auc_ovr")
    many = measure(three_classes(label, says, probabilities)).metric("roc_auc_ovr")
    assert few.high - few.low > 2 * (many.high - many.low)
