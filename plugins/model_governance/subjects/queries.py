"""Datasets that are query results: only ever read, and digested in the order the database returned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

from model_governance.contract.text import first_line
from model_governance.engine.stored import Spool, Stamp, StoredFile
from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable
from model_governance.subjects.digests import digest_bytes
from model_governance.subjects.duckdb_files import query_duckdb
from model_governance.subjects.sql_guard import require_reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa
    from sqlalchemy import URL, Connection, Engine

    from model_governance.contract.connections import Connections
    from model_governance.policy import DatasetSpec

MAX_ATTACHED = 10  # SQLite's own default
READ_ONLY = {
    # SQLite's driver begins no transaction for `with ... delete`, so a rollback would find nothing to undo.
    "sqlite": "pragma query_only = 1",
    "mysql": "set transaction read only",
    "mariadb": "set transaction read only",
    "oracle": "set transaction read only",
}


def run_query(spec: DatasetSpec, *, folder: Path, connections: Connections) -> tuple[str, StoredFile]:
    """The address without secrets and the rows of a query, as a Parquet file in a spool with the digest of the result.

    The digest is that of the result as an Arrow IPC stream without metadata. It depends on the
    order of the rows: a query without ORDER BY may change its digest without changing its rows.
    The query is one statement that only reads (`sql_guard`). PostgreSQL, MySQL and Oracle run it in a reading transaction,
    SQLite and DuckDB files are opened for reading only, and every transaction is rolled back; what else a query may read is a
    matter of the database user's rights.

    Raises:
        SubjectError: a wrong uri or query, a missing driver, or a result that has no canonical form.
        DigestMismatch: the policy pins a sha256 and the result is another one.
        SubjectUnreachable: the database does not answer, is locked or gave up.
    """
    printable_uri, table = _fetch(spec, folder=folder, connections=connections)
    sha256 = _digest(table)
    if spec.sha256 is not None and sha256 != spec.sha256:
        raise DigestMismatch(
            f"{printable_uri}: the query does not return the pinned rows: expected sha256 {spec.sha256}, found {sha256}; "
            "add ORDER BY if only the order differs, otherwise review the change and pin the new sha256"
        )
    return printable_uri, _spooled(printable_uri, table, sha256)


def _fetch(spec: DatasetSpec, *, folder: Path, connections: Connections) -> tuple[str, pa.Table]:
    query = spec.query or ""
    require_reading(query)
    if spec.connection is not None:
        engine = connections.engine(spec.connection)
        printable_uri = f"connection:{spec.connection}"
        if engine.dialect.name == "duckdb":
            return printable_uri, query_duckdb(printable_uri, folder / (engine.url.database or ""), query)
        return printable_uri, _result(printable_uri, engine, query)
    import sqlalchemy

    printable_uri, url = _url(spec.uri or "", folder)
    if url.get_backend_name() == "duckdb":
        return printable_uri, query_duckdb(printable_uri, folder / (url.database or ""), query)
    try:
        engine = sqlalchemy.create_engine(url)
    except (ImportError, sqlalchemy.exc.ArgumentError) as error:
        raise SubjectError(
            f"{printable_uri}: no driver for this database: {error}; install it, or correct the uri"
        ) from error
    try:
        return printable_uri, _result(printable_uri, engine, query)
    finally:
        engine.dispose()


def _url(uri: str, folder: Path) -> tuple[str, URL]:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):
        # The cause is dropped on purpose: its text repeats the uri, which may hold a password.
        raise SubjectError(
            "the uri of a query is not an SQLAlchemy uri (not shown, it may hold a password); "
            "write dialect+driver://host/database"
        ) from None
    printable_uri = url.set(query={}).render_as_string(hide_password=True)
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith(("file:", ":memory:")):
        return printable_uri, url
    path = folder / url.database
    if not path.is_file():
        raise SubjectError(f"{printable_uri}: there is no SQLite file {path}; correct the uri")
    return printable_uri, url.set(database=f"file:{quote(str(path.absolute()))}", query={"mode": "ro", "uri": "true"})


def _result(printable_uri: str, engine: Engine, query: str) -> pa.Table:
    from sqlalchemy import exc

    try:
        connected = engine.connect()
    except (exc.DBAPIError, exc.TimeoutError) as error:
        raise SubjectUnreachable(
            f"{printable_uri}: no connection to the database: {_reason_of(error)}; try again"
        ) from error
    except exc.SQLAlchemyError as error:
        raise SubjectError(
            f"{printable_uri}: no connection to the database: {_reason_of(error)}; correct the uri"
        ) from error
    with connected as connection:
        try:
            connection = _reading_only(connection)  # noqa: PLW2901
            # Without parameters a % of the query stays a %, whatever the driver's placeholder is.
            answer = connection.execution_options(no_parameters=True).exec_driver_sql(query)
            names, rows = list(answer.keys()), answer.fetchall()
        except exc.SQLAlchemyError as error:
            _refuse(printable_uri, error, dialect=engine.dialect.name)
        finally:
            connection.rollback()
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("pragma query_only = 0")
                _limit_attached(connection, MAX_ATTACHED)
    return _table(printable_uri, names, rows)


def _reading_only(connection: Connection) -> Connection:
    """The connection in a transaction that only reads, where its database has such."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    if dialect in READ_ONLY:
        connection.exec_driver_sql(READ_ONLY[dialect])
    if dialect == "sqlite":
        _limit_attached(connection, 0)
    return connection


def _limit_attached(connection: Connection, count: int) -> None:
    """How many further files a statement may open, which `query_only` leaves to it."""
    import sqlite3

    driver = connection.connection.dbapi_connection
    if isinstance(driver, sqlite3.Connection):
        driver.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, count)


def _table(printable_uri: str, names: list[str], rows: Sequence[Sequence[object]]) -> pa.Table:
    """The rows as Arrow columns, of the types that their Python values have.

    Raises:
        SubjectError: a name twice, or a column with values of several types.
    """
    import pyarrow as pa

    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SubjectError(
            f"{printable_uri}: Duplicate column names: {', '.join(twice)}; name each column of `query` once"
        )
    columns = []
    for place, name in enumerate(names):
        values = [_plain(row[place]) for row in rows]
        try:
            columns.append(pa.array(values))
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            columns.append(pa.array(_texts(printable_uri, name, values), pa.string()))
    return pa.Table.from_arrays(columns, names=names)


def _plain(value: object) -> object:
    """A value of a driver as one that Arrow knows: objects of JSON become their text, since their keys vary by row."""
    if isinstance(value, (dict, UUID)) or type(value).__module__ == "ipaddress":
        return _as_json(value) if isinstance(value, dict) else str(value)
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return _as_json(value)
    return value


def _texts(printable_uri: str, name: str, values: Sequence[object]) -> list[str | None]:
    """The texts of lists, and of a driver's own objects (ranges, geometries), which Arrow does not know.

    Raises:
        SubjectError: the column holds several types.
    """
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {list, str}:
        return [None if value is None else _as_json(value) for value in values]
    if len(kinds) == 1 and next(iter(kinds)).__module__ not in ("builtins", "datetime", "decimal"):
        return [None if value is None else str(value) for value in values]
    told = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise SubjectError(
        f"{printable_uri}: the result has no canonical form (column {name!r} holds {told}); cast the column in `query`"
    )


def _as_json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _refuse(printable_uri: str, error: Exception, *, dialect: str) -> None:
    from sqlalchemy import exc

    reason = _reason_of(error)
    # SQLite calls everything operational, even a missing table; elsewhere the word means the server's state.
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    busy = isinstance(error, exc.OperationalError) and (dialect != "sqlite" or "locked" in reason or "busy" in reason)
    if lost or busy or isinstance(error, exc.TimeoutError):
        raise SubjectUnreachable(f"{printable_uri}: the database gave up: {reason}; try again") from error
    raise SubjectError(f"{printable_uri}: the query cannot be run: {reason}; correct `query`") from error


def _reason_of(error: Exception) -> str:
    return first_line(getattr(error, "orig", None) or error)


def _digest(table: pa.Table) -> str:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as writer:
        writer.write_table(table.replace_schema_metadata(None).combine_chunks())
    return digest_bytes(sink.getvalue())


def _spooled(printable_uri: str, table: pa.Table, sha256: str) -> StoredFile:
    """The rows where those of a file are, so that the same rows give the same numbers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    spool = Spool()
    path = spool.folder / "rows.parquet"
    try:
        pq.write_table(table, path, compression="lz4")
    except pa.ArrowException as error:
        raise SubjectError(
            f"{printable_uri}: the result has no canonical form ({' '.join(str(error).split())}); cast the column in `query`"
        ) from error
    return StoredFile(uri=printable_uri, path=path, sha256=sha256, stamp=Stamp.from_stat(path.stat()), spool=spool)
