from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.cells import edges_of
from model_governance.engine.profiles import Cells, merge_columns, profile_of, table_of, wasserstein_on_grid
from model_governance.engine.publishing import publishable_cells, publishable_profile
from model_governance.engine.rebin import common_cells, is_resolved

NUMBERS = {"x": "numbers"}


def relation(values, role="reference"):
    frame = pd.DataFrame({"x": values})
    return open_relation(Dataset(role=role, uri="rows", sha256="0" * 64, frame=frame))


def measured(values, reference):
    """Of these values: what is compared live, and what is stored."""
    frozen = profile_of(relation(reference), NUMBERS, sketched=False)
    rows = relation(values, "current")
    live = profile_of(rows, NUMBERS, cells=frozen.cells, sketched=False)
    return live.columns["x"], publishable_profile(live, rows, reference=frozen).columns["x"]


def filled(column):
    return [rows for rows in column.counts if rows]


@pytest.mark.parametrize("rows", [30, 100, 400, 3000, 5000])
def test_stored_cells_hold_ten_rows_of_the_reference_and_tenths_stay(rows):
    values = np.random.default_rng(rows).normal(size=rows)
    live, stored = measured(values, values)
    assert min(stored.counts) >= 10
    assert len(stored.cells.edges) >= min(rows // 20, 240)
    if rows >= 400:
        assert stored.cells.inner == live.cells.inner
        assert stored.cell_counts.tolist() == live.cell_counts.tolist()
    assert set(stored.cells.edges) <= set(live.cells.edges)


def test_a_large_reference_keeps_all_its_cells():
    values = np.random.default_rng(1).normal(size=20_000)
    live, stored = measured(values, values)
    assert stored.cells == live.cells
    assert len(stored.cells.edges) == 499


@pytest.mark.parametrize("value", [1.0, 731.55])
def test_a_rare_flag_keeps_a_cell_that_does_not_name_its_value(value):
    values = np.append(np.zeros(19_995), [value] * 5)
    _, stored = measured(values, values)
    assert filled(stored) == [19_995, 5]
    assert value not in {*stored.cells.edges, stored.minimum, stored.maximum}
    grown = measured(np.append(np.zeros(19_500), [value] * 500), values)[1]
    assert filled(grown) == [19_500, 500]


def test_rare_values_among_more_are_merged_in_what_is_stored_and_judged_live():
    values = np.repeat([0.0, 1.0, 2.0, 3.5], [12_000, 7990, 6, 4])
    live, stored = measured(values, values)
    assert filled(live) == [12_000, 7990, 6, 4]
    assert filled(stored) == [12_000, 7990, 10]
    assert not {2.0, 3.5} & {*stored.cells.edges, stored.minimum, stored.maximum}


def test_one_cell_never_holds_all_rows_of_several_values():
    values = np.repeat([0.0, 1.0, 2.0], [995, 3, 2])
    assert filled(measured(values, values)[1]) == [995, 5]
    single = np.random.default_rng(2).normal(size=15)
    assert filled(measured(single, single)[1]) == [7, 8]


def test_two_filled_cells_and_categories_stay_as_they_are():
    flag = Cells(family="numbers", edges=(0.5,), inner=(0.5,))
    labels = Cells(family="categories", labels=("a", "b"))
    assert publishable_cells(flag, (3, 4)) is flag
    assert publishable_cells(labels, (30, 40, 2)) is labels


def test_extremes_are_exact_only_where_disclosed_or_shared():
    draw = np.random.default_rng(4)
    values = np.where(draw.random(2000) < 0.3, 0.0, draw.lognormal(10, 1, 2000))
    rows = relation(values)
    profile = profile_of(rows, NUMBERS, sketched=False)
    hidden, shown = (
        publishable_profile(profile, rows, reference=profile, disclosed=disclosed).columns["x"]
        for disclosed in ((), ("x",))
    )
    assert (shown.minimum, shown.maximum) == (0.0, values.max())
    assert hidden.minimum == 0.0
    assert values.max() < hidden.maximum < 1.2 * values.max()
    assert (hidden.mean, hidden.std) == (shown.mean, shown.std)


def test_a_sketch_divides_cells_that_the_reference_had_too_few_rows_for():
    values = np.repeat([0.0, 1.0, 2.0, 3.0], [12_000, 7990, 6, 4])
    _, stored = measured(np.repeat([0.0, 1.0, 2.0, 3.0], [9000, 6000, 3000, 2000]), values)
    assert is_resolved(stored)
    assert filled(common_cells([stored]).runs[0]) == [9000, 6000, 3000, 2000]


def test_pieces_of_a_sketch_hold_ten_rows():
    draw = np.random.default_rng(5)
    for rows in (120, 433, 2000):
        _, stored = measured(draw.normal(3, 1, rows), draw.normal(0, 1, 900))
        below = np.cumsum(stored.counts)[:-1]
        ends = np.sort([0, rows, *below[np.searchsorted(stored.cells.edges, 1.5) :], *stored.sketch.below])
        pieces = np.diff(ends)
        inside = np.isin(ends[:-1], stored.sketch.below) | np.isin(ends[1:], stored.sketch.below)
        assert len(stored.sketch.edges) > 5
        assert pieces[inside & (pieces > 0)].min() >= 10


def test_stored_columns_merge_and_rebin_as_live_ones_count():
    draw = np.random.default_rng(6)
    reference = draw.normal(0, 1, 3000)
    parts = [draw.normal(0.2, 1, 1500), draw.normal(0.3, 1, 2500)]
    first, second = (measured(part, reference)[1] for part in parts)
    both = measured(np.concatenate(parts), reference)[1]
    merged = merge_columns(first, second)
    assert merged.counts == both.counts
    assert merged.minimum <= both.minimum
    assert merged.maximum >= both.maximum
    common = common_cells([first, second])
    assert common.error == 0
    values = np.concatenate(parts)
    exact = np.histogram(values, bins=[-np.inf, *common.cells.edges, np.inf])[0]
    total = table_of(common.runs[0], common.runs[1], fine=True)
    assert np.abs(np.cumsum(total.reference + total.current) - np.cumsum(exact)).max() <= 0.005 * len(values)


@pytest.mark.parametrize("level", [0.5, 4.0])
def test_rounded_extremes_hardly_change_the_wasserstein_distance(level):
    from scipy.stats import wasserstein_distance

    draw = np.random.default_rng(7)
    reference, current = draw.normal(0, 1, 4000), draw.normal(level, 1, 4000)
    before, now = measured(reference, reference)[1], measured(current, reference)[1]
    if level > 1:
        before, now = common_cells([before, now]).runs
    assert wasserstein_on_grid(before, now) == pytest.approx(wasserstein_distance(reference, current), rel=0.05)


def test_profiles_of_an_older_release_are_counted_with_new_ones():
    draw = np.random.default_rng(8)
    reference = draw.normal(0, 1, 3000)
    quantiles = np.quantile(reference, [place / 500 for place in range(1, 500)], method="inverted_cdf")
    tenths = tuple(quantiles[49::50].tolist())
    older = Cells(family="numbers", edges=tuple(edges_of(quantiles).tolist()), inner=tenths)
    current = relation(draw.normal(0.1, 1, 2000), "current")
    first = profile_of(current, NUMBERS, cells={"x": older}).columns["x"]
    common = common_cells([first, measured(draw.normal(0.1, 1, 2000), reference)[1]])
    assert common.error <= 0.01
    assert len(common.cells.inner) == 9
