"""Which group each row belongs to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from model_governance.contract.slices import SHOWN_FROM
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.fairness.params import FairnessParams
    from model_governance.contract.subject import Subject

MAX_GROUPS = 100
MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Groups by one column or by a combination of columns.

    Attributes:
        name: The column, or the columns joined by ` x `.
        names: Names of the k groups.
        number: Group of each row, shape (n,), from 0 to k - 1.
        rows: Number of rows of each group, shape (k,).
        declared: Names of groups that the policy makes whether or not a row is in them: the bins of a column.
        disclosed: Whether the policy discloses the values of the columns, so that groups of any size are named.
    """

    name: str
    names: tuple[str, ...]
    number: np.ndarray
    rows: np.ndarray
    declared: frozenset[str] = frozenset()
    disclosed: bool = False

    @property
    def named(self) -> list[int]:
        """Numbers of the groups that may be named: those of ten rows, of no value, and those that the policy names."""
        return [
            number
            for number, (name, rows) in enumerate(zip(self.names, self.rows.tolist(), strict=True))
            if self.disclosed or rows >= SHOWN_FROM or name in self.declared or name == MISSING
        ]

    @property
    def folded(self) -> int:
        """Rows of the groups that are not named."""
        return int(self.rows.sum()) - int(self.rows[self.named].sum())

    @property
    def folded_name(self) -> str:
        """What stands for the groups that are not named; empty where all are."""
        count = len(self.names) - len(self.named)
        groups = "1 group" if count == 1 else f"{count} groups"
        return f"{groups} with fewer than {SHOWN_FROM} rows{' each' if count > 1 else ''}" if count else ""

    def scored(self, minimum_rows: int) -> np.ndarray:
        """Numbers of the groups of at least that many rows."""
        import numpy as np

        return np.flatnonzero(self.rows >= minimum_rows)


def groupings(subject: Subject, params: FairnessParams) -> tuple[Grouping, ...]:
    """Make one grouping per column of `groups`, and one of all columns where intersections are asked for.

    Raises:
        CheckError: A column makes more groups than can be compared, or bins are given for a column without numbers.
        SubjectError: Current lacks a column of groups.
    """
    frame = subject.frame("current", columns=params.groups)
    uri = subject.datasets["current"].uri
    disclosed = set(subject.disclose)
    values = {name: _group_names(frame[name], params.bins.get(name), uri=uri) for name in params.groups}
    made = [
        replace(
            _grouping(name, names, uri=uri),
            declared=frozenset(_bin_names(params.bins.get(name, ()))),
            disclosed=name in disclosed,
        )
        for name, names in values.items()
    ]
    if params.intersections and len(values) > 1:
        combined = [" x ".join(parts) for parts in zip(*values.values(), strict=True)]
        crossed = _grouping(" x ".join(values), combined, uri=uri)
        made.append(replace(crossed, disclosed=disclosed.issuperset(values)))
    return tuple(made)


def _grouping(name: str, values: list[str], *, uri: str) -> Grouping:
    import numpy as np

    names, number, rows = np.unique(np.array(values, dtype=object), return_inverse=True, return_counts=True)
    if len(names) > MAX_GROUPS:
        raise CheckError(
            f"{uri}: column(s) {name} make {len(names):,} groups, at most {MAX_GROUPS} can be compared; cut numbers with "
            "params.bins, leave out intersections, or name a coarser column"
        )
    return Grouping(name=name, names=tuple(map(str, names)), number=number, rows=rows)


def _group_names(column: pd.Series, edges: tuple[float, ...] | None, *, uri: str) -> list[str]:
    """Name of the group of every row; rows without a value are a group of their own."""
    if edges is None:
        return [
            MISSING if missing else _text(value) for value, missing in zip(column.tolist(), column.isna(), strict=True)
        ]
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(column):
        raise CheckError(f"{uri}: params.bins cut column {column.name!r}, which holds {column.dtype}, no numbers")
    import numpy as np

    names = _bin_names(edges)
    bins = np.searchsorted(np.array(edges), column.to_numpy(dtype=np.float64, na_value=np.nan), side="right")
    return [MISSING if missing else names[number] for number, missing in zip(bins, column.isna(), strict=True)]


def _bin_names(edges: tuple[float, ...]) -> list[str]:
    if not edges:
        return []
    between = (f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges))
    return [f"below {edges[0]:g}", *between, f"from {edges[-1]:g}"]


def _text(value: Any) -> str:
    # The same code read from another file may be a float.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
