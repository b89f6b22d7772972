"""Shares are handed to the verdict with exact limits: stretched 95% limits of few counts are wrong far out in the tail."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import model_governance
from model_governance.checks.supply_chain.poisoning_screen.windows import difference
from model_governance.stats.limits import DifferenceOfShares

CHECKS = Path(model_governance.__file__).parent / "checks"


def of_counts(call: ast.Call) -> bool:
    """Whether an estimate is given the 95% interval of counts in place of their limits."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "interval"]
    return any(isinstance(value, ast.Call) and getattr(value.func, "id", "") == "clopper_pearson" for value in given)


def test_no_check_hands_over_an_interval_of_counts_alone():
    found = [
        f"{path.name}:{node.lineno}"
        for path in CHECKS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and of_counts(node)
    ]
    assert found == []


def test_a_difference_of_windows_keeps_its_interval_and_has_limits_further_out():
    # Newcombe (1998), table II, example (a).
    estimate = difference("flip_rate_change", (56, 70), (48, 80))
    assert estimate.limits == DifferenceOfShares(first=(48, 80), second=(56, 70))
    assert estimate.limits.value == pytest.approx(estimate.value)
    assert estimate.limits.interval() == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert estimate.limits.low(1e-4) < estimate.limits.low(0.025)
