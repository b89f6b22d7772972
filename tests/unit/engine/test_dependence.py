"""Design effects of rows that belong together, and what they add to the variance of a comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import norm

from engine_cases import in_memory
from model_governance.engine import open_relation
from model_governance.engine.cells import Table
from model_governance.engine.dependence import (
    INDEPENDENT,
    Dependence,
    DesignEffect,
    combined,
    design_effect,
    design_effects,
)
from model_governance.engine.distances import population_stability
from model_governance.engine.profiles import Cells

SIZE = 5


def clustered(draw: np.random.Generator, clusters: int, effect: float, *, size: int = SIZE) -> tuple:
    """Cells and clusters; a share of whole clusters holds one cell, so the design effect is exactly this."""
    alike = (effect - 1) / (size - 1)
    own, common = draw.integers(0, 10, (clusters, size)), draw.integers(0, 10, (clusters, 1))
    # Two rows of a cluster agree with the chance alike (both copy), otherwise they are independent.
    copies = draw.random((clusters, size)) < np.sqrt(alike)
    return np.where(copies, common, own).ravel(), np.repeat(np.arange(clusters), size)


@pytest.mark.parametrize("effect", [1.0, 1.2, 1.5, 2.0, 4.0])
def test_the_planted_design_effect_is_found(effect):
    draw = np.random.default_rng(1)
    found = [design_effect(*clustered(draw, 2000, effect)).mean for _ in range(10)]
    assert np.mean(found) == pytest.approx(effect, rel=0.05)


def test_a_normal_random_effect_gives_an_uneven_design_effect():
    """Rows of one customer lie near his mean: cells at the ends agree most, so the effects are uneven."""
    draw, clusters, size, alike = np.random.default_rng(2), 4000, 5, 0.5
    values = np.sqrt(alike) * draw.normal(size=(clusters, 1)) + np.sqrt(1 - alike) * draw.normal(size=(clusters, size))
    codes = np.searchsorted(norm.ppf(np.arange(1, 10) / 10), values.ravel())
    found = design_effect(codes, np.repeat(np.arange(clusters), size))
    assert 1.2 < found.mean < 1 + (size - 1) * alike
    assert found.unevenness > 0.1


def test_the_widened_statistic_is_as_often_extreme_as_stated():
    """Purpose of the correction: unchanged clustered rows are red about as often as independent ones."""
    draw, runs, red, bare = np.random.default_rng(3), 200, 0, 0
    for _ in range(runs):
        sides = [clustered(draw, clusters, 4.0) for clusters in (1000, 400)]
        effects = [design_effect(*side) for side in sides]
        rows = (len(sides[0][0]), len(sides[1][0]))
        dependence = combined(effects[0], effects[1], rows=rows, noise=DesignEffect())
        table = Table(reference=np.bincount(sides[0][0], minlength=10), current=np.bincount(sides[1][0], minlength=10))
        red += population_stability(table, dependence=dependence).p_value <= 0.05
        bare += population_stability(table).p_value <= 0.05
    assert red <= 22
    assert bare >= 100, "without the entity half of the runs would be red at least"


@pytest.mark.parametrize("clusters", [0, 1])
def test_too_few_clusters_say_nothing(clusters):
    codes = np.arange(10) % 2 if clusters else np.zeros(0, int)
    assert design_effect(codes, np.zeros(len(codes), int)) == DesignEffect()


def test_one_cell_says_nothing():
    assert design_effect(np.zeros(10, int), np.arange(10)) == DesignEffect()


def test_a_design_effect_is_never_below_one():
    """Each cluster holds every cell once: shares cannot vary, which no run may count on."""
    codes = np.tile(np.arange(4), 50)
    assert design_effect(codes, np.repeat(np.arange(50), 4)).mean == 1.0


def test_dependence_follows_rao_and_scott():
    found = Dependence.of(DesignEffect(mean=2.0, unevenness=0.25))
    assert found == Dependence(factor=2.5, freedom=0.8, largest=2.5)
    assert Dependence.of(DesignEffect(mean=2.0, unevenness=0.25, largest=4.0)).largest == 4.0


def test_the_largest_design_effect_is_that_of_the_direction_in_which_customers_differ():
    """Customers of five rows that share the side of the middle they are on, and nothing else: one direction of three."""
    draw = np.random.default_rng(9)
    clusters = np.repeat(np.arange(4000), 5)
    side = draw.integers(0, 2, 4000)[clusters]
    found = design_effect(2 * side + draw.integers(0, 2, len(side)), clusters)
    assert found.largest == pytest.approx(5.0, rel=0.05)
    assert found.mean == pytest.approx((5 + 1 + 1) / 3, rel=0.05)


@pytest.mark.parametrize("groups", [50, 200])
def test_few_independent_clusters_do_not_look_uneven(groups):
    draw = np.random.default_rng(10)
    found = [design_effect(draw.integers(0, 10, groups * 5), np.repeat(np.arange(groups), 5)) for _ in range(40)]
    assert np.mean([one.largest for one in found]) < 1.25


def test_each_side_counts_by_the_variance_that_it_brings():
    none, four = DesignEffect(), DesignEffect(mean=4.0, unevenness=0.0)
    assert combined(none, four, rows=(1000, 1000), noise=none).factor == pytest.approx(2.5)
    assert combined(none, four, rows=(10**9, 1000), noise=none).factor == pytest.approx(4.0, rel=1e-4)
    assert combined(none, none, rows=(1000, 1000), noise=four).factor == pytest.approx(2.5)
    assert combined(none, four, rows=(0, 1000), noise=none) == INDEPENDENT


def test_rows_of_a_relation_are_clustered_by_their_entity():
    draw = np.random.default_rng(5)
    codes, clusters = clustered(draw, 800, 3.0)
    missing = np.repeat(draw.random(800) < 0.1, SIZE)  # whole customers lack the value
    frame = pd.DataFrame({"x": np.where(missing, np.nan, codes.astype(float)), "customer": clusters})
    edges = tuple(float(place) + 0.5 for place in range(9))
    cells = {"x": Cells(family="numbers", edges=edges, inner=edges)}
    values, gaps = design_effects(open_relation(in_memory(pa.Table.from_pandas(frame))), "customer", cells)
    assert values["x"].mean == pytest.approx(3.0, rel=0.15)
    assert gaps["x"].mean == pytest.approx(SIZE, rel=0.1)
    frame["customer"] = pd.Series([None] * len(frame), dtype="string")
    unnamed = open_relation(in_memory(pa.Table.from_pandas(frame)))
    alone, _ = design_effects(unnamed, "customer", cells)
    assert alone["x"].mean < 1.1, "a row without an entity is one of its own"
