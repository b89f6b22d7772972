"""Projected gradient ascent (PGD; Madry et al., 2018) with the repair of constrained attacks in the loop.

Gradients are taken and flips are counted at valid rows only, as in constrained attacks on tables (Simonetto et al.,
2024: CAPGD), while the ascent itself moves through continuous points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.balls import steepest

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.attacks.balls import Norm

# A step that moves no coordinate by more than this share of a range is none.
STILL = 1e-6


def pgd_ascent(
    points: np.ndarray,
    *,
    gradients: Callable[[np.ndarray, np.ndarray], np.ndarray],
    project: Callable[[np.ndarray, np.ndarray], np.ndarray],
    flips: Callable[[np.ndarray, np.ndarray], np.ndarray],
    norm: Norm,
    step: float,
    steps: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Last points (n, d) of every row, and the mask (n,) of the rows that flipped.

    Args:
        points: starts (n, d), in shares of the features' ranges.
        gradients: (points (m, d), row numbers (m,)) -> gradients (m, d) of the loss to maximise.
        project: (points (m, d), row numbers (m,)) -> points (m, d) inside the budget.
        flips: whether the valid rows nearest to points flip, (m,).
        norm: of the direction of a step: signs (Linf) or unit vectors (L2).
        step: length of a step.
        steps: at most so many; a row stops at its first flip, or where a step leads nowhere.
    """
    import numpy as np

    points, flipped = points.copy(), np.zeros(len(points), dtype=bool)
    active = np.arange(len(points))
    for _ in range(steps):
        if len(active) == 0:
            break
        before = points[active]
        points[active] = project(before + step * steepest(gradients(before, active), norm), active)
        hit = flips(points[active], active)
        flipped[active[hit]] = True
        moved = (np.abs(points[active] - before) > STILL).any(axis=1)
        active = active[~hit & moved]
    return points, flipped
