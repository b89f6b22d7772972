"""Greedy ascent to some change that flips: an upper bound that makes the exact problem small. It proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.trees.partition import whole
from model_governance.attacks.trees.problem import gain_at, parts_at

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.trees.problem import Problem

RADII = 12  # limits that are tried between the lower bound and everything


def greedy_ascent(problem: Problem, *, least: float, required: float) -> np.ndarray | None:
    """Places, shape (axes,), whose gain is at least `required`; None where the search found none.

    Args:
        problem: within some limit.
        least: no change with a smaller objective can do (in units of the parts).
        required: gain to reach.
    """
    import numpy as np

    if not problem.axes:
        return None
    if problem.objective != "linf":
        found = _ascend_within(problem, np.inf, required, greedy=True)
        return None if found is None else _without_needless_moves(problem, found, required)
    levels = np.unique(np.concatenate([axis.parts for axis in problem.axes]))
    levels = levels[levels >= least * (1 - 1e-9)]
    if not len(levels):
        return None
    low, high, best = 0, len(levels) - 1, None
    for place in np.unique(np.geomspace(1, len(levels), RADII).astype(int) - 1):
        best = _ascend_within(problem, levels[place], required, greedy=False)
        if best is not None:
            high = int(place)
            break
        low = int(place) + 1
    while best is not None and low < high:
        middle = (low + high) // 2
        better = _ascend_within(problem, levels[middle], required, greedy=False)
        best, low, high = (best, middle + 1, high) if better is None else (better, low, middle)
    return None if best is None else _without_needless_moves(problem, best, required)


def _ascend_within(problem: Problem, radius: float, required: float, *, greedy: bool) -> np.ndarray | None:
    """One feature after the other moves where the gain is largest (per unit of the objective where `greedy`)."""
    import numpy as np

    at = np.array([axis.own for axis in problem.axes])
    for _ in range(3 * len(at)):
        tables, now = _gains(problem, at)
        if now >= required:
            return at
        best, move = 0.0, None
        for number, (axis, gains) in enumerate(zip(problem.axes, tables, strict=True)):
            worth = np.where(axis.parts <= radius, np.minimum(gains, required) - now, 0.0)
            if greedy:
                worth = worth / np.maximum(axis.parts - axis.parts[at[number]], 1e-9)
            place = int(worth.argmax())
            if worth[place] > best + 1e-12:
                best, move = float(worth[place]), (number, place)
        if move is None:
            return None
        at[move[0]] = move[1]
    return None


def _gains(problem: Problem, at: np.ndarray) -> tuple[list[np.ndarray], float]:
    """The gain with one feature moved, for every feature and place, and the gain as it is."""
    import numpy as np

    outside = [~axis.extents[axis.kind, place] for axis, place in zip(problem.axes, at, strict=True)]
    wrong = np.zeros(len(problem.tree), dtype=int)
    for axis, out in zip(problem.axes, outside, strict=True):
        wrong += np.bincount(axis.leaf, weights=out, minlength=len(wrong)).astype(int)
    now = problem.constant + float(problem.gains[wrong == 0].sum())
    tables = []
    for axis, out in zip(problem.axes, outside, strict=True):
        reached = wrong[axis.leaf] - out == 0
        added = np.bincount(axis.kind[reached], problem.gains[axis.leaf[reached]], minlength=len(axis.extents))
        held = float(problem.gains[axis.leaf[reached & ~out]].sum())
        tables.append(now - held + added @ axis.extents)
    return tables, now


def _without_needless_moves(problem: Problem, at: np.ndarray, required: float) -> np.ndarray:
    """The same places with unnecessary moves undone, the largest first."""
    import numpy as np

    at = at.copy()
    for number in np.argsort(-parts_at(problem, at), kind="stable"):
        moved = at[number]
        at[number] = problem.axes[number].own
        if gain_at(problem, at) < required:
            at[number] = moved
    return at


def size_at(problem: Problem, at: np.ndarray) -> float:
    """The objective at these places, in units of the parts (squared for l2)."""
    parts = parts_at(problem, at)
    return float(parts.sum()) if problem.objective == "l2" else whole(parts, problem.objective)
