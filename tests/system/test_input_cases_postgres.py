"""PostgreSQL is only ever read, and answers as the same rows in a file do (cases D16 and D20 to D27)."""

from __future__ import annotations

import re
from decimal import Decimal

import psycopg
import pyarrow.parquet as pq
import pytest

import forms
import synthetic
from drift_cases import numbers_only
from engine_cases import samples
from model_governance.checks import find
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Subject
from model_governance.engine import open_relation
from model_governance.errors import CheckError, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset
from system.databases import postgres

pytestmark = pytest.mark.system

ODD = """
create table odd as select i::bigint id, (i * 0.5)::double precision x, array[i, i + 1] arr, jsonb_build_object('a', i) jb,
  json_build_object('a', i, 'b', 'x') js, 'sad'::mood m, '11111111-1111-1111-1111-111111111111'::uuid u, '10.0.0.1'::inet ip,
  interval '1 day' iv, '2026-01-01'::date d, now() ts, '10:00'::time t, decode('00ff', 'hex') b, (i * 1.10)::numeric(10, 2) n,
  int4range(1, 5) r, point(1, 2) p, true f, 'txt' s, null::text nt, xmlparse(content '<a/>') xm, to_tsvector('a b') tv,
  '1'::money mo, B'101' bt from generate_series(1, 300) i
"""
ASIDE = {"arr", "jb", "js", "ip", "iv", "r", "p", "xm", "tv", "mo", "bt"}


@pytest.fixture(scope="module")
def server():
    with postgres() as uri:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("create type mood as enum ('sad', 'ok')")
            connection.execute(ODD)
            connection.execute("create schema s")
            connection.execute("create view s.v as select * from odd")
            connection.execute("create table parted (like odd) partition by range (id)")
            connection.execute("create table parted_1 partition of parted for values from (0) to (150)")
            connection.execute("create table parted_2 partition of parted for values from (150) to (1000)")
            connection.execute("insert into parted select * from odd")
            connection.execute('create table s."dot.name" as select 1 as a, 2 as b')
            connection.execute('create table "quo""te" as select 1 as a')
            connection.execute("create sequence counter")
        with psycopg.connect(uri) as connection:
            for role in ("reference", "current"):
                forms.insert_rows(connection, role, role)
        yield uri


@pytest.fixture
def load(server, tmp_path):
    def load_spec(*, role: str = "current", **keys):
        spec = DatasetSpec(**({"uri": server} | keys))
        return load_dataset(role, spec, folder=tmp_path, connections=PlainConnections())

    return load_spec


WRITING = [
    "select 1 as x; drop table odd; commit",
    "copy (select 1) to '/tmp/governed_out'",
    "with gone as (delete from odd returning *) select * from gone",
    "select * into other from odd",
    "select lo_import('/etc/passwd')",
    "select pg_read_file('/etc/passwd')",
    "select nextval('counter')",
    "select set_config('transaction_read_only', 'off', false)",
    "select * from odd for update",
]


def state(server) -> tuple:
    with psycopg.connect(server) as connection:
        return connection.execute(
            "select (select count(*) from odd), (select is_called from counter), to_regclass('other')"
        ).fetchone()


@pytest.mark.parametrize("query", WRITING[:-1])
def test_what_does_more_than_read_is_refused_and_the_table_still_stands(load, server, query):
    """D16."""
    with pytest.raises(SubjectError) as caught:
        load(query=query)
    assert not caught.value.infrastructure
    assert state(server) == (300, False, None)


@pytest.mark.parametrize(
    "query", [query for query in WRITING if "copy" not in query and "; " not in query and "file" not in query]
)
def test_behind_the_guard_the_transaction_only_reads(load, server, monkeypatch, query):
    """D16."""
    monkeypatch.setattr("model_governance.subjects.queries.require_reading", lambda _: None)
    try:
        load(query=query)
    except SubjectError as error:
        assert not error.infrastructure, error  # noqa: PT017 - a query that only fails to write may as well succeed
    assert state(server) == (300, False, None)


@pytest.mark.parametrize("name", ["odd", "s.v", "parted"])
def test_columns_that_cannot_be_compared_stand_aside_and_say_so(load, name):
    """D20: a table, a view and a partitioned table."""
    dataset = load(table=name)
    assert set(dataset.origin["incomparable"]) == ASIDE
    assert re.fullmatch("[0-9a-f]{64}", dataset.sha256)
    relation = open_relation(dataset)
    assert relation.summaries(["x"])["x"].maximum == 150
    assert relation.value_counts(["m", "s", "f"]) == {"m": {"sad": 300}, "s": {"txt": 300}, "f": {"1": 300}}
    assert relation.value_counts(["u"])["u"] == {"11111111-1111-1111-1111-111111111111": 300}
    with pytest.raises(CheckError, match=r"column.s. jb \(jsonb\) of dataset 'current' are not comparable"):
        relation.value_counts(["jb"])
    assert len(dataset.frame) == 300


def test_the_same_rows_as_a_query_work(load):
    """D20."""
    dataset = load(query="select * from odd order by id")
    assert dataset.rows == 300
    assert dataset.source.schema.field("jb").type == "string"
    assert open_relation(dataset).value_counts(["r"])["r"] == {"[1, 5)": 300}


@pytest.mark.parametrize(("name", "columns"), [('s."dot.name"', ("a", "b")), ('"quo""te"', ("a",))])
def test_names_with_dots_and_quotes_are_addressable(load, name, columns):
    """D21."""
    assert load(table=name).names == columns


EXPECTATIONS = [
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "income", "min_value": 20, "max_value": 90}},
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "debt"}},
]


def metrics(datasets, kind: str, **params) -> list[tuple]:
    subject = Subject(
        name="forms", task="binary_classification", columns=synthetic.COLUMNS, datasets=datasets,
        model=forms.filling_model(),
    )  # fmt: skip
    check = find(kind)
    with numbers_only():
        result = check.measure(subject, check.params.model_validate(params), 5)
    return [(one.name, one.key, one.value, one.low, one.high, one.n) for one in result.metrics]


QUERY = 'select * from {role} order by "row"'


@pytest.fixture
def files(tmp_path):
    """The rows as Parquet files."""
    for role in ("reference", "current"):
        pq.write_table(forms.table(role), tmp_path / f"{role}.parquet")


@pytest.mark.parametrize("kind", ["data_drift", "model_quality", "data_validation"])
def test_a_query_and_a_table_give_the_metrics_of_the_same_rows_in_a_file_to_the_byte(load, files, kind):
    """D22 and D27."""
    params = {"data_drift": {"joint": False}, "data_validation": {"expectations": EXPECTATIONS}}.get(kind, {})
    roles = ("reference", "current")
    by_query = {role: load(role=role, query=QUERY.format(role=role)) for role in roles}
    by_file = {role: load(role=role, uri=f"{role}.parquet") for role in roles}
    by_table = {role: load(role=role, table=role) for role in roles}
    expected = metrics(by_file, kind, **params)
    assert metrics(by_query, kind, **params) == expected
    assert metrics(by_table, kind, **params) == expected


def test_a_table_is_validated_as_its_rows_are(load):
    """D23."""
    params = {"expectations": EXPECTATIONS}
    found = metrics({"current": load(table="current")}, "data_validation", **params)
    assert found == metrics({"current": load(query="select * from current")}, "data_validation", **params)


def test_drift_that_a_database_computes_is_that_of_its_rows(load, monkeypatch):
    """D27: of tables too large to copy, total variation and its limits are the same; areas are sums of floats."""
    monkeypatch.setattr("model_governance.engine.table_copies.MAX_CELLS", 0)
    roles = ("reference", "current")
    params = {"joint": False, "columns": ["income", "age", "channel"]}
    pushed = metrics({role: load(role=role, table=role) for role in roles}, "data_drift", **params)
    here = metrics({role: load(role=role, query=QUERY.format(role=role)) for role in roles}, "data_drift", **params)
    for ours, theirs in zip(here, pushed, strict=True):
        assert theirs[:2] == ours[:2]
        assert theirs[2:] == (pytest.approx(ours[2:], rel=1e-11) if ours[0] == "wasserstein" else ours[2:])


def test_a_table_that_grows_is_measured_as_it_was_when_it_was_opened(server, load):
    """D24: fingerprint and measurement see one snapshot."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create table growing as select i::double precision x from generate_series(1, 1000) i")
        dataset = load(table="growing")
        connection.execute("insert into growing select -i from generate_series(1, 1000) i")
        relation = open_relation(dataset)
        assert (dataset.rows, relation.summaries(["x"])["x"].minimum) == (1000, 1.0)
        assert sum(len(frame) for frame in relation.frames(["x"])) == 1000
        assert load(table="growing").sha256 != dataset.sha256
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        dataset.source.table.get_backend().con.execute("drop table growing")


def test_a_read_that_is_left_early_leaves_the_snapshot(server, load):
    """D24: the first rows only, then everything."""
    relation = open_relation(load(table="current"))
    next(relation.frames(["age"], rows=10))
    assert relation.integers(["age"]) == {"age"}
    assert relation.missing(["debt"])["debt"] > 0


def test_three_hundred_edges_take_one_statement_of_a_column(server, load, monkeypatch):
    """D25, of a table too large to copy: the work grows with the rows and not with rows times edges."""
    import numpy as np

    monkeypatch.setattr("model_governance.engine.table_copies.MAX_CELLS", 0)
    table = samples(60_000, seed=3)
    with psycopg.connect(server) as connection:
        connection.execute("create table many (x double precision)")
        with connection.cursor().copy("copy many from stdin") as copy:
            for value in table["normal"].to_pylist():
                copy.write_row((value,))
    relation = open_relation(load(table="many"))
    edges = np.sort(np.random.default_rng(1).normal(size=1500))
    values = np.sort(table["normal"].to_numpy())
    expected = np.diff([0, *np.searchsorted(values, edges), len(values)])
    assert relation.counts({"x": edges})["x"].tolist() == expected.tolist()
    probabilities = np.linspace(0, 1, 700)
    assert relation.quantiles(probabilities, ["x"])["x"].tolist() == np.quantile(
        values, probabilities, method="inverted_cdf"
    ).tolist()  # fmt: skip


EXACT = """
create table exact as select i id, case when i % 3 > 0 then 9007199254740993 + i end::bigint k,
  case when i % 2 = 1 then 9007199254740993.0000000001 + i end::numeric(38, 10) d, (i * 1.25)::numeric(38, 10) short,
  (i * 1.000000000001)::numeric free, case when i = 3 then 'NaN'::numeric else i end odd, i * 1e40::numeric(50, 0) far
  from generate_series(1, 30) i
"""


def test_numbers_beyond_what_floats_tell_apart_are_exact_or_refused(server, load):
    """D3, D7 and D12: bigint with gaps, numeric(38, 10), and numeric without a precision."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(EXACT)
    keys = [9_007_199_254_740_993 + i for i in range(1, 31) if i % 3]
    precise = [Decimal(f"{9_007_199_254_740_993 + i}.0000000001") for i in range(1, 31, 2)]
    table, query = load(table="exact"), load(query="select id, k, d, short, free from exact order by id")
    for dataset in (table, query):
        relation = open_relation(dataset)
        assert sorted(dataset.frame["k"].dropna()) == keys
        assert sorted(dataset.frame["d"].dropna()) == precise
        assert set(relation.value_counts(["k"])["k"]) == set(map(str, keys))
        assert set(relation.value_counts(["d"])["d"]) == set(map(str, precise))
        assert relation.summaries(["short"])["short"].maximum == 37.5
        assert relation.summaries(["free"])["free"].minimum == 1.000000000001
        for name in ("k", "d"):
            with pytest.raises(CheckError, match="float64 would merge neighbours"):
                relation.summaries([name])
            with pytest.raises(CheckError, match="float64 would merge neighbours"):
                relation.quantiles([0.5], [name])
    assert dict(table.origin["incomparable"]) == {
        "odd": "numeric with NaN or infinite values", "far": "numeric of 42 digits, over 38"
    }  # fmt: skip
