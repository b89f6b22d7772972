"""Rows of a table of PostgreSQL, packed by the server: one value holds a column of thousands of rows.

A row that arrives as a message of its own costs this side more than the server, so the server joins the binary forms of
a column's values over a range of pages. Fixed sizes need no lengths; texts end with a zero byte, which no text of PostgreSQL holds,
and a null is the byte 255, which UTF-8 does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.engine.binary_values import BYTES, FIXED, texts_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pyarrow as pa
    from ibis import Table

    from model_governance.engine.binary_values import Column

PAGES = 512  # of 8 KiB, which one statement packs
RANGE_SCANS = 140_000  # the version of PostgreSQL that finds a range of pages without reading the others
NULL, END = b"\xff", b"\0"
MASK = 31  # columns whose nulls one integer tells
SENT_BY = {
    16: "boolsend", 21: "int2send", 23: "int4send", 20: "int8send", 26: "oidsend", 700: "float4send", 701: "float8send",
    1042: "bpcharsend", 1082: "date_send", 1083: "time_send", 1114: "timestamp_send", 1184: "timestamptz_send",
}  # fmt: skip
"""The functions that give the binary form of a type, by its number; every other type is sent as text."""
HEAP = """
select pg_relation_size(c.oid) / current_setting('block_size')::bigint
from pg_class c join pg_am a on a.oid = c.relam
where c.oid = to_regclass(%s) and c.relkind in ('r', 'm') and a.amname = 'heap' and not c.relhassubclass
  and (c.reltoastrelid = 0 or pg_relation_size(c.reltoastrelid) = 0)
"""

ESTIMATE = "select reltuples from pg_class where oid = to_regclass(%s) and relkind in ('r', 'm') and not relhassubclass"


def pages_of(connection: Any, table: Table, columns: Sequence[Column]) -> tuple[Any, int] | None:
    """The name of the table and its number of pages; None where it is not packed: a view, a partitioned table, long texts, bytes.

    Args:
        connection: of psycopg.
        table: a table of the database, or columns of one, of which some are cast.
        columns: its columns as they arrive.
    """
    about = connection.info
    any_bytes = about.parameter_status("server_encoding") == "SQL_ASCII" or any(one.oid == BYTES for one in columns)
    if about.server_version < RANGE_SCANS or any_bytes:
        return None
    name = _name_of(table)
    row = connection.execute(HEAP, (name.as_string(connection),)).fetchone()
    return None if row is None else (name, int(row[0]))


def estimated_rows(connection: Any, table: Table) -> int | None:
    """How many rows the planner expects in a table, without reading it; None where it knows nothing, as of a view."""
    row = connection.execute(ESTIMATE, (_name_of(table).as_string(connection),)).fetchone()
    return int(row[0]) if row is not None and row[0] > 0 else None


def _name_of(table: Table) -> Any:
    from ibis.expr.operations import DatabaseTable
    from psycopg import sql

    (place,) = table.op().find(DatabaseTable)
    return sql.Identifier(*filter(None, (place.namespace.database, place.name)))


def packed_batches(connection: Any, name: Any, pages: int, columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
    """All rows in the order of the pages.

    The null values of a number are seen by their absence, and only then asked for.
    """
    import numpy as np

    gaps: list[Column] = []
    for first in range(0, pages, PAGES):
        # A table cannot grow within the snapshot, so no row stands behind its last page.
        bounds = (f"({first},0)", f"({first + PAGES},0)")
        rows, values, masks = _asked(connection, name, bounds, columns, gaps)
        found = [
            column
            for column, value in zip(columns, values, strict=True)
            if column.oid in FIXED and column not in gaps and len(value) < rows * np.dtype(FIXED[column.oid]).itemsize
        ]
        if found:
            gaps += found
            rows, values, masks = _asked(connection, name, bounds, columns, gaps)
        if rows:
            yield _unpacked(values, columns, masks, gaps)


def _asked(
    connection: Any, name: Any, bounds: tuple[str, str], columns: Sequence[Column], gaps: Sequence[Column]
) -> tuple[int, list[bytes], list[bytes]]:
    """The rows of a range of pages: how many, the joined values of each column, and which of them lack values of `gaps`."""
    from psycopg import sql

    masks = [_mask(gaps[start : start + MASK]) for start in range(0, len(gaps), MASK)]
    statement = sql.SQL("select count(*), {} from {} where ctid >= %s::tid and ctid < %s::tid").format(
        sql.SQL(", ").join([*map(_packed, columns), *masks]), name
    )
    with connection.cursor(binary=True) as cursor:
        cursor.execute(statement, bounds, prepare=False)
        rows, *found = cursor.fetchone()
    values = [value or b"" for value in found]
    return rows, values[: len(columns)], values[len(columns) :]


def _packed(column: Column) -> Any:
    """The aggregate that joins the values of a column; numbers that are null are left out."""
    from psycopg import sql

    name, sent = sql.Identifier(column.name), sql.SQL(SENT_BY.get(column.oid, "textsend"))
    if column.oid in FIXED:
        return sql.SQL("string_agg({}({}), ''::bytea)").format(sent, name)
    text = name if column.oid in SENT_BY else sql.SQL("{}::text").format(name)
    return sql.SQL("string_agg(coalesce({}({}), {}), {})").format(sent, text, sql.Literal(NULL), sql.Literal(END))


def _mask(columns: Sequence[Column]) -> Any:
    """One integer per row, whose bits say which of at most `MASK` columns are null."""
    from psycopg import sql

    bits = [
        sql.SQL("(({} is null)::int << {})").format(sql.Identifier(column.name), place)
        for place, column in enumerate(columns)
    ]
    return sql.SQL("string_agg(int4send({}), ''::bytea)").format(sql.SQL(" | ").join(bits))


def _unpacked(
    values: Sequence[bytes], columns: Sequence[Column], masks: Sequence[bytes], gaps: Sequence[Column]
) -> pa.RecordBatch:
    import numpy as np
    import pyarrow as pa

    bits = [np.frombuffer(mask, ">i4") for mask in masks]
    null = {column.name: bits[place // MASK] >> place % MASK & 1 == 1 for place, column in enumerate(gaps)}
    arrays = [
        _numbers(np.frombuffer(value, FIXED[column.oid]), null.get(column.name), column)
        if column.oid in FIXED
        else _texts(np.frombuffer(value, "uint8"), column)
        for column, value in zip(columns, values, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def _numbers(held: np.ndarray, null: np.ndarray | None, column: Column) -> pa.Array:
    import numpy as np

    if null is None:
        return values_of(held, None, column)
    values = np.zeros(len(null), held.dtype)
    values[~null] = held
    return values_of(values, null, column)


def _texts(joined: np.ndarray, column: Column) -> pa.Array:
    import numpy as np

    is_null, is_end = joined == NULL[0], joined == END[0]
    ends = np.append(np.flatnonzero(is_end), len(joined))
    starts = np.append(0, ends[:-1] + 1)
    null = np.append(is_null, False)[starts]
    return texts_of(joined[~(is_null | is_end)], np.where(null, 0, ends - starts), null, column)
