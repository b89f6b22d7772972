"""All rows of an expression of PostgreSQL as Arrow, through its binary COPY.

A row arrives as one message: a 16-bit number of columns, and per column a 32-bit length (-1 for null) before its value, all
big-endian (PostgreSQL, "COPY", Binary Format). Values of a column are gathered by numpy at their offsets, so that no cell
becomes a Python object. A cursor takes eight times the processor time.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

from model_governance.engine.binary_values import BYTES, FIXED, TEXTS, columns_of, texts_of, values_of
from model_governance.engine.packed_pages import packed_batches, pages_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pyarrow as pa
    from ibis import Table

    from model_governance.engine.binary_values import Column

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEADER = len(SIGNATURE) + 8  # flags and the length of an extension, which is empty
TRAILER = 2
CHUNK = 1 << 23  # bytes that are decoded at a time


def copy_batches(table: Table) -> Iterator[pa.RecordBatch]:
    """All rows, in the order of a plain scan, in pieces of some megabytes.

    The statement runs behind a savepoint: a fault and a reading that ends early leave the transaction and its snapshot.

    Raises:
        NotCopied: a value has no place in the type of its column.
        psycopg.Error: what the server says.
    """
    backend = table.get_backend()
    connection = backend.con
    statement = backend.compile(table)
    with connection.transaction(force_rollback=True):
        # Parallel workers would mix the rows, and a scan that joins another one would not start at the first.
        connection.execute("set local max_parallel_workers_per_gather = 0")
        connection.execute("set local synchronize_seqscans = off")
        columns = columns_of(connection, statement, table)
        heap = pages_of(connection, table, columns)
        if heap is not None:
            yield from packed_batches(connection, *heap, columns)
            return
        with connection.cursor().copy(_copying(statement, columns)) as copied:
            for chunk, starts in _chunks(connection.pgconn, copied):
                yield _decoded(chunk, starts, columns)


def _copying(statement: str, columns: Sequence[Column]) -> Any:
    from psycopg import sql

    wanted = [
        sql.SQL("{}" if column.oid in FIXED or column.oid in TEXTS or column.oid == BYTES else "{}::text").format(
            sql.Identifier(column.name)
        )
        for column in columns
    ]
    return sql.SQL("copy (select {} from ({}) as copied) to stdout (format binary)").format(
        sql.SQL(", ").join(wanted), sql.SQL(statement)
    )


def _chunks(pgconn: Any, copied: Any) -> Iterator[tuple[bytearray, np.ndarray]]:
    """Bytes of whole rows, and where in them each row starts.

    Messages are taken from libpq itself: the iterator of psycopg takes longer per row than everything else together.
    """
    take = pgconn.get_copy_data
    first = bytes(copied.read())[HEADER:]
    chunk, lengths = bytearray(first), [len(first)]
    length = len(first)
    while length > TRAILER:
        length, message = take(1)
        if length > TRAILER:
            chunk += message
            lengths.append(length)
            if len(chunk) >= CHUNK:
                yield chunk, _starts(lengths)
                chunk, lengths = bytearray(), []
        elif length == 0:
            select.select([pgconn.socket], [], [])
            pgconn.consume_input()
            length = HEADER
    if length < 0:
        _raise_what_the_server_said(pgconn)
    copied.read()
    if lengths and len(first) > TRAILER:
        yield chunk, _starts(lengths)


def _starts(lengths: Sequence[int]) -> np.ndarray:
    import numpy as np

    return np.cumsum([0, *lengths[:-1]])


def _raise_what_the_server_said(pgconn: Any) -> None:
    from psycopg.errors import error_from_result

    result = pgconn.get_result()
    while pgconn.get_result() is not None:
        pass
    raise error_from_result(result, encoding="utf-8")


def _decoded(chunk: bytearray, starts: np.ndarray, columns: Sequence[Column]) -> pa.RecordBatch:
    import numpy as np
    import pyarrow as pa

    # Room for the value that a null at the very end does not have.
    content = np.frombuffer(chunk + bytes(8), dtype="uint8")
    at = starts + 2
    arrays = []
    for column in columns:
        lengths = _at(content, at, ">i4").astype("int64")
        null, held = lengths < 0, np.maximum(lengths, 0)
        at = at + 4
        if column.oid in FIXED:
            arrays.append(values_of(_at(content, at, FIXED[column.oid]), null, column))
        else:
            arrays.append(texts_of(_joined(content, at, held), held, null, column))
        at = at + held
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def _at(content: np.ndarray, offsets: np.ndarray, kind: str) -> np.ndarray:
    """The numbers of a kind that begin at these bytes."""
    import numpy as np

    width = np.dtype(kind).itemsize
    every = np.ndarray((len(content) - width + 1,), kind, content, strides=(1,))
    return every[offsets]


def _joined(content: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The bytes of these stretches, one after another."""
    import numpy as np

    before = np.cumsum(lengths) - lengths
    places = np.arange(lengths.sum(), dtype="int32") + np.repeat((starts - before).astype("int32"), lengths)
    return content[places]
