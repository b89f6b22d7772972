"""Cells that are made from the profiles of several runs, and the rows of every run in them."""

from __future__ import annotations

import json
import sys
from functools import reduce

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from engine_cases import in_duckdb, in_memory
from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.cells import pool_neighbours
from model_governance.engine.distances import population_stability
from model_governance.engine.paired_pass import read_pair
from model_governance.engine.profiles import freeze, merge_columns, profile_of, table_of
from model_governance.engine.rebin import common_cells, is_resolved
from model_governance.engine.stored_profiles import read_profile

RUNS = 7


def relation(values, role="reference"):
    return open_relation(Dataset(role=role, uri="rows", sha256="0" * 64, frame=pd.DataFrame({"x": values})))


def frozen_with(values):
    return freeze(relation(values), {"x": "numbers"})


def profiled(values, cells, family="numbers", **options):
    return profile_of(relation(values), {"x": family}, cells=cells, **options).columns["x"]


def of_labels(counts, frozen):
    labels = [label for label, rows in counts.items() for _ in range(rows)]
    cells = freeze(relation([label for label in frozen for _ in range(10)]), {"x": "categories"})
    return profiled(labels, cells, family="categories")


def psi_against(columns, common, values):
    current = profiled(values, {"x": common.cells}, sketched=False)
    return population_stability(pool_neighbours(table_of(reduce(merge_columns, columns), current)))


def heaped(draw, rows):
    """Amounts of which half are typed as whole hundreds."""
    amounts = draw.lognormal(8, 1, rows)
    return np.where(draw.random(rows) < 0.5, np.round(amounts, -2), np.round(amounts, 2))


DISTRIBUTIONS = {
    "moved": lambda draw, rows: draw.normal(8, 1, rows),
    "like_the_reference": lambda draw, rows: draw.normal(0, 1, rows),
    "whole_numbers": lambda draw, rows: draw.poisson(60, rows).astype(float),
    "heaped": heaped,
    "mostly_zero": lambda draw, rows: np.where(draw.random(rows) < 0.6, 0.0, draw.lognormal(5, 2, rows)),
    "few_values": lambda draw, rows: draw.choice(8, rows, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.03, 0.015, 0.005]) * 1.0,
    "rare_flag": lambda draw, rows: (draw.random(rows) < 0.01) * 1.0,
}


@pytest.fixture(scope="module", params=DISTRIBUTIONS)
def runs(request):
    """Rows of eight runs of one distribution, and the cells of another reference."""
    draw = np.random.default_rng(3)
    cells = frozen_with(draw.normal(0, 1, 5000))
    return [DISTRIBUTIONS[request.param](draw, 5000) for _ in range(RUNS + 1)], cells


def test_every_count_of_a_run_is_within_two_cells_of_its_own_grid(runs):
    values, cells = runs
    common = common_cells([profiled(rows, cells) for rows in values[:RUNS]])
    assert len(common.cells.inner) <= 42
    for rows, column in zip(values, common.runs, strict=False):
        below = np.searchsorted(np.sort(rows), common.cells.inner, side="left")
        gaps = np.abs(np.cumsum(column.cell_counts)[:-1] - below)
        assert gaps.max() <= min(common.error, 2 / 500) * len(rows) + 1
        assert sum(column.counts) == column.held == len(rows)


def test_cells_are_tenths_of_the_runs_wherever_the_values_allow_it(runs):
    values, cells = runs
    common = common_cells([profiled(rows, cells) for rows in values[:RUNS]])
    shares = reduce(merge_columns, common.runs).cell_counts / (RUNS * 5000)
    pooled = np.sort(np.concatenate(values[:RUNS]))
    largest_value = max(np.unique(pooled, return_counts=True)[1]) / len(pooled)
    assert shares.max() <= max(0.12, largest_value + 0.1)


def test_an_unchanged_run_is_no_change(runs):
    values, cells = runs
    common = common_cells([profiled(rows, cells) for rows in values[:RUNS]])
    psi = psi_against(common.runs, common, values[RUNS])
    assert abs(psi.value) < 0.005
    assert psi.p_value > 0.01


def test_false_alarms_of_unchanged_runs_keep_their_level():
    """Also where a run is so small that its quantiles are far apart: moved, whole numbers of 500 rows."""
    draw = np.random.default_rng(5)
    cells = frozen_with(draw.normal(0, 1, 2000))
    p_values = []
    for repeat in range(24):
        values = [draw.poisson(60, 500) + (repeat % 2) * draw.random(500) for _ in range(4)]
        common = common_cells([profiled(rows, cells) for rows in values[:3]])
        p_values.append(psi_against(common.runs, common, values[3]).p_value)
    assert np.mean(np.array(p_values) < 0.05) <= 0.2
    assert np.mean(np.array(p_values) < 0.5) == pytest.approx(0.5, abs=0.3)


def test_a_level_that_left_the_frozen_cells_is_seen():
    draw = np.random.default_rng(1)
    cells = frozen_with(draw.normal(0, 1, 2000))
    common = common_cells([profiled(draw.normal(8, 1, 2000), cells) for _ in range(3)])
    for moved in (draw.normal(20, 1, 2000), draw.normal(8.5, 1, 2000), draw.normal(8, 2, 2000)):
        assert psi_against(common.runs, common, moved).low > 0.1


def test_runs_like_the_reference_share_its_edges_and_are_counted_exactly():
    draw = np.random.default_rng(2)
    cells = frozen_with(draw.normal(0, 1, 2000))
    common = common_cells([profiled(draw.normal(0, 1, 2000), cells) for _ in range(3)])
    assert common.error == 0
    assert set(common.cells.inner) <= set(cells["x"].edges)


def test_runs_on_cells_of_different_references_can_be_compared():
    draw = np.random.default_rng(2)
    columns = [profiled(draw.normal(0, 1, 3000), frozen_with(draw.normal(mean, 1, 1000))) for mean in (0, 1, 9)]
    common = common_cells(columns)
    assert common.error <= 0.01
    assert abs(psi_against(common.runs, common, draw.normal(0, 1, 3000)).value) < 0.01


def test_extreme_values_do_not_break_interpolation():
    largest = sys.float_info.max
    values = np.concatenate([[-largest, largest, 5e-324], np.linspace(-1, 1, 500)])
    common = common_cells([profiled(values + shift, frozen_with([3.0, 4.0])) for shift in (0, 1e-9)])
    assert np.isfinite(common.cells.edges).all()
    assert [sum(column.counts) for column in common.runs] == [503, 503]


def test_few_values_keep_a_cell_each_and_new_ones_get_one():
    cells = frozen_with(np.repeat([0.0, 1.0], 50))
    common = common_cells([profiled(np.repeat([0.0, 1.0, 2.0], [300, 60, 40]), cells) for _ in range(2)])
    held = [count for count in common.runs[0].cell_counts if count]
    assert held == [300, 60, 40]


def test_labels_of_the_window_get_a_cell_where_all_runs_know_their_rows():
    first = of_labels({"a": 500, "b": 300, "new": 150, "once": 9}, ["a", "b"])
    second = of_labels({"a": 480, "b": 310, "new": 160, "odd": 30}, ["a", "b"])
    common = common_cells([first, second])
    assert common.cells.labels == ("a", "b", "new")
    assert common.runs[1].counts == (480, 310, 160, 30)
    assert common.error == 0


def test_a_label_that_some_runs_may_hide_has_a_cell_when_it_is_frequent():
    first, second = of_labels({"a": 500, "late": 90}, ["a"]), of_labels({"a": 500, "odd": 5}, ["a"])
    assert common_cells([first, second]).cells.labels == ("a", "late")
    assert common_cells([of_labels({"a": 500, "late": 20}, ["a"]), second]).cells.labels == ("a",)


def test_a_sketch_holds_no_rare_label_and_no_neighbouring_rows():
    draw = np.random.default_rng(7)
    values = draw.normal(8, 1, 400)
    column = profiled(values, frozen_with(draw.normal(0, 1, 400)))
    assert min(np.diff([*column.sketch.below, 400])) >= 10
    assert of_labels({"a": 50, "name of a person": 9}, ["a"]).sketch.labels == ()


def test_rows_that_fill_the_frozen_cells_need_no_sketch_and_moved_ones_less_than_the_profile():
    draw = np.random.default_rng(8)
    cells = frozen_with(draw.normal(0, 1, 20_000))

    def size(mean, **options):
        rows = relation(draw.normal(mean, 1, 20_000))
        return len(profile_of(rows, {"x": "numbers"}, cells=cells, **options).to_bytes())

    before = size(0, sketched=False)
    assert size(0) < 1.2 * before
    assert size(8) < 2.5 * before


def test_the_pass_over_both_datasets_gives_the_same_sketch():
    draw = np.random.default_rng(9)
    values = {"reference": draw.normal(0, 1, 900), "current": draw.normal(3, 1, 3000)}
    first, second = (relation(rows, role) for role, rows in values.items())
    read_pair(first, second, ["x"])
    cells = freeze(first, {"x": "numbers"})
    cached = profile_of(second, {"x": "numbers"}, cells=cells)
    assert len(cached.columns["x"].sketch.edges) > 100
    assert cached == profile_of(relation(values["current"]), {"x": "numbers"}, cells=cells)


def test_a_database_gives_the_same_sketch():
    draw = np.random.default_rng(6)
    families = {"amount": "numbers", "ties": "numbers", "kind": "categories"}

    def rows(level):
        amounts = np.append(draw.normal(level, 1, 1000), [level] * 200)
        return pd.DataFrame(
            {"amount": amounts, "ties": draw.poisson(4 + level, 1200) * 1.0, "kind": ["a", f"b{level}"] * 600}
        )

    reference, current = rows(0), rows(5)
    cells = freeze(open_relation(in_memory(pa.Table.from_pandas(reference))), families)
    local, pushed = (
        open_relation(in_memory(pa.Table.from_pandas(current))),
        in_duckdb(ibis.duckdb.connect(), pa.Table.from_pandas(current)),
    )
    profiles = [profile_of(place, families, cells=cells) for place in (local, pushed)]
    for name in families:
        first, second = (profile.columns[name] for profile in profiles)
        assert (first.counts, first.sketch) == (second.counts, second.sketch)
        assert first.sketch.edges or first.sketch.labels


def test_a_sketch_comes_back_from_bytes_and_an_inconsistent_one_is_refused():
    draw = np.random.default_rng(9)
    profile = profile_of(relation(draw.normal(8, 1, 900)), {"x": "numbers"}, cells=frozen_with(draw.normal(0, 1, 900)))
    content = profile.to_bytes()
    assert read_profile(content, origin="run").to_bytes() == content
    assert read_profile(content, origin="run") == profile
    for broken in ({"below": [1]}, {"edges": [2.0, 1.0], "below": [1, 2]}, {"labels": ["a"]}):
        raw = json.loads(content)
        raw["columns"]["x"]["sketch"] |= broken
        with pytest.raises(Exception, match="sketch"):
            read_profile(json.dumps(raw).encode(), origin="run")


def test_a_profile_without_a_sketch_is_of_use_where_no_cell_holds_many_rows():
    draw = np.random.default_rng(4)
    cells = frozen_with(draw.normal(0, 1, 2000))
    near, far = (profiled(draw.normal(mean, 1, 2000), cells, sketched=False) for mean in (0, 8))
    assert is_resolved(near)
    assert not is_resolved(far)
    assert is_resolved(profiled(draw.normal(8, 1, 2000), cells))


def test_common_cells_need_runs_of_one_kind():
    numbers = profiled(np.arange(50.0), frozen_with(np.arange(50.0)))
    for columns in ([], [numbers, of_labels({"a": 50}, ["a"])]):
        with pytest.raises(ValueError, match="same kind"):
            common_cells(columns)
