"""Relations of the threat model as the exact search takes them: weighted sums of columns that lie between two numbers.

Sums, differences, inequalities and groups of flags are linear. Ratios, products and columns that determine others are not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.attacks.relations import CLOSE
from model_governance.attacks.trees import FeatureMoves, LinearRelation
from model_governance.contract.relations import formula, in_order, sides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.checks.robustness.evasion.target import Target
    from model_governance.contract.relations import Relation

    Range = tuple[float, float]
    Sum = tuple[dict[str, float], float]


def binding_relations(space: RowSpace) -> tuple[Relation, ...]:
    """The relations that a move can touch."""
    if space.relations is None:
        return ()
    movable = [axis.feature for axis in space.axes] + [choice.feature for choice in space.choices]
    return space.relations.binding(movable)


def why_not_linear(target: Target) -> str:
    """Why the exact search cannot take the relations of a target; empty where it can."""
    bound = binding_relations(target.space)
    if not bound:
        return ""
    if target.params.norm == "l2":
        return f"in norm l2 it moves every column by itself, and a relation ties columns that move: {bound[0].text}"
    crooked = next((relation for relation in bound if _sum_of(relation) is None), None)
    if crooked is not None:
        return f"it takes linear relations only, and one that ties columns that move is not: {crooked.text}"
    tied = {name for relation in bound for name in (*relation.sources, relation.dependent)}
    gaps = [choice.feature for choice in target.space.choices if choice.missing and choice.feature in tied]
    return f"a column of a relation may be left out or filled in: {gaps[0]}" if gaps else ""


def linear_relations(target: Target) -> tuple[LinearRelation, ...]:
    """The binding relations, all of which are linear."""
    return tuple(_linear(target, relation) for relation in binding_relations(target.space))


def derived_moves(target: Target) -> Mapping[str, FeatureMoves]:
    """What derived columns may become: anything that the columns which they follow from can make, at no cost."""
    found: dict[str, FeatureMoves] = {}
    bound = binding_relations(target.space)
    ranges = _ranges(target) if bound else {}
    for relation in in_order(bound):
        name, sum_ = str(relation.dependent), _sum_of(relation)
        assert sum_ is not None  # noqa: S101 - the search does not run otherwise
        weights, constant = sum_
        ends = [sorted(weight * end for end in ranges[source]) for source, weight in weights.items()]
        own = target.origins.frame[name].dropna()
        low, high = (constant + sum(pair[side] for pair in ends) for side in (0, 1))
        slack = _slack(target, relation)
        low, high = min(low, float(own.min())) - slack, max(high, float(own.max())) + slack
        stated = target.columns.features[name]
        low = low if stated.minimum is None else max(low, stated.minimum)
        high = high if stated.maximum is None else min(high, stated.maximum)
        ranges[name] = (low, high)
        found[name] = FeatureMoves(
            name=name,
            kind="number",
            low=low,
            high=max(low, high),
            step=_step(target, relation),
            span=math.inf,
            cost=0.0,
        )
    return found


def _sum_of(relation: Relation) -> Sum | None:
    """Weights of columns and a constant: of a derived column what it is, of others what is bounded; None where it is no sum."""
    if relation.one_of is not None:
        return dict.fromkeys(relation.one_of, 1.0), 0.0
    if relation.derived is not None:
        return formula(relation).linear
    if relation.inequality is None:
        return None
    left, between, right = sides(relation)
    low, high = (left.linear, right.linear) if between in ("<=", "<") else (right.linear, left.linear)
    if low is None or high is None:
        return None
    names = dict.fromkeys((*low[0], *high[0]))
    return {name: low[0].get(name, 0.0) - high[0].get(name, 0.0) for name in names}, low[1] - high[1]


def _linear(target: Target, relation: Relation) -> LinearRelation:
    sum_ = _sum_of(relation)
    assert sum_ is not None  # noqa: S101 - the search does not run otherwise
    weights, constant = sum_
    if relation.one_of is not None:
        return LinearRelation(weights=weights, low=1.0, high=1.0)
    if relation.derived is not None:
        slack = _slack(target, relation)
        return LinearRelation(
            weights=weights | {str(relation.dependent): -1.0}, low=-constant - slack, high=-constant + slack
        )
    strict = sides(relation)[1] in ("<", ">") and _is_whole(target, relation, weights)
    return LinearRelation(weights=weights, low=-math.inf, high=-constant - (1.0 if strict else 0.0))


def _is_whole(target: Target, relation: Relation, weights: Mapping[str, float]) -> bool:
    """Whether whole numbers only are added up, and none is halved."""
    kinds = [target.origins.frame[name].dtype.kind in "iub" for name in relation.sources]
    return all(kinds) and all(float(weight).is_integer() for weight in weights.values())


def _slack(target: Target, relation: Relation) -> float:
    """How far a derived column may be from its formula: half of its last decimal, and what counts as close."""
    weights, _ = _sum_of(relation) or ({}, 0.0)
    column = target.origins.frame[str(relation.dependent)]
    if relation.decimals is not None:
        return 0.5 * 10.0**-relation.decimals
    if column.dtype.kind in "iu":
        return 0.0 if _is_whole(target, relation, weights) else 0.5
    return CLOSE * float(column.abs().max())


def _step(target: Target, relation: Relation) -> float | None:
    if relation.decimals is not None:
        return 10.0**-relation.decimals
    return 1.0 if target.origins.frame[str(relation.dependent)].dtype.kind in "iu" else None


def _ranges(target: Target) -> dict[str, Range]:
    """Between which numbers each column of the relations lies, moved or not."""
    assert target.space.relations is not None  # noqa: S101 - there are relations
    axes = {axis.feature: (axis.low, axis.high) for axis in target.space.axes}
    flags = {choice.feature for choice in target.space.choices}
    found = {}
    for name in target.space.relations.columns:
        column = target.origins.frame[name]
        if column.dtype.kind not in "iufb":
            continue
        low, high = axes.get(name, (0.0, 1.0) if name in flags else (math.inf, -math.inf))
        found[name] = (min(low, float(column.min())), max(high, float(column.max())))
    return found
