"""Reachable cells of one row: for every cell of a feature the nearest allowed value, its distance and its cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attacks.trees.ladder import below, held, largest, on_grid

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.trees.cells import Cut

SLACK = 1e-12  # relative; a budget that is met to the last bit is met


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One feature of one row.

    Attributes:
        own: the row's own cell.
        distance: to the nearest allowed value of each cell, in spans; 0 at `own`, infinite where there is none.
        cost: of going there.
        values: that value, shape (cells,), of the column's own type; None where there is none.
    """

    own: int
    distance: np.ndarray
    cost: np.ndarray
    values: tuple[Any, ...] | np.ndarray


def reach_of(cut: Cut, value: Any) -> Reach:
    """The cells that this value of the cut's feature can reach."""
    return _along_line(cut, value) if cut.starts is not None else _among_listed(cut, value)


def _along_line(cut: Cut, value: Any) -> Reach:
    import numpy as np
    import pandas as pd

    starts, moves = cut.starts, cut.moves
    assert starts is not None  # noqa: S101 - the cut is one along a line
    if pd.isna(value):
        cells = np.searchsorted(starts, np.array(moves.fills, dtype=float), side="right") - 1
        return _filled(cut, cut.cells - 1, value, dict(zip(cells.tolist(), moves.fills, strict=True)))
    own_value = float(value)
    own = int(np.searchsorted(starts, own_value, side="right")) - 1
    found = np.full(cut.cells, np.nan)
    found[: len(starts)] = _nearest(cut, own, own_value)
    found[own] = own_value
    away = np.abs(found - own_value) / moves.span
    distance = np.where(np.isnan(found), np.inf, away)
    cost = distance * moves.cost if moves.cost else np.where(np.isnan(found), np.inf, 0.0)
    if moves.omittable:
        distance[-1], cost[-1] = moves.gap_distance, moves.gap_cost
    return Reach(own=own, distance=distance, cost=cost, values=found)


def _nearest(cut: Cut, own: int, value: float) -> np.ndarray:
    """The nearest allowed number of each cell, NaN where there is none."""
    import numpy as np

    starts, moves, kind = cut.starts, cut.moves, cut.held
    assert starts is not None  # noqa: S101 - the cut is one along a line
    ends = np.append(below(starts[1:], kind), largest(kind))
    low, high = _limits(cut)
    if moves.most is not None:
        slack = SLACK * (abs(value) + moves.most)
        low, high = max(low, value - moves.most - slack), min(high, value + moves.most + slack)
    number = np.arange(len(starts))
    above, below_own = number > own, number < own
    up = on_grid(np.maximum(starts, low), moves.step, kind, up=True)
    down = on_grid(np.minimum(ends, high), moves.step, kind, up=False)
    rising = above & (up <= np.minimum(ends, high)) & moves.movable & (moves.direction >= 0)
    falling = below_own & (down >= np.maximum(starts, low)) & moves.movable & (moves.direction <= 0)
    return np.where(rising, up, np.where(falling, down, np.nan))


def _limits(cut: Cut) -> tuple[float, float]:
    """The smallest and the largest allowed number, as the column holds them."""
    import numpy as np

    low = -np.inf if cut.moves.low is None else cut.moves.low
    high = np.inf if cut.moves.high is None else cut.moves.high
    low, high = held(np.array([low, high]), cut.held).tolist()
    return low, high


def _filled(cut: Cut, own: int, value: Any, fills: dict[int, Any]) -> Reach:
    """A missing value, which stays or becomes the value that its moves give for a cell."""
    import numpy as np

    distance, cost = np.full(cut.cells, np.inf), np.full(cut.cells, np.inf)
    values: list[Any] = [value] * cut.cells
    for cell, fill in fills.items():
        distance[cell], cost[cell], values[cell] = cut.moves.gap_distance, cut.moves.gap_cost, fill
    distance[own], cost[own], values[own] = 0.0, 0.0, value
    return Reach(own=own, distance=distance, cost=cost, values=tuple(values))


def _among_listed(cut: Cut, value: Any) -> Reach:
    import numpy as np
    import pandas as pd

    cell_of = cut.cell_of
    assert cell_of is not None  # noqa: S101 - the cut is one of listed values
    if pd.isna(value):
        known = zip(cell_of.tolist(), cut.listed, strict=True)
        fills = {cell: listed for cell, listed in known if listed in cut.moves.fills}
        return _filled(cut, int(cell_of[-1]), value, fills)
    own = int(cell_of[cut.listed.index(value)])
    distance, cost = np.full(cut.cells, np.inf), np.full(cut.cells, np.inf)
    values: list[Any] = [None] * cut.cells
    for number, other in enumerate(cut.listed):
        cell = int(cell_of[number])
        steps = _step_to(cut, value, other)
        if steps is not None and steps[0] < distance[cell]:
            distance[cell], cost[cell] = steps
            values[cell] = other
    gap = int(cell_of[-1])
    if cut.moves.omittable and cut.moves.gap_distance < distance[gap]:
        distance[gap], cost[gap], values[gap] = cut.moves.gap_distance, cut.moves.gap_cost, cut.listed[-1]
    distance[own], cost[own], values[own] = 0.0, 0.0, value
    return Reach(own=own, distance=distance, cost=cost, values=tuple(values))


def _step_to(cut: Cut, value: Any, other: Any) -> tuple[float, float] | None:
    """Distance and cost of a change to another listed value; None where it is not allowed."""
    import numpy as np
    import pandas as pd

    moves = cut.moves
    if not moves.movable or pd.isna(other):
        return None
    if moves.kind == "category":
        targets = moves.categories if moves.allowed is None else moves.allowed.get(value, ())
        return (moves.category_distance, moves.cost) if other in targets and other in moves.categories else None
    away = float(other) - float(value)
    low, high = _limits(cut)
    inside = low <= float(other) <= high
    multiple = None if moves.step is None else round(float(other) / moves.step) * moves.step
    fits = multiple is None or float(other) == float(held(np.array([multiple]), cut.held)[0])
    near = moves.most is None or abs(away) <= moves.most * (1 + SLACK)
    if not (inside and fits and near) or away * moves.direction < 0:
        return None
    return abs(away) / moves.span, abs(away) / moves.span * moves.cost
