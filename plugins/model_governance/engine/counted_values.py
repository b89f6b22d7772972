"""A column of numbers as its different values with their rows: one grouped pass of a database answers everything about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine import expressions
from model_governance.engine.answers import read_batches, read_row
from model_governance.engine.ordered import rank_of
from model_governance.engine.relation import ROWS_PER_FRAME
from model_governance.engine.rounding import WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from ibis import Table

MAX_VALUES = 1_000_000
"""Different values of a column that are counted: 16 MB of memory here."""
ROWS_PER_VALUE = 2
"""Rows per value from which on counting is worth it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedValues:
    """The different finite `values` of a column, float64, ascending, with the `rows` that hold each, int64."""

    values: np.ndarray
    rows: np.ndarray

    @property
    def count(self) -> int:
        """Rows with a finite value."""
        return int(self.rows.sum())

    def between(self, edges: np.ndarray) -> np.ndarray:
        """Rows per cell (-inf, e0), [e0, e1) ... [ek, inf), int64, shape (len(edges) + 1,)."""
        import numpy as np

        upto = np.concatenate([[0], np.cumsum(self.rows)])
        below = upto[self.values.searchsorted(edges, side="left")]
        return np.diff(np.concatenate([[0], below, [upto[-1]]]))

    def quantiles(self, probabilities: Sequence[float]) -> np.ndarray:
        """The order statistics, as `Relation.quantiles`."""
        return self.windows(probabilities)[:, -1].copy()

    def windows(self, probabilities: Sequence[float]) -> np.ndarray:
        """The order statistics with the values of the rows up to them, as `Relation.quantile_windows`."""
        import numpy as np

        upto = np.cumsum(self.rows)
        last = np.array([rank_of(probability, self.count) for probability in probabilities])
        ranks = last[:, None] + np.arange(1 - WINDOW, 1)
        found = self.values[upto.searchsorted(np.maximum(ranks, 0), side="right")]
        return np.where(ranks < 0, -np.inf, found)


def count_values(table: Table, names: Sequence[str], *, rows: int, role: str) -> dict[str, CountedValues]:
    """The counted values of those of these columns that repeat them: the others are left out.

    Args:
        table: the rows of a database that estimates numbers of different values in one scan.
        names: columns of numbers.
        rows: rows of the table.
        role: the role of the dataset, for an error.
    """
    different = read_row(
        table.aggregate(
            **{
                f"a{place}": expressions.finite(table, name, role=role).approx_nunique()
                for place, name in enumerate(names)
            }
        )
    )
    most = min(MAX_VALUES, rows // ROWS_PER_VALUE)
    return {
        name: _counted(table, name, role=role)
        for place, name in enumerate(names)
        if 0 < int(different[f"a{place}"] or 0) <= most
    }


def _counted(table: Table, name: str, *, role: str) -> CountedValues:
    import ibis
    import numpy as np
    import pyarrow as pa

    finite = table.select(value=expressions.finite(table, name, role=role)).filter(ibis._.value.notnull())
    grouped = expressions.values_with_counts(finite, "value")
    found = pa.Table.from_batches(read_batches(grouped, ROWS_PER_FRAME), grouped.schema().to_pyarrow())
    # A database may tell 0.0 from -0.0.
    values, places = np.unique(found["value"].to_numpy() + 0.0, return_inverse=True)
    rows = np.zeros(len(values), dtype="int64")
    np.add.at(rows, places, found["rows"].to_numpy())
    return CountedValues(values=values, rows=rows)


def distances_of_counted(reference: CountedValues, current: CountedValues) -> Mapping[str, float | int]:
    """`gap`, `place` and `area`, as the one row of `expressions.distances` holds them."""
    import numpy as np

    n, m = reference.count, current.count
    values = np.union1d(reference.values, current.values)
    upto = [
        np.concatenate([[0], np.cumsum(each.rows)])[each.values.searchsorted(values, side="right")]
        for each in (reference, current)
    ]
    gaps = np.abs(upto[0] * m - upto[1] * n)
    largest = int(gaps.argmax())
    area = (gaps[:-1].astype("float64") * np.diff(values)).sum()
    return {"gap": int(gaps[largest]), "place": float(values[largest]), "area": float(area)}
