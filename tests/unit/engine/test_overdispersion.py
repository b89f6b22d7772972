from __future__ import annotations

import numpy as np
import pytest

from model_governance.engine.overdispersion import overdispersion
from model_governance.engine.profiles import Cells, ColumnProfile

TENTHS = Cells(family="numbers", edges=tuple(range(9)), inner=tuple(range(9)))
LABELS = Cells(family="categories", labels=("a", "b", "c"))


def runs(counts, cells=TENTHS):
    return [ColumnProfile(cells=cells, rows=sum(row), missing=0, counts=tuple(map(int, row))) for row in counts]


def days(draw, *, count, rows, effect=0.0):
    """Runs whose shares differ from day to day: Dirichlet-multinomial, overdispersed by 1 + (rows - 1) * effect."""
    shares = np.full(10, 0.1)
    for _ in range(count):
        own = draw.dirichlet(shares * (1 / effect - 1)) if effect else shares
        yield draw.multinomial(rows, own)


def test_independent_rows_have_a_factor_of_about_one():
    draw = np.random.default_rng(1)
    factor, freedom = overdispersion(runs(days(draw, count=200, rows=2000)))
    assert freedom == 199 * 9
    assert factor == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("expected", [1.5, 2.0, 4.0])
def test_day_effects_are_found_with_their_factor(expected):
    draw = np.random.default_rng(2)
    rows = 2000
    effect = (expected - 1) / (rows - 1)
    factor, _ = overdispersion(runs(days(draw, count=200, rows=rows, effect=effect)))
    assert factor == pytest.approx(expected, rel=0.1)


def test_rows_that_come_in_pairs_have_a_factor_of_two():
    draw = np.random.default_rng(3)
    factor, _ = overdispersion(runs(2 * counts for counts in days(draw, count=100, rows=1000)))
    assert factor == pytest.approx(2.0, rel=0.1)


def test_runs_more_alike_than_chance_have_a_factor_of_one():
    assert overdispersion(runs([[100] * 10] * 5)) == (1.0, 36)


def test_rare_cells_are_pooled():
    draw = np.random.default_rng(4)
    shares = [0.497, 0.002, 0.001, 0.25, 0.1, 0.1, 0.047, 0.001, 0.001, 0.001]
    factor, freedom = overdispersion(runs(draw.multinomial(1000, shares, size=100)))
    assert freedom == 99 * 4
    assert factor == pytest.approx(1.0, abs=0.15)
    labels = runs([[900, 3, 90, 2], [880, 1, 110, 4], [905, 2, 80, 0]], LABELS)
    assert overdispersion(labels)[1] == 2 * 1


@pytest.mark.parametrize(
    "counts", [[], [[50] * 10], [[50] * 10, [0] * 10], [[1] + [0] * 9, [2] + [0] * 9]], ids=range(4)
)
def test_without_two_runs_and_two_cells_nothing_is_learned(counts):
    assert overdispersion(runs(counts)) == (1.0, 0)


def test_other_cells_are_refused():
    with pytest.raises(ValueError, match="common cells"):
        overdispersion([*runs([[50] * 10]), *runs([[50] * 4], LABELS)])
