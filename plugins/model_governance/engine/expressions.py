"""The engine's statistics as ibis expressions, written once for every database that ibis supports.

Counts are integers and order statistics are values of the data, so every backend gives the same ones; means, spreads and
areas are sums of float64 and may differ in the last digits. `(x < edge).sum()` is written out because it compiles to a
plain sum, which DuckDB computes 27 times as fast as a filtered count.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import cache, reduce
from typing import TYPE_CHECKING, Any

from model_governance.engine.frames import EXACT, UNIQUE_DIGITS
from model_governance.engine.relation import not_a_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from ibis import Table
    from ibis.expr.datatypes import DataType
    from ibis.expr.types import Value

LARGEST = 1.7976931348623157e308


def floats(table: Table, name: str, *, role: str) -> Value:
    """A column as float64, null and NaN and infinities included.

    Raises:
        CheckError: it holds something that is no number.
    """
    kind = table[name].type()
    if not (kind.is_numeric() or kind.is_boolean() or kind.is_null()):
        raise not_a_number(name, role, arrives=str(kind), holding=str(kind))
    number = table[name].cast("int8") if kind.is_boolean() else table[name]
    return number.cast("float64")


def finite(table: Table, name: str, *, role: str) -> Value:
    """A column as float64 with null instead of NaN and infinities.

    A database orders NaN above every number or compares it with none, so one comparison removes all of them.
    """
    import ibis

    value = floats(table, name, role=role)
    if not table[name].type().is_floating():
        return value
    return ibis.ifelse(value.abs() <= LARGEST, value, ibis.null("float64"))


def may_merge(kind: DataType) -> bool:
    """Whether float64 may merge neighbouring values of a type: 64-bit integers, and decimals of over 15 digits."""
    if kind.is_decimal():
        return kind.precision is None or kind.precision > UNIQUE_DIGITS
    return kind.is_integer() and kind.nbytes == 8


def merged(table: Table, name: str) -> Value:
    """How many integers or decimals of a column float64 does not give back, as `engine.frames` decides it in memory.

    Args:
        table: the rows.
        name: a column of a type of which `may_merge` holds.
    """
    import ibis

    value, kind = table[name], table[name].type()
    number = value.cast("float64")
    if kind.is_decimal():
        back = _decimal_of(number, kind)
        return _count(value.notnull() & (back.isnull() | (back != value)))
    signed = kind.is_signed_integer()
    outside = (value > EXACT) | (value < -EXACT) if signed else value > EXACT
    # The largest integers round up to a float beyond their type, which has no way back.
    whole = ibis.ifelse(number < (2.0**63 if signed else 2.0**64), number, ibis.literal(0.0)).cast(kind)
    return _count(outside & (whole != value))


def _decimal_of(number: Value, kind: DataType) -> Value:
    """The decimal with the shortest text of a float64; null where the type does not hold it, if the database can say so."""
    from ibis.expr.operations import TryCast

    backend = number.get_backend()
    text = number.cast("string")
    if backend.name == "postgres":
        return text.cast("decimal")
    return text.try_cast(kind) if backend.has_operation(TryCast) else text.cast(kind)


def summary(table: Table, name: str, *, role: str, special: bool = True) -> dict[str, Value]:
    """The aggregates behind a `NumberSummary`, except `distinct`, `std` and `missing`.

    `missing` is the rest of the rows, because ibis counts NaN as null on Spark.

    Args:
        table: the rows.
        name: the column.
        role: the role of the dataset, for an error.
        special: whether the database has NaN and infinities.
    """
    import ibis

    value, finite_value = floats(table, name, role=role), finite(table, name, role=role)
    special = special and table[name].type().is_floating()
    zero = ibis.literal(0)
    return {
        "nan": _count(value.isnan()) if special else zero,
        "infinite": _count((value.abs() > LARGEST) & ~value.isnan()) if special else zero,
        "finite": _count(finite_value.notnull()),
        "minimum": finite_value.min(),
        "maximum": finite_value.max(),
        "mean": finite_value.mean(),
    }


def spread(table: Table, name: str, centre: float, *, role: str) -> dict[str, Value]:
    """The mean of the differences from `centre` and of their squares.

    About the mean these give the standard deviation; the databases' own functions lose half the digits of values that
    lie far from zero.
    """
    off = finite(table, name, role=role) - centre
    return {"off": off.mean(), "square": (off * off).mean()}


def below(table: Table, name: str, edges: Sequence[float] | np.ndarray, *, role: str) -> list[Value]:
    """How many finite values lie below each edge, and how many there are."""
    value = finite(table, name, role=role)
    return [*(_count(value < float(edge)) for edge in edges), _count(value.notnull())]


def cells(table: Table, name: str, edges: Sequence[float] | np.ndarray, *, role: str, arrays: bool = False) -> Table:
    """One row per cell that holds finite values (`cell`, from 0) with their number (`rows`), in one grouped pass.

    The cell is found by halving the edges: as many comparisons as their number has binary digits, where one conditional
    sum per edge would compare every value with every edge.

    Args:
        table: the rows.
        name: the column.
        edges: ascending.
        role: the role of the dataset, for an error.
        arrays: whether the database has `width_bucket` of an array, which PostgreSQL computes so itself.
    """
    values = table.select(value=finite(table, name, role=role))
    held = values.filter(values.value.notnull())
    cell = _place(held.value, [float(edge) for edge in edges], arrays=arrays)
    return held.group_by(cell=cell).aggregate(rows=lambda group: group.count())


def _place(value: Value, bounds: Sequence[float], *, arrays: bool) -> Value:
    """How many of the ascending bounds are at or below a value."""
    import ibis

    if arrays and bounds:
        kind = str(value.type().copy(nullable=True))
        return _width_bucket(kind)(value, ibis.literal(list(bounds), f"array<{kind}>")).cast("int64")
    return _halved(value, bounds, 0)


def _halved(value: Value, bounds: Sequence[float], first: int) -> Value:
    import ibis

    if not len(bounds):
        return ibis.literal(first, "int64")
    middle = len(bounds) // 2
    below = _halved(value, bounds[:middle], first)
    return ibis.ifelse(value < bounds[middle], below, _halved(value, bounds[middle + 1 :], first + middle + 1))


@cache
def _width_bucket(kind: str) -> Callable[..., Any]:
    import ibis

    def width_bucket(operand, thresholds):  # type: ignore[no-untyped-def]
        """The function of PostgreSQL."""

    signature = ((kind, f"array<{kind}>"), "int32")
    return ibis.udf.scalar.builtin(width_bucket, signature=signature)


def is_comparable(kind: DataType) -> bool:
    """Whether values of a type can be sorted, compared and counted: not lists, structs, JSON, or what ibis does not know."""
    return (
        kind.is_numeric()
        or kind.is_boolean()
        or kind.is_string()
        or kind.is_temporal()
        or kind.is_uuid()
        or kind.is_binary()
        or kind.is_null()
    )


def missing(table: Table, name: str, *, special: bool = True) -> Value:
    """Rows that hold null or NaN."""
    value = table[name]
    absent = value.isnull()
    return _count(absent | value.isnan() if special and value.type().is_floating() else absent)


def values_with_counts(table: Table, name: str) -> Table:
    """One row per value (`value`) with its number of rows (`rows`)."""
    return table.group_by(value=table[name]).aggregate(rows=lambda rows: rows.count())


def few_values(table: Table, name: str, *, most: int, role: str) -> Value:
    """Number of distinct finite values, up to `most`."""
    import ibis

    values = table.select(value=finite(table, name, role=role))
    return values.filter(ibis._.value.notnull()).distinct().limit(most).count()


def order_statistics(table: Table, name: str, ranks: Sequence[int], *, role: str, arrays: bool = False) -> Table:
    """The smallest value (`value`) of which so many of the ranks (`place`) are at or below its cumulative count, in one grouped pass.

    The value at the rank of place p, from 0, is that of the first row with a larger `place`: `value_at_ranks` reads it.

    Args:
        table: the rows.
        name: the column.
        ranks: ascending, from 1, each once.
        role: the role of the dataset, for an error.
        arrays: as `cells`.
    """
    return order_windows(table, name, ranks, rows=1, role=role, arrays=arrays)


def order_windows(
    table: Table, name: str, ranks: Sequence[int], *, rows: int, role: str, arrays: bool = False
) -> Table:
    """As `order_statistics`, with the `rows` - 1 different values before each (`before_1` is the nearest).

    Where there are fewer, a column holds the smallest value of all, or null.
    """
    import ibis

    values = table.select(value=finite(table, name, role=role)).filter(ibis._.value.notnull())
    counted = values.group_by("value").aggregate(rows=lambda group: group.count())
    order = ibis.window(order_by=counted.value)
    before = {f"before_{step}": counted.value.lag(step).over(order) for step in range(1, rows)}
    upto = counted.mutate(upto=_cumulative(counted, "rows"), **before)
    placed = upto.select("value", *before, place=_place(upto.upto, list(ranks), arrays=arrays))
    # Null is no minimum, so a place that holds the first values gets a value before them, or the first one itself.
    return placed.group_by("place").aggregate(**{key: placed[key].min() for key in ("value", *before)})


def value_at_ranks(rows: Sequence[Mapping[str, Any]], count: int) -> list[float]:
    """The values at `count` ranks, from the rows of `order_statistics`."""
    found = sorted((int(row["place"]), float(row["value"])) for row in rows)
    places = [place for place, _ in found]
    return [found[bisect_right(places, wanted)][1] for wanted in range(count)]


def windows_at_ranks(rows: Sequence[Mapping[str, Any]], count: int) -> list[list[float]]:
    """The values at `count` ranks, each after those before it (-inf where there is none), ascending, from `order_windows`."""
    keys = [key for key in rows[0] if key not in ("place", "value")] if rows else []
    descending = ["value", *sorted(keys, key=lambda key: int(key.removeprefix("before_")))]
    found = sorted(((int(row["place"]), row) for row in rows), key=lambda pair: pair[0])
    places = [place for place, _ in found]
    windows = []
    for wanted in range(count):
        row = found[bisect_right(places, wanted)][1]
        windows.append([-math.inf if row[key] is None else float(row[key]) for key in reversed(descending)])
    return windows


def distances(reference: Table, current: Table, name: str, *, n: int, m: int) -> Table:
    """One row with `gap`, the largest |i*m - j*n|, `place`, and `area`, the integral of |i*m - j*n| over the values.

    i and j are the cumulative counts of reference and current, of `n` and `m` values, at the distinct values of both.
    """
    import ibis

    marked = []
    for table, role, marks in ((reference, "reference", (1, 0)), (current, "current", (0, 1))):
        # From int8, so that ibis does not drop the cast: a literal 1 has 32 bits in some databases.
        first, second = (ibis.literal(mark, "int8").cast("int64") for mark in marks)
        values = table.select(value=finite(table, name, role=role), first=first, second=second)
        marked.append(values.filter(values.value.notnull()))
    both = reduce(lambda left, right: left.union(right), marked)
    counted = both.group_by("value").aggregate(
        first=lambda group: group.first.sum().cast("int64"), second=lambda group: group.second.sum().cast("int64")
    )
    i, j = _cumulative(counted, "first"), _cumulative(counted, "second")
    gaps = counted.mutate(gap=(i * m - j * n).abs(), step=_next(counted) - counted.value)
    topped = gaps.mutate(top=gaps.gap.max().over(ibis.window()))
    return topped.aggregate(
        gap=topped.gap.max(),
        place=ibis.ifelse(topped.gap == topped.top, topped.value, ibis.null("float64")).min(),
        area=(topped.gap.cast("float64") * ibis.coalesce(topped.step, ibis.literal(0.0))).sum(),
    )


def _count(condition: Value) -> Any:
    return condition.ifelse(1, 0).sum()


def _cumulative(counted: Table, name: str) -> Value:
    import ibis

    return counted[name].sum().over(ibis.cumulative_window(order_by=counted.value)).cast("int64")


def _next(counted: Table) -> Value:
    import ibis

    return counted.value.lead().over(ibis.window(order_by=counted.value))
