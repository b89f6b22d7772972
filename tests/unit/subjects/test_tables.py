"""Tables that stay in their database, with a fingerprint instead of a digest."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest
import sqlalchemy
from pydantic import ValidationError

from engine_cases import in_memory, samples
from model_governance.contract.connections import PlainConnections
from model_governance.engine import open_relation
from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

NAMES = ("half", "gaps", "ties", "colour")
TABLE = samples(400, seed=1).select(list(NAMES))


@pytest.fixture
def write(tmp_path):
    def run(*statements):
        with duckdb.connect(tmp_path / "features.db") as connection:
            connection.register("arriving", TABLE)
            for statement in statements:
                connection.execute(statement)

    run(
        "create table night as select * from arriving",
        "create schema mart",
        "create view mart.empty as from night limit 0",
    )
    return run


@pytest.fixture
def load(tmp_path, write):
    def load_table(table="night", *, uri="duckdb:///features.db", connections=None, **keys):
        spec = DatasetSpec(uri=None if "connection" in keys else uri, table=table, **keys)
        return load_dataset("current", spec, folder=tmp_path, connections=connections or PlainConnections())

    return load_table


def test_a_table_answers_like_its_rows(load):
    dataset = load()
    assert (dataset.uri, dataset.rows, dataset.names) == (
        "duckdb:///features.db/night", 400, tuple(TABLE.column_names),
    )  # fmt: skip
    relation, here = open_relation(dataset), open_relation(in_memory(TABLE, role="current"))
    assert relation.value_counts(["colour"]) == here.value_counts(["colour"])
    assert relation.missing(["gaps"]) == here.missing(["gaps"])
    assert sorted(dataset.frame["half"]) == sorted(TABLE["half"].to_pylist())


def test_columns_that_are_read_apart_fit_together(load):
    whole, apart = load().frame, load()
    for names in (["ties"], ["half", "colour"]):
        assert apart.read(names).equals(whole[names])
    pieces = open_relation(load()).frames(["gaps", "half"], rows=90)
    assert pd.concat(pieces).equals(whole[["gaps", "half"]])


@pytest.mark.parametrize(
    "change",
    [
        "update night set half = half + 0.5 where rowid % 7 = 0",
        "update night set colour = 'red' where rowid = (select min(rowid) from night where colour = 'blue')",
        "update night set gaps = null where rowid = (select min(rowid) from night where gaps is not null)",
        "delete from night where rowid = 5",
        "alter table night rename column ties to knots",
        "alter table night alter column ties type double",
    ],
)
def test_the_fingerprint_follows_what_changes(load, write, change):
    before = load().sha256
    write(change)
    with pytest.raises(DigestMismatch, match=f"expected fingerprint {before}"):
        load(sha256=before)


def test_the_order_of_rows_is_no_part_of_it(load, write):
    before = load().sha256
    write("create or replace table night as select * from arriving order by half")
    assert load(sha256=before).sha256 == before


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"table": "absent"}, "no table absent; correct `table`"),
        ({"uri": "duckdb:///absent.db"}, "no DuckDB file"),
        ({"uri": "nosuch://u:secret@host/db"}, "no driver"),
        ({"uri": "no uri, password=secret"}, "names no database"),
        ({"table": "mart.empty"}, "never a pass"),
    ],
)
def test_a_wrong_table_is_explained_without_its_password(load, keys, told):
    with pytest.raises(SubjectError, match=told) as caught:
        load(**keys)
    assert "secret" not in str(caught.value)
    assert not caught.value.infrastructure


def test_a_database_that_does_not_answer_is_unreachable(load):
    with pytest.raises(SubjectUnreachable, match="gave up") as caught:
        load(uri="postgresql://u:secret@127.0.0.1:1/db?connect_timeout=1")
    assert "secret" not in str(caught.value)


def test_a_connection_of_airflow_names_the_database(load, tmp_path, reachable):
    engine = sqlalchemy.create_mock_engine("sqlite://", executor=None)
    engine.url = sqlalchemy.make_url(f"duckdb:///{tmp_path / 'features.db'}")
    dataset = load(connection="lake", connections=reachable(engines={"lake": engine}))
    assert (dataset.uri, dataset.rows) == ("connection:lake/night", 400)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"table": "a", "query": "select 1", "uri": "x"}, "both a query and a table"),
        ({"table": "a"}, "exactly one of connection"),
        ({"table": "a", "uri": "x", "connection": "y"}, "exactly one of connection"),
        ({}, "needs uri"),
    ],
)
def test_a_policy_names_one_place(keys, told):
    with pytest.raises(ValidationError, match=told):
        DatasetSpec(**keys)


def test_numbers_there_are_numbers_here(load):
    relation, here = open_relation(load()), open_relation(in_memory(TABLE, role="current"))
    for name in NAMES[:3]:
        assert relation.quantiles([0.5], [name])[name].tolist() == here.quantiles([0.5], [name])[name].tolist()
