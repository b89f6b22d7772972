"""Translates expectations for the kinds of the columns, so that pandas and SQL give the same results.

Where Great Expectations gives different results in pandas and in SQL:

=============================  =====================================================================================
expectation                    what is done
=============================  =====================================================================================
type by a logical name         decided here from the kind of the column; text counts its values, as pandas does
a value of another kind than   can never occur (SQL would cast '1' to 1): removed from the set, or decided here where
the column, in a set           no other value remains
numbers of text, lengths of    refused with a reason in both
numbers, and so on
dates and times                bounds and sets become UTC times; a date is its midnight
quantile                       the nearest value, as in pandas; SQL gets the quantile that is exactly this value
mean, sum, stdev               nine significant digits are shown and compared; the last bits depend on the order of adding
several columns, one missing   counted in pandas, skipped in SQL: evaluated in pandas where a value is missing
regular expression             rewritten where RE2 means the same, else evaluated in pandas, where its time is limited
like pattern                   refused in both: pandas has none
anything not in `IN_SQL`       evaluated in pandas, on its own columns
=============================  =====================================================================================
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_validation.columns import NUMERIC, Column
from model_governance.checks.data.data_validation.patterns import as_re2
from model_governance.engine.frames import EXACT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.checks.data.data_validation.expectations import Expectation

LOGICAL_TYPES = ("number", "integer", "text", "boolean", "datetime")
SUMS = {f"expect_column_{aggregate}_to_be_between" for aggregate in ("mean", "sum", "stdev")}
NUMBERS_ONLY = SUMS | {
    "expect_column_median_to_be_between", "expect_column_quantile_values_to_be_between",
    "expect_column_value_z_scores_to_be_less_than", "expect_multicolumn_sum_to_equal",
}  # fmt: skip
BETWEEN = {
    "expect_column_values_to_be_between", "expect_column_min_to_be_between", "expect_column_max_to_be_between",
}  # fmt: skip
LENGTHS = {"expect_column_value_lengths_to_be_between", "expect_column_value_lengths_to_equal"}
SETS_OF_ROWS = {"expect_column_values_to_be_in_set": True, "expect_column_values_to_not_be_in_set": False}
SETS = {
    *SETS_OF_ROWS, "expect_column_distinct_values_to_be_in_set", "expect_column_distinct_values_to_contain_set",
    "expect_column_distinct_values_to_equal_set", "expect_column_most_common_value_to_be_in_set",
}  # fmt: skip
WHOLE_SETS = {"expect_column_distinct_values_to_contain_set", "expect_column_distinct_values_to_equal_set"}
PATTERNS = {"expect_column_values_to_match_regex": "regex", "expect_column_values_to_not_match_regex": "regex",
            "expect_column_values_to_match_regex_list": "regex_list",
            "expect_column_values_to_not_match_regex_list": "regex_list"}  # fmt: skip
GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
PAIRS = {GREATER, "expect_column_pair_values_to_be_equal"}
QUANTILES = "expect_column_quantile_values_to_be_between"
TYPE = "expect_column_values_to_be_of_type"
EXISTS = "expect_column_to_exist"
COLUMN_SET = "expect_table_columns_to_match_set"
NO_VALUE_NEEDED = {
    "expect_column_to_exist", "expect_column_values_to_not_be_null", "expect_column_values_to_be_null",
    "expect_column_proportion_of_non_null_values_to_be_between",
}  # fmt: skip
PRESENCE = {
    "expect_column_values_to_not_be_null", "expect_column_proportion_of_non_null_values_to_be_between",
}  # fmt: skip
COUNTED = NO_VALUE_NEEDED | {
    "expect_column_values_to_be_unique", "expect_column_unique_value_count_to_be_between",
    "expect_column_proportion_of_unique_values_to_be_between", "expect_compound_columns_to_be_unique",
    "expect_select_column_values_to_be_unique_within_record",
}  # fmt: skip
TABLE = {
    "expect_table_row_count_to_be_between", "expect_table_row_count_to_equal", "expect_table_column_count_to_equal",
    "expect_table_column_count_to_be_between", "expect_table_columns_to_match_set",
    "expect_table_columns_to_match_ordered_list",
}  # fmt: skip
IN_SQL = COUNTED | TABLE | NUMBERS_ONLY | BETWEEN | LENGTHS | SETS | PAIRS | set(PATTERNS)


def inapplicable(expectation: Expectation, columns: Mapping[str, Column]) -> str | None:
    """Why an expectation cannot be evaluated on these columns, the same for every engine; None where it can."""
    if "like_pattern" in expectation.type:
        return "like patterns are not supported; write the pattern as a regex"
    missing = [name for name in expectation.columns if name not in columns]
    if missing and expectation.type != EXISTS:
        return f"column(s) {', '.join(missing)} missing"
    used = [columns[name] for name in expectation.columns if name in columns]
    empty = [column.name for column in used if column.values == 0]
    if empty:
        return None
    return next((reason for column in used if (reason := _wrong_kind(expectation, column))), None)


def unanswerable(expectation: Expectation, columns: Mapping[str, Column]) -> str | None:
    """The reason where a column that an expectation reads holds no value to examine; None where each holds one."""
    if expectation.type in NO_VALUE_NEEDED:
        return None
    used = [columns[name] for name in expectation.columns if name in columns]
    empty = [column.name for column in used if column.values == 0]
    return f"column {', '.join(empty)} holds no value in any row" if empty else None


def _wrong_kind(expectation: Expectation, column: Column) -> str | None:
    if column.nested and expectation.type not in NO_VALUE_NEEDED:
        return f"column {column.name} holds lists or structs, whose values no expectation compares"
    if not column.exact and _rounds(expectation, column):
        return (
            f"column {column.name} holds numbers that float64 merges with their neighbours, and Great Expectations would "
            "compare them as such; use expectations on sets or uniqueness, or scale the numbers upstream"
        )
    if expectation.type in NUMBERS_ONLY and column.kind not in NUMERIC:
        return f"column {column.name} holds {_content(column)}, where numbers are needed"
    if expectation.type in LENGTHS and column.kind not in ("text", "mixed"):
        return f"column {column.name} holds {_content(column)}, where text is needed"
    bounds = [expectation.kwargs.get(key) for key in ("min_value", "max_value")]
    if expectation.type not in BETWEEN or column.kind == "mixed" or any(isinstance(bound, dict) for bound in bounds):
        return None
    wrong = [bound for bound in bounds if bound is not None and not can_hold(column, bound)]
    if wrong:
        return f"column {column.name} holds {_content(column)}, which cannot be compared with {wrong[0]!r}"
    if column.family == "times" and any(bound is not None and is_zoned(bound) != column.zoned for bound in bounds):
        has, lacks = ("have a time zone", "has none") if column.zoned else ("have no time zone", "has one")
        return (
            f"the times of column {column.name} {has} and a bound {lacks}; write the bound with an offset, or without"
        )
    return None


def _rounds(expectation: Expectation, column: Column) -> bool:
    """Whether rounding the column, or a bound, to float64 could change the result; bounds up to 2^53 separate integers."""
    if column.kind != "integer":
        return expectation.type in NUMBERS_ONLY | BETWEEN
    bounds = [expectation.kwargs.get(key) for key in ("min_value", "max_value")]
    return expectation.type in BETWEEN and any(
        isinstance(bound, int | float) and abs(bound) > EXACT for bound in bounds
    )


def _content(column: Column) -> str:
    return {"times": "times", "numbers": "numbers", "text": "text"}.get(column.family, "values of several types")


def can_hold(column: Column, value: Any) -> bool:
    """Whether a value of a policy can be a value of the column at all."""
    if column.family == "times":
        return _as_time(value) is not None
    if column.family == "numbers":
        return isinstance(value, (bool, int, float))
    return column.family == "mixed" or isinstance(value, str)


def known_from_kinds(
    expectation: Expectation, columns: Mapping[str, Column]
) -> tuple[bool, int | None, int | None] | None:
    """Success, examined and unexpected rows where the kind of the column alone decides them; else None."""
    column = columns.get(str(expectation.kwargs.get("column")))
    if column is None or column.kind == "mixed" or "row_condition" in expectation.kwargs:
        return None
    mostly = float(expectation.kwargs.get("mostly", 1))
    if expectation.type == TYPE and expectation.kwargs.get("type_") in LOGICAL_TYPES:
        success = column.is_of_type(expectation.kwargs["type_"])
        unexpected = 0 if success else column.values
        return (success or mostly == 0, column.values, unexpected) if column.kind == "text" else (success, None, None)
    values = expectation.kwargs.get("value_set")
    if expectation.type not in SETS or not isinstance(values, (list, tuple, set)):
        return None
    possible = [value for value in values if can_hold(column, value)]
    if expectation.type in SETS_OF_ROWS and not possible:
        unexpected = column.values if SETS_OF_ROWS[expectation.type] else 0
        return (unexpected == 0 or mostly == 0, column.values, unexpected)
    if (expectation.type in WHOLE_SETS and len(possible) < len(values)) or not possible:
        return (False, None, None)
    return None


def is_supported_in_sql(expectation: Expectation, columns: Mapping[str, Column]) -> bool:
    """Whether SQL gives the result that pandas would give."""
    used = [columns[name] for name in expectation.columns if name in columns]
    if expectation.type not in IN_SQL or "row_condition" in expectation.kwargs:
        return False
    if expectation.type not in NO_VALUE_NEEDED and any(column.kind == "mixed" for column in used):
        return False
    if "column_list" in expectation.kwargs and any(column.missing for column in used):
        return False
    if expectation.type in PATTERNS:
        return all(column.kind == "text" for column in used) and all(map(as_re2, patterns_of(expectation)))
    if expectation.type in PAIRS:
        return _is_pair_supported_in_sql(expectation, used)
    return not (expectation.type == QUANTILES and expectation.kwargs.get("allow_relative_error"))


def _is_pair_supported_in_sql(expectation: Expectation, used: list[Column]) -> bool:
    ignores_missing = expectation.kwargs.get("ignore_row_if") == "either_value_is_missing"
    complete = ignores_missing or not any(column.missing for column in used)
    return (complete or expectation.type != GREATER) and len({column.family for column in used}) == 1


def patterns_of(expectation: Expectation) -> list[str]:
    """The regular expressions of an expectation of `PATTERNS`."""
    patterns = expectation.kwargs.get(PATTERNS[expectation.type])
    return [str(pattern) for pattern in patterns] if isinstance(patterns, (list, tuple)) else [str(patterns)]


def translate_kwargs(expectation: Expectation, columns: Mapping[str, Column], *, sql: bool) -> dict[str, Any]:
    """The kwargs for Great Expectations: sets and bounds that fit the column, and SQL's own patterns and quantiles.

    Args:
        expectation: as the policy spells it.
        columns: the columns of the rows.
        sql: whether SQL evaluates it.
    """
    kwargs = dict(expectation.kwargs)
    column = columns.get(str(kwargs.get("column")))
    if expectation.type in SETS and column is not None and isinstance(kwargs.get("value_set"), (list, tuple, set)):
        possible = [value for value in kwargs["value_set"] if can_hold(column, value)]
        kwargs["value_set"] = [_as_time(value) for value in possible] if column.family == "times" else possible
    if expectation.type in BETWEEN and column is not None and column.family == "times":
        kwargs |= {key: _as_time(kwargs[key]) for key in ("min_value", "max_value") if kwargs.get(key) is not None}
    if sql and expectation.type in PATTERNS:
        key = PATTERNS[expectation.type]
        rewritten = [as_re2(pattern) for pattern in patterns_of(expectation)]
        kwargs[key] = rewritten if key == "regex_list" else rewritten[0]
    if sql and expectation.type == QUANTILES and column is not None:
        ranges = kwargs["quantile_ranges"]
        quantiles = [_sql_quantile(quantile, column.values) for quantile in ranges["quantiles"]]
        kwargs["quantile_ranges"] = {**ranges, "quantiles": quantiles}
    return kwargs


def _sql_quantile(quantile: float, count: int) -> float:
    """The quantile for which SQL's percentile_disc returns the value that is nearest in rank to this one."""
    return (round(quantile * (count - 1)) + 0.5) / count


def is_zoned(value: Any) -> bool:
    """Whether a time of a policy names its time zone."""
    value = datetime.fromisoformat(value) if isinstance(value, str) else value
    return isinstance(value, datetime) and value.tzinfo is not None


def _as_time(value: Any) -> datetime | None:
    """A time in UTC without a zone; None for a value that is no time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001  (naive times are UTC here)
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
