"""Between which numbers the tied features of a row lie: in each place of an axis, and altogether."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.trees.ladder import below, largest
from model_governance.attacks.trees.ties import ON_GRID, TiedFeature, Ties

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.trees.cells import Cut
    from model_governance.attacks.trees.partition import CellPartition
    from model_governance.attacks.trees.problem import LeafDistances


def place_bounds(cut: Cut, allowed: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The smallest and the largest value of each place, shape (2, places).

    Args:
        cut: of the feature.
        allowed: numbers of its cells that can be reached, ascending.
        place: of each of them.
    """
    import numpy as np

    low, high = _cell_bounds(cut)
    count = int(place.max()) + 1
    ends = np.array([np.full(count, np.inf), np.full(count, -np.inf)])
    np.minimum.at(ends[0], place, low[allowed])
    np.maximum.at(ends[1], place, high[allowed])
    return ends


def _cell_bounds(cut: Cut) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np
    import pandas as pd

    if cut.starts is not None:
        low, high = cut.starts, np.append(below(cut.starts[1:], cut.held), largest(cut.held))
        # The cell of missing values, which no tied feature goes to, holds no number.
        return (np.append(low, np.inf), np.append(high, -np.inf)) if cut.has_missing else (low, high)
    assert cut.cell_of is not None  # noqa: S101 - a cut of listed values
    listed = pd.to_numeric(pd.Series(list(cut.listed)), errors="coerce").to_numpy(dtype=float)
    low, high = np.full(cut.cells, np.inf), np.full(cut.cells, -np.inf)
    np.fmin.at(low, cut.cell_of, listed)
    np.fmax.at(high, cut.cell_of, listed)
    return low, high


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
