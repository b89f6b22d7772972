"""Tail indices of laws that have one, and means whose variance does not exist."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model_governance.stats.tails import allow_for_tail, subsampled_interval, tail_index


@pytest.mark.parametrize("index", [0.8, 1.5, 3.0])
def test_the_index_of_a_pareto_law_is_found(index):
    draw = np.random.default_rng(1)
    found = [tail_index(draw.pareto(index, 10_000) + 1) for _ in range(20)]
    assert np.mean(found) == pytest.approx(index, rel=0.1)


def test_scale_does_not_matter():
    sizes = np.random.default_rng(2).pareto(1.5, 400)
    assert tail_index(1e6 * sizes) == pytest.approx(tail_index(sizes))


@pytest.mark.parametrize(
    "sizes", [np.ones(500), np.zeros(500), np.arange(20.0), np.r_[np.zeros(490), np.ones(10)]],
    ids=["equal", "zero", "few", "mostly zero"],
)  # fmt: skip
def test_without_a_tail_the_index_is_infinite(sizes):
    assert tail_index(sizes) == math.inf


def test_the_mean_of_a_law_without_variance_is_held():
    draw, held, ordinary, named = np.random.default_rng(3), 0, 0, 0
    for seed in range(150):
        squares = draw.standard_t(2.5, 1_000) ** 2
        error = 1.96 * squares.std() / math.sqrt(len(squares))
        plain = squares.mean() - error, squares.mean() + error
        (low, high), remark = allow_for_tail(squares, plain, seed=seed)
        held += low <= 5 <= high
        ordinary += plain[0] <= 5 <= plain[1]
        named += "interval unreliable" in remark
    assert held / 150 > 0.88
    assert ordinary / 150 < 0.8
    assert named > 140


def test_a_light_tail_keeps_its_interval():
    values = np.random.default_rng(4).normal(size=5_000)
    assert allow_for_tail(values, (-1.0, 1.0), seed=1) == ((-1.0, 1.0), "")


def test_the_same_seed_gives_the_same_limits():
    values = np.random.default_rng(5).pareto(1.2, 900)
    assert subsampled_interval(values, seed=3) == subsampled_interval(values, seed=3)
    assert subsampled_interval(values, seed=3) != subsampled_interval(values, seed=4)
