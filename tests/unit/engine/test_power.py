from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from model_governance.engine.cells import Table
from model_governance.engine.distances import chi_square_p
from model_governance.engine.power import shift_in_deviations, smallest_visible


@pytest.mark.parametrize(("n", "m", "level"), [(2000, 2000, 0.05), (20000, 1500, 0.001)])
def test_the_smallest_visible_shift_is_found_nineteen_times_in_twenty(n, m, level):
    visible = smallest_visible(freedom=9, chance=1 / n + 1 / m, level=level)
    shift = shift_in_deviations(visible)
    edges = norm.ppf(np.arange(11) / 10)
    tenths, moved = np.full(10, 0.1), np.diff(norm.cdf(edges - shift))
    draw = np.random.default_rng(5)
    found = [
        chi_square_p(Table(reference=one, current=two)) <= level
        for one, two in zip(draw.multinomial(n, tenths, size=1000), draw.multinomial(m, moved, size=1000), strict=True)
    ]
    assert 0.925 < np.mean(found) < 0.975


def test_one_cell_shows_nothing():
    assert smallest_visible(freedom=0, chance=0.01, level=0.05) == float("inf")


def test_a_shift_has_the_index_that_gives_it_back():
    edges = norm.ppf(np.arange(11) / 10)
    moved = np.diff(norm.cdf(edges - 0.3))
    index = float(((0.1 - moved) * np.log(0.1 / moved)).sum())
    assert shift_in_deviations(index) == pytest.approx(0.3, abs=1e-6)
