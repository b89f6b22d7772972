"""Attacks on small worlds against all rows there are: three models here, 64 in include/bench/brute_force.py."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import model_governance.checks.robustness.evasion  # noqa: F401 - its modules are changed below

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "include" / "bench"))

import brute_force as bench
from brute_worlds import World

ALL = World(relations=True, gaps=True, categories=True)


@pytest.mark.parametrize(
    ("library", "world", "norm"),
    [("xgboost", ALL, "linf"), ("forest", World(relations=True), "cost"), ("boosting", World(categories=True), "linf")],
    ids=["relations, gaps and words", "relations", "words"],
)
def test_no_attack_comes_nearer_than_the_smallest_flip_there_is(library, world, norm):
    found = bench.compared(library, world, seed=5, norm=norm, rows=6)
    assert {each: found[each] for each in bench.VIOLATIONS} == dict.fromkeys(bench.VIOLATIONS, 0)
    assert found["solved"] == found["rows"] == 6
    assert found["rows returned"] > 6


PACKAGE = "model_governance.checks.robustness.evasion"


def test_the_comparison_finds_an_exact_answer_that_is_too_large(monkeypatch):
    exact = sys.modules[f"{PACKAGE}.exact"]
    solve = exact.minimal_change

    def larger(*given, **named):
        change = solve(*given, **named)
        return change if not change.distance else replace(change, distance=1.1 * change.distance)

    monkeypatch.setattr(exact, "minimal_change", larger)
    found = bench.compared("tree", World(categories=True), seed=1, norm="cost")
    assert found["exact is not the smallest"] > 0


def test_the_comparison_finds_rows_that_break_a_relation(monkeypatch):
    monkeypatch.setattr(sys.modules[f"{PACKAGE}.row_space"].RowSpace, "project", lambda _, moves, *__: moves)
    outcome = sys.modules[f"{PACKAGE}.outcome"]
    monkeypatch.setattr(outcome, "valid_rows", lambda _, before, __: np.ones(len(before), dtype=bool))
    found = bench.compared("xgboost", World(relations=True), seed=0, norm="linf")
    assert found["impossible rows returned"] > 0
