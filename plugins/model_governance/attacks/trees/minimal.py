"""The smallest allowed change of a row that flips a tree model's answer, exactly, with a row that shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from model_governance.attacks.trees.ascent import climb, size_at
from model_governance.attacks.trees.bounds import least_for
from model_governance.attacks.trees.landscape import Landscape, Objective, part
from model_governance.attacks.trees.problem import ROUNDING, Problem, View, gain_at, look, narrow
from model_governance.attacks.trees.program import Solution, slip, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.trees.goals import Goal

NODES = 1_000  # of the search per goal; rows of usual models take fewer than 20
NEAR_MISSES = 20  # rows that all but flip and are left out one by one

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
class _Found:
    """The best change so far: its size in units of the parts, its cells and its goal."""

    size: float
    cells: dict[int, int]
    target: int


def minimal_change(
    landscape: Landscape, row: int, *, objective: Objective = "linf", limit: float = float("inf"),
    tolerance: float = 0.0, nodes: int | None = NODES, seconds: float | None = None,
) -> Change:  # fmt: skip
    """The smallest allowed change that flips the answer for a row.

    Args:
        landscape: from `survey`.
        row: number of the row in its frame.
        objective: "linf": the largest distance of a feature; "l1" and "l2": of all features together; "cost": the sum
            of costs; "count": how many features change.
        limit: changes above it are not looked for; in units of the objective.
        tolerance: by how much the prediction of a regression must move, in its own units.
        nodes: most nodes of the search per goal.
        seconds: most seconds per goal. An answer that a clock cut short depends on the machine: it is "unsolved".
    """
    return _search(
        landscape, row, objective=objective, limit=limit, tolerance=tolerance, nodes=nodes, seconds=seconds, first=False
    )


def change_within(
    landscape: Landscape, row: int, *, limit: float, objective: Objective = "linf", tolerance: float = 0.0,
    nodes: int | None = NODES, seconds: float | None = None,
) -> Change:  # fmt: skip
    """Whether any allowed change of at most `limit` flips the answer; cheaper than `minimal_change`, arguments as there.

    Returns: "found", with some change that need not be the smallest, or "impossible", or "unsolved".
    """
    return _search(
        landscape, row, objective=objective, limit=limit, tolerance=tolerance, nodes=nodes, seconds=seconds, first=True
    )


def _search(
    landscape: Landscape, row: int, *, objective: Objective, limit: float, tolerance: float, nodes: int | None,
    seconds: float | None, first: bool,
) -> Change:  # fmt: skip
    """Goal after goal, the nearest lower bound first; each only looks below the best change so far."""
    view = look(landscape, row, objective)
    inner = limit**2 if objective == "l2" else limit
    bounds = [(least_for(landscape, view.least, goal), goal) for goal in landscape.goals(row, tolerance=tolerance)]
    best: _Found | None = None
    lower, solved, spent = float("inf"), True, 0
    for least, goal in sorted(bounds, key=lambda one: one[0]):
        ceiling = inner if best is None else min(inner, best.size)
        if least > ceiling * (1 + ROUNDING) or (first and best is not None):
            lower = min(lower, least)
            continue
        hunt = _Hunt(landscape, row, view, goal, nodes=nodes, seconds=seconds, first=first)
        found, proven, done = hunt.run(least=least, ceiling=ceiling)
        best = found if found is not None and (best is None or found.size < best.size) else best
        lower, solved, spent = min(lower, proven), solved and done, spent + hunt.spent
    return _answer(landscape, row, view, best, lower=lower, solved=solved, spent=spent)


def _answer(
    landscape: Landscape, row: int, view: View, best: _Found | None, *, lower: float, solved: bool, spent: int
) -> Change:
    squared = view.objective == "l2"
    if best is None:
        status: Status = "impossible" if solved else "unsolved"
        return Change(
            status=status, distance=None, lower=lower**0.5 if squared else lower, witness=None, target=None, nodes=spent
        )
    lower = min(lower, best.size)
    witness, model = _witness(landscape, row, view, best.cells), landscape.model
    # Where the aim was to beat the row's own class, a third one may win.
    target = best.target if model.ensemble.decision == "value" else int(model.decide(witness)[0])
    return Change(
        status="found" if solved else "unsolved",
        distance=best.size**0.5 if squared else best.size,
        lower=lower**0.5 if squared else lower,
        witness=witness,
        target=target,
        nodes=spent,
    )


class _Hunt:
    """The search for one goal of one row."""

    def __init__(
        self, landscape: Landscape, row: int, view: View, goal: Goal, *, nodes: int | None, seconds: float | None,
        first: bool,
    ) -> None:  # fmt: skip
        self._landscape, self._row, self._view, self._goal = landscape, row, view, goal
        self._limits = {"nodes": nodes, "seconds": seconds, "any_will_do": first}
        self._first = first
        self.spent = 0

    def run(self, *, least: float, ceiling: float) -> tuple[_Found | None, float, bool]:
        """The best change of at most `ceiling`, a proven lower bound, and whether the search came to its end.

        The program is first asked for gains that rounding may still take below 0: its optimum is a lower bound on every
        flip. A row of it that does not flip is left out, and the program asked again; where such rows do not end, it is
        asked for gains that are beyond all rounding.
        """
        problem = narrow(self._landscape, self._view, self._goal, limit=ceiling)
        found = self._climbed(problem, least=least)
        if found is not None and (self._first or found.size <= least * (1 + ROUNDING)):
            return found, least, True
        if found is not None:
            ceiling = found.size
            problem = narrow(self._landscape, self._view, self._goal, limit=ceiling)
        if not problem.axes:
            return found, ceiling if found is not None else float("inf"), True
        known = None if found is None else ceiling
        proven = least
        excluded: list[np.ndarray] = []
        for _ in range(NEAR_MISSES):
            solution = self._solve(problem, -self._noise, low=proven, high=ceiling, excluded=excluded)
            seen, proven, done = self._judged(problem, solution, known)
            if seen is not None or not done or solution.at is None or solution.status == "infeasible":
                return _smaller(found, seen), proven, done
            excluded.append(solution.at)
        sure = self._noise + 2 * slip(problem)
        seen, _, done = self._judged(problem, self._solve(problem, sure, low=proven, high=ceiling), known)
        return _smaller(found, seen), proven, done

    @property
    def _noise(self) -> float:
        """What a gain must be beyond 0 to be beyond the rounding of the model's own arithmetic."""
        return 2 * self._landscape.model.ensemble.noise

    def _climbed(self, problem: Problem, *, least: float) -> _Found | None:
        at = climb(problem, least=least, required=self._noise)
        return None if at is None else self._flipped(problem, at)

    def _solve(
        self, problem: Problem, required: float, *, low: float, high: float, excluded: Sequence[np.ndarray] = ()
    ) -> Solution:
        solution = solve(problem, required=required, low=low, high=high, excluded=excluded, **self._limits)  # type: ignore[arg-type]
        self.spent += solution.nodes
        beyond = solution.at is not None and size_at(problem, solution.at) > high * (1 + ROUNDING)
        return replace(solution, status="infeasible", at=None) if beyond and solution.status == "optimal" else solution

    def _judged(self, problem: Problem, solution: Solution, known: float | None) -> tuple[_Found | None, float, bool]:
        """The change of a solution if it flips, the bound that it proves, and whether it came to its end."""
        if solution.status == "infeasible":
            return None, float("inf") if known is None else known, True
        found = None if solution.at is None else self._flipped(problem, solution.at)
        done = solution.status == "optimal"
        proven = solution.bound
        if done and solution.at is not None and not self._first:
            proven = max(proven, size_at(problem, solution.at) * (1 - ROUNDING))
        return found, proven, done

    def _flipped(self, problem: Problem, at: np.ndarray) -> _Found | None:
        """The change to these places, if the model itself gives it another answer beyond rounding."""
        axes = problem.axes
        cells = {
            axis.feature: int(axis.cells[place]) for axis, place in zip(axes, at, strict=True) if place != axis.own
        }
        size = self._size(cells)
        if not self._sure(problem, at, cells):
            return None
        return _Found(size=size, cells=cells, target=self._goal.target)

    def _size(self, cells: dict[int, int]) -> float:
        parts = [float(part(self._view.reaches[one], self._view.objective)[cell]) for one, cell in cells.items()]
        return max(parts, default=0.0) if self._view.objective == "linf" else sum(parts)

    def _sure(self, problem: Problem, at: np.ndarray, cells: dict[int, int]) -> bool:
        gain, ensemble = gain_at(problem, at), self._landscape.model.ensemble
        if gain >= self._noise:
            return True
        if ensemble.single_sum or ensemble.decision == "value" or gain < -self._noise:
            return False
        # A tie: where leaves are added up as the library does, its own rule decides.
        row = _witness(self._landscape, self._row, self._view, cells)
        return bool(self._landscape.model.decide(row)[0] != ensemble.decide(self._landscape.scores[[self._row]])[0])


def _smaller(one: _Found | None, other: _Found | None) -> _Found | None:
    if one is None or other is None:
        return one or other
    return other if other.size < one.size else one


def _witness(landscape: Landscape, row: int, view: View, cells: dict[int, int]) -> pd.DataFrame:
    """The row with these features moved; a column keeps its type where the new value fits it."""
    changed = landscape.frame.iloc[[row]].reset_index(drop=True)
    for feature, cell in cells.items():
        value = view.reaches[feature].values[cell]
        name = landscape.cuts[feature].moves.name
        kind = changed[name].dtype
        whole = kind.kind in "iu" and float(value).is_integer()
        changed[name] = [int(value) if whole else value]
        if whole or kind.kind not in "iufb":
            changed[name] = changed[name].astype(kind)
    return changed
