"""The problem of one row as a mixed-integer linear program for HiGHS.

After Kantchelian, Tygar and Joseph, "Evasion and Hardening of Tree Ensemble Classifiers", ICML 2016, over cells: places
along a line are ordered binaries ("at most this place"), other places are one-hot. Leaves stay continuous. Two things
make it tighter than the original: a leaf is bound by every threshold of its tree that its box lies beside, not only by
those on its path, and the objective adds up whole places instead of single thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from model_governance.attacks.trees.constraint_rows import Rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np

    from model_governance.attacks.trees.problem import Axis, Problem
    from model_governance.attacks.trees.ties import Ties

TOLERANCE = 1e-6  # by which HiGHS lets a constraint, or a binary, be off
SPARE = 1e-3  # HiGHS fails more often where a bound that it is given is tight
SOLVER_FAILED = 4  # status of scipy's milp

Status = Literal["optimal", "infeasible", "unsolved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Places per axis (None where there are none), the proven lower bound of the objective, and the nodes searched."""

    status: Status
    at: np.ndarray | None
    bound: float
    nodes: int


def solve(
    problem: Problem, *, required: float, low: float, nodes: int | None, seconds: float | None,
    excluded: Sequence[np.ndarray] = (), ties: Ties | None = None,
) -> Solution:  # fmt: skip
    """The smallest objective (in units of the parts) whose gain is at least `required`.

    Args:
        problem: within some limit.
        required: gain to reach.
        low: a proven lower bound of the objective.
        nodes: most nodes of the search; None: no limit.
        seconds: most seconds; None: no limit. An answer then may depend on the machine.
        excluded: places, shape (axes,), that are known to lack the gain; all that lead to the same leaves are excluded.
        ties: relations between the values of features.
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_matrix

    starts = _variables(problem)
    unit = max(*(float(axis.parts.max()) for axis in problem.axes), 0.0 if ties is None else ties.largest) or 1.0
    rows = Rows()
    _one_leaf_per_tree(rows, problem)
    for axis, start in zip(problem.axes, starts[:-1], strict=True):
        (_bind_line if axis.line else _bind_list)(rows, problem, axis, int(start))
    _reach_goal(rows, problem, required)
    for at in excluded:
        _exclude(rows, problem, starts, at)
    # The HiGHS of scipy 1.17 loses solutions to a limit on the very sum that it minimises, so it gets none.
    cost, constant = _measure(rows, problem, starts, unit=unit, apart=frozenset() if ties is None else ties.numbers)
    upper, whole = np.ones(len(cost)), np.zeros(len(cost))
    known = np.zeros(len(cost))
    known[int(starts[-1]) :] = (1 - SPARE) * min(1.0, low / unit)
    whole[int(starts[0]) : int(starts[-1])] = 1
    if ties is not None:
        largest = len(cost) - 1 if problem.objective == "linf" else None
        more = ties.constrain(rows, problem.axes, starts, first=len(cost), unit=unit, greatest=largest)
        cost, upper, whole = (np.concatenate(pair) for pair in zip((cost, upper, whole), more, strict=True))
        known = np.concatenate([known, np.zeros(len(cost) - len(known))])
    size = len(cost)
    matrix = csr_matrix(
        (np.concatenate(rows.value), (np.concatenate(rows.row), np.concatenate(rows.column))), shape=(rows.count, size)
    )
    options: dict[str, float | bool] = {"mip_rel_gap": 0.0}
    options |= {} if nodes is None else {"node_limit": nodes}
    options |= {} if seconds is None else {"time_limit": seconds}
    # HiGHS's presolve has lost solutions of such programs and is no faster on them; it is the way out, not the way in.
    for lower, presolve in ((known, False), (np.zeros(size), False), (np.zeros(size), True)):
        found = milp(
            cost, integrality=whole, bounds=Bounds(lower, upper),
            constraints=LinearConstraint(matrix, np.concatenate(rows.low), np.concatenate(rows.high)),
            options=options | {"presolve": presolve},
        )  # fmt: skip
        if found.status != SOLVER_FAILED:
            break
    bound = max(low, _finite(found.mip_dual_bound) * unit + constant)
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


def _one_leaf_per_tree(rows: Rows, problem: Problem) -> None:
    import numpy as np

    rows.add(problem.tree, np.arange(len(problem.tree)), np.ones(len(problem.tree)))
    one = np.ones(len(problem.starts))
    rows.close(one, one)


def _bind_line(rows: Rows, problem: Problem, axis: Axis, start: int) -> None:
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


def _bind_list(rows: Rows, problem: Problem, axis: Axis, start: int) -> None:
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


def feasibility_slack(problem: Problem) -> float:
    """By how much the gain of a solution may fall short of what was required, in units of the gain.

    HiGHS takes a binary that is off by 1e-6 for whole, which lends every tree a millionth of its worst step. A row that
    forgave less than all trees may borrow would make HiGHS drop such a solution, and with it the branch that it stood for.
    """
    return TOLERANCE * _unit(problem)


def _unit(problem: Problem) -> float:
    import numpy as np

    best = np.maximum.reduceat(problem.gains, problem.starts)
    worst = np.minimum.reduceat(problem.gains, problem.starts)
    return (4 * float((best - worst).sum())) or 1.0


def _exclude(rows: Rows, problem: Problem, starts: np.ndarray, at: np.ndarray) -> None:
    """Not all axes may stay where every tree leads to the leaf that it leads to from these places."""
    import numpy as np

    wrong = np.zeros(len(problem.tree), dtype=int)
    for axis, place in zip(problem.axes, at, strict=True):
        np.add.at(wrong, axis.leaf, ~axis.extents[axis.kind, place])
    bound, constant = 0, 0.0
    for axis, start in zip(problem.axes, starts[:-1], strict=True):
        together = axis.extents[axis.kind[wrong[axis.leaf] == 0]].all(axis=0)
        if together.all():
            continue
        bound += 1
        inside = np.flatnonzero(together)
        if not axis.line:
            rows.add(np.zeros(len(inside), dtype=int), start + inside, np.ones(len(inside)))
            continue
        if inside[-1] < len(axis.cells) - 1:
            rows.add(np.zeros(1, dtype=int), np.array([start + inside[-1]]), np.ones(1))
        else:
            constant += 1
        if inside[0] > 0:
            rows.add(np.zeros(1, dtype=int), np.array([start + inside[0] - 1]), -np.ones(1))
    rows.close(np.array([-np.inf]), np.array([bound - 1 - constant]))


def _reach_goal(rows: Rows, problem: Problem, required: float) -> None:
    """The gain: what a leaf lacks against the best leaf of its tree."""
    import numpy as np

    best = np.maximum.reduceat(problem.gains, problem.starts)
    lacking = best[problem.tree] - problem.gains
    scale = _unit(problem)
    rows.add(np.zeros(len(lacking), dtype=int), np.arange(len(lacking)), lacking / scale)
    spare = problem.constant + float(best.sum()) - required
    rows.close(np.array([-np.inf]), np.array([spare / scale]))


def _measure(
    rows: Rows, problem: Problem, starts: np.ndarray, *, unit: float, apart: Collection[int]
) -> tuple[np.ndarray, float]:
    """Costs of all variables in units of `unit`, and the constant that they lack.

    For "linf" one variable more, the last, is at least the part of every axis; otherwise the parts are summed, but for those
    of the features in `apart`, whose values are summed elsewhere.
    """
    import numpy as np

    size = int(starts[-1])
    weights, constants = [], []
    for axis in problem.axes:
        # Along a line the part is that of the last place, less a step for every binary that is 1.
        weights.append((axis.parts[:-1] - axis.parts[1:] if axis.line else axis.parts) / unit)
        constants.append(float(axis.parts[-1]) / unit if axis.line else 0.0)
    places = [start + np.arange(len(one)) for start, one in zip(starts, weights, strict=False)]
    if problem.objective != "linf":
        counted = [float(axis.feature not in apart) for axis in problem.axes]
        weights = [weight * once for weight, once in zip(weights, counted, strict=True)]
        constants = [constant * once for constant, once in zip(constants, counted, strict=True)]
        cost = np.zeros(size)
        cost[np.concatenate(places)] = np.concatenate(weights)
        return cost, sum(constants) * unit
    for number, (place, weight) in enumerate(zip(places, weights, strict=True)):
        rows.add(np.full(len(place), number), place, weight)
    count = len(problem.axes)
    rows.add(np.arange(count), np.full(count, size), -np.ones(count))
    rows.close(np.full(count, -np.inf), -np.array(constants))
    return np.append(np.zeros(size), 1.0), 0.0
