"""Describes columns independently of the engine: their kind, and how many values they hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from model_governance.engine.column_kinds import NUMBERS, kind_of_series
from model_governance.engine.frames import fit_in_floats, gives_back

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.engine.column_kinds import Kind as ContentKind

Kind = Literal["integer", "number", "boolean", "text", "datetime", "mixed"]
NUMERIC: frozenset[Kind] = frozenset({"integer", "number", "boolean"})
FAMILIES: dict[Kind, str] = {"integer": "numbers", "number": "numbers", "boolean": "numbers", "text": "text",
                             "datetime": "times", "mixed": "mixed"}  # fmt: skip
KINDS: dict[ContentKind, Kind] = {
    "integer": "integer", "number": "number", "decimal": "number", "boolean": "boolean", "text": "text",
    "date": "datetime", "time": "datetime",
}  # fmt: skip
"""What expectations distinguish, from what a column holds; everything else is `mixed`."""
NESTED = re.compile(r".*\[\d*\]|(STRUCT|MAP|UNION)\(.*", re.DOTALL)
DUCKDB_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER", "integer"),
    (r"DECIMAL\(\d+,\s*0\)", "integer"),
    (r"FLOAT|DOUBLE|DECIMAL\(.*", "number"),
    (r"BOOLEAN", "boolean"),
    (r"VARCHAR|UUID|ENUM\(.*", "text"),
    (r"DATE|TIMESTAMP.*", "datetime"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column.

    `kind` is `mixed` where its values are of several kinds, or of a kind that no expectation supports. `values` counts
    the rows with a value, `missing` those without; NaN is no value. `zoned` says that its times have a time zone, `nested`
    that it holds lists or structs, `exact` that float64 holds each of its numbers.
    """

    name: str
    kind: Kind
    values: int
    missing: int
    zoned: bool = False
    nested: bool = False
    exact: bool = True

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
        content = kind_of_series(column)
        columns[str(name)] = Column(
            name=str(name),
            kind="integer" if name in integers else KINDS.get(content, "mixed"),
            nested=content == "nested",
            exact=content not in NUMBERS or _is_exact(column),
            values=values,
            missing=len(column) - values,
            zoned=getattr(column.dtype, "tz", None) is not None,
        )
    return columns


def _is_exact(column: pd.Series) -> bool:
    """Whether float64 holds every number of a column of numbers."""
    values = column[column.notna()]
    if values.dtype == object:
        return all(gives_back(float(value), value) for value in values)
    if values.dtype.kind not in "iu":
        return True
    return fit_in_floats(values.to_numpy(dtype="uint64" if values.dtype.kind == "u" else "int64"))


def kind_in_duckdb(type_: str) -> Kind:
    """The kind of a column from DuckDB's name of its type."""
    return next((kind for pattern, kind in DUCKDB_KINDS if re.fullmatch(pattern, type_)), "mixed")


def is_nested_in_duckdb(type_: str) -> bool:
    """Whether DuckDB's name of a type is that of lists, structs or maps."""
    return NESTED.fullmatch(type_) is not None
