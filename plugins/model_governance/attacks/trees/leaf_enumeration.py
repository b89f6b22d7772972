"""The exact answer for a single tree: every leaf is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.trees.ensemble import NoExactAnswer
from model_governance.attacks.trees.problem import look

if TYPE_CHECKING:
    from model_governance.attacks.trees.landscape import Landscape, Objective


def nearest_leaf(
    landscape: Landscape, row: int, *, objective: Objective = "linf", tolerance: float = 0.0
) -> float | NoExactAnswer:
    """The distance of the nearest allowed row in a leaf with another answer; infinite where there is none.

    Args:
        landscape: of a model with one tree.
        row: number of the row in its frame.
        objective: how the size of a change is measured, as in `minimal_change`.
        tolerance: by how much the prediction of a regression must move.
    """
    ensemble = landscape.model.ensemble
    if ensemble.trees != 1:
        return NoExactAnswer(f"leaves are enumerated for one tree, not for {ensemble.trees}")
    least = look(landscape, row, objective).least
    scores = landscape.boxes.values + ensemble.base / ensemble.divisor
    answers = ensemble.decide(scores)
    own = ensemble.decide(landscape.scores[[row]])[0]
    other = abs(answers - own) > tolerance if ensemble.decision == "value" else answers != own
    found = float(least[other].min(initial=float("inf")))
    return found**0.5 if objective == "l2" else found
