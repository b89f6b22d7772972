"""Between which numbers the tied features of a row lie altogether."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.trees.cell_bounds import place_bounds
from model_governance.attacks.trees.ties import ON_GRID, TiedFeature, Ties

if TYPE_CHECKING:
    from model_governance.attacks.trees.partition import CellPartition
    from model_governance.attacks.trees.problem import LeafDistances


def ties_of(partition: CellPartition, row: int, distances: LeafDistances, *, limit: float) -> Ties | None:
    """The relations of a row; None where a tied value is missing, outside of its range or off its grid.

    Args:
        partition: with relations.
        row: number of the row in its frame.
        distances: of its leaves.
        limit: larger parts are not reached, in units of the parts.
    """
    names = dict.fromkeys(name for relation in partition.relations for name in relation.weights)
    by_name = {cut.moves.name: number for number, cut in enumerate(partition.cuts)}
    features: list[TiedFeature] = []
    for name in names:
        number = by_name[name]
        tied = _tied(partition, number, distances, row=row, limit=limit)
        if tied is None:
            return None
        features.append(tied)
    place = {name: number for number, name in enumerate(names)}
    relations = tuple(
        ({place[name]: weight for name, weight in relation.weights.items()}, relation.low, relation.high)
        for relation in partition.relations
    )
    return Ties(features=tuple(features), relations=relations, objective=distances.objective)


def _tied(
    partition: CellPartition, number: int, distances: LeafDistances, *, row: int, limit: float
) -> TiedFeature | None:
    """One feature; None where its value is missing, outside of its range or off its grid."""
    import numpy as np
    import pandas as pd

    cut, parts = partition.cuts[number], distances.parts[number]
    moves, own = cut.moves, partition.frame[cut.moves.name].iloc[row]
    if pd.isna(own):
        return None
    own = float(own)
    if not moves.movable:
        return TiedFeature(feature=number, own=own, low=own, high=own, step=None, price=0.0)
    reached = np.flatnonzero((parts <= limit * (1 + 1e-9)) & np.isfinite(parts))
    ends = place_bounds(cut, reached, np.zeros(len(reached), dtype=int))[:, 0]
    if moves.kind == "category":
        price = moves.cost if distances.objective == "cost" else moves.category_distance
        step: float | None = 1.0
        low, high = ends
    else:
        price = moves.cost / moves.span if distances.objective == "cost" else 1.0 / moves.span
        low = max(ends[0], -np.inf if moves.low is None else moves.low, own if moves.direction > 0 else -np.inf)
        high = min(ends[1], np.inf if moves.high is None else moves.high, own if moves.direction < 0 else np.inf)
        step = moves.step
    if step is not None:
        low, high = (
            own + step * np.ceil((low - own) / step - ON_GRID),
            own + step * np.floor((high - own) / step + ON_GRID),
        )
        if abs(own / step - round(own / step)) > ON_GRID:
            return None
    if not (np.isfinite(low) and np.isfinite(high) and low <= own <= high):
        return None
    return TiedFeature(feature=number, own=own, low=float(low), high=float(high), step=step, price=float(price))
