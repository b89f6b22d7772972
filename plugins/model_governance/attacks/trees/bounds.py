"""A sound lower bound: the worst near leaf of every tree, as if the trees could be chosen independently.

No row within a distance can gain more than the sum of the worst leaves whose boxes come that near. (The first step of
Chen et al., "Robustness Verification of Tree-based Models", NeurIPS 2019, but for cells instead of real boxes, with
the intercept and for every base score.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.trees.goals import Goal
    from model_governance.attacks.trees.partition import CellPartition
    from model_governance.attacks.trees.question import Objective

from model_governance.attacks.trees.problem import ROUNDING, leaf_distances


def lower_bound(partition: CellPartition, row: int, *, objective: Objective = "linf", tolerance: float = 0.0) -> float:
    """No allowed change of the row that is smaller flips the answer; infinite where none at all does.

    Args:
        partition: from `partition_cells`.
        row: number of the row in its frame.
        objective: how the size of a change is measured, as in `minimal_change`.
        tolerance: by how much the prediction of a regression must move.
    """
    distances = leaf_distances(partition, row, objective)
    found = min(
        (smallest_limit(partition, distances.least, goal) for goal in partition.goals(row, tolerance=tolerance)),
        default=float("inf"),
    )
    return found**0.5 if objective == "l2" else found


def certified_at(
    partition: CellPartition, row: int, *, limit: float, objective: Objective = "linf", tolerance: float = 0.0
) -> bool:
    """Whether the lower bound proves that no allowed change of at most `limit` flips the answer; cheaper than the bound."""
    distances = leaf_distances(partition, row, objective)
    near = distances.least <= (limit**2 if objective == "l2" else limit) * (1 + ROUNDING)
    goals = partition.goals(row, tolerance=tolerance)
    return all(_most(partition, near, goal) < -partition.model.ensemble.noise for goal in goals)


def smallest_limit(partition: CellPartition, least: np.ndarray, goal: Goal) -> float:
    """The smallest limit (in units of `least`) at which the worst leaves together reach the goal."""
    import numpy as np

    noise = partition.model.ensemble.noise
    limits = np.unique(least[np.isfinite(least)])
    if _most(partition, np.isfinite(least), goal) < -noise:
        return float("inf")
    low, high = 0, len(limits) - 1
    while low < high:
        middle = (low + high) // 2
        if _most(partition, least <= limits[middle], goal) < -noise:
            low = middle + 1
        else:
            high = middle
    return float(limits[low])


def _most(partition: CellPartition, near: np.ndarray, goal: Goal) -> float:
    """The largest gain that the near leaves of all trees can have together."""
    import numpy as np

    ensemble, boxes = partition.model.ensemble, partition.boxes
    gains = np.where(near, boxes.values @ goal.weights, -np.inf)
    start = float(ensemble.base @ goal.weights / ensemble.divisor + goal.offset)
    return start + float(np.maximum.reduceat(gains, boxes.starts).sum())
