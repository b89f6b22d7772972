"""What a column holds, decided once from its type and its content.

`run`, `compare`, `policy init`, `calibrate` and validation ask here, so that one column is the same everywhere, whether
it came as CSV, Parquet, Arrow or from a database.

=========  ============================================================================================================
kind       physical types
=========  ============================================================================================================
integer    whole numbers; decimals without places
number     floating point
decimal    decimals with places
boolean    true and false, with or without gaps
date       days
time       moments, with or without a time zone
text       text; `is_free_text` says which has too many values to be a category
nested     lists, structs, maps: no statistic is defined for them
other      bytes, times of day, durations: none is defined either
mixed      values of several types
empty      no value at all
=========  ============================================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


Kind = Literal[
    "integer", "number", "decimal", "boolean", "date", "time", "text", "nested", "other", "mixed", "empty"
]  # fmt: skip
NUMBERS: frozenset[Kind] = frozenset({"integer", "number", "decimal"})
LABELS: frozenset[Kind] = frozenset({"text", "boolean"})
UNUSABLE: frozenset[Kind] = frozenset({"nested", "other", "mixed", "empty"})
MOST_LABELS = 20
ROWS_PER_VALUE = 10
"""Text of more than 20 values is a category only where each value has so many rows on average."""
INFERRED: dict[str, Kind] = {
    "string": "text", "boolean": "boolean", "decimal": "decimal", "floating": "number", "integer": "integer",
    "mixed-integer-float": "number", "date": "date", "datetime": "time", "datetime64": "time", "empty": "empty",
    "bytes": "other", "time": "other", "timedelta": "other", "timedelta64": "other",
}  # fmt: skip
WHAT: dict[Kind, str] = {
    "nested": "lists or structs", "other": "bytes, times of day or durations", "mixed": "values of several types",
    "empty": "no value", "date": "dates", "time": "times", "text": "text", "boolean": "true and false",
}  # fmt: skip


def kind_of_type(kind: pa.DataType) -> Kind:
    """The kind of a column of this Arrow type; `empty` for the type of nulls alone."""
    import pyarrow as pa

    types = pa.types
    values = kind.value_type if types.is_dictionary(kind) else kind
    tests: tuple[tuple[Kind, bool], ...] = (
        ("integer", types.is_integer(values) or (types.is_decimal(values) and values.scale <= 0)),
        ("decimal", types.is_decimal(values)),
        ("number", types.is_floating(values)),
        ("boolean", types.is_boolean(values)),
        ("date", types.is_date(values)),
        ("time", types.is_timestamp(values)),
        ("text", _is_text(values)),
        ("empty", types.is_null(values)),
        ("nested", types.is_nested(values)),
    )
    return next((name for name, holds in tests if holds), "other")


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def kind_of_series(column: pd.Series) -> Kind:
    """The kind of a column in memory; values decide where pandas only knows objects."""
    import pandas as pd
    from pandas.api import types

    if not column.notna().any():
        return "empty"
    dtype = column.dtype.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
    if types.is_object_dtype(dtype):
        values = column.cat.categories.to_series() if isinstance(column.dtype, pd.CategoricalDtype) else column
        return _kind_of_objects(values)
    if isinstance(dtype, pd.ArrowDtype):
        return kind_of_type(dtype.pyarrow_dtype)
    tests: tuple[tuple[Kind, bool], ...] = (
        ("boolean", types.is_bool_dtype(dtype)),
        ("integer", types.is_integer_dtype(dtype)),
        ("number", types.is_numeric_dtype(dtype)),
        ("time", types.is_datetime64_any_dtype(dtype)),
        ("text", types.is_string_dtype(dtype)),
    )
    return next((name for name, holds in tests if holds), "other")


def _kind_of_objects(values: pd.Series) -> Kind:
    from decimal import Decimal

    from pandas.api import types

    kind = INFERRED.get(types.infer_dtype(values, skipna=True))
    if kind == "decimal":
        return "integer" if all(value == value.to_integral_value() for value in values.dropna()) else "decimal"
    if kind is not None:
        return kind
    held = values.dropna()
    if all(isinstance(value, Decimal | int | float) and not isinstance(value, bool) for value in held):
        return "decimal"
    return "nested" if all(types.is_list_like(value) for value in held) else "mixed"


def is_free_text(values: int, rows: int) -> bool:
    """Whether text of so many different values in so many rows is free text, and no category."""
    return values > max(MOST_LABELS, rows // ROWS_PER_VALUE)
