"""SQL is only ever read, and rows of a database measure as those of a file (cases D16 and D20 to D27)."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from decimal import Decimal
from uuid import UUID

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy

from drift_cases import measure, numbers_only
from engine_cases import samples
from model_governance.checks import find
from model_governance.contract.connections import PlainConnections
from model_governance.contract.model import Model
from model_governance.contract.subject import Columns, Feature, Subject
from model_governance.engine import expressions, open_relation
from model_governance.engine.pushdown import PushedRelation
from model_governance.engine.table_copies import MAX_CELLS
from model_governance.engine.table_rows import TableRows
from model_governance.errors import CheckError, SubjectError, SubjectUnreachable
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset
from model_governance.subjects.queries import _plain, _table
from model_governance.subjects.sql_guard import MAX_LENGTH, require_reading
from model_governance.subjects.tables import _problem, split_name

ROWS = samples(400, seed=1).select(["normal", "gaps", "ties", "colour"])


@pytest.fixture
def load(tmp_path):
    def load_spec(*, role: str = "current", connections=None, **keys):
        return load_dataset(role, DatasetSpec(**keys), folder=tmp_path, connections=connections or PlainConnections())

    return load_spec


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The rows as table `scores` of DuckDB and SQLite, and as a Parquet file."""
    tmp_path = tmp_path_factory.mktemp("rows")
    with duckdb.connect(tmp_path / "rows.duckdb") as connection:
        connection.register("arriving", ROWS)
        connection.execute("create table scores as select * from arriving")
        connection.execute("create schema mart")
        connection.execute('create table mart."dot.name" as select * from arriving')
        connection.execute('create table "quo""te" as select * from arriving')
    with sqlite3.connect(tmp_path / "rows.sqlite") as connection:
        ROWS.to_pandas().to_sql("scores", connection, index=False)
    pq.write_table(ROWS, tmp_path / "rows.parquet")
    return tmp_path


@pytest.fixture
def databases(written, tmp_path):
    """Copies in the folder of the test."""
    for path in written.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return {"duckdb": "duckdb:///rows.duckdb", "sqlite": "sqlite:///rows.sqlite"}


WRITING = [
    "select 1 as x; drop table scores; commit",
    "copy (select 1) to '{folder}/out.csv'",
    "attach '{folder}/other.db' as other",
    "install httpfs",
    "with gone as (delete from scores returning *) select * from gone",
    "with gone as (select 1) delete from scores",
    "select * into other from scores",
    "select 1 /*! into outfile '{folder}/out' */",
    "insert into scores select * from scores",
    "create table other as select 1",
    "pragma writable_schema = 1",
    "select '\\'; drop table scores; -- '",
    "/* /* */ select 1; drop table scores; -- */ */",
    "select 1 # '\n; drop table scores #'",
    "select $$; drop table scores; select '$$'; drop table scores",
    "select lo_export(1, '{folder}/out')",
    "select \"pg_read_file\"('/etc/passwd')",
    "explain analyze delete from scores",
    "set enable_external_access = true",
    "call force_checkpoint()",
    "select load_extension('{folder}/x.so')",
    "",
    "-- nothing",
]


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
@pytest.mark.parametrize("query", WRITING)
def test_what_does_more_than_read_is_refused_and_changes_nothing(load, databases, tmp_path, kind, query):
    """D16."""
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises((SubjectError, ValueError)):
        load(uri=databases[kind], query=query.replace("{folder}", str(tmp_path)) or None)
    assert load(uri=databases[kind], query="select * from scores").rows == 400
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
@pytest.mark.parametrize("query", [query for query in WRITING if query])
def test_behind_the_guard_the_file_itself_is_read_only(load, databases, tmp_path, monkeypatch, kind, query):
    """D16: nothing is written even by a statement that the guard would let through."""
    monkeypatch.setattr("model_governance.subjects.queries.require_reading", lambda _: None)
    before = {path.name for path in tmp_path.iterdir()}
    with contextlib.suppress(SubjectError):
        load(uri=databases[kind], query=query.replace("{folder}", str(tmp_path)))
    assert load(uri=databases[kind], query="select * from scores").rows == 400
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "query", ["select * from read_csv('/etc/passwd')", "select * from '/etc/passwd'", "from glob('/etc/*')"]
)
def test_a_query_of_duckdb_reaches_no_other_file(load, databases, query):
    """D16."""
    with pytest.raises(SubjectError, match="cannot be run"):
        load(uri=databases["duckdb"], query=query)


def test_the_path_of_duckdb_is_relative_to_the_policy_and_no_file_is_made(load, databases, tmp_path, monkeypatch):
    """D16."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(uri=databases["duckdb"], query="from scores").rows == 400
    for keys in ({"query": "select 1"}, {"table": "scores"}):
        for uri in ("duckdb:///absent.duckdb", "duckdb:///:memory:"):
            with pytest.raises(SubjectError, match="there is no DuckDB file"):
                load(uri=uri, **keys)
    with pytest.raises(SubjectError, match="there is no SQLite file"):
        load(uri="sqlite:///absent.sqlite", table="scores")
    assert not list((tmp_path / "elsewhere").iterdir())
    assert not (tmp_path / "absent.duckdb").exists()


@pytest.mark.parametrize(
    "query",
    [
        "select 1;",
        "  -- first\n /* then */ (select a from t) union all select 2 ; ",
        "with a as (select ';' as x) select replace(x, 'a', 'b'), (replace(x, 'a', 'c')) from a",
        "values (1)",
        "table t",
        "from t",
        "select a from t where d = '2026-11-29' and e <> 'it''s; drop'",
        'select update_time, "delete" from t order by 1',
        "select x #> '{a}', y #>> '{b}' from t",
        "select '/* ' as a, b from t",
        "select a--b\nfrom t",
        "select count(*) filter (where x) from t",
        "select insert(a, 1, 2, 'x') from t",
        "select a.insert_date, b.set from a join b using (id)",
    ],
)
def test_what_only_reads_is_taken(query):
    """D16."""
    require_reading(query)


@pytest.mark.parametrize(
    "piece",
    ["/* */ ", "(", "-- \n", "\\", "'", "$$", "$a", "$", "e'", "/*", "#", "\"", "--x", "( /* ", "'\\'", "`", "*/", "_" * 9],
)  # fmt: skip
def test_no_query_makes_the_guard_slow(piece):
    """D16: no catastrophic regex, whatever the query."""
    started = time.process_time()
    for start in ("", "select '", "select "):
        query = (start + piece * MAX_LENGTH)[:MAX_LENGTH]
        with contextlib.suppress(SubjectError):
            require_reading(query)
    assert time.process_time() - started < 8
    with pytest.raises(SubjectError, match="make it a view"):
        require_reading("select 1 " + piece * MAX_LENGTH)


class Recording:
    """A connection that notes what it is told before the query."""

    connection = type("Pooled", (), {"dbapi_connection": None})()

    def __init__(self, dialect: str) -> None:
        self.dialect = type("Dialect", (), {"name": dialect})()
        self.told: list = []

    def execution_options(self, **keys):
        self.told.append(keys)
        return self

    def exec_driver_sql(self, statement):
        self.told.append(statement)


@pytest.mark.parametrize(
    ("dialect", "told"),
    [
        ("postgresql", {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}),
        ("mysql", "set transaction read only"),
        ("oracle", "set transaction read only"),
        ("sqlite", "pragma query_only = 1"),
    ],
)
def test_databases_are_asked_for_a_transaction_that_only_reads(dialect, told):
    """D16."""
    from model_governance.subjects.queries import _reading_only

    connection = Recording(dialect)
    _reading_only(connection)
    assert connection.told == [told]


def test_values_that_arrow_does_not_know_are_their_text():
    """D20: what a driver gives for JSON, ranges and addresses takes no other column away."""

    class Range:
        def __str__(self) -> str:
            return "[1,5)"

    rows = [(1, {"b": 1, "a": 2}, [{"x": 1}], [1, 2], Range(), UUID(int=7), Decimal("1.10"))]
    table = _table("x", list("abcdefg"), [*rows, (None,) * 7])
    assert table.to_pylist() == [
        {"a": 1, "b": '{"a": 2, "b": 1}', "c": '[{"x": 1}]', "d": [1, 2], "e": "[1,5)",
         "f": "00000000-0000-0000-0000-000000000007", "g": Decimal("1.10")},
        dict.fromkeys("abcdefg"),
    ]  # fmt: skip
    assert _plain({"a": float("inf")}) == '{"a": Infinity}'
    with pytest.raises(SubjectError, match=r"column 'a' holds int, str"):
        _table("x", ["a"], [(1,), ("x",)])


def test_whole_numbers_beyond_2_53_with_gaps_stay_whole(load, databases, tmp_path):
    """D22: a query takes no way of its own through floats."""
    with duckdb.connect(tmp_path / "rows.duckdb") as connection:
        connection.execute("create table keys as select 9007199254740993 as k union all select null")
    for uri in (databases["duckdb"],):
        assert load(uri=uri, query="from keys order by k").source.schema.field("k").type == pa.int64()
    with sqlite3.connect(tmp_path / "rows.sqlite") as connection:
        connection.execute("create table keys as select 9007199254740993 as k union all select null")
    dataset = load(uri=databases["sqlite"], query="select * from keys")
    assert dataset.source.schema.field("k").type == pa.int64()
    assert list(open_relation(dataset).value_counts(["k"])["k"]) == ["9007199254740993"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a", ["a"]),
        ("mart.scores", ["mart", "scores"]),
        ('mart."dot.name"', ["mart", "dot.name"]),
        ('"quo""te"', ['quo"te']),
        ('quo"te', ['quo"te']),
        ('"a"."b.c"."d"', ["a", "b.c", "d"]),
    ],
)
def test_names_of_tables_may_hold_dots_and_quotes(name, parts):
    """D21."""
    assert split_name(name) == parts


@pytest.mark.parametrize("name", ["", ".", "a..b", '"open', '"a"b', "a."])
def test_what_is_no_name_of_a_table_is_told(load, databases, name):
    """D21."""
    with pytest.raises(SubjectError, match="`table` is no name"):
        load(uri=databases["duckdb"], table=name)


@pytest.mark.parametrize("name", ['mart."dot.name"', '"quo""te"'])
def test_tables_with_such_names_are_read(load, databases, name):
    """D21."""
    assert load(uri=databases["duckdb"], table=name).rows == 400


def test_columns_that_cannot_be_compared_take_no_other_column_with_them(load, tmp_path):
    """D20: lists, structs and JSON stand aside, by name, and are refused where a check names them."""
    with duckdb.connect(tmp_path / "odd.duckdb") as connection:
        connection.execute(
            "create table odd as select i, i * 0.5 as x, [i] as l, {'a': i} as s, 'k' || i % 3 as w, uuid() as u, "
            "interval (i) day as v from range(50) t(i)"
        )
    dataset = load(uri="duckdb:///odd.duckdb", table="odd")
    assert sorted(dataset.origin["incomparable"]) == ["l", "s", "v"]
    relation = open_relation(dataset)
    assert relation.summaries(["x"])["x"].maximum == 24.5
    assert relation.value_counts(["w"])["w"] == {"k0": 17, "k1": 17, "k2": 16}
    assert relation.missing(["l", "s", "v"]) == {"l": 0, "s": 0, "v": 0}
    assert len(set(relation.value_counts(["u"])["u"])) == 50
    for ask in (lambda: relation.value_counts(["l"]), lambda: next(relation.frames(["i", "s"]))):
        with pytest.raises(CheckError, match="not comparable; cast them in a view"):
            ask()
    assert list(dataset.frame.columns) == ["i", "x", "w", "u"]


@pytest.mark.parametrize(
    ("error", "infrastructure"),
    [
        (TypeError("unhashable type: 'list'"), False),
        (KeyError("x"), False),
        (sqlalchemy.exc.OperationalError("x", None, Exception("gone")), True),
        (ConnectionResetError("reset"), True),
        (sqlite3.OperationalError("database is locked"), True),
    ],
)
def test_only_a_database_that_does_not_answer_is_tried_again(error, infrastructure):
    """D20: a fault of ours is never "try again"."""
    problem = _problem("duckdb:///x", error)
    assert problem.infrastructure is infrastructure
    assert isinstance(problem, SubjectUnreachable) is infrastructure


EXPECTATIONS = [
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "normal", "min_value": -2, "max_value": 2}},
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "gaps"}},
    {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "colour", "value_set": ["red", "blue"]}},
]
TABLE_WIDE = {"type": "expect_table_column_count_to_equal", "kwargs": {"value": 4}}
COLUMNS = Columns(
    features={
        "normal": Feature(kind="numeric"),
        "gaps": Feature(kind="numeric"),
        "ties": Feature(kind="integer"),
        "colour": Feature(kind="category"),
    }
)


def subject(**datasets) -> Subject:
    model = Model(
        name="m", format="skops", sha256="0" * 64, task="regression", native=None,
        call=lambda frame: frame["normal"].to_numpy(dtype=float),
    )  # fmt: skip
    return Subject(name="x", task="regression", columns=COLUMNS, datasets=datasets, model=model)


def numbers(result) -> list:
    return [(metric.name, metric.key, metric.value, metric.low, metric.high, metric.n) for metric in result.metrics]


@pytest.mark.parametrize(("engine", "expectations"), [("pandas", EXPECTATIONS), ("sql", [*EXPECTATIONS, TABLE_WIDE])])
def test_a_table_is_validated_as_its_rows_are_and_says_what_was_fetched(load, databases, engine, expectations):
    """D23."""
    check = find("data_validation")
    params = check.params.model_validate({"expectations": expectations, "engine": engine})
    expected = numbers(check.measure(subject(current=load(uri="rows.parquet")), params, 1))
    for kind in ("duckdb", "sqlite"):
        result = check.measure(subject(current=load(uri=databases[kind], table="scores")), params, 1)
        assert numbers(result) == expected
        assert result.notes[-1] == (
            "400 rows of 4 columns of the table were fetched from its database and evaluated here."
        )


@pytest.mark.parametrize("most", [MAX_CELLS, 0])
def test_drift_of_a_table_is_that_of_its_rows(load, databases, monkeypatch, most):
    """D26 and D27: SQLite has no NaN. A copy gives the same to the byte; where the database adds, areas agree to 1e-12."""
    monkeypatch.setattr("model_governance.engine.table_copies.MAX_CELLS", most)
    places = [{"uri": "rows.parquet"}, *({"uri": uri, "table": "scores"} for uri in databases.values())]
    with numbers_only():
        found = [
            numbers(
                measure(
                    subject(reference=load(role="reference", **keys), current=load(**keys)),
                    joint=False, columns=["normal", "ties", "colour"],
                )
            )
            for keys in places
        ]  # fmt: skip
    assert len(found[0]) == len(found[1]) == len(found[2]) > 20
    for ours, theirs in [pair for other in found[1:] for pair in zip(found[0], other, strict=True)]:
        assert ours[:2] == theirs[:2]
        if ours[0] == "wasserstein" and not most:
            assert theirs[2:5] == pytest.approx(ours[2:5], rel=1e-12, abs=1e-12)
        else:
            assert theirs == ours


def test_the_noise_of_a_distance_follows_from_what_is_compared(load, databases):
    """D27: the seed of a run follows from digests, which differ between a file and a table of the same rows."""
    from model_governance.checks.data.data_drift import CHECK
    from model_governance.checks.data.data_drift.params import DriftParams

    pair = subject(reference=load(role="reference", uri="rows.parquet"), current=load(uri="rows.parquet"))
    with numbers_only():
        results = [numbers(CHECK.measure(pair, DriftParams(joint=False), seed)) for seed in (1, 2)]
    assert results[0] == results[1]


class Growing(PushedRelation):
    """A table to which another process appends after it was opened."""

    def __init__(self, connection) -> None:
        super().__init__(TableRows(connection.table("scores")), role="current", uri="growing")
        connection.raw_sql("insert into scores select * from scores")


@pytest.mark.parametrize(
    "ask",
    [
        lambda relation: relation.summaries(["normal"]),
        lambda relation: list(relation.frames(["normal"])),
        lambda relation: relation.missing(["gaps"]),
        lambda relation: relation.quantiles([0.5], ["normal"]),
    ],
)
def test_a_table_that_grows_while_it_is_measured_is_an_error(ask):
    """D24: where the database has no snapshot, every answer counts the rows."""
    connection = ibis.duckdb.connect()
    connection.con.register("arriving", ROWS)
    connection.raw_sql("create table scores as select * from arriving")
    with pytest.raises(SubjectError, match=r"changed while it was measured: 400 rows at first, 800 later"):
        ask(Growing(connection))


def test_cells_of_a_table_are_counted_in_one_grouped_pass(monkeypatch):
    """D25: no statement per edge, and no comparison of every value with every edge."""
    connection = ibis.duckdb.connect()
    connection.con.register("arriving", ROWS)
    connection.raw_sql("create table scores as select * from arriving")
    relation = PushedRelation(TableRows(connection.table("scores")), role="current", uri="x")
    edges = np.linspace(-3, 3, 500)
    statements = []
    real = type(connection).compile
    monkeypatch.setattr(
        type(connection), "compile", lambda self, table, **keys: statements.append(real(self, table, **keys)) or real(self, table, **keys)
    )  # fmt: skip
    counts = relation.counts({"normal": edges})["normal"]
    values = np.sort(ROWS["normal"].to_numpy())
    assert counts.tolist() == np.diff([0, *np.searchsorted(values, edges), len(values)]).tolist()
    assert len(statements) == 2
    assert max(map(_depth, statements)) <= 10
    assert "SUM(CASE" not in "".join(statements[:1]).upper()


def _depth(statement: str) -> int:
    """How deeply conditions lie in one another."""
    deepest = depth = 0
    for word in statement.upper().split():
        depth += (word.startswith(("CASE", "(CASE"))) - word.startswith("END")
        deepest = max(deepest, depth)
    return deepest


@pytest.mark.parametrize("count", [1, 2, 9, 1000])
def test_order_statistics_of_a_table_are_values_of_its_rows(count):
    """D25: ties, gaps between ranks and ranks of one value."""
    draw = np.random.default_rng(count)
    values = draw.integers(0, 40, 3000).astype(float)
    connection = ibis.duckdb.connect()
    connection.con.register("arriving", pa.table({"x": values}))
    connection.raw_sql("create table t as select * from arriving")
    relation = PushedRelation(TableRows(connection.table("t")), role="current", uri="x")
    probabilities = sorted(draw.random(count))
    expected = np.quantile(values, probabilities, method="inverted_cdf")
    assert relation.quantiles(probabilities, ["x"])["x"].tolist() == expected.tolist()


def test_postgresql_finds_cells_with_its_own_function():
    """D25."""
    table = ibis.table({"x": "float64"}, name="t")
    sql = str(ibis.to_sql(expressions.cells(table, "x", [0.0, 1.0], role="current", arrays=True), dialect="postgres"))
    assert "WIDTH_BUCKET(" in sql.upper()
