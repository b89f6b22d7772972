"""The suite that `policy init` writes: what the reference looks like, so that a night must look like it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from model_governance.check import Suggestion
from model_governance.subject import NUMBER_KINDS

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.subject import Columns, Feature

MOST_VALUES = 50
BAND = 5


def suggest(reference: pd.DataFrame, columns: Columns) -> Suggestion:
    """Expectations read off the reference; ranges that only the data show are warnings, declared ones critical."""
    rows = len(reference)
    expectations = [
        _expect("table_row_count_to_be_between", "warning", min_value=max(1, rows // BAND), max_value=rows * BAND),
        _expect("table_columns_to_match_set", "critical", column_set=list(columns.names), exact_match=False),
    ]
    for name, feature in columns.features.items():
        if name in reference.columns and reference[name].notna().any():
            expectations += _of_column(name, feature, reference[name])
    return Suggestion(
        params={"expectations": expectations},
        thresholds=[
            {"metric": "critical_failures", "equal_to": 0, "severity": "error"},
            {"metric": "warning_failures", "equal_to": 0, "severity": "warn"},
        ],
        comment=(
            f"Read off {rows:,} reference rows: columns, types, completeness (incomplete columns with two points to spare), "
            f"value sets of up to {MOST_VALUES} categories, and a row count within a factor of {BAND}. Declared minimum and "
            "maximum are critical; ranges that only the data show are warnings, because new data may honestly exceed them."
        ),
    )


def _of_column(name: str, feature: Feature, column: pd.Series) -> list[dict[str, Any]]:
    found = [_expect("column_values_to_be_of_type", "critical", column=name, type_=_logical_type(feature, column))]
    complete = float(column.notna().mean())
    if complete == 1:
        found.append(_expect("column_values_to_not_be_null", "critical", column=name))
    elif complete > 0.03:
        mostly = math.floor(100 * complete - 2) / 100
        found.append(_expect("column_values_to_not_be_null", "warning", column=name, mostly=mostly))
    if feature.kind in NUMBER_KINDS:
        found += _ranges(name, feature, column)
    if feature.kind in ("category", "boolean"):
        values = [_plain(value) for value in column.dropna().unique()]
        if len(values) <= MOST_VALUES:
            chosen = sorted(values, key=lambda value: (isinstance(value, str), value))
            found.append(_expect("column_values_to_be_in_set", "critical", column=name, value_set=chosen))
    return found


def _ranges(name: str, feature: Feature, column: pd.Series) -> list[dict[str, Any]]:
    declared = {key: getattr(feature, key) for key in ("minimum", "maximum") if getattr(feature, key) is not None}
    keys = {"minimum": "min_value", "maximum": "max_value"}
    found = []
    if declared:
        bounds = {keys[key]: _plain(value) for key, value in declared.items()}
        found.append(_expect("column_values_to_be_between", "critical", column=name, **bounds))
    finite = column.dropna().astype(float)
    finite = finite[finite.abs() != math.inf]
    if len(declared) < 2 and len(finite):
        ends = {"minimum": finite.min(), "maximum": finite.max()}
        bounds = {keys[key]: _plain(value) for key, value in ends.items() if key not in declared}
        found.append(_expect("column_values_to_be_between", "warning", column=name, **bounds))
    return found


def _logical_type(feature: Feature, column: pd.Series) -> str:
    from pandas.api import types

    if types.is_bool_dtype(column.dtype):
        return "boolean"
    if feature.kind in NUMBER_KINDS or types.is_numeric_dtype(column.dtype):
        return "number"
    return "datetime" if types.is_datetime64_any_dtype(column.dtype) else "text"


def _expect(what: str, severity: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{what}", "severity": severity, "kwargs": kwargs}


def _plain(value: Any) -> Any:
    """A value as YAML writes it; whole floats (a category beside missing values) as integers."""
    value = value.item() if hasattr(value, "item") else value
    return int(value) if isinstance(value, float) and value.is_integer() else value
