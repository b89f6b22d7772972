"""Relations between the columns of a row that hold whatever an attacker does: what the world computes from what is sent."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model_governance.contract.expressions import read_equation, read_inequality

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from model_governance.contract.expressions import Expression

    Problem = tuple[tuple[str | int, ...], str]

NUMBERS = ("numeric", "integer")
WORDS = ("derived", "inequality", "one_of", "determines")


class Relation(BaseModel):
    """One relation: a derived column, an inequality, a group of flags, or a column that determines another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    derived: str | None = Field(
        default=None,
        description="a column that is computed from others, as in dti = debt / income: columns, numbers, + - * / and "
        "parentheses; a name that is no identifier stands in backticks",
    )
    decimals: int | None = Field(default=None, ge=0, le=12, description="decimals to which a derived column is rounded")
    inequality: str | None = Field(
        default=None, description="what holds for every row, as in open_accounts <= accounts"
    )
    one_of: tuple[str, ...] | None = Field(default=None, min_length=2, description="flags of which exactly one is 1")
    determines: dict[str, str] | None = Field(
        default=None,
        description="a column whose value fixes that of another, as in {city: state}; pairs come from the data",
    )

    @model_validator(mode="after")
    def _is_one_relation(self) -> Relation:
        given = [word for word in WORDS if getattr(self, word) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(WORDS)}; found {', '.join(given) or 'none'}")
        if self.decimals is not None and self.derived is None:
            raise ValueError("decimals belongs to derived")
        if self.derived is not None:
            read_equation(self.derived)
        if self.inequality is not None:
            read_inequality(self.inequality)
        if self.determines is not None and (
            len(self.determines) != 1 or set(self.determines) & set(self.determines.values())
        ):
            raise ValueError("determines names one column and one other, as in {city: state}")
        if self.one_of is not None and len(set(self.one_of)) != len(self.one_of):
            raise ValueError("one_of names a column twice")
        return self

    @property
    def word(self) -> str:
        """Which kind of relation it is, as the policy spells it."""
        return next(word for word in WORDS if getattr(self, word) is not None)

    @property
    def text(self) -> str:
        """The relation in words, for reports."""
        if self.one_of is not None:
            return f"one of {', '.join(self.one_of)}"
        if self.determines is not None:
            ((source, target),) = self.determines.items()
            return f"{source} determines {target}"
        return str(self.derived or self.inequality)

    @property
    def dependent(self) -> str | None:
        """The column that follows from the others, if one does."""
        if self.derived is not None:
            return read_equation(self.derived)[0]
        return next(iter(self.determines.values())) if self.determines is not None else None

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it follows from, or that it ties together."""
        if self.derived is not None:
            return read_equation(self.derived)[1].names
        if self.inequality is not None:
            left, _, right = read_inequality(self.inequality)
            return tuple(dict.fromkeys((*left.names, *right.names)))
        return self.one_of if self.one_of is not None else tuple(self.determines or ())


def dependents(relations: Sequence[Relation]) -> Mapping[str, str]:
    """Why a column does not move by itself, for every column that follows from others."""
    return {str(relation.dependent): relation.text for relation in relations if relation.dependent is not None}


def in_order(relations: Sequence[Relation]) -> list[Relation]:
    """The relations with a dependent column, each after those that its sources follow from.

    Raises:
        ValueError: columns follow from one another in a circle.
    """
    by_column = {str(relation.dependent): relation for relation in relations if relation.dependent is not None}
    graph = {column: relation.sources for column, relation in by_column.items()}
    try:
        return [by_column[name] for name in TopologicalSorter(graph).static_order() if name in by_column]
    except CycleError as error:
        raise ValueError(
            f"columns follow from one another in a circle: {' from '.join(map(str, error.args[1]))}"
        ) from error


def relation_problems(
    relations: Sequence[Relation], kinds: Mapping[str, str], *, moved: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    """Where relations disagree with the columns or with one another: (path below threat_model, sentence).

    `kinds` gives the kind of every feature; `moved` the places of the threat model that let a feature move.
    """
    seen: set[str] = set()
    for position, relation in enumerate(relations):
        path = ("relations", position, relation.word)
        dependent = relation.dependent
        names = (*relation.sources, *([dependent] if dependent is not None else []))
        yield from ((path, f"{name!r} is not in columns.features") for name in names if name not in kinds)
        wrong = _unfit(relation, names, kinds)
        if wrong:
            yield path, wrong
        if dependent is None:
            continue
        if dependent in seen:
            yield path, f"{dependent} follows from another relation already; keep one of them"
        if dependent in moved:
            yield (
                moved[dependent],
                f"{dependent!r} follows from other columns ({relation.text}), so it cannot move by itself",
            )
        seen.add(dependent)
    grouped = [name for relation in relations for name in relation.one_of or ()]
    for name in sorted({name for name in grouped if grouped.count(name) > 1}):
        yield ("relations",), f"{name!r} is in two groups of one_of"
    try:
        in_order(relations)
    except ValueError as error:
        yield ("relations",), str(error)


def _unfit(relation: Relation, names: Collection[str], kinds: Mapping[str, str]) -> str:
    """Columns of a kind that the relation has no meaning for; empty where there are none."""
    known = [name for name in names if name in kinds]
    if relation.word in ("derived", "inequality"):
        wrong = [name for name in known if kinds[name] not in NUMBERS]
        return f"{', '.join(wrong)}: only numbers can be calculated with" if wrong else ""
    if relation.word == "one_of":
        wrong = [name for name in known if kinds[name] not in (*NUMBERS, "boolean")]
        return f"{', '.join(wrong)}: a flag of a group is boolean, or a number that is 0 or 1" if wrong else ""
    return ""


def formula(relation: Relation) -> Expression:
    """The expression of a derived column."""
    return read_equation(str(relation.derived))[1]


def sides(relation: Relation) -> tuple[Expression, str, Expression]:
    """The two sides of an inequality, and what is between them."""
    return read_inequality(str(relation.inequality))


def floats(values: Any) -> Any:
    """A column as 64-bit floats, (n,), NaN where a value is missing."""
    import numpy as np

    if hasattr(values, "to_numpy"):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values, dtype=np.float64)
