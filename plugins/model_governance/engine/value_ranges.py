"""Distances of two columns range of values by range of values, for an engine that puts a window of all rows on one core.

Spark sorts the rows of a window without a partition on one core of one machine. Here the values are divided into ranges that
hold about as many rows each, a window is one range, and all machines sort at once. The counts below each range are exact, so
the distances are those of one window over all values; how well the ranges divide the rows decides the time only.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from model_governance.engine import expressions
from model_governance.engine.answers import read_row, read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from ibis import Table
    from ibis.expr.types import Value

ROWS_PER_RANGE = 4_000_000
MAX_RANGES = 128
"""Java does not compile a method with the comparisons that find one of more ranges, which costs more than the sorting."""
SAMPLED_ROWS = 200_000


def range_edges(table: Table, name: str, *, rows: int, role: str) -> list[float]:
    """Ascending values that divide the finite values of a column into parts of about as many rows: two at least, `MAX_RANGES` at most.

    Args:
        table: the rows.
        name: the column.
        rows: rows of the table.
        role: the role of the dataset, for an error.
    """
    drawn = table if rows <= SAMPLED_ROWS else table.sample(SAMPLED_ROWS / rows)
    value = expressions.finite(drawn, name, role=role)
    ranges = min(max(rows // ROWS_PER_RANGE, 2), MAX_RANGES)
    shares = [place / ranges for place in range(1, ranges)]
    found = read_row(drawn.aggregate(edges=value.approx_quantile(shares)))["edges"]
    return sorted({float(edge) + 0.0 for edge in found or ()})


def distances(
    reference: Table,
    current: Table,
    name: str,
    *,
    edges: Sequence[float],
    counts: tuple[np.ndarray, np.ndarray],
    repeated: bool,
) -> dict[str, Any]:
    """`gap`, `place` and `area` as the one row of `expressions.distances` holds them.

    Args:
        reference: rows with a finite value.
        current: the same.
        name: the column.
        edges: ascending.
        counts: finite values of reference and current between these edges, int64, shape (len(edges) + 1,).
        repeated: whether values are counted before they are sorted.
    """
    n, m = (int(each.sum()) for each in counts)
    # Python's integers: the product of two counts may be beyond int64 where their difference is not.
    starts, difference = [0], 0
    for first, second in zip(*(each.tolist() for each in counts), strict=True):
        difference += first * m - second * n
        starts.append(difference)
    marked = _marked(reference, current, name, n=n, m=m)
    gaps = _gaps(marked, list(edges), starts, repeated=repeated)
    found = sorted(
        read_rows(
            gaps.group_by("range").aggregate(
                gap=gaps.gap.max(),
                area=(gaps.gap.cast("float64") * gaps.step.fill_null(0.0)).sum(),
                low=gaps.value.min(),
                high=gaps.value.max(),
            )
        ),
        key=lambda row: int(row["range"]),
    )
    gap = max(int(row["gap"]) for row in found)
    largest = next(int(row["range"]) for row in found if int(row["gap"]) == gap)
    inside = marked
    if largest > 0:
        inside = inside.filter(inside.value >= edges[largest - 1])
    if largest < len(edges):
        inside = inside.filter(inside.value < edges[largest])
    places = _gaps(inside, list(edges), starts, repeated=repeated)
    place = read_row(places.filter(places.gap == gap).aggregate(place=places.value.min()))["place"]
    between = sum(
        abs(starts[int(row["range"]) + 1]) * (float(after["low"]) - float(row["high"]))
        for row, after in pairwise(found)
    )
    return {"gap": gap, "place": place, "area": sum(float(row["area"]) for row in found) + between}


def _marked(reference: Table, current: Table, name: str, *, n: int, m: int) -> Table:
    """The finite values of both, each with what it adds to i*m - j*n."""
    import ibis

    sides = []
    for table, role, weight in ((reference, "reference", m), (current, "current", -n)):
        values = table.select(
            value=expressions.finite(table, name, role=role), weight=ibis.literal(weight, "int64").cast("int64")
        )
        sides.append(values.filter(values.value.notnull()))
    return sides[0].union(sides[1])


def _gaps(marked: Table, edges: list[float], starts: list[int], *, repeated: bool) -> Table:
    """Per value its `range`, |i*m - j*n| at it (`gap`) and the distance to the next value of the range (`step`)."""
    import ibis

    rows = marked
    if repeated:
        rows = marked.group_by("value").aggregate(weight=lambda group: group.weight.sum().cast("int64"))
    ranged = rows.mutate(range=_leaf(rows.value, edges, list(range(len(edges) + 1))))
    upto = ibis.cumulative_window(group_by=ranged.range, order_by=ranged.value)
    after = ranged.value.lead().over(ibis.window(group_by=ranged.range, order_by=ranged.value))
    summed = ranged.mutate(inside=ranged.weight.sum().over(upto).cast("int64"), step=after - ranged.value)
    # Of the rows that share a value, the last one has the sum of all; both windows have one order, for which Spark sorts once.
    last = summed.filter(summed.step.isnull() | (summed.step != 0))
    start = _leaf(last.value, edges, starts[:-1])
    return last.select("range", "value", "step", gap=(start + last.inside).abs())


def _leaf(value: Value, bounds: list[float], leaves: list[int]) -> Value:
    """The leaf of the range that a value lies in: one more leaf than bounds."""
    import ibis

    if not bounds:
        return ibis.literal(leaves[0], "int64")
    middle = len(bounds) // 2
    return ibis.ifelse(
        value < bounds[middle],
        _leaf(value, bounds[:middle], leaves[: middle + 1]),
        _leaf(value, bounds[middle + 1 :], leaves[middle + 1 :]),
    )
