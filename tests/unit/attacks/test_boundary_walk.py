"""Batched HopSkipJump: what it may touch, what it may ask, and that rows do not disturb one another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_governance.attacks.balls import sizes
from model_governance.attacks.boundary_walk import HopSkipJumpSettings, boundary_walk
from model_governance.attacks.hopskipjump import attack_rows

WEIGHTS = np.array([2.0, -1.0, 0.5, 1.5, -0.7])


def curved(x: np.ndarray) -> np.ndarray:
    return np.sin(3 * x) @ WEIGHTS > 1.0


def against(x: np.ndarray):
    own = curved(x)
    return lambda points, rows: curved(points) != own[rows]


def rows_of(n: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(0, 1, (n, 5))


@given(seed=st.integers(0, 2**40), bits=st.integers(1, 31), norm=st.sampled_from(["l2", "linf"]))
@settings(max_examples=15, deadline=None)
def test_what_may_not_move_does_not_and_the_box_and_the_flip_hold(seed, bits, norm):
    x = rows_of(12)
    movable = (bits >> np.arange(5)) & 1 == 1
    flips = against(x)
    result = attack_rows(
        flips, x, settings=HopSkipJumpSettings(norm=norm, iterations=3), seed=seed, tries=30, movable=movable
    )
    found = np.flatnonzero(~result.failed)
    points = result.points[found]
    assert (points[:, ~movable] == x[found][:, ~movable]).all()
    assert ((points >= 0) & (points <= 1)).all()
    assert flips(points, found).all()
    assert result.distances[found] == pytest.approx(sizes(points - x[found], norm))
    assert np.isnan(result.points[result.failed]).all()


def test_a_row_walks_the_same_path_alone_and_in_company():
    x = rows_of(9)
    flips, effort = against(x), HopSkipJumpSettings(norm="l2", iterations=4)
    starts = np.full_like(x, np.nan)
    donor = {answer: x[curved(x) == answer][0] for answer in (True, False)}
    for row, answer in enumerate(curved(x)):
        starts[row] = donor[not answer]
    together = boundary_walk(flips, x, starts=starts, settings=effort, seed=3)
    starts[:8] = np.nan
    alone = boundary_walk(flips, x, starts=starts, settings=effort, seed=3)
    assert together.points[8].tobytes() == alone.points[8].tobytes()
    assert together.asked[8] == alone.asked[8]
    assert alone.failed[:8].all()
    assert (alone.asked[:8] == 0).all()


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_two_runs_agree_to_the_byte_and_another_seed_does_not(norm):
    x = rows_of(6)
    first, second, other = (
        attack_rows(against(x), x, settings=HopSkipJumpSettings(norm=norm, iterations=4), seed=seed, tries=30)
        for seed in (1, 1, 2)
    )
    assert first.points.tobytes() == second.points.tobytes()
    assert first.points.tobytes() != other.points.tobytes()


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("budget", [1, 20, 100, 500])
def test_a_budget_of_queries_is_never_overdrawn(norm, budget):
    x, counted = rows_of(8), np.zeros(8, dtype=int)
    answers = against(x)

    def flips(points, rows):
        np.add.at(counted, rows, 1)
        return answers(points, rows)

    effort = HopSkipJumpSettings(norm=norm, iterations=50, queries=budget)
    result = attack_rows(flips, x, settings=effort, seed=0, tries=10)
    assert (result.asked == counted).all()
    assert (result.asked <= max(budget, 11)).all()


def test_more_effort_ends_nearer():
    x = rows_of(30)
    medians = [
        np.median(
            attack_rows(
                against(x), x, settings=HopSkipJumpSettings(norm="l2", iterations=n), seed=5, tries=50
            ).distances
        )
        for n in (1, 4, 16)
    ]
    assert medians[0] > medians[1] > medians[2]


def test_a_model_that_never_flips_is_reported_as_failed_not_as_robust():
    x = rows_of(4)
    result = attack_rows(
        lambda points, rows: np.zeros(len(rows), dtype=bool), x, settings=HopSkipJumpSettings(), seed=0, tries=20
    )
    assert result.failed.all()
    assert np.isinf(result.distances).all()
    assert (result.asked == 21).all()


def test_a_row_that_flips_already_stays_where_it_is():
    x = rows_of(4)
    result = attack_rows(
        lambda points, rows: np.ones(len(rows), dtype=bool), x, settings=HopSkipJumpSettings(), seed=0, tries=20
    )
    assert (result.distances == 0).all()
    assert (result.points == x).all()


def test_calls_are_few_and_bounded():
    x = rows_of(40)
    calls: list[int] = []
    answers = against(x)

    def flips(points, rows):
        calls.append(len(rows))
        return answers(points, rows)

    attack_rows(flips, x, settings=HopSkipJumpSettings(norm="linf", iterations=10), seed=0, tries=50)
    assert len(calls) < 3 * len(x)
    assert max(calls) <= 200_000
