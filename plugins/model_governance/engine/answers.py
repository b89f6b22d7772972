"""Answers of a database, as Arrow batches and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from ibis import Table

ROWS_PER_ANSWER = 131_072
THROUGH_PANDAS = frozenset({"mysql", "singlestoredb", "sqlite"})  # ibis makes floats of their integers with gaps


def read_batches(table: Table, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of an expression, `rows` at a time; integers and decimals are those of the database, with gaps or without.

    Raises:
        SubjectError: the database gives something else than the type of a column says.
    """
    backend = table.get_backend()
    if backend.name == "duckdb":
        # ibis 12 calls a method that DuckDB 2 has renamed.
        yield from backend.con.sql(backend.compile(table)).to_arrow_reader(rows)
    elif backend.name == "postgres":
        yield from _from_cursor(backend, table, rows)
    elif backend.name == "pyspark":
        # ibis would go through pandas, which makes floats of integers with gaps and nulls of NaN.
        answer = backend.raw_sql(backend.compile(table)).toArrow()
        yield from answer.cast(table.schema().to_pyarrow()).to_batches(max_chunksize=rows)
    elif backend.name in THROUGH_PANDAS:
        yield from _through_text(table, rows)
    else:
        yield from table.to_pyarrow_batches(chunk_size=rows)


def _through_text(table: Table, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows, with integers and decimals as text on the way, which keeps all their digits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = table.schema()
    kinds = {name: kind.to_pyarrow() for name, kind in schema.items() if kind.is_integer() or kind.is_decimal()}
    for batch in table.mutate(**{name: table[name].cast("string") for name in kinds}).to_pyarrow_batches(
        chunk_size=rows
    ):
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        for name, kind in kinds.items():
            try:
                columns[name] = pc.cast(columns[name], kind)
            except pa.ArrowException as error:
                raise SubjectError(
                    f"column {name!r} is declared {schema[name]} and the database gives something else in it; "
                    "cast or leave out the column in a view, or fetch the rows with `query`"
                ) from error
        yield pa.RecordBatch.from_pydict(columns)


def _from_cursor(backend: Any, table: Table, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows through a cursor of the server's.

    ibis would read them in a savepoint of their own, and one that is left before its last row ends the transaction, and with
    it the snapshot.
    """
    import pyarrow as pa

    kind = table.schema().as_struct().to_pyarrow()
    with backend.con.cursor(name=f"rows_{uuid4().hex}") as cursor:
        cursor.execute(backend.compile(table))
        while batch := cursor.fetchmany(rows):
            yield pa.RecordBatch.from_struct_array(pa.array(batch, type=kind))


def read_rows(table: Table) -> list[dict[str, Any]]:
    """All rows of a small result."""
    return [row for batch in read_batches(table, ROWS_PER_ANSWER) for row in batch.to_pylist()]


def read_row(table: Table) -> dict[str, Any]:
    """The only row of a result."""
    (row,) = read_rows(table)
    return row
