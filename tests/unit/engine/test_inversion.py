"""Limits by inversion: the quick quantile is numpy's, and many cells need no simulation."""

from __future__ import annotations

import numpy as np
import pytest

from model_governance.engine.cells import Table
from model_governance.engine.inversion import _quantile, inverted, inverted_total_variation


@pytest.mark.parametrize("count", [200, 227, 1000])
@pytest.mark.parametrize("share", [0.025, 0.5, 0.975])
def test_the_quantile_is_numpys_to_the_bit(count, share):
    for seed in range(50):
        values = np.random.default_rng(seed).normal(size=count) ** 2
        assert _quantile(values, share) == np.quantile(values, share)


def test_cumulative_noise_gives_the_limits_of_cumulative_differences():
    draw = np.random.default_rng(1)
    for move in (0.0, 0.05, 0.3):
        shares = draw.dirichlet(np.full(60, 5.0))
        moved = shares * np.exp(draw.normal(size=60) * move)
        table = Table(reference=draw.multinomial(9000, shares), current=draw.multinomial(3000, moved / moved.sum()))
        once = inverted(table, lambda sums: np.abs(sums).max(axis=1), seed=3, cumulative=True)
        each = inverted(table, lambda changes: np.abs(np.cumsum(changes, axis=1)).max(axis=1), seed=3)
        assert once == pytest.approx(each, abs=1e-12)


@pytest.mark.parametrize("move", [0.0, 0.1, 0.5])
def test_many_cells_have_the_limits_of_a_simulation(move):
    draw = np.random.default_rng(5)
    shares = draw.dirichlet(np.full(3000, 5.0))
    moved = shares * np.exp(draw.normal(size=3000) * move)
    table = Table(reference=draw.multinomial(200_000, shares), current=draw.multinomial(100_000, moved / moved.sum()))
    simulated = inverted(table, lambda changes: np.abs(changes).sum(axis=1) / 2, seed=1)
    assert inverted_total_variation(table) == pytest.approx(simulated, abs=0.0015)
