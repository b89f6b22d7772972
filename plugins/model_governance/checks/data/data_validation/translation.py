"""What an expectation means for columns of a certain kind, so that pandas and SQL are asked the same question.

Where Great Expectations answers differently in pandas and in SQL:

=============================  =====================================================================================
asked                          what is done
=============================  =====================================================================================
type by a logical name         answered here from the kind of the column; text counts its values, as pandas does
a value of another kind than   can never be found (SQL would turn '1' into 1): left out of the set, or answered here
the column, in a set           where the set decides nothing else
numbers of text, lengths of    refused with a reason in both
numbers, and the like
dates and times                bounds and sets become UTC times; a date is its midnight
quantile                       the nearest value, as in pandas; SQL is asked for the quantile that is exactly this value
mean, sum, stdev               nine significant digits are shown and compared; the last bits depend on the order of adding
several columns, one missing   counted in pandas, passed over in SQL: asked in pandas where a value is missing
regular expression             rewritten where RE2 means the same, else asked in pandas
like pattern                   refused in both: pandas has none
anything not in `IN_SQL`       asked in pandas, on its own columns
=============================  =====================================================================================
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_validation.columns import NUMERIC, Column
from model_governance.checks.data.data_validation.patterns import as_re2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.checks.data.data_validation.expectations import Expectation

LOGICAL_TYPES = ("number", "integer", "text", "boolean", "datetime")
SUMS = {f"expect_column_{one}_to_be_between" for one in ("mean", "sum", "stdev")}
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
NO_VALUE_NEEDED = {
    "expect_column_to_exist", "expect_column_values_to_not_be_null", "expect_column_values_to_be_null",
    "expect_column_proportion_of_non_null_values_to_be_between",
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


def misfit(one: Expectation, columns: Mapping[str, Column]) -> str | None:
    """Why an expectation cannot be asked of these columns, the same for every engine; None where it can."""
    if "like_pattern" in one.type:
        return "like patterns are not asked here; write the pattern as a regex"
    gone = [name for name in one.columns if name not in columns]
    if gone and one.type != "expect_column_to_exist":
        return f"column(s) {', '.join(gone)} missing"
    asked = [columns[name] for name in one.columns if name in columns]
    empty = [column.name for column in asked if column.values == 0]
    if empty and one.type not in NO_VALUE_NEEDED:
        return f"examined no value (column {', '.join(empty)} holds none)"
    return next((said for column in asked if (said := _wrong_kind(one, column))), None)


def _wrong_kind(one: Expectation, column: Column) -> str | None:
    if one.type in NUMBERS_ONLY and column.kind not in NUMERIC:
        return f"column {column.name} holds {_told(column)}, where numbers are needed"
    if one.type in LENGTHS and column.kind not in ("text", "mixed"):
        return f"column {column.name} holds {_told(column)}, where text is needed"
    bounds = [one.kwargs.get(key) for key in ("min_value", "max_value")]
    if one.type not in BETWEEN or column.kind == "mixed" or any(isinstance(bound, dict) for bound in bounds):
        return None
    wrong = [bound for bound in bounds if bound is not None and not fits(bound, column)]
    if wrong:
        return f"column {column.name} holds {_told(column)}, which cannot be compared with {wrong[0]!r}"
    if column.family == "times" and any(bound is not None and is_zoned(bound) != column.zoned for bound in bounds):
        has, lacks = ("have a time zone", "has none") if column.zoned else ("have no time zone", "has one")
        return (
            f"the times of column {column.name} {has} and a bound {lacks}; write the bound with an offset, or without"
        )
    return None


def _told(column: Column) -> str:
    return {"times": "times", "numbers": "numbers", "text": "text"}.get(column.family, "values of several types")


def fits(value: Any, column: Column) -> bool:
    """Whether a value of a policy can be a value of the column at all."""
    if column.family == "times":
        return _as_time(value) is not None
    if column.family == "numbers":
        return isinstance(value, (bool, int, float))
    return column.family == "mixed" or isinstance(value, str)


def settled(one: Expectation, columns: Mapping[str, Column]) -> tuple[bool, int | None, int | None] | None:
    """Met, examined and unexpected rows, where the kind of the column alone decides; else None."""
    column = columns.get(str(one.kwargs.get("column")))
    if column is None or column.kind == "mixed" or "row_condition" in one.kwargs:
        return None
    mostly = float(one.kwargs.get("mostly", 1))
    if one.type == TYPE and one.kwargs.get("type_") in LOGICAL_TYPES:
        met = column.is_of_type(one.kwargs["type_"])
        unexpected = 0 if met else column.values
        return (met or mostly == 0, column.values, unexpected) if column.kind == "text" else (met, None, None)
    values = one.kwargs.get("value_set")
    if one.type not in SETS or not isinstance(values, (list, tuple, set)):
        return None
    fitting = [value for value in values if fits(value, column)]
    if one.type in SETS_OF_ROWS and not fitting:
        unexpected = column.values if SETS_OF_ROWS[one.type] else 0
        return (unexpected == 0 or mostly == 0, column.values, unexpected)
    if (one.type in WHOLE_SETS and len(fitting) < len(values)) or not fitting:
        return (False, None, None)
    return None


def runs_in_sql(one: Expectation, columns: Mapping[str, Column]) -> bool:
    """Whether SQL gives the answer that pandas would give."""
    asked = [columns[name] for name in one.columns if name in columns]
    if one.type not in IN_SQL or "row_condition" in one.kwargs or any(column.kind == "mixed" for column in asked):
        return False
    if "column_list" in one.kwargs and any(column.missing for column in asked):
        return False
    if one.type in PATTERNS:
        written = _patterns(one)
        return all(column.kind == "text" for column in asked) and all(map(as_re2, written))
    if one.type in PAIRS:
        return _pairs_in_sql(one, asked)
    return not (one.type == QUANTILES and one.kwargs.get("allow_relative_error"))


def _pairs_in_sql(one: Expectation, asked: list[Column]) -> bool:
    whole = one.kwargs.get("ignore_row_if") == "either_value_is_missing" or not any(column.missing for column in asked)
    return (whole or one.type != GREATER) and len({column.family for column in asked}) == 1


def _patterns(one: Expectation) -> list[str]:
    found = one.kwargs.get(PATTERNS[one.type])
    return [str(each) for each in found] if isinstance(found, (list, tuple)) else [str(found)]


def translated(one: Expectation, columns: Mapping[str, Column], *, sql: bool) -> dict[str, Any]:
    """The kwargs as the library is asked: sets and bounds that fit the column, and for SQL its patterns and quantiles."""
    kwargs = dict(one.kwargs)
    column = columns.get(str(kwargs.get("column")))
    if one.type in SETS and column is not None and isinstance(kwargs.get("value_set"), (list, tuple, set)):
        fitting = [value for value in kwargs["value_set"] if fits(value, column)]
        kwargs["value_set"] = [_as_time(value) for value in fitting] if column.family == "times" else fitting
    if one.type in BETWEEN and column is not None and column.family == "times":
        kwargs |= {key: _as_time(kwargs[key]) for key in ("min_value", "max_value") if kwargs.get(key) is not None}
    if sql and one.type in PATTERNS:
        key = PATTERNS[one.type]
        rewritten = [as_re2(each) for each in _patterns(one)]
        kwargs[key] = rewritten if key == "regex_list" else rewritten[0]
    if sql and one.type == QUANTILES and column is not None:
        ranges = kwargs["quantile_ranges"]
        kwargs["quantile_ranges"] = {**ranges, "quantiles": [_exactly(q, column.values) for q in ranges["quantiles"]]}
    return kwargs


def _exactly(quantile: float, count: int) -> float:
    """The quantile that SQL's percentile_disc takes for the value that is nearest to this one in rank."""
    return (round(quantile * (count - 1)) + 0.5) / count


def is_zoned(value: Any) -> bool:
    """Whether a time of a policy says where its clock hangs."""
    value = datetime.fromisoformat(value) if isinstance(value, str) else value
    return isinstance(value, datetime) and value.tzinfo is not None


def _as_time(value: Any) -> datetime | None:
    """UTC without a zone; None for what is no time."""
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
