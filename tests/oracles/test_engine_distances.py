"""Distances against scipy and against brute force, in memory, spilled to files, and through the database's own windows."""

from __future__ import annotations

import ibis
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from engine_cases import NUMBERS, finite, in_duckdb, in_memory, in_parquet, samples
from model_governance.engine import open_relation, ordered, ordered_distances, runs

ROWS = 3000


@pytest.fixture
def small_blocks(monkeypatch):
    """Runs, marks and blocks so small that 3,000 rows are many of them."""
    monkeypatch.setattr(runs, "RUN", 256)
    monkeypatch.setattr(runs, "STEP", 16)
    monkeypatch.setattr(runs, "SEGMENT", 64)
    monkeypatch.setattr(ordered, "BLOCK", 128)
    monkeypatch.setattr(ordered, "STRIDE", 100)
    monkeypatch.setattr(ordered, "CELL", 8)


@pytest.fixture(scope="module", params=[(ROWS, 0.0), (ROWS - 701, 0.2), (40, 9.0)], ids=["same", "shifted", "disjoint"])
def tables(request):
    rows, shift = request.param
    return samples(ROWS, seed=1), samples(rows, seed=2, shift=shift)


def opened(tables):
    return [
        open_relation(in_memory(table, role=role)) for table, role in zip(tables, ("reference", "current"), strict=True)
    ]


def test_distances_are_those_of_scipy(tables):
    found = ordered_distances(*opened(tables), NUMBERS)
    for name in NUMBERS:
        r, c = finite(tables[0][name]), finite(tables[1][name])
        expected = stats.ks_2samp(r, c, method="asymp")
        assert (found[name].n, found[name].m) == (len(r), len(c))
        assert found[name].ks == pytest.approx(expected.statistic, rel=1e-12)
        assert found[name].wasserstein == pytest.approx(stats.wasserstein_distance(r, c), rel=1e-9)


def test_the_place_is_the_smallest_value_at_which_the_distance_is_reached(tables):
    found = ordered_distances(*opened(tables), NUMBERS)
    for name in NUMBERS:
        r, c = np.sort(finite(tables[0][name])), np.sort(finite(tables[1][name]))
        values = np.unique([*r, *c])
        i, j = r.searchsorted(values, "right"), c.searchsorted(values, "right")
        gaps = np.abs(i * len(c) - j * len(r))
        assert found[name].place == values[gaps == gaps.max()].min()
        assert found[name].ks == int(gaps.max()) / (len(r) * len(c))


def test_runs_on_disk_give_the_numbers_of_memory(tables, tmp_path, monkeypatch, small_blocks):
    spilled = [
        open_relation(in_parquet(tmp_path, table, role=role, group=500))
        for table, role in zip(tables, ("reference", "current"), strict=True)
    ]
    on_disk = ordered_distances(*spilled, NUMBERS)
    monkeypatch.undo()
    in_one = ordered_distances(*opened(tables), NUMBERS)
    for name in NUMBERS:
        assert (on_disk[name].ks, on_disk[name].place) == (in_one[name].ks, in_one[name].place)
        assert on_disk[name].wasserstein == pytest.approx(in_one[name].wasserstein, rel=1e-12)


def test_the_windows_of_a_database_give_the_numbers_of_the_kernel(tables):
    connection = ibis.duckdb.connect()
    pushed = [in_duckdb(connection, table, role=role) for table, role in zip(tables, ("r", "c"), strict=True)]
    from_database, from_memory = ordered_distances(*pushed, NUMBERS), ordered_distances(*opened(tables), NUMBERS)
    for name in NUMBERS:
        assert (from_database[name].n, from_database[name].m) == (from_memory[name].n, from_memory[name].m)
        assert (from_database[name].ks, from_database[name].place) == (from_memory[name].ks, from_memory[name].place)
        # The database adds areas over a huge span in float64: the lognormal tail costs it digits, not us.
        assert from_database[name].wasserstein == pytest.approx(from_memory[name].wasserstein, rel=1e-12)


def test_a_table_and_a_file_are_compared_too(tables):
    connection = ibis.duckdb.connect()
    mixed = ordered_distances(in_duckdb(connection, tables[0]), opened(tables)[1], NUMBERS)
    assert mixed == ordered_distances(*opened(tables), NUMBERS)


@pytest.mark.parametrize("probabilities", [[0, 0.1, 0.25, 0.5, 0.9, 1], [0.3, 1 / 3, 0.7]])
def test_quantiles_are_values_of_the_data_everywhere(tables, tmp_path, small_blocks, probabilities):
    table = tables[1]
    connection = ibis.duckdb.connect()
    places = [
        open_relation(in_memory(table)),
        open_relation(in_parquet(tmp_path, table, group=333)),
        in_duckdb(connection, table),
    ]
    for name in NUMBERS:
        expected = np.quantile(finite(table[name]), probabilities, method="inverted_cdf")
        for place in places:
            np.testing.assert_array_equal(place.quantiles(probabilities, [name])[name], expected)


def test_values_near_the_end_of_float64_keep_their_distance():
    tables = [pa.table({"x": [-1.5e308, 1e308]}), pa.table({"x": [-1.5e308, -1.5e308 / 3, 1e308]})]
    found = ordered_distances(*opened(tables), ["x"])["x"]
    # F - G is 1/6 up to -0.5e308 and -1/6 from there to 1e308.
    assert found.wasserstein == pytest.approx(2.5 / 6 * 1e308, rel=1e-12)


def test_one_sorted_column_of_ties_needs_no_room(tmp_path, small_blocks):
    merged = runs.put_in_order([np.zeros(5000), np.ones(300), np.zeros(700)], lambda: tmp_path)
    assert merged.count == 6000
    np.testing.assert_array_equal(merged.slice(5600, 5800), [0] * 100 + [1] * 100)
    assert (merged.rank(-1), merged.rank(0), merged.rank(1)) == (0, 5700, 6000)
