"""The exact attack: the smallest flips of a tree ensemble, and lower bounds that hold for every attack.

Kantchelian, Tygar and Joseph (2016) as `model_governance.attacks.trees` solves it: exact on a sample of the rows, so that the other
attacks can be compared with it, and a sound lower bound on all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from model_governance.attacks.schedule import QueryBudgetExceeded
from model_governance.attacks.trees import FeatureMoves, NoExactAnswer, certified_at, minimal_change, partition_cells
from model_governance.attacks.trees.ensemble import LEAF
from model_governance.checks.robustness.evasion.linear_relations import (
    derived_moves,
    linear_relations,
    why_not_linear,
)
from model_governance.checks.robustness.evasion.moves import ROUNDING, Moves
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from model_governance.attacks.trees import CellPartition, Change, Objective
    from model_governance.checks.robustness.evasion.moves import Axis, Choice
    from model_governance.checks.robustness.evasion.queries import Queries
    from model_governance.checks.robustness.evasion.target import Target
    from model_governance.contract.threat_model import Direction

FAR = 1e9  # beyond every allowed change
MOST_LEAVES = 20_000  # of a model that is solved without being named in attacks
SIGNS: Mapping[Direction | None, Literal[-1, 0, 1]] = {"up": 1, "down": -1, None: 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactDistances:
    """Exact distances of sampled rows and certificates of all. `rows` (m,) are the sampled ones; the arrays beside them have the same shape.

    `distance` is the size of the smallest flip, infinite where there is none, NaN where the search was cut short;
    `lower` is proven in any case. `certified` (budgets, n) says of every row whether a bound proves it robust.
    `unreached` counts the sampled rows that the query budget left unsolved.
    """

    rows: np.ndarray
    distance: np.ndarray
    lower: np.ndarray
    budgets: tuple[float, ...]
    certified: np.ndarray
    unreached: int = 0

    @property
    def cut(self) -> bool:
        """Whether the query budget ended before all sampled rows were solved."""
        return self.unreached > 0

    @property
    def solved(self) -> np.ndarray:
        """Mask (m,) of the sampled rows whose smallest flip is known."""
        import numpy as np

        return ~np.isnan(self.distance)

    @property
    def impossible(self) -> np.ndarray:
        """Numbers of the rows that no allowed change flips."""
        import numpy as np

        return self.rows[np.isposinf(self.distance)]

    def proven(self, budget: float) -> np.ndarray:
        """Mask (n,) of all rows that are proven robust within a budget."""
        proven: np.ndarray = self.certified[self.budgets.index(budget)].copy()
        proven[self.rows[self.lower > budget + ROUNDING]] = True
        return proven

    def flips(self, budget: float) -> np.ndarray:
        """Mask (m,) of the sampled rows whose smallest flip lies within a budget."""
        import numpy as np

        return np.nan_to_num(self.distance, nan=np.inf) <= budget + ROUNDING


def why_not(target: Target) -> str:
    """Why a target has no exact answers; empty where it has."""
    if isinstance(target.trees, NoExactAnswer):
        return target.trees.reason
    if target.space.texts:
        return "texts may be edited, and its proofs are about numbers and categories"
    crooked = why_not_linear(target)
    if crooked:
        return crooked
    leaves = int((target.trees.ensemble.feature == LEAF).sum())
    if target.params.attacks is None and leaves > MOST_LEAVES:
        return f"the trees have {leaves:,} leaves, so it may take minutes; name it in attacks to have it"
    return ""


def attack(target: Target, queries: Queries) -> ExactDistances:
    """The smallest flip of a sample of rows, each confirmed by the model, and certificates of all rows.

    Raises:
        CheckError: the trees cannot be cut into cells for this threat model.
    """
    import numpy as np

    partition = _partition(target)
    norm: Objective = target.params.norm
    tolerance = target.params.tolerance or 0.0
    budgets = target.params.epsilons
    worth = np.ones(target.rows) if target.worth is None else target.worth
    certified = np.array([
        [certified_at(partition, row, limit=budget * worth[row], objective=norm, tolerance=tolerance) for row in range(target.rows)]
        for budget in budgets
    ])  # fmt: skip
    rows = np.sort(target.generator(3).permutation(target.rows)[: target.params.exact_rows])
    distance, lower = np.full(len(rows), np.nan), np.zeros(len(rows))
    unreached = 0
    for place, row in enumerate(rows.tolist()):
        change = minimal_change(partition, row, objective=norm, limit=FAR, tolerance=tolerance)
        try:
            flips = change.witness is not None and _confirmed(target, queries, row, change)
        except QueryBudgetExceeded:
            unreached = len(rows) - place
            break
        lower[place] = change.lower / worth[row]
        if change.status == "impossible":
            distance[place] = np.inf
        elif change.status == "found" and flips and change.distance is not None:
            distance[place] = change.distance / worth[row]
    return ExactDistances(
        rows=rows, distance=distance, lower=lower, budgets=budgets, certified=certified, unreached=unreached
    )


def _partition(target: Target) -> CellPartition:
    if isinstance(target.trees, NoExactAnswer):
        raise CheckError(f"model {target.model.name!r} has no exact answers: {target.trees.reason}")
    frame = target.origins.frame
    partition = partition_cells(target.trees, feature_moves(target), frame, linear_relations(target))
    if isinstance(partition, NoExactAnswer):
        raise CheckError(
            f"model {target.model.name!r} has no exact answers under this threat model: {partition.reason}; "
            "take exact out of attacks, or name the attacks that shall run"
        )
    return partition


def feature_moves(target: Target) -> Sequence[FeatureMoves]:
    """What every feature of the model may become, as the exact search takes it."""
    axes = {axis.feature: axis for axis in target.space.axes}
    gaps = {choice.feature: choice for choice in target.space.choices if choice.of_number}
    choices = {choice.feature: choice for choice in target.space.choices if not choice.of_number}
    moves, derived = [], derived_moves(target)
    for name, feature in target.columns.features.items():
        if name in derived:
            moves.append(derived[name])
        elif name in axes:
            moves.append(_of_axis(axes[name], gaps.get(name)))
        elif name in gaps:
            moves.append(_of_gap(gaps[name]))
        elif name in choices:
            moves.append(_of_choice(choices[name]))
        else:
            kind: Literal["number", "category"] = "number" if feature.kind in NUMBER_KINDS else "category"
            moves.append(FeatureMoves(name=name, kind=kind, movable=False))
    return moves


def _of_axis(axis: Axis, gap: Choice | None) -> FeatureMoves:
    moves = FeatureMoves(
        name=axis.feature, kind="number", direction=SIGNS[axis.direction], low=axis.low, high=axis.high,
        step=axis.step or None, span=axis.span, cost=axis.cost,
    )  # fmt: skip
    return moves if gap is None else _opened(moves, gap)


def _of_gap(gap: Choice) -> FeatureMoves:
    """A number that stays where it is there, and whose gap can be made or filled."""
    return _opened(FeatureMoves(name=gap.feature, kind="number", movable=False), gap)


def _opened(moves: FeatureMoves, choice: Choice) -> FeatureMoves:
    """The moves with those from and to a gap; like changed categories, they cost nothing of a budget in linf or l2."""
    assert choice.open is not None  # noqa: S101 - a choice with a gap says what is open
    gap = len(choice.values) - 1
    fills = tuple(value for value, may in zip(choice.values[:gap], choice.open[gap], strict=False) if may)
    return replace(moves, omittable=bool(choice.open[gap + 1, gap]), fills=fills, gap_cost=choice.cost)


def _of_choice(choice: Choice) -> FeatureMoves:
    """Changed categories cost nothing of a budget in linf or l2, as `RowSpace.distance` says."""
    allowed = None
    values = choice.values[:-1] if choice.missing else choice.values
    if choice.open is not None:
        allowed = {
            present: tuple(value for value, may in zip(values, choice.open[place], strict=False) if may)
            for place, present in enumerate(values)
        }
    moves = FeatureMoves(
        name=choice.feature, kind="category", categories=values, allowed=allowed, category_distance=0.0,
        cost=choice.cost,
    )  # fmt: skip
    return _opened(moves, choice) if choice.missing else moves


def _confirmed(target: Target, queries: Queries, row: int, change: Change) -> bool:
    """Whether the model itself flips at the row that the trees say it flips at; `queries` records a flip."""
    import numpy as np

    space, origins, witness = target.space, target.origins, change.witness
    assert witness is not None  # noqa: S101 - the caller made sure
    placed = space.place(witness)
    deltas = np.nan_to_num(_exactly(origins.values[[row]], placed.values))
    changed = placed.own[0] != origins.own[row]
    picks = np.where(changed, placed.own[0], -1)[None, :]
    for column, choice in enumerate(space.choices):
        if choice.of_number and picks[0, column] == len(choice.values):
            picks[0, column] = choice.values.index(float(witness[choice.feature].iloc[0]))
    return bool(queries.flipped(Moves(deltas, picks), np.array([row]))[0])


def _exactly(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Changes that added to the old values give the new ones to the last bit, or the next number beyond them.

    A change is coarser than the numbers near 0 that it leads to, and short of the new value the model may not flip.
    """
    import numpy as np

    deltas = new - old
    side, outward = np.sign(deltas), np.copysign(np.inf, deltas)
    for _ in range(4):
        short = (old + deltas - new) * side < 0
        deltas = np.where(short, np.nextafter(deltas, outward), deltas)
    for _ in range(4):
        less = np.nextafter(deltas, 0.0)
        deltas = np.where((old + less - new) * side >= 0, less, deltas)
    return deltas
