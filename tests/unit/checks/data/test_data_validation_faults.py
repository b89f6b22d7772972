"""Faults of a feed: pandas and SQL end with the same result, and give the reason."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pandas as pd
import pytest

import synthetic
from model_governance.checks.data.data_validation import CHECK
from model_governance.checks.data.data_validation.params import ValidationParams
from model_governance.checks.data.data_validation.view import SETTINGS
from model_governance.errors import GovernanceError

ROWS = 1000


def expect(what, **kwargs):
    return {"type": f"expect_{what}", "kwargs": kwargs}


SUITE = (
    expect("column_values_to_be_between", column="income", min_value=0, max_value=200),
    expect("column_mean_to_be_between", column="debt", min_value=10, max_value=40),
    expect("column_values_to_be_of_type", column="age", type_="integer"),
    expect("column_values_to_be_in_set", column="region", value_set=["north", "south", "east"]),
    expect("column_values_to_not_be_null", column="channel"),
    expect("column_values_to_be_unique", column="row"),
    expect("column_stdev_to_be_between", column="income", min_value=1),
    expect(
        "column_max_to_be_between", column="opened", min_value="2026-03-01T00:00:00", max_value="2026-03-02T00:00:00"
    ),
)


def rows():
    frame = synthetic.rows(ROWS, seed=3)
    return frame.assign(opened=pd.date_range("2026-03-01", periods=ROWS, freq="10s"))


def every(frame, step):
    return np.arange(len(frame)) % step == 0


FAULTS = {
    "as it should be": (lambda frame: frame, 0, ""),
    "in another order": (lambda frame: frame.sample(frac=1, random_state=1), 0, ""),
    "1% corrupt rows": (lambda frame: frame.assign(income=frame["income"].mask(every(frame, 100), -999)), 1, "values_between(income): 10 of 1,000"),
    "no rows": (lambda frame: frame.head(0), None, "no rows"),
    "half the columns": (lambda frame: frame[["row", "income", "debt"]], None, "lacks column(s) age, region, channel"),
    "a new category": (lambda frame: frame.assign(region=frame["region"].mask(every(frame, 50), "west")), 1, "values_in_set(region): 20 of 1,000"),
    "a feature without values": (lambda frame: frame.assign(debt=np.nan), None, "debt of dataset 'current' hold no value"),
    "another column without values": (lambda frame: frame.assign(opened=pd.NaT), None, "max_between(opened): examined no value"),
    "infinite values": (lambda frame: frame.assign(debt=frame["debt"].mask(every(frame, 50), np.inf)), 1, "mean_between(debt): observed infinite"),
    "infinite values of both signs": (lambda frame: frame.assign(debt=[np.inf, -np.inf] * (ROWS // 2)), 1, "mean_between(debt): observed no number"),
    "10,000 categories": (lambda frame: frame.assign(region=[f"r{one}" for one in range(ROWS)]), 1, "values_in_set(region): 1,000 of 1,000"),
    "a constant column": (lambda frame: frame.assign(income=60.0), 1, "stdev_between(income): observed 0"),
    "keys that occur twice": (lambda frame: pd.concat([frame, frame.head(40)]).sample(frac=1, random_state=1), 1, "values_unique(row): 80 of 1,040"),
    "a clock with a zone": (lambda frame: frame.assign(opened=frame["opened"].dt.tz_localize("Pacific/Auckland")), None, "have a time zone and a bound has none"),
    "a clock eleven hours ahead": (lambda frame: frame.assign(opened=frame["opened"] + pd.Timedelta("23h")), 1, "max_between(opened): observed 2026-03-02T"),
    "numbers as text": (lambda frame: frame.assign(age=frame["age"].astype(str)), 1, "values_of_type(age): 1,000 of 1,000"),
    "a mean of text": (lambda frame: frame.assign(debt=frame["debt"].astype(str)), None, "column debt holds text, where numbers are needed"),
    "300 columns": (lambda frame: pd.concat([frame, pd.DataFrame(0.5, frame.index, [f"unused_{one}" for one in range(292)])], axis=1), 0, ""),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["pandas", "sql"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_with_the_right_result(fault, engine):
    change, broken, message = FAULTS[fault]
    subject = synthetic.subject().with_frame("current", change(rows()))
    params = ValidationParams(expectations=SUITE, engine=engine)
    if broken is None:
        with pytest.raises(GovernanceError) as caught:
            CHECK.measure(subject, params, 1)
        assert message in str(caught.value)
        return
    result = CHECK.measure(subject, params, 1)
    assert result.metric("expectations").value == len(SUITE)
    assert result.metric("critical_failures").value == broken
    assert message in result.metric("critical_failures").detail


def test_a_column_of_several_types_is_evaluated_in_pandas_only():
    mixed = rows().assign(region=[1, "north"] * (ROWS // 2))
    subject = synthetic.subject().with_frame("current", mixed)
    found = CHECK.measure(subject, ValidationParams(expectations=SUITE, engine="pandas"), 1)
    assert "values_in_set(region): 500 of 1,000" in found.metric("critical_failures").detail
    with pytest.raises(GovernanceError, match=r"(?s)region.*set params.engine to pandas"):
        CHECK.measure(subject, ValidationParams(expectations=SUITE, engine="sql"), 1)


def test_what_only_pandas_can_evaluate_is_refused_where_sql_is_required():
    rising = expect("column_values_to_be_increasing", column="row")
    subject = synthetic.subject().with_frame("current", rows())
    with pytest.raises(GovernanceError, match=r"values_increasing\(row\).*set params.engine to auto or pandas"):
        CHECK.measure(subject, ValidationParams(expectations=(rising,), engine="sql"), 1)


def test_the_engine_changes_by_the_number_of_rows_and_not_the_bytes(monkeypatch):
    subject = synthetic.subject().with_frame("current", rows())
    suite = (*SUITE, expect("column_values_to_be_increasing", column="row"))
    few = CHECK.measure(subject, ValidationParams(expectations=suite), 1)
    monkeypatch.setattr(import_module(CHECK.measure.__module__), "MAX_ROWS_IN_PANDAS", ROWS - 1)
    many = CHECK.measure(subject, ValidationParams(expectations=suite), 1)
    assert ("pandas" in few.notes[0], "DuckDB" in many.notes[0]) == (True, True)
    assert [one.content for one in few.artifacts] == [one.content for one in many.artifacts]
    assert few.metrics == many.metrics


@pytest.mark.parametrize("threads", [2, 8])
def test_the_bytes_do_not_depend_on_the_threads_that_are_there(threads, monkeypatch):
    """DuckDB is held to one thread: with more, the order of adding up is an accident."""
    assert SETTINGS["threads"] == 1
    subject = synthetic.subject().with_frame("current", rows())
    params = ValidationParams(expectations=SUITE, engine="sql")
    first = CHECK.measure(subject, params, 1)
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    monkeypatch.setitem(SETTINGS, "threads", threads)
    assert CHECK.measure(subject, params, 1).metrics == first.metrics
