"""Rows of a table that were copied here give what the database gives, and what cannot be copied stays there."""

from __future__ import annotations

from decimal import Decimal

import ibis
import numpy as np
import pyarrow as pa
import pytest

from engine_cases import NUMBERS, ODD_CATEGORIES, ODD_NUMBERS, in_memory, samples
from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation, table_copies
from model_governance.engine.fingerprints import fingerprint
from model_governance.engine.pushdown import PushedRelation
from model_governance.engine.stored_types import with_types_of_values
from model_governance.engine.table_copies import CopiedRelation, open_table_relation, with_copy
from model_governance.engine.table_rows import TableRows, unreadable_columns
from model_governance.engine.transfer import fetch_table
from model_governance.errors import CheckError

LONG = pa.table({"x": np.arange(3000.0), "text": pa.array([f"t{n % 1500}" for n in range(3000)])})
PLAIN = {name: values for name, values in (ODD_NUMBERS | ODD_CATEGORIES).items() if name not in ("coded", "no_type")}
EXACT = pa.table(
    {
        "key": pa.array([2**53 + 1, 2**53 + 2, None], pa.int64()),
        "price": pa.array([Decimal("12345678901234567.89"), Decimal("0.10"), None], pa.decimal128(38, 2)),
        "even": pa.array([2**54, 2**60, 4], pa.int64()),
    }
)
TABLES = {"samples": samples(5000, seed=3), "odd": pa.table(PLAIN), "many texts": LONG, "exact": EXACT}


def in_duckdb(rows: pa.Table):
    connection = ibis.duckdb.connect()
    connection.con.register("arriving", rows)
    connection.raw_sql("create table t as select * from arriving")
    return connection.table("t")


def in_sqlite(rows: pa.Table):
    connection = ibis.sqlite.connect()
    types = {"double": "real", "int64": "integer", "string": "text"}
    columns = ", ".join(f"{field.name} {types[str(field.type)]}" for field in rows.schema)
    connection.con.execute(f"create table t ({columns})")
    values = zip(*(column.to_pylist() for column in rows.columns), strict=True)
    connection.con.executemany(f"insert into t values ({', '.join('?' * rows.num_columns)})", values)
    return connection.table("t")


def opened(table) -> TableRows:
    table, refused = with_types_of_values(table)
    return TableRows(table, {**unreadable_columns(table.drop(*refused)), **refused})


def copied(table) -> CopiedRelation:
    source = with_copy(opened(table), role="current", uri="t")
    assert source.copy is not None
    return open_table_relation(source, role="current", uri="t")


@pytest.mark.parametrize("name", TABLES)
def test_the_fingerprint_of_a_copy_is_that_of_the_table(name):
    table = in_duckdb(TABLES[name])
    pushed = PushedRelation(opened(table), role="current", uri="t")
    assert fingerprint(copied(table)) == fingerprint(pushed)
    assert fingerprint(copied(in_duckdb(TABLES[name].slice(1)))) != fingerprint(pushed)


@pytest.mark.parametrize("place", [in_duckdb, in_sqlite])
def test_a_copy_keeps_the_rows_and_their_order(place):
    rows = TABLES["samples"].drop_columns(["wild"])  # SQLite has no infinity
    relation = copied(place(rows))
    assert relation.rows == 5000
    assert relation.source.read().equals(rows.to_pandas())
    expected = open_relation(in_memory(rows, role="current"))
    numbers = [name for name in NUMBERS if name != "wild"]
    assert relation.summaries(numbers) == expected.summaries(numbers)
    assert relation.value_counts(["colour"]) == expected.value_counts(["colour"])


@pytest.mark.parametrize(("limit", "most"), [("MAX_CELLS", 5999), ("MAX_BYTES", 40_000)])
def test_a_table_beyond_the_bounds_stays_in_its_database(monkeypatch, limit, most):
    monkeypatch.setattr(table_copies, limit, most)
    source = with_copy(opened(in_duckdb(LONG)), role="current", uri="t")
    assert source.copy is None
    relation = open_table_relation(source, role="current", uri="t")
    assert isinstance(relation, PushedRelation)
    assert relation.summaries(["x"])["x"].maximum == 2999


def test_a_column_that_cannot_be_compared_keeps_its_name_and_its_nulls():
    rows = pa.table({"x": [1.0, 2.0, None], "l": pa.array([[1], None, [2]]), "w": ["a", "b", "a"]})
    relation = copied(in_duckdb(rows))
    assert relation.names == ("x", "l", "w")
    assert relation.missing(["x", "l"]) == {"x": 1, "l": 1}
    assert relation.kinds(["l", "w"]) == {"l": "nested", "w": "text"}
    for ask in (
        lambda: relation.value_counts(["l"]),
        lambda: relation.numbers("l"),
        lambda: relation.frames(["x", "l"]),
    ):
        with pytest.raises(CheckError, match=r"column.s. l \(array<int64>\) of dataset 'current' are not comparable"):
            ask()
    dataset = Dataset(role="current", uri="t", sha256="0" * 64, source=relation.source)
    fetched, told = fetch_table(dataset, wanted=None)
    assert fetched.names == ("x", "l", "w")
    assert fetched.frame["l"].isna().all()
    assert told.startswith("3 rows of 2 columns of the table were fetched")
    assert fetch_table(dataset, wanted={"x"})[0].source is relation.source.copy


def test_what_the_fingerprint_asked_is_not_asked_again():
    source = with_copy(opened(in_duckdb(LONG)), role="current", uri="t")
    fingerprint(open_table_relation(source, role="current", uri="t"))
    assert set(source.summaries) == {"x"}
    pushed = opened(in_duckdb(LONG.slice(0, 500)))
    fingerprint(PushedRelation(pushed, role="current", uri="t"))
    assert set(pushed.labels) == {"text"}
    assert open_table_relation(pushed, role="current", uri="t").labels(["text"])["text"] is pushed.labels["text"]
