"""Describes columns independently of the engine: their kind, and how many values they hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["integer", "number", "boolean", "text", "datetime", "mixed"]
NUMERIC: frozenset[Kind] = frozenset({"integer", "number", "boolean"})
FAMILIES: dict[Kind, str] = {"integer": "numbers", "number": "numbers", "boolean": "numbers", "text": "text",
                             "datetime": "times", "mixed": "mixed"}  # fmt: skip
INFERRED: dict[str, Kind] = {
    "string": "text", "boolean": "boolean", "decimal": "number", "floating": "number", "integer": "integer",
    "mixed-integer-float": "number", "date": "datetime", "datetime": "datetime", "datetime64": "datetime",
}  # fmt: skip
DUCKDB_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER", "integer"),
    (r"FLOAT|DOUBLE|DECIMAL\(.*", "number"),
    (r"BOOLEAN", "boolean"),
    (r"VARCHAR|UUID|ENUM\(.*", "text"),
    (r"DATE|TIMESTAMP.*", "datetime"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column.

    `kind` is `mixed` where its values are of several kinds, or of a kind that no expectation supports. `values` counts
    the rows with a value, `missing` those without; NaN is no value. `zoned` says that its times have a time zone.
    """

    name: str
    kind: Kind
    values: int
    missing: int
    zoned: bool = False

    @property
    def family(self) -> str:
        """`numbers`, `text`, `times` or `mixed`: only values of one family can be compared."""
        return FAMILIES[self.kind]

    def is_of_type(self, logical: str) -> bool:
        """Whether the column is of a policy's type `number`, `integer`, `text`, `boolean` or `datetime`."""
        return logical == self.kind or (logical == "number" and self.kind == "integer")


def of_frame(frame: pd.DataFrame, *, integers: frozenset[str] = frozenset()) -> dict[str, Column]:
    """The columns of rows in memory; `integers` are columns that pandas holds as floats."""
    columns = {}
    for name, column in frame.items():
        values = int(column.notna().sum())
        columns[str(name)] = Column(
            name=str(name),
            kind="integer" if name in integers else _kind_of(column),
            values=values,
            missing=len(column) - values,
            zoned=getattr(column.dtype, "tz", None) is not None,
        )
    return columns


def kind_in_duckdb(type_: str) -> Kind:
    """The kind of a column from DuckDB's name of its type."""
    return next((kind for pattern, kind in DUCKDB_KINDS if re.fullmatch(pattern, type_)), "mixed")


def _kind_of(column: pd.Series) -> Kind:
    import pandas as pd
    from pandas.api import types

    dtype = column.dtype.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
    if isinstance(column.dtype, pd.CategoricalDtype) and types.is_object_dtype(dtype):
        column = column.cat.categories.to_series()
    if types.is_object_dtype(dtype):
        return INFERRED.get(types.infer_dtype(column, skipna=True), "mixed")
    tests: tuple[tuple[Kind, bool], ...] = (
        ("boolean", types.is_bool_dtype(dtype)),
        ("integer", types.is_integer_dtype(dtype)),
        ("number", types.is_numeric_dtype(dtype)),
        ("datetime", types.is_datetime64_any_dtype(dtype)),
        ("text", types.is_string_dtype(dtype)),
    )
    return next((kind for kind, holds in tests if holds), "mixed")
