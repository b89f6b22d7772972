"""Datasets that stay in their database: a table behind an ibis connection, with a fingerprint instead of a digest of bytes."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from model_governance.engine.pushdown import PushedRelation, TableRows, fingerprint
from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable

if TYPE_CHECKING:
    from pathlib import Path

    from ibis import Table

    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Role
    from model_governance.policy import DatasetSpec

SPARK = "spark://"
DUCKDB = "duckdb://"
WIDE = {"spark.sql.codegen.maxFields": "2000", "spark.sql.session.timeZone": "UTC"}


def open_table(role: Role, spec: DatasetSpec, *, folder: Path, connections: Connections) -> tuple[str, str, TableRows]:
    """The address without secrets, the fingerprint and the rows of a table.

    The fingerprint is the sha256 of the table's canonical aggregates (`engine.pushdown.fingerprint`): bytes that
    never leave the database cannot be digested. It shows most changes, not all.

    Raises:
        SubjectError: a wrong uri, a missing driver, or no such table.
        DigestMismatch: the policy pins a fingerprint and the table has another one.
        SubjectUnreachable: the database does not answer.
    """
    printable_uri, uri = _address(spec, connections)
    table = _table(printable_uri, _connected(printable_uri, uri, folder=folder), spec.table or "")
    try:
        source = TableRows(table)
        relation = PushedRelation(source, role=role, uri=printable_uri)
        sha256 = fingerprint(relation) if relation.rows else ""
    except SubjectError:
        raise
    except Exception as error:
        raise _gave_up(printable_uri, error) from error
    if spec.sha256 is not None and sha256 != spec.sha256:
        raise DigestMismatch(
            f"{printable_uri}: the table has other contents than those pinned: expected fingerprint {spec.sha256}, found {sha256}; "
            "review the change and pin the new one, or find who changed it"
        )
    return printable_uri, sha256, source


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
            return ibis.pyspark.connect(_session(uri[len(SPARK) :]))
        if uri.startswith(DUCKDB):
            path = folder / uri[len(DUCKDB) :].removeprefix("/")
            if not path.is_file():
                raise SubjectError(f"{printable_uri}: there is no DuckDB file {path}; correct the uri")
            return _closing(ibis.duckdb.connect(path, read_only=True))
        return _closing(ibis.connect(uri))
    except SubjectError:
        raise
    except (ImportError, AttributeError, ValueError, IbisError) as error:
        # The cause is dropped on purpose: its text may repeat the uri, which may hold a password.
        reason = _reason_of(error).replace(uri, printable_uri)
        raise SubjectError(
            f"{printable_uri}: no driver for this database: {reason}; install it, or correct the uri"
        ) from None
    except Exception as error:
        raise _gave_up(printable_uri, error) from error


def _closing(backend: Any) -> Any:
    """The backend, whose connection is closed when nobody refers to it any more."""
    close = getattr(backend.con, "close", None)
    if close is not None:
        weakref.finalize(backend, close)
    return backend


def _session(master: str) -> Any:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("model-governance")
    if master:
        builder = builder.master(master if master.startswith("local") else f"{SPARK}{master}")
    for key, value in WIDE.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _table(printable_uri: str, backend: Any, name: str) -> Table:
    from ibis.common.exceptions import TableNotFound

    try:
        if backend.name == "pyspark" and "/" in name:
            return backend.read_parquet(name)
        *database, table = name.split(".")
        return backend.table(table, database=tuple(database) or None)
    except TableNotFound as error:
        raise SubjectError(f"{printable_uri}: there is no table {name}; correct `table`") from error
    except Exception as error:
        raise _gave_up(printable_uri, error) from error


def _gave_up(printable_uri: str, error: Exception) -> SubjectUnreachable:
    return SubjectUnreachable(f"{printable_uri}: the database gave up: {_reason_of(error)}; try again")


def _reason_of(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
