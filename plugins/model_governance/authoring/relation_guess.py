"""Relations between columns that a reference shows, each with its support: proposals for the threat model, never more."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns

ROWS = 2_000  # of the reference that are looked at
FEWEST = 50  # rows that a relation is proposed from
MOST_COLUMNS = 20  # numbers, and categories, that are combined with one another
SUPPORT = 0.98  # of an equation
FACTORS = (1.0, 12.0, 100.0, 1200.0, 1 / 12, 0.01)  # months, percent
DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One relation as a policy spells it, and the share of `rows` rows of the reference in which it holds."""

    relation: Mapping[str, Any]
    support: float
    rows: int


def propose_relations(reference: pd.DataFrame, columns: Columns) -> list[Proposal]:
    """Equations, groups of flags, ordered counts and columns that determine others, as the reference shows them.

    Args:
        reference: rows of the reference.
        columns: say which of its columns are features, and their kinds.
    """
    rows = reference.head(ROWS)
    numbers = [name for name in columns.of_kind("numeric", "integer") if rows[name].nunique() > 2][:MOST_COLUMNS]
    words = list(columns.of_kind("category"))[:MOST_COLUMNS]
    values = {name: rows[name].to_numpy(dtype="float64", na_value=float("nan")) for name in numbers}
    found = [
        *_equations(values),
        *_ordered({name: values[name] for name in numbers if columns.features[name].kind == "integer"}),
        *_groups(rows, columns.of_kind("integer", "boolean", "numeric")),
        *_determined(rows, words),
    ]
    return [proposal for proposal in found if proposal.rows >= FEWEST]


def _equations(values: dict[str, np.ndarray]) -> Iterator[Proposal]:
    """Ratios, sums, differences and products of two columns; of the ways to write one triple the first."""
    import numpy as np

    taken: set[frozenset[str]] = set()
    pairs = [*((a, "/", b) for a, b in permutations(values, 2)), *((a, "+", b) for a, b in combinations(values, 2)),
             *((a, "-", b) for a, b in permutations(values, 2)), *((a, "*", b) for a, b in combinations(values, 2))]  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for first, sign, second in pairs:
            made = _made(values[first], sign, values[second])
            for target in values:
                triple = frozenset((first, second, target))
                if len(triple) < 3 or triple in taken:
                    continue
                proposal = _equation(target, first, sign, second, values, made)
                if proposal is not None:
                    taken.add(triple)
                    yield proposal


def _made(first: np.ndarray, sign: str, second: np.ndarray) -> np.ndarray:
    if sign == "/":
        return first / second
    return first + second if sign == "+" else first - second if sign == "-" else first * second


def _equation(
    target: str, first: str, sign: str, second: str, values: dict[str, np.ndarray], made: np.ndarray
) -> Proposal | None:
    """The equation, where nearly every row follows it and both columns matter."""
    import numpy as np

    column = values[target]
    known = np.isfinite(column) & np.isfinite(made)
    if known.sum() < FEWEST:
        return None
    truth, value = column[known], made[known]
    factor = _factor(truth, value) if sign in "*/" else 1.0
    decimals = _decimals(truth)
    slack = 1e-6 * np.abs(truth) + (0.0 if decimals is None else 0.51 * 10.0**-decimals)
    holds = np.abs(truth - factor * value) <= slack
    # Where a column is 0 or 1 nearly everywhere, or the rounding is as wide as the values, anything fits.
    alone = max(np.mean(np.abs(truth - factor * values[name][known]) <= slack) for name in (first, second))
    if holds.mean() < SUPPORT or alone > 1 - 0.2 or slack.max() > 0.05 * truth.std():
        return None
    head = "" if factor == 1.0 else f"{factor:g} * " if factor >= 1 else ""
    tail = "" if factor >= 1 else f" / {1 / factor:g}"
    rounded = {} if decimals is None else {"decimals": decimals}
    text = f"{_named(target)} = {head}{_named(first)} {sign} {_named(second)}{tail}"
    return Proposal(relation={"derived": text, **rounded}, support=float(holds.mean()), rows=int(known.sum()))


def _factor(truth: np.ndarray, value: np.ndarray) -> float:
    import numpy as np

    there = np.abs(value) > 0
    if not there.any():
        return 1.0
    middle = float(np.median(truth[there] / value[there]))
    return next((factor for factor in FACTORS if abs(middle - factor) <= 0.01 * factor), 1.0)


def _decimals(values: np.ndarray) -> int | None:
    """Fewest decimals that all values have; None where they have more than 6."""
    import numpy as np

    for decimals in range(DECIMALS + 1):
        if np.allclose(np.round(values, decimals), values, rtol=0, atol=1e-9):
            return decimals
    return None


def _ordered(counts: dict[str, np.ndarray]) -> Iterator[Proposal]:
    """Counts of which one is never larger than the other, is equal sometimes, and would be larger by chance."""
    import numpy as np

    for small, large in permutations(counts, 2):
        known = np.isfinite(counts[small]) & np.isfinite(counts[large])
        first, second = counts[small][known], counts[large][known]
        if len(first) < FEWEST or (first > second).any():
            continue
        by_chance = float((first > np.roll(second, len(second) // 2)).mean())
        if by_chance >= 0.1 and float((first == second).mean()) >= 0.01:
            text = f"{_named(small)} <= {_named(large)}"
            yield Proposal(relation={"inequality": text}, support=1.0, rows=len(first))


def _groups(rows: pd.DataFrame, names: Sequence[str]) -> Iterator[Proposal]:
    """Flags with one beginning (home_own, home_rent) of which exactly one is 1."""
    flags = [name for name in names if rows[name].notna().all() and set(rows[name].unique()) <= {0, 1}]
    beginnings = dict.fromkeys(name.rpartition("_")[0] for name in flags)
    for beginning in beginnings:
        group = [name for name in flags if beginning and name.rpartition("_")[0] == beginning]
        if len(group) > 1 and (rows[group].astype(int).sum(axis=1) == 1).all():
            yield Proposal(relation={"one_of": group}, support=1.0, rows=len(rows))


def _determined(rows: pd.DataFrame, names: Sequence[str]) -> Iterator[Proposal]:
    """Categories whose value fixes that of a coarser one."""
    for source, target in permutations(names, 2):
        both = rows[[source, target]].astype(object).dropna()
        kinds = both[source].nunique(), both[target].nunique()
        if not 1 < kinds[1] < kinds[0] <= len(both) / 5 or both[target].value_counts(normalize=True).max() > 0.9:
            continue
        support = float(both.value_counts().groupby(level=0).max().sum() / len(both))
        if support >= 0.995:
            yield Proposal(relation={"determines": {source: target}}, support=support, rows=len(both))


def _named(column: str) -> str:
    return column if column.isidentifier() and not iskeyword(column) else f"`{column}`"
