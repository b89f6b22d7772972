"""The problem of one row as a mixed-integer linear program for HiGHS.

After Kantchelian, Tygar and Joseph, "Evasion and Hardening of Tree Ensemble Classifiers", ICML 2016, over cells: places
along a line are ordered binaries ("at most this place"), other places are one-hot. Leaves stay continuous. Two things
make it tighter than the original: a leaf is bound by every threshold of its tree that its box lies beside, not only by
those on its path, and the objective adds up whole places instead of single thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    from model_governance.trees.problem import Axis, Problem

SOLVER_FAILED = 4  # status of scipy's milp

Status = Literal["optimal", "infeasible", "unsolved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Places per axis (None where there are none), the proven lower bound of the objective, and the nodes searched."""

    status: Status
    at: np.ndarray | None
    bound: float
    nodes: int


@dataclass(slots=True)
class _Rows:
    """Constraints as triplets: low <= sum of value * variable <= high."""

    row: list[np.ndarray] = field(default_factory=list)
    column: list[np.ndarray] = field(default_factory=list)
    value: list[np.ndarray] = field(default_factory=list)
    low: list[np.ndarray] = field(default_factory=list)
    high: list[np.ndarray] = field(default_factory=list)
    count: int = 0

    def add(self, row: np.ndarray, column: np.ndarray, value: np.ndarray) -> None:
        """Entries of rows that are counted from the next new one."""
        self.row.append(row + self.count)
        self.column.append(column)
        self.value.append(value)

    def close(self, low: np.ndarray, high: np.ndarray) -> None:
        """Limits of the new rows."""
        self.low.append(low)
        self.high.append(high)
        self.count += len(low)


def solve(
    problem: Problem, *, required: float, low: float, high: float, nodes: int | None, seconds: float | None,
    any_will_do: bool = False,
) -> Solution:  # fmt: skip
    """The smallest objective (in units of the parts) whose gain is at least `required`.

    Args:
        problem: within the limit `high`.
        required: gain to reach.
        low: a proven lower bound of the objective.
        high: the objective must not exceed it; may be infinite.
        nodes: most nodes of the search; None: no limit.
        seconds: most seconds; None: no limit. An answer then may depend on the machine.
        any_will_do: stop at the first change within `high`.
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_matrix

    starts = _variables(problem)
    unit = max(float(axis.parts.max()) for axis in problem.axes) or 1.0
    rows = _Rows()
    _one_leaf_per_tree(rows, problem)
    for axis, start in zip(problem.axes, starts[:-1], strict=True):
        (_bind_line if axis.line else _bind_list)(rows, problem, axis, int(start))
    _reach_goal(rows, problem, required)
    cost, constant = _measure(rows, problem, starts, unit=unit, low=low, high=high)
    size = len(cost)
    matrix = csr_matrix(
        (np.concatenate(rows.value), (np.concatenate(rows.row), np.concatenate(rows.column))), shape=(rows.count, size)
    )
    whole = np.zeros(size)
    whole[int(starts[0]) : int(starts[-1])] = 1
    options: dict[str, float | bool] = {"mip_rel_gap": 0.0}
    options |= {} if nodes is None else {"node_limit": nodes}
    options |= {} if seconds is None else {"time_limit": seconds}
    for presolve in (True, False):
        found = milp(
            np.zeros(size) if any_will_do else cost, integrality=whole, bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix, np.concatenate(rows.low), np.concatenate(rows.high)),
            options=options | {"presolve": presolve},
        )  # fmt: skip
        # HiGHS 1.8 to 1.12 at times gives up on what its own presolve made of a program.
        if found.status != SOLVER_FAILED:
            break
    bound = low if any_will_do else max(low, _finite(found.mip_dual_bound) * unit + constant)
    return _solution(problem, found, starts, bound)


def _solution(problem: Problem, found: Any, starts: np.ndarray, bound: float) -> Solution:
    status: Status = "optimal" if found.status == 0 else "infeasible" if found.status == 2 else "unsolved"
    at = None if found.x is None else _places(problem, found.x, starts)
    bound = float("inf") if status == "infeasible" else bound
    return Solution(status=status, at=at, bound=bound, nodes=int(found.mip_node_count or 0))


def _finite(bound: float | None) -> float:
    import math

    return bound if bound is not None and math.isfinite(bound) else -math.inf


def _variables(problem: Problem) -> np.ndarray:
    """First variable of each axis, after the leaves; the last entry is what comes after all of them."""
    import numpy as np

    counts = [len(axis.cells) - 1 if axis.line else len(axis.cells) for axis in problem.axes]
    return len(problem.tree) + np.concatenate([[0], np.cumsum(counts)]).astype(int)


def _places(problem: Problem, solved: np.ndarray, starts: np.ndarray) -> np.ndarray:
    import numpy as np

    at = []
    for axis, start in zip(problem.axes, starts[:-1], strict=True):
        if axis.line:
            at.append(int((solved[start : start + len(axis.cells) - 1] < 0.5).sum()))
        else:
            at.append(int(solved[start : start + len(axis.cells)].argmax()))
    return np.array(at, dtype=int)


def _one_leaf_per_tree(rows: _Rows, problem: Problem) -> None:
    import numpy as np

    rows.add(problem.tree, np.arange(len(problem.tree)), np.ones(len(problem.tree)))
    one = np.ones(len(problem.starts))
    rows.close(one, one)


def _bind_line(rows: _Rows, problem: Problem, axis: Axis, start: int) -> None:
    """p[b] says that the place is at most b; leaves beyond b need it to be 0, leaves up to b need it to be 1."""
    import numpy as np

    places = len(axis.cells)
    first = axis.extents.argmax(axis=1)[axis.kind]
    last = places - 1 - axis.extents[:, ::-1].argmax(axis=1)[axis.kind]
    tree = problem.tree[axis.leaf]
    ends = np.concatenate([tree * places + last, tree * places + first - 1])
    inner = np.concatenate([last < places - 1, first > 0])
    known = np.unique(ends[inner])
    border_tree, border = known // places, known % places
    row, entry = np.nonzero((border_tree[:, None] == tree) & (last[None, :] <= border[:, None]))
    rows.add(row, axis.leaf[entry], np.ones(len(row)))
    rows.add(np.arange(len(border)), start + border, -np.ones(len(border)))
    rows.close(np.full(len(border), -np.inf), np.zeros(len(border)))
    row, entry = np.nonzero((border_tree[:, None] == tree) & (first[None, :] > border[:, None]))
    rows.add(row, axis.leaf[entry], np.ones(len(row)))
    rows.add(np.arange(len(border)), start + border, np.ones(len(border)))
    rows.close(np.full(len(border), -np.inf), np.ones(len(border)))
    chain = np.arange(places - 2)
    rows.add(
        np.concatenate([chain, chain]), start + np.concatenate([chain, chain + 1]), np.repeat([1.0, -1.0], len(chain))
    )
    rows.close(np.full(len(chain), -np.inf), np.zeros(len(chain)))


def _bind_list(rows: _Rows, problem: Problem, axis: Axis, start: int) -> None:
    """z[k] says that the place is k; leaves inside an extent need one of its places."""
    import numpy as np

    tree = problem.tree[axis.leaf]
    kinds = len(axis.extents)
    asked = np.unique(tree * kinds + axis.kind)
    row_tree, row_kind = asked // kinds, asked % kinds
    inside = ~(axis.extents[:, None, :] & ~axis.extents[None, :, :]).any(axis=2)
    row, entry = np.nonzero((row_tree[:, None] == tree) & inside[axis.kind][:, row_kind].T)
    rows.add(row, axis.leaf[entry], np.ones(len(row)))
    row, place = np.nonzero(axis.extents[row_kind])
    rows.add(row, start + place, -np.ones(len(row)))
    rows.close(np.full(len(asked), -np.inf), np.zeros(len(asked)))
    rows.add(np.zeros(len(axis.cells), dtype=int), start + np.arange(len(axis.cells)), np.ones(len(axis.cells)))
    rows.close(np.ones(1), np.ones(1))


def _reach_goal(rows: _Rows, problem: Problem, required: float) -> None:
    """The gain, in units of its largest step: what a leaf lacks against the best leaf of its tree."""
    import numpy as np

    best = np.maximum.reduceat(problem.gains, problem.starts)
    lacking = best[problem.tree] - problem.gains
    scale = float(lacking.max()) or 1.0
    rows.add(np.zeros(len(lacking), dtype=int), np.arange(len(lacking)), lacking / scale)
    spare = problem.constant + float(best.sum()) - required
    rows.close(np.array([-np.inf]), np.array([spare / scale]))


def _measure(
    rows: _Rows, problem: Problem, starts: np.ndarray, *, unit: float, low: float, high: float
) -> tuple[np.ndarray, float]:
    """Costs of all variables in units of `unit`, and what they lack.

    For "linf" one variable more, the last, is at least the part of every axis; otherwise the parts are summed.
    """
    import numpy as np

    size = int(starts[-1])
    weights, constants = [], []
    for axis in problem.axes:
        # Along a line the part is that of the last place, less a step for every binary that is 1.
        weights.append((axis.parts[:-1] - axis.parts[1:] if axis.line else axis.parts) / unit)
        constants.append(axis.parts[-1] / unit if axis.line else 0.0)
    bottom, top = low / unit * (1 - 1e-9), min(high / unit * (1 + 1e-9), 1e6)
    places = [start + np.arange(len(one)) for start, one in zip(starts, weights, strict=False)]
    if problem.objective != "linf":
        cost = np.zeros(size)
        cost[np.concatenate(places)] = np.concatenate(weights)
        rows.add(np.zeros(size - int(starts[0]), dtype=int), np.concatenate(places), np.concatenate(weights))
        rows.close(np.array([bottom - sum(constants)]), np.array([top - sum(constants)]))
        return cost, sum(constants) * unit
    for number, (place, weight) in enumerate(zip(places, weights, strict=True)):
        rows.add(np.full(len(place), number), place, weight)
    count = len(problem.axes)
    rows.add(np.arange(count), np.full(count, size), -np.ones(count))
    rows.close(np.full(count, -np.inf), -np.array(constants))
    rows.add(np.zeros(1, dtype=int), np.array([size]), np.ones(1))
    rows.close(np.array([bottom]), np.array([min(top, 1.0)]))
    return np.append(np.zeros(size), 1.0), 0.0
