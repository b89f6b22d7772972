"""Values of PostgreSQL in their binary form, as Arrow arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from ibis import Table

EPOCH_DAYS = 10_957  # from 1970, where Arrow begins, to 2000, where PostgreSQL does
EPOCH_MICROSECONDS = EPOCH_DAYS * 86_400_000_000
FIXED = {
    16: "i1", 21: ">i2", 23: ">i4", 20: ">i8", 26: ">u4", 700: ">f4", 701: ">f8", 1082: ">i4", 1083: ">i8", 1114: ">i8",
    1184: ">i8",
}  # fmt: skip
"""Types of PostgreSQL, by number, whose values are one number of this kind."""
BOOLEAN, BYTES, DATE, TIME, MOMENTS = 16, 17, 1082, 1083, frozenset({1114, 1184})
TEXTS = frozenset({19, 25, 1042, 1043})
"""Types whose values are their text; every other type is asked for its text."""


class NotCopied(Exception):
    """A value has no place in the Arrow type of its column.

    Attributes:
        column: the name of the column.
        holding: its type and what it holds.
    """

    def __init__(self, column: str, *, holding: str) -> None:
        super().__init__(f"column {column!r} is {holding}")
        self.column = column
        self.holding = holding


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as it arrives: its name, the number of its type in PostgreSQL, and the Arrow type that it becomes."""

    name: str
    oid: int
    kind: pa.DataType


def columns_of(connection: Any, statement: str, table: Table) -> list[Column]:
    """The columns of a statement, without running it.

    Args:
        connection: of psycopg.
        statement: what `table` compiles to.
        table: the expression, which names the types that its columns become.
    """
    from psycopg import sql

    described = connection.execute(
        sql.SQL("select * from ({}) as described limit 0").format(sql.SQL(statement))
    ).description
    schema = table.schema().to_pyarrow()
    return [
        Column(name=column.name, oid=column.type_code, kind=schema.field(place).type)
        for place, column in enumerate(described)
    ]


def values_of(values: np.ndarray, null: np.ndarray | None, column: Column) -> pa.Array:
    """Numbers, dates and times of a type of `FIXED`.

    Args:
        values: shape (n,), big-endian as they arrive; anything where `null` is true.
        null: shape (n,), None where no value is null.
        column: what they become.

    Raises:
        NotCopied: an infinite date.
        pyarrow.ArrowInvalid: a value beyond the type of the column.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    native = values.astype(bool if column.oid == BOOLEAN else values.dtype.newbyteorder("="))
    array = pa.array(native, mask=null)
    if column.oid == TIME:
        array = array.view(pa.time64("us"))
    elif column.oid == DATE:
        array = pc.add_checked(_bounded(array, column), pa.scalar(EPOCH_DAYS, pa.int32())).view(pa.date32())
    elif column.oid in MOMENTS:
        since = pc.add_checked(_bounded(array, column), pa.scalar(EPOCH_MICROSECONDS, pa.int64()))
        array = since.view(pa.timestamp("us", getattr(column.kind, "tz", None)))
    return pc.cast(array, column.kind)


def _bounded(array: pa.Array, column: Column) -> pa.Array:
    """The days or microseconds since 2000, whose first and last number stand for infinite dates."""
    import numpy as np
    import pyarrow.compute as pc

    ends, limits = pc.min_max(array).as_py(), np.iinfo(array.type.to_pandas_dtype())
    if ends["min"] == limits.min or ends["max"] == limits.max:
        raise NotCopied(column.name, holding=f"{column.kind} with infinite values")
    return array


def texts_of(content: np.ndarray, lengths: np.ndarray, null: np.ndarray, column: Column) -> pa.Array:
    """Texts or bytes, or what is read from their texts.

    Args:
        content: the bytes of all values, one after another, uint8.
        lengths: bytes of each value, shape (n,), 0 of a null.
        null: shape (n,).
        column: what they become.

    Raises:
        pyarrow.ArrowInvalid: bytes that are no UTF-8, or a text that is no value of the type of the column.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    offsets = np.zeros(len(lengths) + 1, dtype="int32")
    np.cumsum(lengths, out=offsets[1:])
    valid = pa.array(~null).buffers()[1]
    kind = pa.binary() if column.oid == BYTES else pa.string()
    array = pa.Array.from_buffers(kind, len(lengths), [valid, pa.py_buffer(offsets), pa.py_buffer(content)])
    array.validate(full=True)  # a server of the encoding SQL_ASCII sends any bytes
    return array if array.type == column.kind else pc.cast(array, column.kind)
