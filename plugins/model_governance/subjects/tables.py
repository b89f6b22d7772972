"""Datasets that stay in their database: a table behind an ibis connection, with a fingerprint instead of a digest of bytes."""

from __future__ import annotations

import re
import weakref
from typing import TYPE_CHECKING, Any

from model_governance.contract.text import first_line
from model_governance.engine.fingerprints import fingerprint
from model_governance.engine.stored_types import with_types_of_values
from model_governance.engine.table_copies import open_table_relation, with_copy
from model_governance.engine.table_rows import TableRows, is_lost, unreadable_columns
from model_governance.errors import CheckError, DigestMismatch, SubjectError, SubjectUnreachable
from model_governance.subjects.duckdb_files import CONFINED, require_file

if TYPE_CHECKING:
    from pathlib import Path

    from ibis import Table

    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Role
    from model_governance.policy import DatasetSpec

SPARK = "spark://"
DUCKDB = "duckdb://"
SQLITE = "sqlite://"
PART = re.compile(r'"(?:[^"]|"")*+"|[^."]++(?:"[^."]*+)*+')
WIDE = {"spark.sql.codegen.maxFields": "2000", "spark.sql.session.timeZone": "UTC"}


def open_table(role: Role, spec: DatasetSpec, *, folder: Path, connections: Connections) -> tuple[str, str, TableRows]:
    """The address without secrets, the fingerprint and the rows of a table.

    The fingerprint is the sha256 of the table's canonical aggregates (`engine.fingerprints`): a
    database gives no bytes and no order of rows to digest. It shows most changes, not all.

    Raises:
        SubjectError: a wrong uri, a missing driver, or no such table.
        DigestMismatch: the policy pins a fingerprint and the table has another one.
        SubjectUnreachable: the database does not answer.
    """
    printable_uri, uri = _address(spec, connections)
    table = _table(printable_uri, _connected(printable_uri, uri, folder=folder), spec.table or "")
    try:
        table = table.mutate(
            **{name: table[name].cast("string") for name, kind in table.schema().items() if kind.is_uuid()}
        )
        table, refused = with_types_of_values(table)
        source = TableRows(table, {**unreadable_columns(table.drop(*refused)), **refused})
        source = with_copy(source, role=role, uri=printable_uri)
        relation = open_table_relation(source, role=role, uri=printable_uri)
        sha256 = fingerprint(relation) if relation.rows else ""
    except (SubjectError, CheckError):
        raise
    except Exception as error:
        raise _problem(printable_uri, error) from error
    if spec.sha256 is not None and sha256 != spec.sha256:
        raise DigestMismatch(
            f"{printable_uri}: the table has other contents than those pinned: expected fingerprint {spec.sha256}, found {sha256}; "
            "review the change and pin the new one, or find who changed it"
        )
    return printable_uri, sha256, source


def require_rows(spec: DatasetSpec, *, folder: Path, connections: Connections) -> None:
    """Nothing where the table is there and holds a row.

    Raises:
        SubjectError: a wrong uri, a missing driver, no such table, or no row.
        SubjectUnreachable: the database does not answer.
    """
    printable_uri, uri = _address(spec, connections)
    table = _table(printable_uri, _connected(printable_uri, uri, folder=folder), spec.table or "")
    try:
        rows = int(table.limit(1).count().execute())
    except Exception as error:
        raise _problem(printable_uri, error) from error
    if rows == 0:
        raise SubjectError(f"{printable_uri}: the table holds no row")


def _address(spec: DatasetSpec, connections: Connections) -> tuple[str, str]:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    if spec.connection is not None:
        url = connections.engine(spec.connection).url
        # ibis names databases, not drivers.
        uri = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)
        return f"connection:{spec.connection}/{spec.table}", uri
    uri = spec.uri or ""
    if uri.startswith(SPARK):
        return f"{uri}/{spec.table}", uri
    try:
        printable_uri = make_url(uri).set(query={}).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        # The cause is dropped on purpose: its text repeats the uri, which may hold a password.
        raise SubjectError(
            "the uri of a table names no database (not shown, it may hold a password); "
            "write postgresql://host/database, duckdb:///path or spark://host:port"
        ) from None
    return f"{printable_uri}/{spec.table}", uri


def _connected(printable_uri: str, uri: str, *, folder: Path) -> Any:
    import ibis
    from ibis.common.exceptions import IbisError

    try:
        if uri.startswith(SPARK):
            return ibis.pyspark.connect(_session(printable_uri, uri[len(SPARK) :]))
        if uri.startswith(DUCKDB):
            path = folder / uri[len(DUCKDB) :].removeprefix("/").partition("?")[0]
            require_file(printable_uri, path)
            # Not locked: ibis sets the time zone first. Its expressions reach no other file than the confined ones.
            return _closing(ibis.duckdb.connect(path, read_only=True, **CONFINED))
        if uri.startswith(SQLITE):
            return _closing(_sqlite(printable_uri, folder / uri[len(SQLITE) :].removeprefix("/")))
        return _closing(_one_snapshot(ibis.connect(uri)))
    except SubjectError:
        raise
    except (ImportError, AttributeError, ValueError, IbisError) as error:
        # The cause is dropped on purpose: its text may repeat the uri, which may hold a password.
        reason = first_line(error).replace(uri, printable_uri)
        raise SubjectError(
            f"{printable_uri}: no driver for this database: {reason}; install it, or correct the uri"
        ) from None
    except Exception as error:
        raise _gave_up(printable_uri, error) from error


def _sqlite(printable_uri: str, path: Path) -> Any:
    import sqlite3

    import ibis

    if not path.is_file():
        raise SubjectError(f"{printable_uri}: there is no SQLite file {path}; correct the uri")
    # It may be closed by whichever thread finds that nobody refers to it any more.
    backend = ibis.sqlite.from_connection(sqlite3.connect(path, check_same_thread=False))
    backend.con.execute("pragma query_only = 1")
    return backend


def _one_snapshot(backend: Any) -> Any:
    """The backend in a transaction that only reads and sees one state of the database, where it is PostgreSQL.

    Elsewhere every answer counts the rows, so that a table that moves is noticed.
    """
    if backend.name == "postgres":
        from psycopg import IsolationLevel

        connection = backend.con
        # Compiling large expressions takes longer than answering them.
        connection.execute("set jit = off")
        connection.execute("set client_encoding = 'UTF8'")
        connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
        connection.autocommit = False
        # From here on ibis makes savepoints within this transaction, which the end of the connection ends.
        connection.execute("select 1")
    return backend


def _closing(backend: Any) -> Any:
    """The backend, whose connection is closed when nobody refers to it any more."""
    close = getattr(backend.con, "close", None)
    if close is not None:
        weakref.finalize(backend, close)
    return backend


def master_of(address: str) -> str:
    """What Spark calls the master behind `spark://`: local[2] as it is, HOST:PORT as spark://HOST:PORT."""
    is_local = address == "local" or address.startswith(("local[", "local-cluster["))
    return address if is_local else f"{SPARK}{address}"


def _session(printable_uri: str, address: str) -> Any:
    """The session of this process, made where there is none; what it is given beyond the address says spark-defaults.conf."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("model-governance")
    master = master_of(address)
    if address:
        builder = builder.master(master)
    for key, value in WIDE.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    connected = session.sparkContext.master
    if address and connected != master:
        raise SubjectError(
            f"{printable_uri}: this process is connected to Spark at {connected}, and a process has one session; "
            "write the same address for all tables of a policy, or spark:// for the session that is there"
        )
    return session


def _table(printable_uri: str, backend: Any, name: str) -> Table:
    from ibis.common.exceptions import TableNotFound

    try:
        if backend.name == "pyspark" and "/" in name:
            return backend.read_parquet(name)
        *database, table = split_name(name)
        return backend.table(table, database=tuple(database) or None)
    except ValueError as error:
        raise SubjectError(f"{printable_uri}: `table` is no name: {error}") from error
    except TableNotFound as error:
        raise SubjectError(
            f'{printable_uri}: there is no table {name}; correct `table`, and write a name that holds a dot as schema."a.b"'
        ) from error
    except Exception as error:
        raise _problem(printable_uri, error) from error


def split_name(name: str) -> list[str]:
    """The parts of `catalog.schema.table`; a part in double quotes may hold dots, and a quote twice.

    Raises:
        ValueError: a quote is not closed, or a part is empty.
    """
    parts = [match[0] for match in PART.finditer(name)]
    if not parts or ".".join(parts) != name:
        raise ValueError(
            f'expected schema.table, found {name!r}; put a part with dots or quotes into "..." and double its quotes'
        )
    return [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in parts]


def _problem(printable_uri: str, error: Exception) -> SubjectError:
    """What a database or its driver raised: infrastructure where its kind says so, else a mistake that no retry mends."""
    if is_lost(error):
        return _gave_up(printable_uri, error)
    return SubjectError(
        f"{printable_uri}: the table cannot be measured: {type(error).__name__}: {first_line(error)}; "
        "cast or leave out the column in a view, or fetch the rows with `query`"
    )


def _gave_up(printable_uri: str, error: Exception) -> SubjectUnreachable:
    return SubjectUnreachable(f"{printable_uri}: the database gave up: {first_line(error)}; try again")
