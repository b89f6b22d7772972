"""Datasets that are query results: only ever read, and digested in the order the database returned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable
from model_governance.subjects.digests import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd
    from sqlalchemy import URL, Connection, Engine

    from model_governance.contract.connections import Connections
    from model_governance.policy import DatasetSpec

READING = re.compile(r"(\s|\(|--[^\n]*\n|/\*.*?\*/)*(select|with|values|table|from)\b", re.IGNORECASE | re.DOTALL)


def run_query(spec: DatasetSpec, *, folder: Path, connections: Connections) -> tuple[str, str, pd.DataFrame]:
    """The address without secrets, the sha256 and the rows of a query.

    The digest is that of the result as an Arrow IPC stream without metadata. It depends on the
    order of the rows: a query without ORDER BY may change its digest without changing its rows.
    The transaction is rolled back, whatever the query did, and SQLite files are opened read-only;
    what else a query may touch is a matter of the database user's rights.

    Raises:
        SubjectError: a wrong uri or query, a missing driver, or a result that has no canonical form.
        DigestMismatch: the policy pins a sha256 and the result is another one.
        SubjectUnreachable: the database does not answer, is locked or gave up.
    """
    if not READING.match(spec.query or ""):
        # MySQL, Oracle and SQLite commit DDL at once: a rollback would come too late.
        raise SubjectError(
            f"the query of a dataset starts with select, with, values, table or from; found {spec.query!r}"
        )
    if spec.connection is not None:
        return _result(f"connection:{spec.connection}", connections.engine(spec.connection), spec)
    import sqlalchemy

    printable_uri, url = _url(spec.uri or "", folder)
    try:
        engine = sqlalchemy.create_engine(url)
    except (ImportError, sqlalchemy.exc.ArgumentError) as error:
        raise SubjectError(
            f"{printable_uri}: no driver for this database: {error}; install it, or correct the uri"
        ) from error
    try:
        return _result(printable_uri, engine, spec)
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


def _result(printable_uri: str, engine: Engine, spec: DatasetSpec) -> tuple[str, str, pd.DataFrame]:
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
            _allow_reading_only(connection)
            # Without parameters a % of the query stays a %, whatever the driver's placeholder is.
            answer = connection.execution_options(no_parameters=True).exec_driver_sql(spec.query or "")
            frame = _frame(list(answer.keys()), answer.fetchall())
        except exc.SQLAlchemyError as error:
            _refuse(printable_uri, error, dialect=engine.dialect.name)
        finally:
            connection.rollback()
            _allow_reading_only(connection, on=False)
    sha256 = _digest(printable_uri, frame)
    if spec.sha256 is not None and sha256 != spec.sha256:
        raise DigestMismatch(
            f"{printable_uri}: the query does not return the pinned rows: expected sha256 {spec.sha256}, found {sha256}; "
            "add ORDER BY if only the order differs, otherwise review the change and pin the new sha256"
        )
    return printable_uri, sha256, frame


def _allow_reading_only(connection: Connection, *, on: bool = True) -> None:
    """SQLite's driver begins no transaction for `with ... delete`, so a rollback would find nothing to undo."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"pragma query_only = {int(on)}")


def _frame(names: list[str], rows: Iterable[Iterable[object]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame.from_records([tuple(row) for row in rows], columns=names)


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
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__


def _digest(printable_uri: str, frame: pd.DataFrame) -> str:
    import pyarrow as pa

    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = "; ".join(str(part) for part in error.args)
        raise SubjectError(
            f"{printable_uri}: the result has no canonical form ({reason}); cast the column in `query`"
        ) from error
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as writer:
        writer.write_table(table.replace_schema_metadata(None).combine_chunks())
    return digest_bytes(sink.getvalue())
