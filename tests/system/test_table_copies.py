"""A table of PostgreSQL is read once and measured as a file is: the same numbers, and a fixed number of statements (case D25)."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine_cases import NUMBERS, samples
from model_governance.contract.connections import PlainConnections
from model_governance.engine import open_relation, ordered_distances, table_copies
from model_governance.engine.pushdown import PushedRelation
from model_governance.engine.table_copies import CopiedRelation
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset
from system.databases import postgres

pytestmark = pytest.mark.system

ROWS = 60_000
TYPES = {"double": "double precision", "int64": "bigint", "string": "text"}
EVERY_TYPE = """
create table every as select i::int4 i4, i::int2 i2, i::int8 i8, (i * 0.5)::float4 f4, (i * 0.5)::float8 f8, i % 2 = 0 b,
  'w' || i % 7 t, 'c' || i % 3 || ' ' || chr(10) v, ('x' || i)::char(8) c, '2026-01-01'::date + i d, (i * 1.10)::numeric(10, 2) n,
  i * 1.0000001 u, '2026-01-01'::timestamp + i * interval '1 microsecond' ts, '2026-01-01'::timestamptz + i * interval '1 hour' tz,
  '10:00'::time + i * interval '1 second' tm, case when i % 2 = 0 then 'sad'::mood else 'ok' end m,
  md5(i::text)::uuid id, array[i] a from generate_series(1, 1200) i
"""
COLUMNS = ["i4", "i2", "i8", "f4", "f8", "b", "t", "v", "c", "d", "n", "u", "ts", "tz", "tm", "m", "id"]


def rows(role: str) -> pa.Table:
    return samples(ROWS, seed=len(role), shift=0.1 * (role == "current"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The rows of both roles as tables and as Parquet files, and a table of every type with gaps."""
    folder = tmp_path_factory.mktemp("files")
    with postgres() as uri:
        with psycopg.connect(uri, autocommit=True) as connection:
            for role in ("reference", "current"):
                table = rows(role)
                pq.write_table(table, folder / f"{role}.parquet")
                columns = ", ".join(f"{field.name} {TYPES[str(field.type)]}" for field in table.schema)
                connection.execute(f"create table {role} ({columns})")
                with connection.cursor().copy(f"copy {role} from stdin") as copy:
                    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                        copy.write_row(row)
            connection.execute("create type mood as enum ('sad', 'ok')")
            connection.execute(EVERY_TYPE)
            for place, name in enumerate(COLUMNS):
                connection.execute(f"update every set {name} = null where i4 % 97 = {place} or ctid < '(3,0)'")
            connection.execute("vacuum full every")
            connection.execute("create view seen as select * from every")
            connection.execute("create table long as select *, repeat(md5(t), 2000) as body from every")
            connection.execute("alter table long alter body set storage external")
            connection.execute("update long set body = body || 'x'")
            connection.execute(
                "create table far as select 1.5::float8 x, '2026-01-01'::date d union all select 2, 'infinity'"
            )
        yield uri, folder


@pytest.fixture
def load(server):
    uri, folder = server

    def load_role(role: str = "current", **keys):
        spec = DatasetSpec(**({"uri": uri} | keys))
        return load_dataset(role, spec, folder=folder, connections=PlainConnections())

    return load_role


@contextmanager
def statements(monkeypatch):
    """What is sent to the server."""
    sent: list[str] = []

    def noting(method):
        def noted(cursor, query, *args, **keys):
            sent.append(query if isinstance(query, str) else query.as_string(cursor))
            return method(cursor, query, *args, **keys)

        return noted

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", noting(psycopg.Cursor.execute))
        patched.setattr(psycopg.Cursor, "copy", noting(psycopg.Cursor.copy))
        yield sent


def measured(sides) -> list:
    """Everything that drift asks of numbers and categories."""
    edges = {name: np.linspace(-3, 3, 40) for name in NUMBERS}
    asked = []
    for side in sides:
        asked += [side.summaries(NUMBERS), side.missing(["gaps", "colour"]), side.value_counts(["colour", "ties"])]
        asked += [counts.tolist() for counts in side.counts(edges).values()]
        asked += [ranks.tolist() for ranks in side.quantiles([0.1, 0.5, 0.99], NUMBERS).values()]
    return [*asked, ordered_distances(*sides, NUMBERS)]


def test_a_table_of_any_number_of_questions_takes_one_reading(load, monkeypatch):
    """D25: the statements do not grow with columns, edges or checks, none sorts, and the numbers are those of the file to the byte."""
    with statements(monkeypatch) as sent:
        sides = [open_relation(load(role, table=role)) for role in ("reference", "current")]
    reading = [text for text in sent if "string_agg" in text]
    pages = sum(side.rows for side in sides) // 60  # at least: about 70 rows fill a page
    assert 2 <= len(reading) <= 2 + 2 * pages // 512
    assert len(sent) - len(reading) <= 2 * 16
    assert not [text for text in sent if "order by" in text.lower() and "pg_" not in text]
    with statements(monkeypatch) as more:
        found = measured(sides)
    assert more == []
    assert found == measured([open_relation(load(role, uri=f"{role}.parquet")) for role in ("reference", "current")])


@pytest.mark.parametrize("pages", [1, 512])
def test_the_fingerprint_is_that_of_the_database_itself(load, monkeypatch, pages):
    monkeypatch.setattr("model_governance.engine.packed_pages.PAGES", pages)
    copied = load(table="current")
    monkeypatch.setattr(table_copies, "MAX_CELLS", 0)
    pushed = load(table="current")
    assert isinstance(open_relation(copied), CopiedRelation)
    assert isinstance(open_relation(pushed), PushedRelation)
    assert copied.sha256 == pushed.sha256


@pytest.mark.parametrize("name", ["every", "seen", "long"])
def test_every_type_arrives_with_its_gaps_however_the_rows_come(load, monkeypatch, name):
    """Packed pages, and rows one by one where there are none: a view, a table with long texts."""
    monkeypatch.setattr("model_governance.engine.packed_pages.PAGES", 3)
    with statements(monkeypatch) as sent:
        dataset = load(table=name)
    assert any("string_agg" in text for text in sent) is (name == "every")
    assert any("format binary" in text for text in sent) is (name != "every")
    copied = dataset.source.copy.read(COLUMNS)
    monkeypatch.setattr(table_copies, "MAX_CELLS", 0)
    stayed = load(table=name)
    assert dataset.sha256 == stayed.sha256
    assert list(dataset.source.incomparable) == ["a"]
    expected = stayed.source.read(COLUMNS)
    assert copied["i4"].isna().sum() == expected["i4"].isna().sum() > 100
    for frame in (copied, expected):
        frame.sort_values(["tz", "id", "f8", "i8"], ignore_index=True, inplace=True)
    assert copied.astype(str).equals(expected.astype(str))


def test_a_column_with_a_value_that_has_no_place_stands_aside(load):
    """D20: an infinite date is no date of Arrow, and takes no other column with it."""
    dataset = load(table="far")
    assert dict(dataset.origin["incomparable"]) == {"d": "date32[day] with infinite values"}
    relation = open_relation(dataset)
    assert isinstance(relation, CopiedRelation)
    assert relation.summaries(["x"])["x"].maximum == 2
    assert relation.missing(["d"]) == {"d": 0}


@pytest.mark.parametrize("name", ["every", "seen"])
def test_too_many_bytes_leave_the_table_and_its_snapshot(server, load, monkeypatch, name):
    monkeypatch.setattr(table_copies, "MAX_BYTES", 50_000)
    monkeypatch.setattr("model_governance.engine.packed_pages.PAGES", 2)
    monkeypatch.setattr("model_governance.engine.binary_copy.CHUNK", 10_000)
    dataset = load(table=name)
    assert dataset.source.copy is None
    with psycopg.connect(server[0], autocommit=True) as connection:
        connection.execute("update every set f8 = 1e9 where i4 = 500")
        assert open_relation(dataset).summaries(["f8"])["f8"].maximum == 600
        connection.execute("update every set f8 = 250 where i4 = 500")


@pytest.mark.parametrize("expected", [None, 1, 10**9])
def test_an_estimate_of_the_rows_decides_nothing(load, monkeypatch, expected):
    """The planner may know nothing, or what was true long ago."""
    monkeypatch.setattr(table_copies, "estimated_rows", lambda *_: expected)
    dataset = load(table="every")
    cells = dataset.source.rows * len(dataset.source.comparable)
    assert isinstance(open_relation(dataset), CopiedRelation)
    monkeypatch.setattr(table_copies, "MAX_CELLS", cells)
    assert isinstance(open_relation(load(table="every")), CopiedRelation)
    monkeypatch.setattr(table_copies, "MAX_CELLS", cells - 1)
    assert isinstance(open_relation(load(table="every")), PushedRelation)
