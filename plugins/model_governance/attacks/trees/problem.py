"""The search problem for one row: feature cells reachable within the budget, and the leaves reachable from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.trees.cell_bounds import place_bounds
from model_governance.attacks.trees.partition import part

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.attacks.trees.goals import Goal
    from model_governance.attacks.trees.partition import CellPartition
    from model_governance.attacks.trees.question import Objective
    from model_governance.attacks.trees.reach import Reach

ROUNDING = 1e-9  # relative: a limit that is met up to rounding is met


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One feature that can change and matters.

    Attributes:
        feature: its number among the cuts.
        line: its places lie along a line, and every extent is a run of them.
        own: the row's own place.
        cells: the cell behind each place, shape (places,).
        parts: what going there adds to the objective, shape (places,).
        leaf, kind: which leaf asks for this feature, and which extent it has, shape (entries,).
        extents: the places of each extent, shape (kinds, places).
        bounds: the smallest and the largest value of each place, shape (2, places); of tied features only.
    """

    feature: int
    line: bool
    own: int
    cells: np.ndarray
    parts: np.ndarray
    leaf: np.ndarray
    kind: np.ndarray
    extents: np.ndarray
    bounds: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Rows within the limit: one place per axis. Their gain, which flips above 0, is `constant` plus one leaf per tree.

    Attributes:
        axes: the features that can change and matter.
        tree: of each leaf, ascending; trees that answer the same everywhere are part of the constant.
        starts: first leaf of each tree.
        gains: what each leaf adds, shape (leaves,).
        constant: what is there before.
        objective: how parts become a distance.
    """

    axes: tuple[Axis, ...]
    tree: np.ndarray
    starts: np.ndarray
    gains: np.ndarray
    constant: float
    objective: Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafDistances:
    """Distances of one row to all boxes: parts per cell, and the least that each leaf takes."""

    reaches: tuple[Reach, ...]
    parts: tuple[np.ndarray, ...]
    least: np.ndarray
    objective: Objective


def leaf_distances(partition: CellPartition, row: int, objective: Objective) -> LeafDistances:
    """The distance of every leaf from this row; `least` has shape (leaves,), in units of the parts."""
    import numpy as np

    reaches = partition.reaches(row)
    parts = tuple(part(reach, objective) for reach in reaches)
    least = np.zeros(partition.boxes.leaves)
    for sides, here in zip(partition.boxes.sides, parts, strict=True):
        if not len(sides.leaf):
            continue
        nearest = np.where(sides.extents, here, np.inf).min(axis=1)[sides.kind]
        if objective == "linf":
            least[sides.leaf] = np.maximum(least[sides.leaf], nearest)
        else:
            least[sides.leaf] += nearest
    return LeafDistances(reaches=reaches, parts=parts, least=least, objective=objective)


def restrict(partition: CellPartition, distances: LeafDistances, goal: Goal, *, limit: float) -> Problem:
    """The problem of rows whose parts stay within `limit` (in units of the parts)."""
    import numpy as np

    boxes = partition.boxes
    limit *= 1 + ROUNDING
    reachable = np.flatnonzero((distances.least <= limit) & np.isfinite(distances.least))
    gains = boxes.values[reachable] @ goal.weights
    constant = float(partition.model.ensemble.base @ goal.weights / partition.model.ensemble.divisor + goal.offset)
    tree = boxes.tree[reachable]
    single = np.bincount(tree, minlength=len(boxes.starts))[tree] == 1
    constant += float(gains[single].sum())
    number = np.full(boxes.leaves, -1)
    number[reachable[~single]] = np.arange(int((~single).sum()))
    axes = []
    for feature, sides in enumerate(boxes.sides):
        axis = _axis(partition, distances, feature, number[sides.leaf], limit)
        if axis is not None:
            axes.append(axis)
    _, tree = np.unique(tree[~single], return_inverse=True)
    return Problem(
        axes=tuple(axes), tree=tree, starts=np.flatnonzero(np.diff(tree, prepend=-1)), gains=gains[~single],
        constant=constant, objective=distances.objective,
    )  # fmt: skip


def _axis(
    partition: CellPartition, distances: LeafDistances, feature: int, leaf: np.ndarray, limit: float
) -> Axis | None:
    """The feature cut to what is allowed and reachable; cells that no reachable leaf tells apart become one place."""
    import numpy as np

    sides, parts = partition.boxes.sides[feature], distances.parts[feature]
    allowed = np.flatnonzero((parts <= limit) & np.isfinite(parts))
    known = leaf >= 0
    if len(allowed) < 2 or not known.any():
        return None
    used, kind = np.unique(sides.kind[known], return_inverse=True)
    extents = sides.extents[np.ix_(used, allowed)]
    asks = ~extents.all(axis=1)
    if not asks.any():
        return None
    cut = partition.cuts[feature]
    # The place of missing values lies on no line: its extents are no runs.
    line = cut.starts is not None and not (cut.has_missing and allowed[-1] == cut.cells - 1)
    place = _places(extents[asks], line=line)
    own = int(place[np.flatnonzero(allowed == distances.reaches[feature].own)[0]])
    best = np.lexsort((parts[allowed], place))
    first = best[np.flatnonzero(np.diff(place[best], prepend=-1))]
    renumbered = np.cumsum(asks) - 1
    entry = asks[kind]
    tied = any(cut.moves.name in relation.weights for relation in partition.relations)
    return Axis(
        bounds=place_bounds(cut, allowed, place) if tied else None, feature=feature, line=line, own=own, cells=allowed[first], parts=parts[allowed[first]],
        leaf=leaf[known][entry], kind=renumbered[kind[entry]], extents=extents[asks][:, first],
    )  # fmt: skip


def _places(extents: np.ndarray, *, line: bool) -> np.ndarray:
    """Cells that are in the same extents share a place; along a line only neighbours do."""
    import numpy as np

    if line:
        return np.concatenate([[0], np.cumsum((extents[:, 1:] != extents[:, :-1]).any(axis=0))])
    return np.ravel(np.unique(extents, axis=1, return_inverse=True)[1])


def gain_at(problem: Problem, at: Sequence[int] | np.ndarray) -> float:
    """The gain of the row at these places."""
    import numpy as np

    wrong = np.zeros(len(problem.tree), dtype=int)
    for axis, place in zip(problem.axes, at, strict=True):
        np.add.at(wrong, axis.leaf, ~axis.extents[axis.kind, place])
    return problem.constant + float(problem.gains[wrong == 0].sum())


def parts_at(problem: Problem, at: Sequence[int] | np.ndarray) -> np.ndarray:
    """What each axis adds to the objective at these places."""
    import numpy as np

    return np.array([axis.parts[place] for axis, place in zip(problem.axes, at, strict=True)], dtype=float)
