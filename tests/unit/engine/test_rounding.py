from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from model_governance.engine.ordered import windows_at
from model_governance.engine.profiles import GRID
from model_governance.engine.rounding import WINDOW, rounded_between, rounded_outward, rounded_quantiles
from model_governance.engine.runs import ArrayInOrder


def values_of(name, rows=5000):
    draw = np.random.default_rng(3)
    return np.sort({
        "normal": lambda: draw.normal(0, 1, rows),
        "long tail": lambda: draw.standard_t(2, rows) * 1e5,
        "whole": lambda: draw.lognormal(10, 1, rows).round(),
        "prices": lambda: np.round(draw.lognormal(3, 1, rows), 2),
        "moved prices": lambda: np.round(draw.lognormal(3, 1, rows), 2) + 3.1,
        "single precision": lambda: np.round(draw.lognormal(3, 1, rows), 2).astype("float32").astype(float),
        "ages": lambda: draw.integers(18, 90, rows) * 1.0,
        "zeros": lambda: np.where(draw.random(rows) < 0.9, 0.0, draw.lognormal(3, 1, rows)),
        "tiny": lambda: draw.normal(0, 1e-200, rows),
        "huge": lambda: draw.normal(0, 1e307, rows),
        "next to each other": lambda: 1 + draw.integers(0, 3000, rows) * sys.float_info.epsilon,
    }[name]())  # fmt: skip


NAMES = (
    "normal", "long tail", "whole", "prices", "moved prices", "single precision", "ages", "zeros", "tiny", "huge",
    "next to each other",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_edge_is_no_value_of_fewer_than_ten_rows_and_divides_them_as_its_quantile(name):
    values = values_of(name)
    windows = windows_at(ArrayInOrder(values), GRID)
    edges = rounded_quantiles(windows).edges
    different, rows = np.unique(values, return_counts=True)
    assert not np.isin(edges, different[rows < WINDOW]).any()
    known = np.isfinite(edges)
    assert known.mean() > (0.9 if name != "next to each other" else 0.5)
    moved = values.searchsorted(edges[known]) - values.searchsorted(windows[known, -1])
    assert (np.abs(moved) < WINDOW).all()
    assert name == "next to each other" or (moved != 0).mean() < 0.05


@pytest.mark.parametrize(("name", "digits"), [("normal", 6), ("long tail", 6), ("whole", 7)])
def test_an_edge_has_few_digits(name, digits):
    edges = rounded_quantiles(windows_at(ArrayInOrder(values_of(name)), GRID)).edges.tolist()
    assert max(len(f"{edge:.15g}".replace(".", "").strip("-0")) for edge in edges) <= digits


def test_edges_of_rounded_data_lie_beside_every_such_number():
    edges = rounded_quantiles(windows_at(ArrayInOrder(values_of("prices")), GRID)).edges
    shared = np.isin(edges, values_of("prices"))
    assert (np.round(edges[~shared] * 1000) % 10 == 5).all()


def test_two_values_close_together_are_not_spelled():
    rows = np.array([100_001.37, 200_002.41, 300_003.59, 400_004.83, 500_005.17, 600_006.29, 700_007.43, 800_008.61])
    window = np.append(rows, [1_234_566.9, 1_234_567.0])[None, :]
    assert rounded_quantiles(window + 1e-5 * np.pi).edges == [1_000_000.0]


def test_a_value_that_ten_rows_share_is_an_edge_and_one_of_nine_is_not():
    ten, nine = np.full((1, WINDOW), 4.25), np.append([1.5], np.full(WINDOW - 1, 4.25))[None, :]
    assert (rounded_quantiles(ten).edges, rounded_quantiles(ten).shared) == ([4.25], [4.25])
    assert 1.5 < rounded_quantiles(nine).edges[0] < 4.25
    assert len(rounded_quantiles(nine).shared) == 0


def test_without_a_value_before_it_a_quantile_has_no_edge():
    few = np.append(np.full(WINDOW - 3, -np.inf), [2.5, 2.5, 2.5])[None, :]
    assert math.isnan(rounded_quantiles(few).edges[0])
    assert len(rounded_quantiles(few).shared) == 0


def test_an_edge_below_each_of_a_few_values():
    assert rounded_between(np.array([0.0, 1.0, 12.0]))[1:].tolist() == [0.5, 9.5]
    assert math.isnan(rounded_between(np.array([3.0]))[0])


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (-1.23456789, 4.567891234, (-1.3, 4.6)),
        (18.0, 89.0, (16.5, 90.5)),
        (1.03, 364.99, (-0.005, 370.005)),
        (1234567.0, 1234567.0, (1199999.5, 1300000.5)),
        (0.0, 0.0, (-0.6, 0.6)),
    ],
)
def test_extremes_are_rounded_outward(low, high, ends):
    assert rounded_outward(low, high) == pytest.approx(ends)


@pytest.mark.parametrize("low", [-1.7e308, -1.0, 5e-324, 1e300])
@pytest.mark.parametrize("high", [1e-320, 1.7e308])
def test_rounded_extremes_are_finite_and_hold_all_values(low, high):
    if low < high:
        found = rounded_outward(low, high)
        assert found[0] <= low < high <= found[1]
        assert all(map(math.isfinite, found))
