"""What an engine is asked that sorts a table on one core: values are counted once, the others are sorted range by range."""

from __future__ import annotations

import ibis
import numpy as np
import pyarrow as pa
import pytest

from engine_cases import NUMBERS, finite, in_duckdb, in_memory, samples
from model_governance.engine import counted_values, open_relation, ordered_distances, value_ranges
from model_governance.engine.profiles import GRID
from model_governance.engine.pushdown import PushedRelation
from model_governance.errors import SubjectError

REPEATING = "ties"


@pytest.fixture
def tables():
    found = {"reference": samples(4000, seed=1), "current": samples(3000, seed=2, shift=0.2)}
    for role, table in found.items():
        # DuckDB takes a sum of infinities for a finite one.
        wild = np.where(np.isfinite(table["wild"].to_numpy()), table["wild"].to_numpy(), 7.0)
        found[role] = table.set_column(table.schema.get_field_index("wild"), "wild", pa.array(wild))
    return found


@pytest.fixture
def pushed(tables, monkeypatch):
    monkeypatch.setattr(PushedRelation, "_sorts_on_one_core", True)
    monkeypatch.setattr(value_ranges, "ROWS_PER_RANGE", 300)
    connection = ibis.duckdb.connect()
    return {role: in_duckdb(connection, table, role=role) for role, table in tables.items()}


def test_distances_over_ranges_and_over_counted_values_are_those_of_the_embedded_engine(tables, pushed):
    embedded = {role: open_relation(in_memory(table, role=role)) for role, table in tables.items()}
    theirs = ordered_distances(pushed["reference"], pushed["current"], NUMBERS)
    ours = ordered_distances(embedded["reference"], embedded["current"], NUMBERS)
    for name in NUMBERS:
        assert (theirs[name].ks, theirs[name].place) == (ours[name].ks, ours[name].place)
        assert (theirs[name].outside, theirs[name].ends) == (ours[name].outside, ours[name].ends)
        assert theirs[name].wasserstein == pytest.approx(ours[name].wasserstein, rel=1e-12)


def test_a_column_that_repeats_its_values_in_one_table_only_is_compared(tables, pushed):
    rare = pa.table({"x": np.arange(3000) / 3000})
    often = pa.table({"x": np.arange(4000) % 7 / 7})
    connection = ibis.duckdb.connect()
    first, second = (in_duckdb(connection, each, role=role) for role, each in (("reference", often), ("current", rare)))
    ours = ordered_distances(
        *(open_relation(in_memory(each, role=role)) for role, each in (("reference", often), ("current", rare))), ["x"]
    )
    theirs = ordered_distances(first, second, ["x"])
    assert (theirs["x"].ks, theirs["x"].place) == (ours["x"].ks, ours["x"].place)
    assert theirs["x"].wasserstein == pytest.approx(ours["x"].wasserstein, rel=1e-12)


@pytest.mark.parametrize("name", ["normal", REPEATING])
def test_counts_and_order_statistics_are_those_of_the_rows(tables, pushed, name):
    relation, embedded = pushed["reference"], open_relation(in_memory(tables["reference"]))
    edges = {name: np.linspace(-2, 9, 40)}
    assert relation.counts(edges)[name].tolist() == embedded.counts(edges)[name].tolist()
    np.testing.assert_array_equal(relation.quantiles(GRID, [name])[name], embedded.quantiles(GRID, [name])[name])
    theirs, ours = (each.rounded_quantiles(GRID, [name])[name] for each in (relation, embedded))
    np.testing.assert_array_equal(theirs.edges, ours.edges)
    assert relation.summaries([name])[name].distinct == embedded.summaries([name])[name].distinct


def test_only_values_that_repeat_are_brought_here(tables, pushed):
    relation = pushed["reference"]
    relation.summaries(NUMBERS)
    brought = {name: len(each.values) for name, each in relation._counted.items() if each is not None}
    assert brought == {REPEATING: 12}
    values = finite(tables["reference"][REPEATING])
    assert relation._counted[REPEATING].rows.tolist() == [int((values == each).sum()) for each in range(12)]


def test_a_table_that_grows_between_two_answers_is_an_error(tables, pushed, monkeypatch):
    real = counted_values._counted

    def grown(*found, **keys):
        counted = real(*found, **keys)
        return counted_values.CountedValues(values=counted.values, rows=counted.rows + 1)

    monkeypatch.setattr(counted_values, "_counted", grown)
    with pytest.raises(SubjectError, match="changed while it was measured"):
        pushed["reference"].summaries([REPEATING])
