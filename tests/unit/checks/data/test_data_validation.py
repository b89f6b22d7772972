from __future__ import annotations

import hashlib
import json
import math
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

import synthetic
from model_governance.checks.data.data_validation import CHECK
from model_governance.checks.data.data_validation.batches import PandasBatch
from model_governance.checks.data.data_validation.expectations import Expectation, labels, read_suite
from model_governance.checks.data.data_validation.params import ValidationParams
from model_governance.checks.data.data_validation.validation import validate
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Feature
from model_governance.errors import CheckError, SubjectError
from model_governance.subjects.param_files import read_param_file

SUITE = Path(__file__).resolve().parents[4] / "include" / "suites" / "acs_employment.json"
AGE = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "age", "min_value": 18, "max_value": 90}}
REGION = {
    "type": "expect_column_values_to_be_in_set",
    "kwargs": {"column": "region", "value_set": ["north", "south", "east"]},
}
CHANNEL = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "channel"}, "severity": "warning"}
ROWS = {
    "type": "expect_table_row_count_to_be_between",
    "kwargs": {"min_value": 300, "max_value": 500},
    "severity": "info",
}
ALL = [AGE, REGION, CHANNEL, ROWS]


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject()


@pytest.fixture(scope="module")
def broken(healthy):
    """Forty ages of 200, ten unknown regions, four missing channels."""
    frame = healthy.frame("current")
    row = np.arange(len(frame))
    return healthy.with_frame(
        "current",
        frame.assign(
            age=frame["age"].mask(row < 40, 200),
            region=frame["region"].mask(row >= 390, "atlantis"),
            channel=frame["channel"].mask(row % 100 == 7),
        ),
    )


def measure(subject, *expectations):
    return CHECK.measure(subject, ValidationParams(expectations=expectations), 1)


def evaluate(frame, expectations):
    return validate(PandasBatch(frame), expectations)


def value(result, name, key=None):
    return result.metric(name, key=key).value


def test_rows_as_expected_keep_every_expectation(healthy):
    result = measure(healthy, *ALL)
    assert [value(result, f"{one}_failures") for one in ("critical", "warning", "info")] == [0, 0, 0]
    assert (value(result, "success_share"), value(result, "expectations"), value(result, "rows")) == (1, 4, 400)


def test_broken_expectations_are_counted_by_severity_and_told_with_their_rows(broken):
    result = measure(broken, *ALL, ROWS | {"kwargs": {"min_value": 401, "max_value": 500}})
    assert [value(result, f"{one}_failures") for one in ("critical", "warning", "info")] == [2, 1, 1]
    assert (
        result.metric("critical_failures").detail
        == "values_between(age): 40 of 400 rows, values_in_set(region): 10 of 400 rows"
    )
    assert result.metric("warning_failures").detail == "values_not_null(channel): 4 of 400 rows"
    assert result.metric("info_failures").detail == "row_count_between #2: observed 400"
    assert value(result, "success_share") == pytest.approx(1 / 5)


def test_unexpected_shares_have_exact_intervals_and_only_where_rows_are_counted(broken):
    result = measure(broken, *ALL)
    share = result.metric("unexpected_share", key="values_between(age)")
    assert (share.value, share.n) == (0.1, 400)
    assert (share.low, share.high) == pytest.approx((0.0724, 0.1337), abs=1e-4)
    counted = {one.key for one in result.metrics if one.name == "unexpected_share"}
    assert counted == {"values_between(age)", "values_in_set(region)", "values_not_null(channel)"}


def test_missing_values_are_not_examined_by_a_range(healthy):
    ages = healthy.frame("current")["age"].mask(np.arange(400) < 100)
    result = measure(healthy.with_frame("current", healthy.frame("current").assign(age=ages)), AGE)
    assert result.metric("unexpected_share", key="values_between(age)").n == 300


def test_the_table_has_one_row_per_expectation_in_the_order_of_the_policy(broken):
    rows = measure(broken, *ALL).tables[0].rows
    assert [one[0] for one in rows] == [
        "values_between(age)",
        "values_in_set(region)",
        "values_not_null(channel)",
        "row_count_between",
    ]
    assert rows[0] == ("values_between(age)", "age", "critical", "not met", 40, 0.1, "")
    assert rows[3] == ("row_count_between", "", "info", "met", "", "", 400)


def test_more_broken_expectations_than_a_sentence_holds_are_counted(broken):
    many = [AGE | {"kwargs": AGE["kwargs"] | {"min_value": low}} for low in range(18, 26)]
    detail = measure(broken, *many).metric("critical_failures").detail
    assert detail.endswith("and 3 more")
    assert detail.count("values_between(age)") == 5


def test_no_value_of_the_data_leaves_the_check(broken):
    asked = [
        *ALL,
        {"type": "expect_column_distinct_values_to_be_in_set", "kwargs": {"column": "region", "value_set": ["north"]}},
        {
            "type": "expect_column_most_common_value_to_be_in_set",
            "kwargs": {"column": "region", "value_set": ["south"]},
        },
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "region", "regex": "^n"}},
    ]
    result = measure(broken, *asked)
    everything = canonical_json(result.record()) + b"".join(one.content for one in result.artifacts)
    assert b"atlantis" not in everything
    assert value(result, "critical_failures") == 5


def test_an_aggregate_is_shown(healthy):
    mean = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "income", "min_value": 0, "max_value": 1}}
    result = measure(healthy, mean)
    assert result.tables[0].rows[0][6] == pytest.approx(healthy.frame("current")["income"].mean())
    assert result.metric("critical_failures").detail.startswith("mean_between(income): observed ")


def test_a_quantile_is_judged_although_the_library_returns_a_numpy_bool(healthy):
    ranges = {"quantiles": [0.5], "value_ranges": [[18, 90]]}
    asked = {
        "type": "expect_column_quantile_values_to_be_between",
        "kwargs": {"column": "age", "quantile_ranges": ranges},
    }
    result = measure(healthy, asked)
    assert value(result, "success_share") == 1
    assert json.loads(result.artifacts[0].content)["results"][0]["success"] is True


def test_unknown_types_are_all_named_with_the_nearest_known(healthy):
    wrong = [AGE | {"type": "expect_column_values_to_be_betwen"}, {"type": "expect_nonsense"}]
    with pytest.raises(CheckError) as caught:
        measure(healthy, *ALL, *wrong)
    message = str(caught.value)
    assert "2 of 6 expectations cannot be read" in message
    assert "did you mean expect_column_values_to_be_between?" in message
    assert "'expect_nonsense'" in message


def test_wrong_kwargs_are_named(healthy):
    with pytest.raises(CheckError, match=r"values_between\(age\): .*minimum.* extra fields not permitted"):
        measure(healthy, {"type": AGE["type"], "kwargs": {"column": "age", "minimum": 1, "max_value": 2}})


def test_every_expectation_that_cannot_be_evaluated_is_named_without_values(healthy):
    with pytest.raises(CheckError) as caught:
        measure(
            healthy,
            *ALL,
            {"type": AGE["type"], "kwargs": {"column": "agee", "min_value": 1}},
            {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "region", "min_value": 1}},
            {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch}"}},
        )
    message = str(caught.value)
    assert "3 of 7 expectations could not be evaluated" in message
    assert "values_between(agee): column(s) agee missing" in message
    assert "mean_between(region): column region holds text, where numbers are needed" in message
    assert "unexpected_rows: No provider found" in message
    assert "has the columns row, income, debt, age" in message
    assert "north" not in message


def test_an_expectation_that_examined_nothing_is_an_error_not_a_pass(healthy):
    subject = healthy.with_frame("current", healthy.frame("current").assign(extra=None))
    with pytest.raises(CheckError, match=r"values_in_set\(extra\): examined no value"):
        measure(subject, {"type": REGION["type"], "kwargs": {"column": "extra", "value_set": [1]}})
    with pytest.raises(CheckError, match=r"values_between\(age\): examined no value"):
        measure(
            healthy,
            {
                "type": AGE["type"],
                "kwargs": AGE["kwargs"] | {"row_condition": "age > 999", "condition_parser": "pandas"},
            },
        )


def test_a_suite_parameter_without_a_value_is_an_error(healthy):
    with pytest.raises(CheckError, match=r"SuiteParameterError.*lowest"):
        measure(healthy, {"type": AGE["type"], "kwargs": {"column": "age", "min_value": {"$PARAMETER": "lowest"}}})


def test_missing_columns_of_a_set_are_told(healthy):
    asked = {
        "type": "expect_table_columns_to_match_set",
        "kwargs": {"column_set": ["age", "agee"], "exact_match": False},
    }
    assert measure(healthy, asked).metric("critical_failures").detail == "columns_match_set: missing agee"


def test_a_column_that_is_demanded_and_missing_is_not_met_and_an_error_where_nobody_demands_it(healthy):
    there = {"type": "expect_column_to_exist", "kwargs": {"column": "fee"}}
    bound = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "fee", "min_value": 0}}
    found = measure(healthy, there, bound)
    assert found.metric("critical_failures").value == 2
    assert "values_between(fee): column(s) fee missing" in found.metric("critical_failures").detail
    several = {
        "type": "expect_table_columns_to_match_set",
        "kwargs": {"column_set": [*healthy.frame("current"), "fee"], "exact_match": False},
    }
    assert measure(healthy, several, bound).metric("critical_failures").value == 2
    with pytest.raises(CheckError, match=r"values_between\(fee\): column\(s\) fee missing"):
        measure(healthy, ROWS, bound)


def test_a_column_of_another_type_than_demanded_meets_nothing_else_either(healthy):
    texts = healthy.with_frame("current", healthy.frame("current").assign(note="seven"))
    typed = {"type": "expect_column_values_to_be_of_type", "kwargs": {"column": "note", "type_": "number"}}
    bound = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "note", "min_value": 0}}
    assert measure(texts, typed, bound).metric("critical_failures").value == 2
    with pytest.raises(CheckError, match="cannot be compared with 0"):
        measure(texts, bound)


def test_columns_that_nobody_expects_are_told_and_stored(healthy):
    asked = {
        "type": "expect_table_columns_to_match_set",
        "kwargs": {"column_set": [name for name in healthy.frame("current") if name != "age"]},
    }
    found = measure(healthy, asked)
    assert found.metric("critical_failures").detail == "columns_match_set: not expected age"
    assert b'"extra_columns":["age"]' in found.artifacts[0].content


def test_features_without_values_or_missing_are_errors_before_anything_is_evaluated(healthy):
    with pytest.raises(SubjectError, match="income"):
        measure(healthy.with_frame("current", healthy.frame("current").assign(income=math.nan)), ROWS)
    with pytest.raises(SubjectError, match="income"):
        measure(healthy.with_frame("current", healthy.frame("current").drop(columns="income")), ROWS)
    with pytest.raises(SubjectError, match="no rows"):
        measure(healthy.with_frame("current", healthy.frame("current").head(0)), ROWS)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "found neither"),
        ({"expectations": []}, "found neither"),
        ({"suite": "a.json", "expectations": [AGE]}, "found both"),
        ({"expectations": [AGE | {"severity": "fatal"}]}, "critical"),
        ({"expectations": [AGE | {"kwarg": {}}]}, "Extra inputs"),
        ({"expectations": [{"type": "Expect Nothing"}]}, "pattern"),
        ({"expectations": [AGE | {"kwargs": {"column": "age", "max_value": math.inf}}]}, "leave that bound out"),
    ],
)
def test_invalid_params_are_refused(params, message):
    with pytest.raises(ValidationError, match=message):
        ValidationParams(**params)


def test_labels_are_short_stable_and_distinct():
    named = [
        Expectation(**AGE),
        Expectation(**AGE),
        Expectation(**REGION, name="known regions"),
        Expectation(
            type="expect_column_pair_values_a_to_be_greater_than_b", kwargs={"column_A": "income", "column_B": "debt"}
        ),
        Expectation(type="expect_compound_columns_to_be_unique", kwargs={"column_list": ["row", "age"]}),
        Expectation(type="expect_column_to_exist", kwargs={"column": "age"}),
    ]
    assert labels(tuple(named)) == (
        "values_between(age)",
        "values_between(age) #2",
        "known regions",
        "pair_values_a_greater_than_b(income, debt)",
        "compound_columns_unique(row, age)",
        "exist(age)",
    )


def test_a_suite_file_as_the_library_writes_it_gives_what_the_policy_would(broken, tmp_path):
    import great_expectations as gx

    suite = gx.ExpectationSuite(
        name="suite",
        expectations=[
            gx.expectations.ExpectColumnValuesToBeBetween(column="age", min_value=18, max_value=90),
            gx.expectations.ExpectColumnValuesToBeInSet(
                column="region", value_set=["north", "south", "east"], meta={"name": "regions"}
            ),
            gx.expectations.ExpectColumnValuesToNotBeNull(column="channel", severity="warning"),
        ],
    )
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(suite.to_json_dict()))
    read = CHECK.measure(broken, ValidationParams(suite=str(path)), 1)
    written = measure(broken, AGE, REGION | {"name": "regions"}, CHANNEL)
    assert (read.metrics, read.tables) == (written.metrics, written.tables)
    assert value(read, "critical_failures") == 2


def test_a_suite_that_the_subject_holds_is_not_read_from_its_path(broken, tmp_path):
    path = tmp_path / "suite.json"
    path.write_text(json.dumps({"name": "suite", "expectations": [AGE, REGION, CHANNEL]}))
    file = read_param_file("suite", str(path))
    path.write_text(json.dumps({"name": "suite", "expectations": [ROWS]}))
    result = CHECK.measure(replace(broken, param_files={"suite": file}), ValidationParams(suite=str(path)), 1)
    assert result.metrics == measure(broken, AGE, REGION, CHANNEL).metrics
    assert file.sha256 == hashlib.sha256(file.content).hexdigest()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"params\.suite: .* cannot be read"),
        ("{", "is not JSON"),
        ("[]", "an empty suite would always pass"),
        ('{"name": "x", "expectations": []}', "an empty suite would always pass"),
        (
            '{"expectations": [{"kwargs": {}}, {"type": "expect_x", "severity": "fatal"}, 3]}',
            r"(?s)\[0\]: type.*\[1\]: severity.*\[2\]",
        ),
    ],
)
def test_a_suite_file_that_cannot_be_used_is_an_error(tmp_path, text, message):
    path = tmp_path / "suite.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CheckError, match=message):
        read_suite(read_param_file("suite", str(path)))


def test_a_result_that_the_library_drops_is_noticed(healthy, monkeypatch):
    from model_governance.checks.data.data_validation import batches

    whole = batches._in_pandas
    monkeypatch.setattr(batches, "_in_pandas", lambda *asked: whole(*asked)[:-1])
    with pytest.raises(CheckError, match=r"answered 1 of 2 expectations; unanswered: "):
        evaluate(healthy.frame("current"), (Expectation(**AGE), Expectation(**REGION)))


@pytest.mark.parametrize(
    ("column", "logical", "other"),
    [
        (pd.Series([1, 2], dtype="int16"), "integer", "text"),
        (pd.Series([1, None], dtype="Int64"), "number", "text"),
        (pd.Series([0.5, None]), "number", "integer"),
        (pd.Series([Decimal("1.5"), Decimal(2)]), "number", "text"),
        (pd.Series(["a", None]), "text", "number"),
        (pd.Series(["a", "b"], dtype="category"), "text", "number"),
        (pd.Series(["a", None], dtype="string"), "text", "boolean"),
        (pd.Series([True, False]), "boolean", "number"),
        (pd.Series([True, None], dtype="boolean"), "boolean", "number"),
        (pd.to_datetime(pd.Series(["2026-01-01"] * 2)), "datetime", "text"),
        (pd.Series(["1", "2"]), "text", "integer"),
    ],
)
def test_a_logical_type_fits_whatever_dtype_holds_it(column, logical, other):
    def asked(name):
        return Expectation(type="expect_column_values_to_be_of_type", kwargs={"column": "it", "type_": name})

    fits, differs = evaluate(pd.DataFrame({"it": column}), (asked(logical), asked(other)))
    assert fits.success
    assert not differs.success


def test_the_suggested_suite_fits_the_reference_and_sees_what_a_feed_breaks(healthy):
    suggestion = CHECK.suggest(healthy.frame("reference"), healthy.columns)
    params = ValidationParams.model_validate(dict(suggestion.params))
    same = CHECK.measure(healthy.with_frame("current", healthy.frame("reference")), params, 1)
    assert value(same, "success_share") == 1
    frame = healthy.frame("current")
    feed = frame.assign(
        age=frame["age"] * 12,
        region=frame["region"].str.upper(),
        channel=frame["channel"].mask(frame.index < 20),
        row=frame["row"] // 2,
    )
    result = CHECK.measure(healthy.with_frame("current", feed), params, 1)
    detail = result.metric("critical_failures").detail
    assert value(result, "critical_failures") == 4
    for one in (
        "values_between(age)",
        "values_in_set(region)",
        "values_not_null(channel): 20 of 400",
        "values_unique(row)",
    ):
        assert one in detail


def test_ranges_that_only_the_data_show_are_warnings_and_declared_ones_critical():
    columns = Columns(
        features={"a": Feature(kind="numeric", minimum=0), "b": Feature(kind="integer"), "c": Feature(kind="category")}
    )
    frame = pd.DataFrame({"a": [1.0, 2.5, None, math.inf], "b": [1, 2, 3, 4], "c": [1, 2, None, 1]})
    frame = pd.concat([frame] * 100, ignore_index=True)
    found = CHECK.suggest(frame, columns).params["expectations"]
    ranges = [
        (one["severity"], {key: bound for key, bound in one["kwargs"].items() if key != "mostly"})
        for one in found
        if one["type"].endswith("between") and "column" in one["kwargs"]
    ]
    assert ranges == [
        ("critical", {"column": "a", "min_value": 0}),
        ("warning", {"column": "a", "max_value": 2.5}),
        ("warning", {"column": "b", "min_value": 1, "max_value": 4}),
    ]
    assert all(
        0.9 < one["kwargs"]["mostly"] < 1
        for one in found
        if one["severity"] == "warning" and "column" in one["kwargs"] and one["kwargs"]["column"] == "b"
    )
    (values,) = [one["kwargs"]["value_set"] for one in found if one["type"].endswith("in_set")]
    assert values == [1, 2]


def test_a_time_suggests_that_no_current_data_are_older_than_the_reference():
    times = pd.Series(pd.date_range("2026-03-01", periods=50, freq="h", tz="UTC"), name="opened")
    columns = Columns(features={"opened": Feature(kind="datetime")})
    found = CHECK.suggest(times.to_frame(), columns).params["expectations"]
    newest = [Expectation(**one) for one in found if "column_max" in one["type"]]
    (fresh,) = evaluate((times + pd.Timedelta("1D")).to_frame(), tuple(newest))
    (stale,) = evaluate((times - pd.Timedelta("1D")).to_frame(), tuple(newest))
    assert (fresh.success, stale.success, stale.observed) == (True, False, "2026-03-02T01:00:00")


def test_the_same_rows_give_the_same_bytes_and_leave_no_trace(broken, capfd, monkeypatch, tmp_path):
    from great_expectations.data_context import project_manager

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mark = object()
    project_manager.set_project(mark)
    try:
        first, again = measure(broken, *ALL), measure(broken, *ALL)
        assert project_manager.get_current_project() is mark
    finally:
        project_manager.set_project(None)
    assert canonical_json(first.record()) == canonical_json(again.record())
    assert [one.content for one in first.artifacts] == [one.content for one in again.artifacts]
    assert list(tmp_path.iterdir()) == []
    assert "Calculating Metrics" not in capfd.readouterr().err


def test_the_picture_shows_only_what_is_broken_where_there_is_much(broken):
    many = [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "age"}, "name": f"rule {k}"}
        for k in range(25)
    ]
    picture = measure(broken, *many, AGE).artifacts[1].content.decode()
    assert "values_between(age)" in picture
    assert "rule 3" not in picture


def test_an_expectation_on_the_table_alone_needs_no_picture(healthy):
    assert [one.name for one in measure(healthy, ROWS).artifacts] == ["validation.json"]


def test_the_suite_of_the_example_is_one_that_the_library_knows():
    expectations = read_suite(read_param_file("suite", str(SUITE)))
    frame = pd.DataFrame({name: [1] for one in expectations for name in one.columns})
    assert len(evaluate(frame, expectations)) == len(expectations) > 10
