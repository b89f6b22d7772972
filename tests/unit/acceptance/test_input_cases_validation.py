"""Expectations on columns of every physical type, in pandas and in SQL: the same answers, none of them rounded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_governance.checks.data.data_validation.measure import measure
from model_governance.checks.data.data_validation.params import ValidationParams
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Feature, Subject
from model_governance.errors import CheckError, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

ROWS = 40
KEYS = [2**60 + row for row in range(ROWS - 1)]


@pytest.fixture(params=["pandas", "sql"])
def validate(request, tmp_path):
    """Evaluates expectations on a table; gives the record of each by its label, and the result."""

    def evaluate(rows, *expectations, features=("x",)):
        path = tmp_path / "current.parquet"
        rows.to_parquet(path) if isinstance(rows, pd.DataFrame) else pq.write_table(rows, path)
        dataset = load_dataset("current", DatasetSpec(uri=path.name), folder=tmp_path, connections=PlainConnections())
        subject = Subject(
            name="m", task="regression", datasets={"current": dataset},
            columns=Columns(features={name: Feature(kind="numeric") for name in features}),
        )  # fmt: skip
        wanted = [{"type": f"expect_{kind}", "kwargs": kwargs} for kind, kwargs in expectations]
        result = measure(subject, ValidationParams(expectations=wanted, engine=request.param), 1)
        (table,) = result.tables
        return {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}, result

    return evaluate


def met(result) -> float:
    """How many expectations are met."""
    return result.metric("expectations").value - result.metric("critical_failures").value


def about(kind: str, column: str = "x", **kwargs):
    """An expectation on a column."""
    return f"column_{kind}", {"column": column, **kwargs}


@pytest.mark.parametrize("kind", ["int64", "uint64", "decimal"])
def test_keys_beyond_float64_with_a_gap_are_unique_and_found_in_sets(validate, kind):
    """D3: 39 different keys and one missing."""
    keys = pa.array([*KEYS, None]) if kind != "decimal" else pa.array([*map(Decimal, KEYS), None], pa.decimal128(25, 0))
    table = pa.table({"x": keys.cast(pa.uint64()) if kind == "uint64" else keys})
    _, result = validate(
        table,
        about("values_to_be_unique"),
        about("values_to_be_in_set", value_set=KEYS),
        about("values_to_not_be_in_set", value_set=[2**60 - 1]),
        about("values_to_be_between", min_value=0),
        about("values_to_be_of_type", type_="integer"),
        about("unique_value_count_to_be_between", min_value=39, max_value=39),
    )
    assert met(result) == 6
    _, result = validate(table, about("values_to_be_in_set", value_set=KEYS[1:]))
    assert result.metric("unexpected_share", key="values_in_set(x)").value == pytest.approx(1 / 39)
    with pytest.raises(CheckError, match="merges with their neighbours"):
        validate(table, about("values_to_be_between", max_value=KEYS[-1]))


def test_decimals_of_many_digits_are_told_apart(validate):
    """D3: two amounts that are one float."""
    amounts = [Decimal("12345678901234567.89"), Decimal("12345678901234567.88")] * (ROWS // 2)
    table = pa.table({"x": pa.array(amounts, pa.decimal128(20, 2))})
    _, result = validate(table, about("unique_value_count_to_be_between", min_value=2, max_value=2))
    assert met(result) == 1
    with pytest.raises(CheckError, match="merges with their neighbours"):
        validate(table, about("mean_to_be_between", min_value=0))


def test_no_value_of_the_data_is_logged(validate, caplog):
    """D3: Great Expectations warns of every decimal that it converts."""
    amounts = [Decimal("12345678901234567.89"), Decimal("12345678901234567.88")] * (ROWS // 2)
    validate(
        pa.table({"x": pa.array(amounts, pa.decimal128(20, 2))}),
        about("values_to_be_unique"),
        about("values_to_be_in_set", value_set=[1]),
    )
    assert "1234567890" not in caplog.text


def test_exact_decimals_are_numbers(validate):
    """D7: decimal(14,4) and decimal(38,18) whose numbers float64 holds."""
    for kind in (pa.decimal128(14, 4), pa.decimal128(38, 18)):
        table = pa.table({"x": pa.array([Decimal(row) / 10 for row in range(ROWS)], kind)})
        _, result = validate(
            table,
            about("values_to_be_between", min_value=0, max_value=3.9),
            about("values_to_be_of_type", type_="number"),
            about("mean_to_be_between", min_value=1.95, max_value=1.95),
            about("values_to_be_in_set", value_set=[row / 10 for row in range(ROWS)]),
        )
        assert met(result) == 4


def test_single_precision_keeps_the_bound_that_it_shows(validate):
    """D14: 0.3 in float32 is not above 0.3, in rows, sets and aggregates."""
    table = pa.table({"x": pa.array(np.full(ROWS, 0.3, dtype="float32"))})
    _, result = validate(
        table,
        about("values_to_be_between", min_value=0.3, max_value=0.3),
        about("values_to_be_in_set", value_set=[0.3]),
        about("max_to_be_between", max_value=0.3),
        about("mean_to_be_between", min_value=0.3, max_value=0.3),
    )
    assert met(result) == 4
    _, result = validate(table, about("values_to_be_between", max_value=0.2999))
    assert met(result) == 0


@pytest.mark.parametrize("gap", [False, True])
def test_dates_to_the_year_9999_are_evaluated_and_hinder_nothing(validate, gap):
    """D8: the day that stands for "never", in a column that no expectation names and in one that they do."""
    last = None if gap else dt.date(9999, 12, 31)
    table = pa.table(
        {"x": pa.array(np.arange(ROWS, dtype=float)), "d": pa.array([dt.date(9999, 12, 31)] * (ROWS - 1) + [last])}
    )
    _, result = validate(table, about("values_to_be_between", max_value=ROWS))
    assert met(result) == 1
    _, result = validate(
        table,
        about("values_to_be_between", "d", max_value="9999-12-31"),
        about("values_to_be_of_type", "d", type_="datetime"),
        about("values_to_be_in_set", "d", value_set=["9999-12-31"]),
        about("max_to_be_between", "d", min_value="9999-12-31"),
    )
    assert met(result) == 4


def test_the_index_of_a_filtered_frame_is_no_column(validate):
    """D9: three columns stay three, in whichever engine."""
    frame = pd.DataFrame({"x": np.arange(2 * ROWS), "y": 1, "z": "a"})
    _, result = validate(
        frame[frame["x"] >= ROWS],
        ("table_column_count_to_equal", {"value": 3}),
        ("table_columns_to_match_ordered_list", {"column_list": ["x", "y", "z"]}),
    )
    assert met(result) == 2


def test_nested_columns_hinder_nothing_and_are_refused_where_they_are_asked(validate):
    """D10: lists and structs may be present or missing, and no expectation compares them."""
    table = pa.table(
        {
            "x": pa.array(np.arange(ROWS, dtype=float)),
            "l": pa.array([[1]] * ROWS),
            "s": pa.array([{"a": 1}] * ROWS),
            "t": pa.array([dt.time(1)] * ROWS),
            "n": pa.nulls(ROWS),
        }
    )
    _, result = validate(table, about("values_to_be_between", max_value=ROWS), about("values_to_not_be_null", "l"))
    assert met(result) == 2
    for kind in ("values_to_be_unique", "values_to_be_in_set"):
        more = {"value_set": [1]} if kind == "values_to_be_in_set" else {}
        with pytest.raises(CheckError, match="holds lists or structs"):
            validate(table, about(kind, "s", **more))


def test_a_feature_without_any_value_is_measured_as_missing(validate):
    """D18: not_null is not met and named; what asks for values is not met either, and says why."""
    table = pa.table({"x": pa.array(np.arange(ROWS, dtype=float)), "e": pa.array([float("nan")] * ROWS)})
    expectations = (
        about("values_to_be_between", max_value=ROWS),
        about("values_to_not_be_null", "e"),
        about("values_to_be_between", "e", max_value=3),
    )
    _, result = validate(table, *expectations, features=("x", "e"))
    failures = result.metric("critical_failures")
    assert failures.value == 2
    assert f"values_not_null(e): {ROWS} of {ROWS} rows" in failures.detail
    assert "values_between(e): column e holds no value in any row" in failures.detail
    with pytest.raises(SubjectError, match=r"column\(s\) e of dataset 'current' hold no value"):
        validate(table, expectations[0], features=("x", "e"))
    with pytest.raises(SubjectError, match=r"column\(s\) e"):
        validate(table, ("column_to_exist", {"column": "e"}), features=("x", "e"))
