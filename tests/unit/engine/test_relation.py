"""Columns that break naive statistics, in memory, in a file and behind a database."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from engine_cases import NUMBERS, ODD_CATEGORIES, ODD_NUMBERS, finite, in_duckdb, in_memory, relations, samples
from model_governance.engine import open_relation, ordered_distances, require_same_families
from model_governance.engine.rounding import WINDOW
from model_governance.errors import CheckError, SubjectError


def places(tmp_path, table, *, role="reference"):
    return relations(tmp_path, table, role=role) | {"database": in_duckdb(ibis.duckdb.connect(), table, role=role)}


@pytest.fixture(scope="module")
def unusual(tmp_path_factory):
    return places(tmp_path_factory.mktemp("unusual"), pa.table(ODD_NUMBERS))


@pytest.mark.parametrize("name", ODD_NUMBERS)
@pytest.mark.parametrize("place", ["memory", "file", "database"])
def test_a_summary_counts_what_is_there(unusual, name, place):
    found = unusual[place].summaries([name])[name]
    values = finite(ODD_NUMBERS[name])
    special = [one for one in ODD_NUMBERS[name].to_pylist() if isinstance(one, float)]
    nan = sum(math.isnan(one) for one in special)
    nulls = ODD_NUMBERS[name].null_count
    # A frame cannot tell NaN from null.
    assert (found.missing, found.nan) == ((nulls + nan, 0) if place == "memory" else (nulls, nan))
    assert found.absent == nulls + nan
    assert found.infinite == sum(math.isinf(one) for one in special)
    assert (found.rows, found.finite, found.distinct) == (6, len(values), len(set(values)))
    if len(values) == 0:
        assert (found.minimum, found.maximum, found.mean, found.std) == (None,) * 4
        return
    assert (found.minimum, found.maximum) == (values.min(), values.max())
    exact = [Fraction(one) for one in values.tolist()]
    mean = sum(exact) / len(exact)
    spread = math.sqrt(sum((one - mean) ** 2 for one in exact) / len(exact))
    tolerance = 1e-15 if place != "database" else 1e-12
    assert found.mean == pytest.approx(float(mean), rel=tolerance)
    assert found.std == pytest.approx(spread, rel=tolerance, abs=1e-300)


@pytest.mark.parametrize(
    "name", ["null_and_nan", "infinite", "beyond_2_53", "boolean", "decimal", "single", "coded", "all_null"]
)
def test_cells_are_closed_below_and_open_above(unusual, name):
    values = finite(ODD_NUMBERS[name])
    edges = np.unique([-1.0, 0.0, 1.0, 2.0, 2.0**53])
    expected = [int(sum(values < -1)), *(int(sum((values >= a) & (values < b))) for a, b in itertools.pairwise(edges)), int(sum(values >= 2.0**53))]  # fmt: skip
    many = np.linspace(-1, 3, 100)
    for place in unusual.values():
        found = place.counts({name: edges})[name]
        assert found.tolist() == expected
        assert found.dtype == np.int64
        assert place.counts({name: many})[name].tolist() == unusual["memory"].counts({name: many})[name].tolist()
        assert place.counts({name: np.empty(0)})[name].tolist() == [len(values)]


EXPECTED = {
    "text": ({"": 1, "a": 2, "b": 1, "müde": 1}, {"text"}, 1),
    "numbers": ({"0": 1, "1": 2, "2.5": 1}, {"numbers"}, 2),
    "booleans": ({"0": 2, "1": 3}, {"numbers"}, 1),
    "dates": ({"2026-01-01": 2, "2026-01-02": 2}, {"times"}, 2),
    "decimals": ({"1.1": 2, "2": 2}, {"numbers"}, 2),
    "coded": ({"x": 2, "y": 2}, {"text"}, 2),
    "all_null": ({}, set(), 6),
}


@pytest.mark.parametrize("name", ODD_CATEGORIES)
def test_categories_are_told_apart_by_their_text(tmp_path, name):
    counts, families, missing = EXPECTED[name]
    for place, relation in places(tmp_path, pa.table(ODD_CATEGORIES)).items():
        assert relation.missing([name]) == {name: missing}, place
        assert relation.value_counts([name]) == {name: counts}, place
        assert relation.families([name]) == {name: frozenset(families)}, place
        assert relation.missing([name]) == {name: missing}, place


def test_ten_thousand_categories_and_three_hundred_columns(tmp_path):
    draw = np.random.default_rng(1)
    names = [f"n{number}" for number in range(300)]
    columns = {name: draw.normal(size=400) for name in names}
    wide = relations(tmp_path, pa.table(columns))
    found = wide["file"].summaries(names)
    assert list(found) == names
    assert found == wide["memory"].summaries(names)
    edges = {name: np.linspace(-2, 2, 9) for name in names}
    for name, cells in wide["file"].counts(edges).items():
        assert cells.tolist() == wide["memory"].counts({name: edges[name]})[name].tolist()
    codes = draw.integers(0, 10_000, 50_000)
    many = relations(tmp_path, pa.table({"code": pa.array([f"c{one}" for one in codes])}), role="current")
    assert many["file"].value_counts(["code"])["code"] == {
        f"c{value}": count for value, count in sorted(zip(*map(np.ndarray.tolist, np.unique(codes, return_counts=True)), strict=True), key=lambda one: f"c{one[0]}")
    }  # fmt: skip
    assert many["file"].value_counts(["code"]) == many["memory"].value_counts(["code"])


def test_a_wide_query_is_cut_into_queries_that_a_database_takes(monkeypatch):
    from model_governance.engine import pushdown

    table = samples(500, seed=3)
    relation = in_duckdb(ibis.duckdb.connect(), table)
    edges = {name: np.linspace(-1, 1, 9) for name in NUMBERS}
    whole = relation.counts(edges)
    monkeypatch.setattr(pushdown, "MAX_AGGREGATES", 7)
    for name, cells in relation.counts(edges).items():
        assert cells.tolist() == whole[name].tolist()


def test_numbers_that_arrive_as_text_are_refused_where_they_are_found(tmp_path):
    table = pa.table({"age": ["12", None], "day": pa.array([0, 1], pa.date32())})
    for relation in places(tmp_path, table, role="current").values():
        with pytest.raises(CheckError, match=r"column 'age' of dataset 'current' is declared a number and arrives as"):
            relation.summaries(["age"])
        with pytest.raises(CheckError, match=r"column 'day' .* declare the column a category"):
            relation.counts({"day": np.array([1.0])})


def test_a_missing_column_is_named_with_what_is_there(tmp_path):
    for relation in places(tmp_path, pa.table({"a": [1.0], "b": [2.0]})).values():
        for query in (relation.summaries, relation.value_counts, relation.missing, relation.families):
            with pytest.raises(SubjectError, match=r"dataset 'reference' lacks column\(s\) c; found a, b"):
                query(["a", "c"])
        with pytest.raises(SubjectError, match="lacks"):
            relation.quantiles([0.5], ["c"])
        with pytest.raises(SubjectError, match="lacks"):
            ordered_distances(relation, relation, ["c"])
        with pytest.raises(SubjectError, match="lacks"):
            list(relation.frames(["c"]))


def test_a_category_that_changed_from_numbers_to_text_is_refused(tmp_path):
    numbers = places(tmp_path, pa.table({"code": [1, 2], "same": ["a", "b"], "none": pa.nulls(2)}))
    text = places(tmp_path, pa.table({"code": ["1", "2"], "same": ["a", "c"], "none": ["a", "b"]}), role="current")
    for one, other in zip(numbers.values(), text.values(), strict=True):
        with pytest.raises(CheckError, match="'code' holds numbers in the reference and text in current") as caught:
            require_same_families(one, other, ["code", "same", "none"])
        assert "same" not in str(caught.value)


def test_a_column_without_a_finite_number_has_no_order(unusual):
    for relation in unusual.values():
        for name in ("all_null", "only_infinite", "no_type"):
            with pytest.raises(CheckError, match="no finite number in any of 6 rows"):
                relation.quantiles([0.5], [name])
            with pytest.raises(CheckError, match="no finite number"):
                ordered_distances(relation, unusual["memory"], [name])
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            relation.quantiles([1.5], ["single"])


def test_a_window_holds_the_values_of_ten_rows_wherever_they_lie(tmp_path):
    draw = np.random.default_rng(8)
    table = pa.table({
        "plain": draw.normal(0, 1, 700), "ties": draw.poisson(3, 700) * 1.0,
        "pairs": np.repeat(draw.normal(0, 1, 350), 2), "few": [1.0, 2.0, 2.0, 5.0] + [None] * 696,
    })  # fmt: skip
    probabilities = [0.002, 0.01, 0.013, 0.1, 0.5, 0.998, 1]
    found = {
        place: relation.quantile_windows(probabilities, table.column_names)
        for place, relation in places(tmp_path, table).items()
    }
    for name in table.column_names:
        values = np.sort(table[name].drop_null().to_numpy())
        quantiles = np.quantile(values, probabilities, method="inverted_cdf")
        for windows in found.values():
            assert windows[name].shape == (len(probabilities), WINDOW)
            assert (np.sort(windows[name], axis=1) == windows[name]).all()
            assert windows[name][:, -1].tolist() == quantiles.tolist()
            for probability, window in zip(probabilities, windows[name], strict=True):
                rank = max(math.ceil(round(probability * len(values), 9)), 1)
                assert set(window[np.isfinite(window)]) == set(values[max(rank - WINDOW, 0) : rank])
                assert (window[0] == -np.inf) == (rank < WINDOW)


def test_frames_and_samples_are_rows_in_order(tmp_path):
    table = samples(5000, seed=4)
    names = ["ties", "gaps", "colour"]
    expected = table.select(names).to_pandas()
    for relation in relations(tmp_path, table).values():
        pieces = list(relation.frames(names, rows=700))
        assert [len(one) for one in pieces] == [700] * 7 + [100]
        pd.testing.assert_frame_equal(pd.concat(pieces), expected)
        sample = relation.sample(300, seed=9, names=names)
        assert len(sample) == 300
        assert sample.equals(relation.sample(300, seed=9, names=names))
        assert not sample.equals(relation.sample(300, seed=10, names=names))
        places_ = [int((expected["gaps"] == one).argmax()) for one in sample["gaps"].dropna()]
        assert places_ == sorted(set(places_))
        pd.testing.assert_frame_equal(relation.sample(9999, seed=1, names=names), expected)


def test_an_integer_that_misses_a_value_has_one_type_in_all_frames(tmp_path):
    table = pa.table({"x": pa.array([1, 2, 3, None])})
    for relation in relations(tmp_path, table).values():
        assert {str(one["x"].dtype) for one in relation.frames(["x"], rows=2)} == {"float64"}


def test_a_dataset_without_rows_gives_no_result(tmp_path):
    empty = pa.table({"x": pa.array([], pa.float64()), "c": pa.array([], pa.string())})
    for relation in places(tmp_path, empty).values():
        found = relation.summaries(["x"])["x"]
        assert (found.rows, found.finite, found.mean, found.distinct) == (0, 0, None, 0)
        assert relation.counts({"x": np.array([0.0])})["x"].tolist() == [0, 0]
        assert relation.value_counts(["c"]) == {"c": {}}
        with pytest.raises(CheckError, match="no finite number"):
            relation.quantiles([0.5], ["x"])


@pytest.mark.parametrize("place", ["memory", "file"])
def test_values_far_from_zero_keep_their_spread(tmp_path, place):
    offset = np.random.default_rng(5).normal(0, 1e-3, 20_000)
    values = 1.7e9 + offset
    relation = relations(tmp_path, pa.table({"x": values}))[place]
    assert relation.summaries(["x"])["x"].std == pytest.approx((values - 1.7e9).std(), rel=1e-13)


def test_shuffled_rows_give_the_same_results_to_the_last_bit():
    table = samples(20_000, seed=6)
    shuffled = table.take(pa.array(np.random.default_rng(1).permutation(len(table))))
    one, other = (open_relation(in_memory(each)) for each in (table, shuffled))
    assert one.summaries(NUMBERS) == other.summaries(NUMBERS)
    assert ordered_distances(one, other, NUMBERS)["wild"].ks == 0
    halves = [open_relation(in_memory(each.slice(0, 9000), role="current")) for each in (table, table)]
    assert ordered_distances(one, halves[0], NUMBERS) == ordered_distances(other, halves[1], NUMBERS)
