from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

import synthetic
from model_governance.checks.robustness.corruption import CHECK
from model_governance.checks.robustness.corruption.corruptions import SHARES, Column, columns_of, corrupt, intensity_of
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject
from model_governance.errors import CheckError, ModelMisbehaved, SubjectError

FACTORS = (12.0, 1000.0, 0.01)


def measure(subject, **params):
    return CHECK.measure(subject, CHECK.params.model_validate({"samples": 300, **params}), 7)


def subject_of(frame, call, *, task="regression", classes=(), **features):
    return Subject(
        name="case",
        task=task,
        columns=Columns(features={name: Feature(kind=kind) for name, kind in features.items()}, target="label"),
        datasets={"current": Dataset("current", "current.parquet", "0" * 64, frame)},
        model=Model(name="case", format="skops", sha256="0" * 64, task=task, native=None, call=call, classes=classes),
    )


def numbers(count=300, *, seed=1):
    draw = np.random.default_rng(seed)
    x, y = draw.uniform(0, 10, count), draw.uniform(0, 1, count)
    return pd.DataFrame({"x": x, "y": y, "label": 2 * x + draw.normal(0, 0.1, count)})


def linear(rows):
    return 2 * rows["x"].to_numpy()


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject(300)


@pytest.fixture(scope="module")
def found(healthy):
    return measure(healthy)


def corrupted_column(values, kind, corruption, *, share=0.5, size=0.1):
    frame = pd.DataFrame({"x": values})
    column = columns_of(frame, Columns(features={"x": Feature(kind=kind)}))["x"]
    intensity = replace(intensity_of(corruption, 5), share=share, size=size)
    return corrupt(column, corruption, intensity, generator=np.random.default_rng(3), factors=FACTORS)


def cells(values):
    return [None if pd.isna(one) else one for one in values.tolist()]


@pytest.mark.parametrize(
    ("values", "kind", "corruption", "dtype"),
    [
        (pd.Series(np.arange(50, dtype="int8")), "integer", "noise", "int8"),
        (pd.Series(np.arange(50, dtype="int8")), "integer", "unit_error", "int64"),
        (pd.Series(np.arange(50, dtype="int16")), "integer", "missing", "float64"),
        (pd.Series(np.arange(50), dtype="Int64"), "integer", "missing", "Int64"),
        (pd.Series([*range(49), None], dtype="Int64"), "integer", "unit_error", "Int64"),
        (pd.Series(np.arange(50, dtype="float32")), "numeric", "out_of_range", "float32"),
        (pd.Series(list("ab") * 25), "category", "unseen_category", "object"),
        (pd.Series(list("ab") * 25, dtype="category"), "category", "unseen_category", "category"),
        (pd.Series(list("ab") * 25, dtype="category"), "category", "missing", "category"),
        (pd.Series(list("ab") * 25, dtype="string"), "text", "swapped_category", "string"),
        (pd.Series([True, False] * 25), "boolean", "swapped_category", "bool"),
        (pd.Series([True, False] * 25), "boolean", "missing", "object"),
        (pd.Series([1, 2] * 25), "category", "unseen_category", "int64"),
        (pd.Series(pd.date_range("2026-01-01", periods=50)), "datetime", "out_of_range", "datetime64[ns]"),
        (pd.Series(pd.date_range("2026-01-01", periods=50, tz="UTC")), "datetime", "stale", "datetime64[ns, UTC]"),
        (pd.Series(pd.date_range("2026-01-01", periods=50)), "datetime", "missing", "datetime64[ns]"),
    ],
)
def test_dirt_keeps_the_type_where_it_can_and_leaves_clean_cells_alone(values, kind, corruption, dtype):
    before = values.copy(deep=True)
    dirty, touched = corrupted_column(values, kind, corruption)
    pd.testing.assert_series_equal(values, before)
    assert str(dirty.dtype) == dtype
    assert 5 < touched.sum() < 45
    changed = np.array([left != right for left, right in zip(cells(dirty), cells(values), strict=True)])
    assert not changed[~touched].any()
    assert changed[touched].mean() > 0.4


def test_every_kind_of_dirt_does_what_its_name_says():
    ages = pd.Series(np.random.default_rng(2).integers(18, 91, 400))
    dirty, touched = corrupted_column(ages, "integer", "unit_error")
    ratio = (dirty[touched] / ages[touched]).round(1)
    assert set(ratio.unique()) == {12.0, 1000.0, 0.0}
    dirty, touched = corrupted_column(ages, "integer", "out_of_range")
    assert ((dirty[touched] < 18) | (dirty[touched] > 90)).all()
    assert {True, False} == set((dirty[touched] < 18).unique())
    letters = pd.Series(list("abc") * 100)
    dirty, touched = corrupted_column(letters, "category", "swapped_category")
    assert (dirty[touched] != letters[touched]).all()
    assert set(dirty) == {"a", "b", "c"}
    dirty, touched = corrupted_column(letters, "category", "unseen_category")
    assert not set(dirty[touched]) & {"a", "b", "c"}
    dirty, touched = corrupted_column(ages, "integer", "stale")
    assert set(dirty) <= set(ages)
    assert corrupted_column(ages, "integer", "missing")[0].isna().sum() > 100


def test_the_dirt_of_a_higher_severity_contains_that_of_a_lower_one():
    column = Column(values=pd.Series(np.arange(1000.0)), kind="numeric", low=0, high=999)
    hit = [
        corrupt(column, "missing", intensity_of("missing", one), generator=np.random.default_rng(1), factors=FACTORS)[1]
        for one in range(1, 6)
    ]
    for less, more in pairwise(hit):
        assert (more | ~less).all()
    assert [one.mean() for one in hit] == pytest.approx(SHARES, abs=0.05)


def test_noise_moves_a_linear_model_as_far_as_arithmetic_says():
    frame = numbers(4000)
    result = measure(subject_of(frame, linear, x="numeric", y="numeric"), samples=4000, against="answers")
    low, high = (float(frame["x"].quantile(one)) for one in (0.01, 0.99))
    for severity, share in enumerate((0.01, 0.02, 0.05, 0.1, 0.2), start=1):
        moved = result.metric("shift", key=f"noise@{severity}")
        expected = 2 * share * (high - low) * math.sqrt(2 / math.pi)
        assert moved.value == pytest.approx(expected, rel=0.04)
        assert moved.low < expected < moved.high or abs(moved.value - expected) < 2 * (moved.high - moved.value)


def test_a_column_that_the_model_does_not_read_costs_nothing():
    result = measure(subject_of(numbers(), linear, x="numeric", y="numeric"))
    assert result.metric("column_drop", key="y").value == 0
    assert result.metric("column_drop", key="x").low > 1
    table = next(one for one in result.tables if one.name == "fragile_columns")
    assert table.rows[0][:2] == ("x", "unit_error x1000")


def test_a_refusal_counts_as_an_answer_of_the_best_constant():
    def refuses_gaps(rows):
        if rows["x"].isna().any():
            raise ValueError("x is missing")
        return linear(rows)

    frame = numbers()
    result = measure(subject_of(frame, refuses_gaps, x="numeric", y="numeric"), corruptions=["missing"])
    assert result.metric("column_drop", key="x").value == pytest.approx(1.0, abs=0.02)
    assert result.metric("column_drop", key="x").detail == "missing (refused)"
    assert result.metric("column_drop", key="y").value == 0
    refused = result.metric("refused_share", key="missing")
    # Half of either column is hit: of the rows that were hit anywhere, two thirds were hit in x.
    assert refused.low < 2 / 3 < refused.high
    assert any("refuses rows with missing" in one for one in result.highlights)


def test_a_refusal_of_a_combination_takes_the_batch():
    def refuses_any_gap_twice(rows):
        if (rows["x"].isna() & rows["y"].isna()).any():
            raise ValueError("both are missing")
        return linear(rows.fillna(0.0))

    result = measure(subject_of(numbers(), refuses_any_gap_twice, x="numeric", y="numeric"), corruptions=["missing"])
    assert result.metric("refused_share", key="missing").value == 1
    assert "refused" not in result.metric("column_drop", key="x").detail


def test_severity_costs_more_and_the_worst_kind_is_named(found):
    missing = [found.metric("drop", key=f"missing@{one}").value for one in range(1, 6)]
    assert missing == sorted(missing)
    worst = found.metric("worst_drop", key="5")
    assert worst.value == max(
        found.metric("drop", key=one.key).value for one in found.metrics if one.key and "@5" in one.key
    )
    plain = found.metric("drop", key="missing@5")
    assert worst.low < plain.low <= plain.high < worst.high
    assert worst.detail == "missing (refused)"
    assert "refuses rows with missing" in found.highlights[-1]


def test_accuracy_and_loss_agree(found):
    clean = found.metric("clean_accuracy").value
    for one in found.metrics:
        if one.name == "drop":
            assert found.metric("accuracy", key=one.key).value == pytest.approx(clean - one.value)
            assert one.low <= one.value <= one.high
    kinds = [one.value for one in found.metrics if one.name == "drop"]
    assert found.metric("mean_drop").value == pytest.approx(sum(kinds) / len(kinds))


def test_a_model_that_ignores_its_input_loses_nothing(healthy):
    model = replace(healthy.model, call=lambda rows: np.ones(len(rows), dtype=int))
    result = measure(replace(healthy, model=model))
    assert {one.value for one in result.metrics if one.name in ("drop", "column_drop", "worst_drop")} == {0.0}
    assert all(one.low < 0 < one.high for one in result.metrics if one.name == "worst_drop")


def test_without_labels_the_model_is_its_own_witness(healthy):
    frame = healthy.frame("current").drop(columns="label")
    result = measure(healthy.with_frame("current", frame), corruptions=["noise"])
    names = {one.name for one in result.metrics}
    assert "agreement" in names
    assert not names & {"accuracy", "clean_accuracy"}
    assert result.metric("agreement", key="noise@5").value == pytest.approx(
        1 - result.metric("drop", key="noise@5").value
    )
    with pytest.raises(SubjectError, match="label"):
        measure(healthy.with_frame("current", frame), against="labels")


def test_labels_that_are_not_due_are_not_used(healthy):
    result = measure(replace(healthy, labels_mature_in=30), corruptions=["noise"])
    assert "agreement" in {one.name for one in result.metrics}


def test_slices_are_judged_on_their_own(healthy):
    slices = [{"column": "region"}, {"column": "label", "equals": 1}, {"column": "age", "between": [18, 20]}]
    result = measure(healthy, corruptions=["noise"], slices=slices)
    assert result.metric("slice_drop", key="region north").n > 100
    assert result.metric("slice_drop", key="label 1").value is not None
    few = result.metric("slice_drop", key="age 18 to 20")
    assert few.value is None
    assert "at least 30 are needed" in few.reason


def test_columns_and_kinds_can_be_chosen_and_do_not_move_the_others(healthy, found):
    result = measure(healthy, columns=["income"], corruptions=["noise"], severities=[3])
    assert {one.key for one in result.metrics if one.name == "column_drop"} == {"income"}
    again = measure(healthy, corruptions=["noise"], severities=[2, 3])
    assert again.metric("drop", key="noise@3") == found.metric("drop", key="noise@3")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"columns": ["salary"]}, "salary"),
        ({"columns": ["income"], "corruptions": ["swapped_category"]}, "no feature can show swapped_category"),
    ],
)
def test_a_param_that_names_nothing_is_an_error(healthy, params, message):
    with pytest.raises(CheckError, match=message):
        measure(healthy, **params)


@pytest.mark.parametrize(
    "params", [{"severities": [6]}, {"severities": [1, 1]}, {"unit_factors": [0]}, {"corruptions": []}]
)
def test_params_out_of_range_are_refused(params):
    with pytest.raises(ValidationError):
        CHECK.params.model_validate(params)


def test_a_model_that_answers_by_chance_is_refused(healthy):
    draw = np.random.default_rng(0)
    model = replace(healthy.model, call=lambda rows: draw.integers(0, 2, len(rows)))
    with pytest.raises(CheckError, match="differently when asked twice"):
        measure(replace(healthy, model=model))


def test_a_model_that_refuses_clean_rows_is_an_error(healthy):
    def down(_):
        raise RuntimeError("no answer")

    with pytest.raises(ModelMisbehaved):
        measure(replace(healthy, model=replace(healthy.model, call=down)))


def test_labels_that_the_model_does_not_know_are_an_error(healthy):
    frame = healthy.frame("current")
    frame["label"] = frame["label"].map({0: "no", 1: "yes"})
    with pytest.raises(CheckError, match="does not know"):
        measure(healthy.with_frame("current", frame))


def test_constant_labels_of_a_regression_are_an_error():
    with pytest.raises(CheckError, match="same number"):
        measure(subject_of(numbers().assign(label=1.0), linear, x="numeric", y="numeric"))


def test_text_in_a_column_of_numbers_is_an_error():
    frame = numbers().assign(y="many")
    with pytest.raises(CheckError, match="declared as numbers"):
        measure(subject_of(frame, linear, x="numeric", y="numeric"))


def test_inputs_stay_untouched_and_no_row_is_told(healthy, found):
    before = healthy.frame("current")
    again = measure(healthy)
    pd.testing.assert_frame_equal(healthy.frame("current"), before)
    assert canonical_json(again.record()) == canonical_json(found.record())
    incomes = {repr(one) for one in before["income"].tolist()}
    assert not any(one in canonical_json(found.record()).decode() for one in incomes)
