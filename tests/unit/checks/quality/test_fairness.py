from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from fairness_cases import drawn, measure, subject_of
from model_governance.checks.quality.fairness import CHECK
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Feature
from model_governance.errors import CheckError, SubjectError

SIZES = {"a": 300, "b": 200, "c": 12, "d": 4}
RATES = {"a": 0.6, "b": 0.2, "c": 0.9, "d": 0.9}


def cells(result, table: int = 0):
    return {row[0]: row[1:] for row in result.tables[table].rows}


def test_an_unfair_model_is_found_and_the_groups_are_named():
    result = measure(subject_of(drawn(SIZES, RATES)))
    gap = result.metric("demographic_parity_difference", key="group")
    assert gap.low > 0.25
    assert gap.p_value < 1e-9
    assert gap.detail.startswith("largest at a")
    assert result.metric("selection_rate_ratio", key="group").high < 0.8


def test_small_groups_are_counted_not_compared():
    result = measure(subject_of(drawn(SIZES, RATES)))
    left = result.metric("unscored_share", key="group")
    assert left.value == pytest.approx(16 / 516)
    assert left.detail == "too small: c and 1 group with fewer than 10 rows"
    assert cells(result)["c"] == (12, None, None, None, None)
    assert cells(result)["1 group with fewer than 10 rows"] == ("below 10", None, None, None, None)
    assert "group=c" not in {metric.key for metric in result.metrics}


@pytest.mark.parametrize("task", ["binary_classification", "regression"])
def test_groups_of_fewer_than_ten_rows_are_folded_and_not_named(task):
    sizes = {"a": 300, "b": 200} | {f"person-{number}": 1 for number in range(12)} | {"4711": 9}
    frame = drawn(sizes, dict.fromkeys(sizes, 0.5))
    if task == "regression":
        frame = frame.assign(label=frame["label"] * 1.0)
    result = measure(subject_of(frame, task=task, classes=() if task == "regression" else (0, 1)))
    folded = "13 groups with fewer than 10 rows each"
    assert result.metric("unscored_share", key="group").detail == f"too small: {folded}"
    assert set(cells(result)) == {"a", "b", folded}
    assert cells(result)[folded][0] == 21
    kept = [canonical_json(result.record()), *(artifact.content for artifact in result.artifacts)]
    for content in kept:
        assert b"person-" not in content
        assert b"4711" not in content
    assert any(b"13 groups" in artifact.content for artifact in result.artifacts)


def test_small_groups_are_named_where_the_policy_discloses_their_column_or_makes_them():
    frame = drawn(SIZES, RATES).assign(age=np.arange(516.0))
    shown = measure(replace(subject_of(frame), disclose=("group",)))
    assert shown.metric("unscored_share", key="group").detail == "too small: c, d"
    assert cells(shown)["d"][0] == "below 10"
    made = measure(subject_of(frame), "age", bins={"age": [4]})
    assert cells(made)["below 4"][0] == "below 10"


def test_labels_of_a_few_rows_that_the_model_does_not_know_are_counted_and_not_named():
    frame = drawn({"a": 300, "b": 200}, {"a": 0.5, "b": 0.5}).astype({"label": object})
    frame.loc[:19, "label"] = "maybe"
    frame.loc[20, "label"] = "see Mr Miller"
    with pytest.raises(CheckError, match="label\\(s\\) 'maybe' and 1 with fewer than 10 rows each that") as raised:
        measure(subject_of(frame))
    assert "Miller" not in str(raised.value)


def test_a_rate_over_few_rows_is_left_out_of_its_gap():
    frame = drawn({"a": 200, "b": 60}, {"a": 0.5, "b": 0.5})
    frame.loc[(frame["group"] == "b"), "label"] = 0
    result = measure(subject_of(frame))
    assert "fewer than two groups" in result.metric("equal_opportunity_difference", key="group").reason
    assert result.metric("demographic_parity_difference", key="group").value is not None
    assert result.metric("false_positive_rate", key="group=b").n == 60


def test_without_labels_only_what_needs_none_is_there():
    result = measure(subject_of(drawn(SIZES, RATES).drop(columns="label")))
    assert result.metric("demographic_parity_difference", key="group").value > 0.25
    for name in ("equal_opportunity_difference", "equalized_odds_difference", "accuracy_gap"):
        assert "no label column" in result.metric(name, key="group").reason
    assert any("needs no labels" in note for note in result.notes)


def test_labels_that_are_partly_in_are_used_and_the_rest_ignored():
    frame = drawn({"a": 300, "b": 300}, {"a": 0.5, "b": 0.5}).astype({"label": float})
    frame.loc[200:, "label"] = np.nan
    result = measure(subject_of(frame))
    assert result.metric("accuracy_gap", key="group").n == 200
    assert result.metric("demographic_parity_difference", key="group").n == 600


def test_nobody_selected_is_no_ratio():
    result = measure(subject_of(drawn(SIZES, dict.fromkeys(SIZES, 0.0))))
    assert result.metric("selection_rate_ratio", key="group").value is None
    assert result.metric("demographic_parity_difference", key="group").value == 0
    assert result.metric("demographic_parity_difference", key="group").p_value == 1


def test_one_group_alone_is_compared_with_nobody():
    result = measure(subject_of(drawn({"a": 100}, {"a": 0.5})))
    assert "fewer than two groups" in result.metric("demographic_parity_difference", key="group").reason


def test_bins_cut_numbers_and_missing_values_are_a_group():
    frame = drawn({"a": 300}, {"a": 0.5}).assign(age=[20.0] * 100 + [40.0] * 100 + [None] * 40 + [65.0] * 60)
    result = measure(subject_of(frame), "age", bins={"age": [25, 65]})
    assert {row: cell[0] for row, cell in cells(result).items()} == {
        "below 25": 100, "25 to 65": 100, "from 65": 60, "missing": 40,
    }  # fmt: skip


def test_a_code_is_the_same_group_as_integer_and_as_float():
    frame = drawn({"a": 100, "b": 100}, {"a": 0.5, "b": 0.5})
    frame["code"] = np.where(frame["group"] == "a", 1, 2)
    whole = measure(subject_of(frame), "code")
    floats = measure(subject_of(frame.astype({"code": float})), "code")
    assert [metric.label for metric in whole.metrics] == [metric.label for metric in floats.metrics]


def test_too_many_groups_and_wrong_bins_are_refused():
    frame = drawn({"a": 300}, {"a": 0.5}).assign(number=np.arange(300))
    with pytest.raises(CheckError, match="make 300 groups, at most 100"):
        measure(subject_of(frame), "number")
    with pytest.raises(CheckError, match="no numbers"):
        measure(subject_of(frame), "side", bins={"side": [1]})
    with pytest.raises(SubjectError, match="sex"):
        measure(subject_of(frame), "sex")


@pytest.mark.parametrize(
    "params",
    [{"groups": []}, {"groups": ["a", "a"]}, {"groups": ["a"], "bins": {"b": [1]}},
     {"groups": ["a"], "bins": {"a": [2, 1]}}, {"groups": ["a"], "minimum_group_rows": 5}],
)  # fmt: skip
def test_params_that_make_no_sense_are_refused(params):
    with pytest.raises(ValidationError):
        CHECK.params.model_validate(params)


def test_of_several_classes_it_compares_accuracy():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"group": draw.choice(["a", "b"], 600), "label": draw.choice(["x", "y", "z"], 600)})
    right = draw.random(600) < np.where(frame["group"] == "a", 0.9, 0.5)
    frame["says"] = np.where(right, frame["label"], draw.choice(["x", "y", "z"], 600))
    result = measure(subject_of(frame, task="multiclass_classification", classes=("x", "y", "z")))
    assert result.metric("accuracy_gap", key="group").low > 0.1
    assert {metric.name for metric in result.metrics} == {"unscored_share", "accuracy_gap", "group_accuracy"}


def test_errors_of_a_regression_are_compared_by_group():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"group": draw.choice(["a", "b", "c"], 900), "says": draw.normal(size=900)})
    frame["label"] = frame["says"] + draw.normal(size=900) - 0.8 * (frame["group"] == "a")
    result = measure(subject_of(frame, task="regression", classes=()))
    gap = result.metric("mean_error_gap", key="group")
    assert gap.low < 0.8 < gap.high
    assert gap.p_value < 1e-6
    assert result.metric("mean_prediction_gap", key="group").p_value > 0.01
    assert result.metric("mean_absolute_error", key="group=a").low > 0
    late = measure(subject_of(frame.drop(columns="label"), task="regression", classes=()))
    assert late.metric("mean_prediction_gap", key="group").value is not None
    assert "no label column" in late.metric("mean_absolute_error_gap", key="group").reason


def test_the_suggestion_names_columns_that_sound_protected_and_cuts_ages():
    frame = pd.DataFrame({"income": np.arange(100.0), "sex": ["f", "m"] * 50, "age": np.arange(100)})
    columns = Columns(features={"income": Feature(kind="numeric")}, target="label")
    suggestion = CHECK.suggest(frame, columns)
    assert suggestion.params["groups"] == ["sex", "age"]
    assert suggestion.params["bins"] == {"age": [25.0, 50.0, 74.0]}
    assert CHECK.suggest(frame[["income"]], columns).params["groups"] == ["income"]
