"""The local database of the board, in SQLite: what was read from the history index, ready for questions."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = 3
"""A database of another version is dropped and made anew."""
BUSY_SECONDS = 30

_TABLES = """
create table archive (
    uri text primary key,
    read_at real,                 -- when it was read last, seconds since 1970; null: never
    listed_at real,               -- when all of its models were listed last
    behind integer not null default 0,   -- models that are still to be read
    problem text not null default ''     -- why it could not be read
);
create table chain (
    archive text not null,
    model text not null,
    head integer not null,        -- the newest link that was read
    history blob not null,        -- the rows of the history index up to it, as Parquet
    documents text not null,      -- what was decided about the model, as JSON
    primary key (archive, model)
);
create table model (
    id integer primary key,
    archive text not null,
    model text not null,
    dag_id text not null,
    owner text not null,
    description text not null,
    tags text not null,           -- JSON list
    cron text,
    outcome text not null,
    stops integer not null,
    since real not null,
    streak integer not null,
    strip text not null,
    runs integer not null,
    moment real not null,         -- of the newest run
    recorded real not null,
    deadline real,                -- seconds that a run may take by its policy; null: it says none
    due_at real,                  -- overdue from this moment on; null: no schedule
    reasons text not null,        -- JSON list of sentences
    waived_until text,            -- the first end of the waivers in use
    checks text not null,         -- JSON: name, kind, outcome
    manifest text not null,
    requested real,               -- the newest retraining request
    damaged integer not null,     -- links of its chain that are missing or damaged
    unique (archive, model, dag_id)
);
create table newest (
    model integer primary key,
    evidence text,                -- when each check measured, as JSON; null: the newest link cannot be read
    slices text not null,         -- metrics of slices of the newest run, as JSON
    controls text not null        -- SHA-256 of its control map; empty: that of the package
);
create table control_map (
    sha256 text primary key,
    content blob not null         -- as it is stored with a run
);
create table run (
    model integer not null,
    sequence integer not null,
    link text,
    manifest text not null,
    name text not null,           -- the first 16 digits of the manifest's digest
    run_id text not null,
    moment real not null,
    recorded real not null,
    outcome text not null,
    stops integer not null,
    policy_sha256 text,
    model_sha256 text,
    latest integer not null,      -- 1 for the last try of its moment
    primary key (model, sequence)
) without rowid;
create index run_by_name on run (name);
create index run_by_id on run (run_id);
"""


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the database, which is made where there is none; commits at the end, rolls back on an error.

    Raises:
        sqlite3.Error: the file is no database, or cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        if connection.execute("pragma user_version").fetchone()[0] != VERSION:
            _make(connection)
        connection.execute("begin")
        try:
            yield connection
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")


@contextmanager
def kept_open(path: Path) -> Iterator[None]:
    """Keep the database open: SQLite tidies it up when the last connection closes, which takes longer than a small change."""
    with connected(path):
        pass
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        connection.execute("select 1 from archive limit 1").fetchall()
        yield


def _make(connection: sqlite3.Connection) -> None:
    """Drop what is there and make the tables; of two processes the second one finds it done."""
    connection.execute("begin immediate")
    if connection.execute("pragma user_version").fetchone()[0] != VERSION:
        names = connection.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
        for (name,) in names.fetchall():
            connection.execute(f'drop table "{name}"')
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"pragma user_version = {VERSION}")
    connection.execute("commit")
