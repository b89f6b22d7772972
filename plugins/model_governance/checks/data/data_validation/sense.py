"""Whether an expectation says what Great Expectations needs to measure it, and whether any rows could break it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LISTS = ("value_set", "column_set", "column_list", "regex_list", "like_pattern_list", "type_list")
SEVERAL_COLUMNS = ("expect_compound_columns_", "expect_multicolumn_", "expect_select_column_")


def problem_of(kind: str, kwargs: Mapping[str, Any]) -> str:
    """What is wrong with an expectation, by the names of Great Expectations and without importing it; empty if nothing.

    >>> problem_of("expect_column_values_to_not_be_in_set", {"column": "region", "value_set": []})
    'value_set is empty, so that every row or none would meet this; name the values'
    """
    if not kind.startswith(("expect_", "unexpected_rows_")):
        return f"{kind[:80]!r} is no expectation: their names begin with expect_"
    return _column_problem(kind, kwargs) or _list_problem(kind, kwargs) or _bound_problem(kind, kwargs)


def _column_problem(kind: str, kwargs: Mapping[str, Any]) -> str:
    """The columns that the kind reads must be named."""
    if kind.startswith(SEVERAL_COLUMNS):
        return "" if "column_list" in kwargs else f"{kind} needs `column_list`"
    wanted: tuple[str, ...] = ()
    if kind.startswith("expect_column_pair_"):
        wanted = ("column_A", "column_B")
    elif kind.startswith("expect_column_"):
        wanted = ("column",)
    for key in wanted:
        if key not in kwargs:
            return f"{kind} needs `{key}`"
        if not isinstance(kwargs[key], str) or not kwargs[key].strip():
            return f"`{key}` is the name of a column, a text; found {str(kwargs[key])[:40]!r}"
    return ""


def _list_problem(kind: str, kwargs: Mapping[str, Any]) -> str:
    """A list without items asks for nothing, or for what no row can meet."""
    for key in LISTS:
        if kwargs.get(key) is None:
            continue
        if not isinstance(kwargs[key], (list, tuple, set)):
            return f"{key} is a list; found {str(kwargs[key])[:40]!r}"
        if not kwargs[key]:
            return f"{key} is empty, so that every row or none would meet this; name the values"
    needs_set = kind.startswith("expect_column_") and kind.endswith("_set") and "_pair_" not in kind
    if needs_set and kwargs.get("value_set") is None:
        return f"{kind} needs `value_set`"
    if kwargs.get("regex") == "":
        return "an empty regex matches every text; write what must match"
    return ""


def _bound_problem(kind: str, kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if kind.endswith("_between") and "_quantile_" not in kind and low is None and high is None:
        return f"{kind} needs `min_value`, `max_value` or both: without them every row would meet it"
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
        return f"min_value {low} is above max_value {high}, so that no row could meet this"
    return ""
