"""The smallest allowed change of a row that flips a tree model's answer, exactly, with a row that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from model_governance.attacks.trees.ascent import greedy_ascent, size_at
from model_governance.attacks.trees.bounds import lower_bound, smallest_limit
from model_governance.attacks.trees.partition import CellPartition, part
from model_governance.attacks.trees.problem import ROUNDING, LeafDistances, Problem, gain_at, leaf_distances, restrict
from model_governance.attacks.trees.program import Solution, feasibility_slack, solve
from model_governance.attacks.trees.tied_values import ties_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.trees.goals import Goal
    from model_governance.attacks.trees.question import Objective
    from model_governance.attacks.trees.ties import Ties

NODES = 1_000  # of the search per goal; rows of usual models take fewer than 20
MOST_EXCLUSIONS = 20  # rows that almost flip and are excluded one by one

Status = Literal["found", "impossible", "unsolved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is known about the smallest change of one row.

    Attributes:
        status: "found": `distance` is the smallest there is, up to `distance - lower`; "impossible": no allowed row
            (within the limit) has another answer; "unsolved": the search was cut short, and only `lower` is proven.
        distance: size of the change to `witness`, which has another answer; None where no such row was found.
        lower: no allowed change that is smaller than this flips the answer.
        witness: the changed row, one row of the frame; the caller runs it through the real model.
        target: the class of the witness, or +1 and -1 for a prediction that rose or fell.
        nodes: of the search.
    """

    status: Status
    distance: float | None
    lower: float
    witness: pd.DataFrame | None
    target: int | None
    nodes: int

    @property
    def exact(self) -> bool:
        """Whether nothing lies between what was found and what is proven."""
        return self.status == "impossible" or (
            self.status == "found" and self.distance is not None and self.distance <= self.lower * (1 + 1e-6) + 1e-12
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """The best change so far: its size in units of the parts, its cells, the values of tied features, and its goal."""

    size: float
    cells: dict[int, int]
    target: int
    values: Mapping[int, float] = field(default_factory=dict)


def minimal_change(
    partition: CellPartition, row: int, *, objective: Objective = "linf", limit: float = float("inf"),
    tolerance: float = 0.0, nodes: int | None = NODES, seconds: float | None = None,
) -> Change:  # fmt: skip
    """The smallest allowed change that flips the answer for a row.

    Args:
        partition: from `partition_cells`.
        row: number of the row in its frame.
        objective: "linf": the largest distance of a feature; "l1" and "l2": of all features together; "cost": the sum
            of costs; "count": how many features change.
        limit: larger changes are not searched; in units of the objective.
        tolerance: by how much the prediction of a regression must move, in its own units.
        nodes: most nodes of the search per goal.
        seconds: most seconds per goal. An answer that a clock cut short depends on the machine: it is "unsolved".
    """
    return _search(partition, row, objective=objective, limit=limit, tolerance=tolerance, nodes=nodes, seconds=seconds)


def _search(
    partition: CellPartition, row: int, *, objective: Objective, limit: float, tolerance: float, nodes: int | None,
    seconds: float | None,
) -> Change:  # fmt: skip
    """Goal after goal, the nearest lower bound first; each only looks below the best change so far."""
    distances = leaf_distances(partition, row, objective)
    inner = limit**2 if objective == "l2" else limit
    if partition.relations and ties_of(partition, row, distances, limit=inner) is None:
        known = lower_bound(partition, row, objective=objective, tolerance=tolerance)
        return Change(status="unsolved", distance=None, lower=known, witness=None, target=None, nodes=0)
    bounds = [
        (smallest_limit(partition, distances.least, goal), goal) for goal in partition.goals(row, tolerance=tolerance)
    ]
    best: _Candidate | None = None
    lower, solved, searched = float("inf"), True, 0
    for least, goal in sorted(bounds, key=lambda bound: bound[0]):
        ceiling = inner if best is None else min(inner, best.size)
        if least > ceiling * (1 + ROUNDING):
            lower = min(lower, least)
            continue
        ties = ties_of(partition, row, distances, limit=ceiling) if partition.relations else None
        search = _GoalSearch(partition, row, distances, goal, ties=ties, nodes=nodes, seconds=seconds)
        found, proven, done = search.run(least=least, ceiling=ceiling)
        best = found if found is not None and (best is None or found.size < best.size) else best
        lower, solved, searched = min(lower, proven), solved and done, searched + search.searched
    return _answer(partition, row, distances, best, lower=lower, solved=solved, searched=searched)


def _answer(
    partition: CellPartition,
    row: int,
    distances: LeafDistances,
    best: _Candidate | None,
    *,
    lower: float,
    solved: bool,
    searched: int,
) -> Change:
    squared = distances.objective == "l2"
    if best is None:
        status: Status = "impossible" if solved else "unsolved"
        return Change(
            status=status,
            distance=None,
            lower=lower**0.5 if squared else lower,
            witness=None,
            target=None,
            nodes=searched,
        )
    lower = min(lower, best.size)
    witness, model = _witness(partition, row, distances, best.cells, values=best.values), partition.model
    # The goal compares two classes, and a third one may have the largest score.
    target = best.target if model.ensemble.decision == "value" else int(model.decide(witness)[0])
    return Change(
        status="found" if solved else "unsolved",
        distance=best.size**0.5 if squared else best.size,
        lower=lower**0.5 if squared else lower,
        witness=witness,
        target=target,
        nodes=searched,
    )


class _GoalSearch:
    """The search for one goal of one row."""

    def __init__(
        self,
        partition: CellPartition,
        row: int,
        distances: LeafDistances,
        goal: Goal,
        *,
        ties: Ties | None,
        nodes: int | None,
        seconds: float | None,
    ) -> None:
        self._partition, self._row, self._distances, self._goal = partition, row, distances, goal
        self._ties = ties
        self._limits = {"nodes": nodes, "seconds": seconds}
        self.searched = 0

    def run(self, *, least: float, ceiling: float) -> tuple[_Candidate | None, float, bool]:
        """The best change of at most `ceiling`, a proven lower bound, and whether the search came to its end.

        The program is first asked for gains that rounding may still take below 0: its optimum is a lower bound on every
        flip. A row of it that does not flip is excluded, and the program solved again; after MOST_EXCLUSIONS rows it
        is solved for gains beyond all rounding.
        """
        problem = restrict(self._partition, self._distances, self._goal, limit=ceiling)
        # The ascent moves every feature by itself, which no relation lets it do.
        found = self._ascent(problem, least=least) if self._ties is None else None
        if found is not None and found.size <= least * (1 + ROUNDING):
            return found, least, True
        if found is not None:
            ceiling = found.size
            problem = restrict(self._partition, self._distances, self._goal, limit=ceiling)
        if not problem.axes:
            return found, ceiling if found is not None else float("inf"), True
        known = None if found is None else ceiling
        proven = least
        excluded: list[np.ndarray] = []
        for _ in range(MOST_EXCLUSIONS):
            solution = self._solve(problem, -self._noise, low=proven, high=ceiling, excluded=excluded)
            candidate, proven, done = self._judged(problem, solution, known)
            if candidate is None and self._is_lost(problem, solution):
                return found, proven, False
            if candidate is not None or not done or solution.at is None or solution.status == "infeasible":
                return _smaller(found, candidate), proven, done
            excluded.append(solution.at)
        sure = self._noise + 2 * feasibility_slack(problem)
        candidate, _, done = self._judged(problem, self._solve(problem, sure, low=proven, high=ceiling), known)
        return _smaller(found, candidate), proven, done

    @property
    def _noise(self) -> float:
        """What a gain must be beyond 0 to be beyond the rounding of the model's own arithmetic."""
        return 2 * self._partition.model.ensemble.noise

    def _ascent(self, problem: Problem, *, least: float) -> _Candidate | None:
        at = greedy_ascent(problem, least=least, required=self._noise)
        return None if at is None else self._flipped(problem, at)

    def _solve(
        self, problem: Problem, required: float, *, low: float, high: float, excluded: Sequence[np.ndarray] = ()
    ) -> Solution:
        solution = solve(problem, required=required, low=low, excluded=excluded, ties=self._ties, **self._limits)  # type: ignore[arg-type]
        self.searched += solution.nodes
        beyond = solution.at is not None and size_at(problem, solution.at) > high * (1 + ROUNDING)
        return replace(solution, status="infeasible", at=None) if beyond and solution.status == "optimal" else solution

    def _judged(
        self, problem: Problem, solution: Solution, known: float | None
    ) -> tuple[_Candidate | None, float, bool]:
        """The change of a solution if it flips, the bound that it proves, and whether it came to its end."""
        if solution.status == "infeasible":
            return None, float("inf") if known is None else known, True
        found = None if solution.at is None else self._flipped(problem, solution.at)
        done = solution.status == "optimal"
        proven = solution.bound
        if done and solution.at is not None:
            proven = max(proven, size_at(problem, solution.at) * (1 - ROUNDING))
        return found, proven, done

    def _flipped(self, problem: Problem, at: np.ndarray) -> _Candidate | None:
        """The change to these places, if the model itself gives it another answer beyond rounding."""
        axes = problem.axes
        cells = {
            axis.feature: int(axis.cells[place]) for axis, place in zip(axes, at, strict=True) if place != axis.own
        }
        if self._ties is not None:
            return self._flipped_together(problem, at, cells, self._ties)
        size = self._size(cells)
        if not self._flips_surely(problem, at, cells):
            return None
        return _Candidate(size=size, cells=cells, target=self._goal.target)

    def _is_lost(self, problem: Problem, solution: Solution) -> bool:
        """Whether the trees flip at a solution, and rounding kept tied values from obeying all relations there."""
        at = solution.at
        return self._ties is not None and at is not None and gain_at(problem, at) >= self._noise

    def _flipped_together(
        self, problem: Problem, at: np.ndarray, cells: dict[int, int], ties: Ties
    ) -> _Candidate | None:
        """The change to these places with values of tied features that obey all relations, if the model flips at it."""
        bounds = {
            axis.feature: (float(axis.bounds[0, place]), float(axis.bounds[1, place]))
            for axis, place in zip(problem.axes, at, strict=True)
            if axis.bounds is not None
        }
        values = ties.nearest(bounds)
        if values is None:
            return None
        free = {feature: cell for feature, cell in cells.items() if feature not in values}
        moved = {each.feature: values[each.feature] for each in ties.features if values[each.feature] != each.own}
        parts = [self._size(free), *(each.price * abs(values[each.feature] - each.own) for each in ties.features)]
        size = max(parts) if self._distances.objective == "linf" else sum(parts)
        witness = _witness(self._partition, self._row, self._distances, free, values=moved)
        gain = float(self._partition.model.margin(witness)[0] @ self._goal.weights + self._goal.offset)
        other = self._partition.model.ensemble.decision != "value" and bool(
            self._partition.model.decide(witness)[0]
            != self._partition.model.decide(self._partition.frame.iloc[[self._row]])[0]
        )
        if gain < self._noise and not other:
            return None
        return _Candidate(size=size, cells=free, target=self._goal.target, values=moved)

    def _size(self, cells: dict[int, int]) -> float:
        parts = [
            float(part(self._distances.reaches[feature], self._distances.objective)[cell])
            for feature, cell in cells.items()
        ]
        return max(parts, default=0.0) if self._distances.objective == "linf" else sum(parts)

    def _flips_surely(self, problem: Problem, at: np.ndarray, cells: dict[int, int]) -> bool:
        gain, ensemble = gain_at(problem, at), self._partition.model.ensemble
        if gain >= self._noise:
            return True
        if ensemble.single_sum or ensemble.decision == "value" or gain < -self._noise:
            return False
        # A tie: where leaves are summed as in the library, the library decides.
        row = _witness(self._partition, self._row, self._distances, cells)
        return bool(self._partition.model.decide(row)[0] != ensemble.decide(self._partition.scores[[self._row]])[0])


def _smaller(first: _Candidate | None, other: _Candidate | None) -> _Candidate | None:
    if first is None or other is None:
        return first or other
    return other if other.size < first.size else first


def _witness(
    partition: CellPartition, row: int, distances: LeafDistances, cells: Mapping[int, int],
    values: Mapping[int, float] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The row with these features moved, tied ones to their `values`; a column keeps its type where the new value fits it."""
    changed = partition.frame.iloc[[row]].reset_index(drop=True)
    moved = {feature: distances.reaches[feature].values[cell] for feature, cell in cells.items()}
    for feature, value in (moved | dict(values or {})).items():
        name = partition.cuts[feature].moves.name
        kind = changed[name].dtype
        if kind.kind == "b":
            changed[name] = [bool(value)]
            continue
        whole = kind.kind in "iu" and float(value).is_integer()
        changed[name] = [int(value) if whole else value]
        if whole or kind.kind not in "iub":
            changed[name] = changed[name].astype(kind)
    return changed
