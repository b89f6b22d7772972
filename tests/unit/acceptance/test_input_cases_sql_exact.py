"""Integers beyond 2^53 and decimals of a database are exact or refused in words, with gaps or without (cases D3, D6, D12, D22)."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

import duckdb
import pytest

from drift_cases import measure, numbers_only
from model_governance.checks import find
from model_governance.checks.quality.model_quality.labels import labelled_rows
from model_governance.contract.connections import PlainConnections
from model_governance.contract.model import Model
from model_governance.contract.subject import Columns, Feature, Subject
from model_governance.engine import open_relation, ordered_distances
from model_governance.engine.table_copies import MAX_CELLS
from model_governance.errors import CheckError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

FIRST = 9_007_199_254_740_993
COUNT = 60
KEYS = [None if place % 5 == 4 else FIRST + place for place in range(COUNT)]
WHOLE = [key for key in KEYS if key is not None]
PRECISE = [None if key is None else Decimal(f"{key}.0000000001") for key in KEYS]
SHORT = [None if place % 3 == 2 else Decimal(f"{place}.25") for place in range(COUNT)]
URIS = {"duckdb": "duckdb:///keys.duckdb", "sqlite": "sqlite:///keys.sqlite"}
TABLE = (
    "create table {name} (id bigint, k bigint, ub bigint, precise decimal(38, 10), short decimal(38, 10), y integer)"
)


def write(folder, kind: str, name: str, rows: list[tuple]) -> None:
    if kind == "duckdb":
        with duckdb.connect(folder / "keys.duckdb") as connection:
            connection.execute(TABLE.format(name=name).replace("ub bigint", "ub ubigint"))
            connection.executemany(f"insert into {name} values (?, ?, ?, ?, ?, ?)", rows)
        return
    texts = [tuple(str(cell) if isinstance(cell, Decimal) else cell for cell in row) for row in rows]
    with sqlite3.connect(folder / "keys.sqlite") as connection:
        connection.execute(TABLE.format(name=name))
        connection.executemany(f"insert into {name} values (?, ?, ?, ?, ?, ?)", texts)


def subject(columns: Columns, **datasets) -> Subject:
    model = Model(
        name="m", format="skops", sha256="0" * 64, task="regression", native=None,
        call=lambda frame: frame["y"].to_numpy(dtype=float),
    )  # fmt: skip
    return Subject(name="keys", task="regression", columns=columns, datasets=datasets, model=model)


def rows(keys: list) -> list[tuple]:
    return [
        (FIRST + place, keys[place], keys[place], PRECISE[place], SHORT[place], place % 2) for place in range(COUNT)
    ]


@pytest.fixture(params=[MAX_CELLS, 0], ids=["copied", "pushed"], autouse=True)
def most_cells(request, monkeypatch):
    """Whether the rows are copied, or stay in their database: the answers are the same."""
    monkeypatch.setattr("model_governance.engine.table_copies.MAX_CELLS", request.param)


@pytest.fixture(params=["duckdb", "sqlite"])
def kind(request, tmp_path):
    write(tmp_path, request.param, "scores", rows(KEYS))
    return request.param


@pytest.fixture
def load(kind, tmp_path):
    def load_spec(*, role: str = "current", **keys):
        spec = DatasetSpec(uri=URIS[kind], **keys)
        return load_dataset(role, spec, folder=tmp_path, connections=PlainConnections())

    return load_spec


@pytest.mark.parametrize("keys", [{"query": "select * from scores order by id"}, {"table": "scores"}], ids=str)
def test_integers_with_gaps_stay_themselves_however_a_database_is_read(load, keys):
    """D3."""
    dataset = load(**keys)
    relation = open_relation(dataset)
    for name in ("k", "ub"):
        assert dataset.frame[name].dropna().tolist() == WHOLE
        assert [key for frame in relation.frames([name], rows=7) for key in frame[name].dropna()] == WHOLE
        assert relation.value_counts([name])[name] == {str(key): 1 for key in WHOLE}
        assert relation.missing([name]) == {name: COUNT - len(WHOLE)}


def test_a_number_beyond_what_floats_tell_apart_is_refused_by_the_database_as_it_is_here(load):
    """D12: for a table, nothing is rounded on the server either."""
    relation = open_relation(load(table="scores"))
    asked = {
        "summaries": lambda name: relation.summaries([name]),
        "counts": lambda name: relation.counts({name: [1.0, 2.0]}),
        "quantiles": lambda name: relation.quantiles([0.5], [name]),
        "numbers": lambda name: list(relation.numbers(name)),
        "distances": lambda name: ordered_distances(relation, relation, [name]),
    }
    for name in ("k", "ub"):
        for ask in asked.values():
            with pytest.raises(CheckError, match=rf"column '{name}' of dataset 'current' holds u?int64 beyond 2\^53"):
                ask(name)


def test_decimals_of_a_table_are_exact_or_refused(tmp_path):
    """D12: DuckDB keeps the digits of DECIMAL(38, 10)."""
    write(tmp_path, "duckdb", "scores", rows(KEYS))
    spec = DatasetSpec(uri=URIS["duckdb"], table="scores")
    dataset = load_dataset("current", spec, folder=tmp_path, connections=PlainConnections())
    relation = open_relation(dataset)
    held = [value for value in PRECISE if value is not None]
    assert dataset.frame["precise"].dropna().tolist() == held
    assert set(relation.value_counts(["precise"])["precise"]) == set(map(str, held))
    with pytest.raises(CheckError, match=r"holds decimal\(38, 10\) of more digits than float64 holds"):
        relation.summaries(["precise"])


@pytest.mark.parametrize("keys", [{"query": "select * from scores order by id"}, {"table": "scores"}], ids=str)
def test_decimals_that_floats_give_back_are_numbers(load, keys):
    """D7: a wide type alone is no reason to refuse."""
    dataset = load(**keys)
    numbers = [float(value) for value in SHORT if value is not None]
    assert dataset.frame["short"].dropna().tolist() == numbers
    summary = open_relation(dataset).summaries(["short"])["short"]
    assert (summary.minimum, summary.maximum, summary.finite) == (min(numbers), max(numbers), len(numbers))


def test_integers_beyond_that_floats_hold_are_numbers(load, tmp_path, kind):
    """D12: 2^60 and its even neighbours are exact."""
    even = [None if key is None else 2**60 + 256 * place for place, key in enumerate(KEYS)]
    write(tmp_path, kind, "even", rows(even))
    summary = open_relation(load(table="even")).summaries(["k"])["k"]
    assert (summary.minimum, summary.maximum) == (2.0**60, float(2**60 + 256 * 58))


def test_drift_of_such_a_column_is_an_error_and_of_a_category_exact(load, tmp_path, kind):
    """D12 and D4: one of three neighbouring codes becomes another."""
    codes = [None if place % 10 == 9 else FIRST + place % 3 for place in range(COUNT)]
    write(tmp_path, kind, "before", rows(codes))
    write(tmp_path, kind, "after", rows([FIRST + 1 if code == FIRST else code for code in codes]))
    datasets = {"reference": load(role="reference", table="before"), "current": load(table="after")}
    assert datasets["reference"].sha256 != datasets["current"].sha256
    here = {
        "reference": load(role="reference", query="select * from before"), "current": load(query="select * from after")
    }  # fmt: skip
    number, category = (
        Columns(features={"k": Feature(kind=each), "y": Feature(kind="integer")}) for each in ("numeric", "category")
    )
    with numbers_only():
        for roles in (datasets, here):
            with pytest.raises(CheckError, match=r"beyond 2\^53"):
                measure(subject(number, **roles), joint=False, columns=["k"])
        pushed, read = (measure(subject(category, **each), joint=False, columns=["k"]) for each in (datasets, here))
    found = [{(one.name, one.key): (one.value, one.low, one.high) for one in each.metrics} for each in (pushed, read)]
    assert found[0] == found[1]
    assert found[0]["total_variation", "k"][0] > 0.2, "a third of the rows, less what chance gives"


def test_expectations_on_such_keys_are_answered_exactly(load):
    """D3: unique, and in no set of neighbours."""
    expectations = [
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "k"}},
        {"type": "expect_column_values_to_not_be_in_set", "kwargs": {"column": "k", "value_set": [FIRST - 1]}},
        {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "k", "value_set": WHOLE}},
    ]
    check = find("data_validation")
    for keys in ({"query": "select * from scores"}, {"table": "scores"}):
        columns = Columns(features={"k": Feature(kind="numeric")})
        params = check.params.model_validate({"expectations": expectations})
        result = check.measure(subject(columns, current=load(**keys)), params, 1)
        found = {one.name: one.value for one in result.metrics if one.key is None}
        assert (found["expectations"], found["success_share"]) == (3, 1)


def test_late_labels_of_a_table_are_joined_on_exact_keys(load, tmp_path, kind):
    """D6."""
    write(tmp_path, kind, "late", [row for place, row in enumerate(rows(KEYS)) if place % 2])
    columns = Columns(features={"k": Feature(kind="numeric")}, target="y", identifier="id")
    datasets = {
        "current": load(query="select id, k from scores order by id desc"),
        "labels": load(role="labels", table="late"),
    }
    scores = Subject(name="keys", task="binary_classification", columns=columns, datasets=datasets)
    found = labelled_rows(scores, minimum_coverage=0.1)
    assert found.n == COUNT // 2
    assert set(found.truth.tolist()) == {1}
    assert set((found.positions % 2).tolist()) == {0}, "rows came in falling order, so odd keys stand at even places"


def test_a_column_of_sqlite_is_what_its_values_are(tmp_path):
    """D26: SQLite keeps integers, floats or text in it, whatever it declares; what no type holds stands aside and says so."""
    with sqlite3.connect(tmp_path / "keys.sqlite") as connection:
        connection.execute(
            "create table odd (whole decimal(20, 0), mixed decimal(38, 10), words decimal(9, 2), n integer, k integer)"
        )
        rows = [(FIRST, FIRST, "1.5", 1, 1), (None, 0.5, "a lot", 2, "many"), (3, None, None, 3.5, None)]
        connection.executemany("insert into odd values (?, ?, ?, ?, ?)", rows)
    spec = DatasetSpec(uri=URIS["sqlite"], table="odd")
    dataset = load_dataset("current", spec, folder=tmp_path, connections=PlainConnections())
    assert sorted(dataset.frame["whole"].dropna()) == [3, FIRST]
    assert sorted(dataset.frame["n"]) == [1.0, 2.0, 3.5]
    assert dict(dataset.origin["incomparable"]) == {
        "mixed": "decimal with integers beyond 2^53 beside fractions", "words": "decimal with text", "k": "integer with text"
    }  # fmt: skip
    relation = open_relation(dataset)
    for name in ("mixed", "words", "k"):
        with pytest.raises(CheckError, match=f"{name} .* of dataset 'current' are not comparable"):
            relation.value_counts([name])
