from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
import sqlalchemy

from model_governance.contract.connections import PlainConnections
from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

ALL = "select id, amount, word from scores order by id"


@pytest.fixture
def engine(tmp_path):
    made = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'score board.db'}")
    with made.begin() as connection:
        connection.exec_driver_sql("create table scores (id integer, amount real, word text)")
        connection.exec_driver_sql("insert into scores values (1, 0.5, 'a%b'), (2, null, null), (3, 1.5, 'c')")
    yield made
    made.dispose()


@pytest.fixture
def load(tmp_path, engine, reachable):
    def load_query(query, *, uri="sqlite:///score board.db", connections=None, **keys):
        spec = DatasetSpec(query=query, uri=None if "connection" in keys else uri, **keys)
        made = connections or reachable(engines={"warehouse": engine})
        return load_dataset("current", spec, folder=tmp_path, connections=made)

    return load_query


def test_a_query_gives_the_rows_through_an_uri_and_through_a_connection(load):
    by_uri, by_name = load(ALL), load(ALL, connection="warehouse")
    assert by_uri.frame["id"].tolist() == [1, 2, 3]
    assert by_uri.frame["amount"].isna().tolist() == [False, True, False]
    assert by_uri.sha256 == by_name.sha256
    assert by_name.uri == "connection:warehouse"


def test_the_digest_follows_values_types_and_order(load):
    digests = [
        load(query).sha256
        for query in (
            ALL,
            "select id, amount, word from scores order by id desc",
            "select id, amount, word || '' as word from scores where id < 3 order by id",
            "select cast(id as text) as id, amount, word from scores order by id",
            "select id as number, amount, word from scores order by id",
        )
    ]
    assert len(set(digests)) == len(digests)
    assert load(ALL).sha256 == digests[0]


def test_a_pinned_result_must_not_change(load):
    pinned = load(ALL).sha256
    assert load(ALL, sha256=pinned).rows == 3
    with pytest.raises(DigestMismatch, match="ORDER BY"):
        load(ALL + " desc", sha256=pinned)


def test_percent_and_colon_reach_the_database_as_written(load):
    assert load("select ':x' as a, '%s' as b, word from scores where word like 'a%'").frame.iloc[0].tolist() == [
        ":x", "%s", "a%b",
    ]  # fmt: skip


@pytest.mark.parametrize("way", [{}, {"connection": "warehouse"}])
@pytest.mark.parametrize(
    "query",
    [
        "delete from scores",
        "/* select */ drop table scores",
        "-- select\ninsert into scores values (9, 9, 'x')",
        "with gone as (select 1) delete from scores",
        "with gone as (select 1) delete from scores returning id",
    ],
)
def test_a_query_that_writes_changes_nothing(load, query, way):
    with suppress(SubjectError):
        load(query, **way)
    assert load(ALL).rows == 3


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("drop table scores", "starts with select"),
        ("select from where", "syntax error"),
        ("(/* a */ -- b\n select 1", "syntax error"),
        ("select * from absent", "no such table"),
        ("select 1; select 2", "found a second statement"),
        ("select * from scores where id > 99", "has no rows"),
        ("select id, id from scores", "Duplicate column names"),
        ("select 1 as a union all select 'x'", "no canonical form"),
    ],
)
def test_a_wrong_query_is_a_mistake_and_no_outage(load, query, told):
    with pytest.raises(SubjectError, match=told) as caught:
        load(query)
    assert not caught.value.infrastructure


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("sqlite:///absent.db", "no SQLite file"),
        ("nosuchdialect://host/db", "no driver"),
        ("db2+nosuch://u:secret@host/db", "no driver"),
        ("not a uri, password=secret", "not an SQLAlchemy uri"),
    ],
)
def test_a_wrong_database_uri_is_explained_without_its_password(load, tmp_path, uri, told):
    with pytest.raises(SubjectError, match=told) as caught:
        load(ALL, uri=uri)
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "absent.db").exists()


def test_the_uri_in_the_evidence_hides_the_password(monkeypatch, tmp_path, engine):
    def connect(url):
        assert url.password == "secret"
        return engine

    monkeypatch.setattr(sqlalchemy, "create_engine", connect)
    spec = DatasetSpec(query=ALL, uri="postgresql://reader:secret@host/scores?sslpassword=secret2")
    dataset = load_dataset("current", spec, folder=tmp_path, connections=PlainConnections())
    assert dataset.uri == "postgresql://reader:***@host/scores"


def test_a_database_that_does_not_answer_or_is_locked_is_unreachable(load, tmp_path, engine, reachable):
    absent = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/no/such/folder.db")
    with pytest.raises(SubjectUnreachable, match="no connection"):
        load(ALL, connection="down", connections=reachable(engines={"down": absent}))
    impatient = sqlalchemy.create_engine(engine.url, connect_args={"timeout": 0})
    with engine.connect() as holder:
        holder.exec_driver_sql("begin exclusive")
        with pytest.raises(SubjectUnreachable, match="locked"):
            load(ALL, connection="locked", connections=reachable(engines={"locked": impatient}))
    impatient.dispose()


def test_decimals_stay_decimals():
    from model_governance.subjects import queries

    made = queries._table("x", ["price"], [(Decimal("1.10"),), (None,)])
    assert made["price"].to_pylist() == [Decimal("1.10"), None]
    assert len(queries._digest(made)) == 64


def test_what_a_query_writes_is_rolled_back_where_the_database_lets_it_write(load, engine, reachable, monkeypatch):
    monkeypatch.setattr("model_governance.subjects.queries.require_reading", lambda query: None)
    writable = sqlalchemy.create_engine(engine.url, isolation_level="AUTOCOMMIT")
    writable.dialect.name = "another"  # so that SQLite's own guard stays off
    sqlalchemy.event.listen(writable, "begin", lambda connection: connection.exec_driver_sql("begin"))
    deleting = "with gone as (select 1) delete from scores returning id"
    dataset = load(deleting, connection="writable", connections=reachable(engines={"writable": writable}))
    assert dataset.rows == 3
    assert load(ALL).rows == 3
    writable.dispose()
