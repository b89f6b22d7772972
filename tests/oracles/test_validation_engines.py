"""Pandas and SQL give the same results: every common expectation, over every kind of data, met and not met."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_governance.checks.data.data_validation.batches import PandasBatch, SqlBatch
from model_governance.checks.data.data_validation.expectations import Expectation
from model_governance.checks.data.data_validation.patterns import as_re2
from model_governance.checks.data.data_validation.translation import IN_SQL, is_supported_in_sql
from model_governance.checks.data.data_validation.validation import validate
from model_governance.checks.data.data_validation.view import SETTINGS, open_view
from model_governance.contract.subject import Dataset
from model_governance.errors import CheckError

ROWS = 300
NUMBERS = ("whole", "float", "gaps", "infinite", "narrow", "decimal", "nullable", "constant", "flag", "maybe")
TEXTS = ("text", "some_text", "category")
TIMES = ("time", "zoned", "day")


def rows() -> pd.DataFrame:
    draw = np.random.default_rng(7)
    place = np.arange(ROWS)
    normal = draw.normal(0, 1, ROWS).round(3)
    gaps = np.where(place % 10 == 0, np.nan, normal)
    infinite = normal.copy()
    infinite[[3, 4]] = np.inf, -np.inf
    words = draw.choice(["aa", "b", "ccc", "Dé", "e\n", "5"], ROWS)
    hours = pd.to_timedelta(place, unit="h")
    return pd.DataFrame(
        {
            "key": place,
            "twice": place // 2,
            "whole": draw.integers(0, 10, ROWS),
            "float": normal,
            "gaps": gaps,
            "infinite": infinite,
            "narrow": normal.astype("float32"),
            "decimal": [Decimal(int(one)) / 4 for one in place % 9],
            "nullable": pd.array([None if one % 4 == 0 else one % 7 for one in place], dtype="Int64"),
            "constant": 1,
            "flag": place % 3 == 0,
            "maybe": [None if one % 5 == 0 else bool(one % 2) for one in place],
            "text": words,
            "some_text": [None if one % 7 == 0 else f"v{one % 5}" for one in place],
            "category": pd.Categorical(words),
            "time": pd.Timestamp("2026-01-01") + hours,
            "zoned": pd.Timestamp("2026-01-01", tz="Europe/Berlin") + hours,
            "day": [date(2026, 1, 1) + timedelta(days=int(one) % 30) for one in place],
        }
    )


def expect(what: str, **kwargs) -> Expectation:
    return Expectation(type=f"expect_{what}", kwargs=kwargs)


def about_any(column: str) -> list[Expectation]:
    return [
        expect("column_to_exist", column=column),
        expect("column_values_to_not_be_null", column=column),
        expect("column_values_to_not_be_null", column=column, mostly=0.7),
        expect("column_values_to_be_null", column=column),
        expect("column_values_to_be_unique", column=column),
        expect("column_unique_value_count_to_be_between", column=column, min_value=1, max_value=8),
        expect("column_proportion_of_unique_values_to_be_between", column=column, min_value=0, max_value=0.5),
        expect("column_proportion_of_non_null_values_to_be_between", column=column, min_value=0.85, max_value=1),
        *(
            expect("column_values_to_be_of_type", column=column, type_=logical)
            for logical in ("number", "integer", "text", "boolean", "datetime")
        ),
    ]


def about_numbers(column: str) -> list[Expectation]:
    ranges = {"quantiles": [0.05, 0.5, 0.99], "value_ranges": [[-9, 1], [0, 5], [None, 2.5]]}
    found = [
        expect(f"column_{what}_to_be_between", column=column, **bounds)
        for what in ("mean", "median", "stdev", "min", "max", "sum")
        for bounds in ({"min_value": 0, "max_value": 4}, {"max_value": 1, "strict_max": True})[
            : 1 + (column in NUMBERS[:3])
        ]
    ]
    for values in ([0, 1, 2.0], ["0", "1"], [True, "x"]):
        found.append(expect("column_values_to_be_in_set", column=column, value_set=values))
        found.append(expect("column_values_to_not_be_in_set", column=column, value_set=values, mostly=0.5))
        found.append(expect("column_distinct_values_to_be_in_set", column=column, value_set=values))
        found.append(expect("column_distinct_values_to_contain_set", column=column, value_set=values))
        found.append(expect("column_most_common_value_to_be_in_set", column=column, value_set=values))
    return [
        *found,
        expect("column_values_to_be_between", column=column, min_value=0, max_value=1),
        expect("column_values_to_be_between", column=column, min_value=0, strict_min=True, mostly=0.3),
        expect("column_quantile_values_to_be_between", column=column, quantile_ranges=ranges),
        expect("column_value_z_scores_to_be_less_than", column=column, threshold=2, double_sided=True),
        expect("column_values_to_be_increasing", column=column),
    ]


def about_text(column: str) -> list[Expectation]:
    found = [
        expect(f"column_{what}_to_{verb}_set", column=column, value_set=values)
        for values in (["aa", "b", "ccc", "Dé", "e\n", "5"], [1, 2], [1, "aa"])
        for what, verb in (("distinct_values", "be_in"), ("distinct_values", "equal"), ("distinct_values", "contain"),
                           ("values", "be_in"), ("values", "not_be_in"), ("most_common_value", "be_in"))
    ]  # fmt: skip
    patterns = ("a|v", "^a", r"\d$", r"^\w+$", r"^[\w.]{2}$", "e$", "e.", r"(?i)dÉ", r"\bv", "(a)b?")
    return [
        *found,
        *(expect("column_values_to_match_regex", column=column, regex=one) for one in patterns),
        expect("column_values_to_not_match_regex", column=column, regex=r"\s"),
        expect("column_values_to_match_regex_list", column=column, regex_list=["^a", "v"]),
        expect("column_values_to_match_regex_list", column=column, regex_list=["a", "b|v"], match_on="all"),
        expect("column_values_to_not_match_regex_list", column=column, regex_list=["^a", "v"]),
        expect("column_value_lengths_to_be_between", column=column, min_value=1, max_value=2),
        expect("column_value_lengths_to_equal", column=column, value=2),
        expect("column_values_to_be_json_parseable", column=column),
    ]


def about_times(column: str) -> list[Expectation]:
    offset = "+00:00" if column == "zoned" else ""
    low, high = f"2026-01-01T23:00:00{offset}", f"2026-01-05T00:00:00{offset}"
    return [
        expect("column_values_to_be_between", column=column, min_value=low, max_value=high),
        expect("column_max_to_be_between", column=column, min_value=low, max_value=high),
        expect("column_min_to_be_between", column=column, max_value=high),
        expect("column_values_to_be_in_set", column=column, value_set=["2026-01-02", high]),
        expect("column_values_to_not_be_in_set", column=column, value_set=["2026-01-02", "never"]),
        expect("column_values_to_be_in_set", column=column, value_set=[3]),
    ]


def about_rows(names: list[str]) -> list[Expectation]:
    greater = "column_pair_values_a_to_be_greater_than_b"
    return [
        expect("table_row_count_to_be_between", min_value=1, max_value=5),
        expect("table_row_count_to_equal", value=ROWS),
        expect("table_column_count_to_equal", value=3),
        expect("table_column_count_to_be_between", min_value=1, max_value=100),
        expect("table_columns_to_match_set", column_set=["key", "nothing"], exact_match=False),
        expect("table_columns_to_match_ordered_list", column_list=names),
        expect("table_columns_to_match_ordered_list", column_list=["key", "nothing"]),
        expect("compound_columns_to_be_unique", column_list=["twice", "text"]),
        expect("compound_columns_to_be_unique", column_list=["key", "some_text"]),
        expect("compound_columns_to_be_unique", column_list=["some_text", "nullable"]),
        expect("select_column_values_to_be_unique_within_record", column_list=["key", "whole"]),
        expect("multicolumn_sum_to_equal", column_list=["whole", "constant"], sum_total=10),
        *(
            expect(greater, column_A=a, column_B=b, **more)
            for a, b in (("key", "whole"), ("float", "gaps"), ("time", "day"))
            for more in ({}, {"or_equal": True}, {"or_equal": True, "ignore_row_if": "either_value_is_missing"})
        ),
        expect("column_pair_values_to_be_equal", column_A="float", column_B="gaps"),
        expect("column_pair_values_to_be_equal", column_A="text", column_B="category"),
        expect("column_pair_values_to_be_equal", column_A="text", column_B="whole"),
        expect("column_pair_values_to_be_in_set", column_A="whole", column_B="text", value_pairs_set=[[1, "aa"]]),
        expect("column_to_exist", column="nothing"),
        Expectation(
            type="expect_column_values_to_be_between",
            kwargs={"column": "float", "min_value": 0, "row_condition": "whole > 5", "condition_parser": "pandas"},
        ),
    ]


SUITES = {
    **{column: [*about_any(column), *about_numbers(column)] for column in NUMBERS},
    **{column: [*about_any(column), *about_text(column)] for column in TEXTS},
    **{column: [*about_any(column), *about_times(column)] for column in TIMES},
    "rows": about_rows(list(rows().columns)),
}
ALL = tuple(one for suite in SUITES.values() for one in suite)


@pytest.fixture(scope="module")
def engines():
    """The same rows in memory and behind a view."""
    frame = rows()
    with open_view(Dataset("current", "rows", "0" * 64, frame), used=set(frame.columns)) as view:
        yield PandasBatch(frame), SqlBatch(view)


@pytest.mark.parametrize("about", SUITES)
def test_both_engines_give_the_same_results(engines, about):
    expectations = tuple(SUITES[about])
    in_pandas, in_sql = (validate(engine, expectations) for engine in engines)
    assert len(in_pandas) == len(expectations) > 10
    for one, other in zip(in_pandas, in_sql, strict=True):
        assert one == other
    assert {result.success for result in in_sql} == {True, False}


def test_every_type_that_sql_gets_is_compared_and_most_of_the_table_is_sent_to_it(engines):
    sent = [one for one in ALL if is_supported_in_sql(one, engines[1].columns)]
    assert {one.type for one in sent} == IN_SQL
    assert len(sent) > 0.75 * len(ALL)


NONSENSE = {
    "a mean of text": (expect("column_mean_to_be_between", column="text", min_value=0), "holds text, where numbers"),
    "numbers among times": (expect("column_max_to_be_between", column="time", max_value=3), "cannot be compared with 3"),
    "a bound without zone": (
        expect("column_max_to_be_between", column="zoned", max_value="2026-01-02T00:00:00"), "have a time zone and a bound has none",
    ),
    "a bound with zone": (
        expect("column_max_to_be_between", column="time", max_value="2026-01-02T00:00:00+01:00"), "have no time zone and a bound has one",
    ),
    "a length of numbers": (expect("column_value_lengths_to_equal", column="whole", value=1), "where text is needed"),
    "a column that is not there": (expect("column_values_to_be_unique", column="nothing"), r"column\(s\) nothing missing"),
    "a like pattern": (expect("column_values_to_match_like_pattern", column="text", like_pattern="a%"), "write the pattern as a regex"),
    "an unknown type": (Expectation(type="expect_column_values_to_be_nice", kwargs={"column": "text"}), "has no expectation"),
}  # fmt: skip


@pytest.mark.parametrize("what", NONSENSE)
def test_both_engines_refuse_alike(what):
    asked, message = NONSENSE[what]
    frame = rows()
    with open_view(Dataset("current", "rows", "0" * 64, frame), used=set(frame.columns)) as view:
        for engine in (PandasBatch(frame), SqlBatch(view)):
            with pytest.raises(CheckError, match=message):
                validate(engine, (asked,))


def test_a_nan_is_seen_although_the_statistics_of_the_file_deny_it(tmp_path):
    """DuckDB computes `isnan` from a file's minimum and maximum, which ignore NaN, unless a setting prevents it."""
    values = np.where(np.arange(1000) % 100 == 0, np.nan, 1.0)
    path = tmp_path / "nan.parquet"
    pq.write_table(pa.table({"x": values}), path)
    counted = f"SELECT count(CASE WHEN isnan(x) THEN 1 END) FROM '{path}'"
    assert duckdb.connect(config=SETTINGS).execute(counted).fetchone() == (10,)
    frame = pd.read_parquet(path)
    with open_view(Dataset("current", "x", "0" * 64, frame), used={"x"}) as view:
        (result,) = validate(SqlBatch(view), (expect("column_values_to_not_be_null", column="x"),))
    assert (result.examined, result.unexpected) == (1000, 10)


@pytest.mark.parametrize("pattern", ["^a+$", r"\d{2}", r"[^\d]x", r"\W", "é", r"a\.b", "[]a]", "a|b$"])
def test_a_rewritten_pattern_finds_what_python_finds(pattern):
    import re

    words = ["a", "aa\n", "12", "١٢", "ax", "é", "a.b", "a\nb", "]", "b", "b\n", "", " ", "ß_9"]
    rewritten = as_re2(pattern)
    found = duckdb.execute(
        "SELECT list_transform($1, lambda word: regexp_matches(word, $2))", [words, rewritten]
    ).fetchone()
    assert found == ([re.search(pattern, one) is not None for one in words],)


def test_a_pattern_without_counterpart_is_not_rewritten():
    assert [as_re2(one) for one in (r"(?=a)", r"(a)\1", r"\bword", "(?i)a", "a$|b", "[a")] == [None] * 6


def test_infinite_means_are_told_not_shown():
    frame = rows()
    with open_view(Dataset("current", "rows", "0" * 64, frame), used={"infinite"}) as view:
        (result,) = validate(SqlBatch(view), (expect("column_max_to_be_between", column="infinite", max_value=1),))
    assert (result.success, result.observed) == (False, "infinite")
