from __future__ import annotations

import numpy as np

from model_governance.engine.cells import (
    Table,
    at_edges,
    edges_of,
    few_value_edges,
    filled_shares,
    labels_table,
    point_edges,
    pool_neighbours,
    pool_rare,
)


def table(reference, current):
    return Table(reference=np.array(reference), current=np.array(current))


def counts_of(found):
    return found.reference.tolist(), found.current.tolist()


def test_a_value_that_two_quantiles_share_gets_a_cell_of_its_own():
    edges = edges_of(np.array([0.0, 0.0, 0.0, 2.0, 5.0]))
    values = np.array([-1.0, 0.0, 0.0, 1e-300, 2.0, 9.0])
    assert np.bincount(np.searchsorted(edges, values, side="right"), minlength=5).tolist() == [1, 2, 1, 1, 1]


def test_point_edges_separate_values_from_what_lies_between():
    edges = point_edges(np.array([1.0, 2.0]))
    values = np.array([0.0, 1.0, 1.0, 1.5, 2.0, 3.0])
    assert np.bincount(np.searchsorted(edges, values, side="right"), minlength=5).tolist() == [1, 2, 1, 1, 1]


def test_a_rare_value_has_a_cell_and_is_no_edge():
    values = np.array([0.0, 1.0, 2.0, 5.0, 7.0])
    edges = few_value_edges(values, np.array([50, 9, 3, 40, 1]), least=10)
    assert np.searchsorted(edges, values, side="right").tolist() == [1, 2, 3, 4, 5]
    assert not {1.0, 2.0, 7.0} & set(edges.tolist())
    assert {0.0, 5.0} <= set(edges.tolist())


def test_a_single_rare_value_lies_between_round_edges():
    low, high = few_value_edges(np.array([731.55]), np.array([4]), least=10)
    assert low < 731.55 < high


def test_counts_at_some_edges_are_those_of_counting_again():
    values = np.random.default_rng(1).normal(size=1000)
    edges = np.linspace(-2, 2, 41)
    chosen = edges[[3, 20, 21, 39]]
    fine, coarse = (
        np.bincount(np.searchsorted(one, values, side="right"), minlength=len(one) + 1) for one in (edges, chosen)
    )
    assert at_edges(fine, edges, chosen).tolist() == coarse.tolist()


def test_neighbours_that_expect_too_few_rows_are_joined():
    assert counts_of(pool_neighbours(table([50, 2, 3, 50], [50, 3, 2, 50]))) == ([50, 55], [50, 55])
    assert counts_of(pool_neighbours(table([50, 50, 1], [50, 50, 1]))) == ([50, 51], [50, 51])
    assert pool_neighbours(table([2, 2], [2, 2])).cells == 1


def test_rare_labels_share_one_cell_that_is_not_rare_itself():
    pooled = pool_rare(table([50, 4, 3, 2, 30], [50, 4, 3, 2, 30]))
    assert sorted(pooled.reference.tolist()) == [39, 50]
    assert pooled.n == 89
    assert counts_of(pool_rare(table([50, 50], [50, 50]))) == ([50, 50], [50, 50])


def test_labels_of_either_dataset_are_counted_in_both():
    assert counts_of(labels_table({"b": 2, "a": 1}, {"c": 5, "a": 3})) == ([1, 2, 0], [3, 0, 5])


def test_no_filled_share_is_zero_and_they_add_up():
    shares = filled_shares(np.array([0, 10, 0]))
    assert shares.min() > 0
    assert abs(shares.sum() - 1) < 1e-12
