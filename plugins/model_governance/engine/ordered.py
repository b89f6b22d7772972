"""Statistics of sorted values: order statistics, Kolmogorov-Smirnov and Wasserstein distances, exact over all rows."""

from __future__ import annotations

import math
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from model_governance.engine.relation import Ordered
from model_governance.engine.rounding import WINDOW
from model_governance.engine.runs import put_in_order
from model_governance.engine.spill import LazyFolder
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from model_governance.engine.relation import Relation
    from model_governance.engine.runs import InOrder

BLOCK = 1 << 17  # values of a dataset in memory at a time
STRIDE = 1 << 14  # the same, where a dozen arrays of that size must stay in the cache
CELL = 64  # values between two points of the coarse first comparison of the distributions
LARGE = 2.0**900  # larger values are scaled by 2^-64 before their differences are summed
SCALE = 64


def order_statistics(relation: Relation, name: str, probabilities: Sequence[float]) -> np.ndarray:
    """The smallest values with F(value) >= p, shape (len(probabilities),).

    Raises:
        CheckError: the column holds no finite value.
        ValueError: a probability outside [0, 1].
    """
    with LazyFolder() as folder:
        return values_at(_in_order(relation, name, folder), probabilities)


def order_windows(relation: Relation, name: str, probabilities: Sequence[float]) -> np.ndarray:
    """One column of `Relation.quantile_windows`.

    Raises:
        CheckError: the column holds no finite value.
        ValueError: a probability outside [0, 1].
    """
    with LazyFolder() as folder:
        return windows_at(_in_order(relation, name, folder), probabilities)


def values_at(values: InOrder, probabilities: Sequence[float]) -> np.ndarray:
    """The order statistics of values in order, shape (len(probabilities),)."""
    import numpy as np

    return _values_at_ranks(values, np.array(_ranks(tuple(probabilities), values.count)))


def windows_at(values: InOrder, probabilities: Sequence[float]) -> np.ndarray:
    """The order statistics with the values of the rows up to them, as `Relation.quantile_windows`."""
    import numpy as np

    ranks = np.array(_ranks(tuple(probabilities), values.count))[:, None] + np.arange(1 - WINDOW, 1)
    found = _values_at_ranks(values, np.clip(ranks, 0, None).ravel()).reshape(ranks.shape)
    return np.where(ranks < 0, -np.inf, found)


def _values_at_ranks(values: InOrder, ranks: np.ndarray) -> np.ndarray:
    import numpy as np

    statistics = np.empty(len(ranks))
    for start in range(int(ranks.min()) // BLOCK * BLOCK, int(ranks.max()) + 1, BLOCK):
        in_block = np.flatnonzero((ranks >= start) & (ranks < start + BLOCK))
        if len(in_block):
            statistics[in_block] = values.slice(start, start + BLOCK)[ranks[in_block] - start]
    return statistics + 0.0


@lru_cache(maxsize=64)
def _ranks(probabilities: tuple[float, ...], count: int) -> tuple[int, ...]:
    """Places of quantiles; many columns of a dataset hold the same number of values."""
    return tuple(rank_of(probability, count) for probability in probabilities)


def counts_between(values: InOrder, edges: np.ndarray) -> np.ndarray:
    """Values per cell (-inf, e0), [e0, e1) ... [ek, inf), int64, shape (len(edges) + 1,)."""
    import numpy as np

    below = np.zeros(len(edges), dtype="int64")
    for start in range(0, values.count, BLOCK):
        below += values.slice(start, start + BLOCK).searchsorted(edges, side="left")
    return np.diff(np.concatenate([[0], below, [values.count]]))


def rank_of(probability: float, count: int) -> int:
    """The place (from 0) of the p-quantile among `count` sorted values; 0.1 means a tenth exactly, not its float."""
    if not 0 <= probability <= 1:
        raise ValueError(f"a probability lies in [0, 1]; found {probability}")
    numerator, denominator = _ratio(float(probability))
    return max(-(-numerator * count // denominator) - 1, 0)


@lru_cache(maxsize=1024)
def _ratio(probability: float) -> tuple[int, int]:
    """The shortest decimal that stands for the float, as a ratio of integers."""
    return Fraction(repr(probability)).as_integer_ratio()


def distances_of_column(reference: Relation, current: Relation, name: str) -> Ordered:
    """The distances of one column.

    Raises:
        CheckError: a dataset holds no finite value, or the values lie too far apart for float64.
    """
    with both_in_order(reference, current, name) as (first, second):
        return distances_between(first, second, name)


@contextmanager
def both_in_order(reference: Relation, current: Relation, name: str) -> Iterator[tuple[InOrder, InOrder]]:
    """The finite values of a column in both datasets, ascending; temporary files are removed afterwards.

    Raises:
        CheckError: a dataset holds no finite value.
    """
    with LazyFolder() as folder:
        first = _in_order(reference, name, folder, role="reference")
        yield first, _in_order(current, name, folder, role="current")


def distances_between(first: InOrder, second: InOrder, name: str) -> Ordered:
    """The distances of two sorted samples; `name` is the column, for an error.

    Raises:
        CheckError: the values lie too far apart for float64.
    """
    gap, place = kolmogorov_smirnov(first, second)
    area = wasserstein(first, second)
    if not math.isfinite(area):
        raise CheckError(f"column {name!r}: its values lie further apart than float64 can represent; repair the feed")
    outside, ends = _beyond_ends(first, second)
    return Ordered(
        n=first.count, m=second.count, ks=gap, place=place + 0.0, wasserstein=area, outside=outside, ends=ends
    )


def _beyond_ends(first: InOrder, second: InOrder) -> tuple[int, int]:
    """Values of the second sample beyond the ends of the first, and how many of these ends are a single value of it."""
    low, high = float(first.slice(0, 1)[0]), float(first.slice(first.count - 1, first.count)[0])
    below_low, below_high = math.nextafter(low, -math.inf), math.nextafter(high, -math.inf)
    outside = second.rank(below_low) + second.count - second.rank(high)
    return outside, int(first.rank(low) == 1) + int(first.count - first.rank(below_high) == 1)


def _in_order(relation: Relation, name: str, folder: LazyFolder, *, role: str = "values") -> InOrder:
    values = put_in_order(relation.numbers(name), lambda: folder.subfolder(role))
    if values.count == 0:
        raise CheckError(
            f"column {name!r} of dataset {relation.role!r} holds no finite number in any of {relation.rows:,} rows"
        )
    return values


def wasserstein(first: InOrder, second: InOrder) -> float:
    """The integral of |F^-1 - G^-1| over (0, 1), split at all multiples of 1/n and 1/m, in integers.

    With n >= m, the i-th of n values is paired with at most two of the m others: those at i*m // n and the next place.
    Equal to the integral of |F - G| over the values (Vallender, 1974).
    """
    import numpy as np

    long, short = (first, second) if first.count >= second.count else (second, first)
    n, m = long.count, short.count
    ends = [values.slice(place, place + 1)[0] for values in (long, short) for place in (0, values.count - 1)]
    scale = SCALE if max(map(abs, ends)) > LARGE else 0
    parts = []
    for start in range(0, n, STRIDE):
        values = long.slice(start, start + STRIDE)
        paired, last = start * m // n, (start + len(values) - 1) * m // n
        others = short.slice(paired, last + 2)
        if scale:
            values, others = np.ldexp(values, -scale), np.ldexp(others, -scale)
        parts.append(_area(values, others, start=start, first=paired, n=n, m=m))
    return math.ldexp(math.fsum(parts) / n, scale)


def _area(values: np.ndarray, others: np.ndarray, *, start: int, first: int, n: int, m: int) -> float:
    """The part of n * W1 of `values`, from place `start` on; `others` are their pairs, from place `first` on."""
    import numpy as np

    if n == m:
        return float(np.abs(values - others[: len(values)]).sum())
    places = np.arange(start, start + len(values), dtype="int64") * m
    paired = places // n
    # Of the m units of a value's share, so many belong to the second of its pairs.
    beyond = np.maximum(places - paired * n - (n - m), 0) / m
    paired -= first
    near = np.abs(values - others[paired])
    far = np.abs(values - others[np.minimum(paired + 1, len(others) - 1)])
    return float((near + beyond * (far - near)).sum())


def kolmogorov_smirnov(first: InOrder, second: InOrder) -> tuple[float, float]:
    """The largest |F - G| and the smallest value at which it is reached, from integer counts."""
    n, m = first.count, second.count
    largest = _LargestGap(n, m)
    ranks = (0, 0)
    while ranks != (n, m):
        blocks = [values.slice(rank, rank + BLOCK) for values, rank in zip((first, second), ranks, strict=True)]
        # Both blocks are complete below this value; the ranks of ties at the value itself are looked up.
        stop = min(float(block[-1]) for block in blocks if len(block))
        largest.add_blocks(*(block[: block.searchsorted(stop, side="left")] for block in blocks), ranks=ranks)
        ranks = (first.rank(stop), second.rank(stop))
        largest.add_value(stop, ranks)
    return largest.gap / (n * m), largest.place


class _LargestGap:
    """The largest |i*m - j*n| so far, for i of n and j of m values at most `place`."""

    def __init__(self, n: int, m: int) -> None:
        self.n, self.m = n, m
        self.gap, self.place = -1, math.nan

    def add_value(self, value: float, ranks: tuple[int, int]) -> None:
        gap = abs(ranks[0] * self.m - ranks[1] * self.n)
        if gap > self.gap:
            self.gap, self.place = gap, value

    def add_blocks(self, first: np.ndarray, second: np.ndarray, *, ranks: tuple[int, int]) -> None:
        """Compare at every value of two sorted blocks, except in cells whose ends exclude a larger gap."""
        import numpy as np

        grid = first[CELL - 1 :: CELL]
        low = np.concatenate([[0], first.searchsorted(grid, side="right")])
        other_low = np.concatenate([[0], second.searchsorted(grid, side="right")])
        high, other_high = np.append(low[1:], len(first)), np.append(other_low[1:], len(second))
        most = (ranks[0] + high) * self.m - (ranks[1] + other_low) * self.n
        least = (ranks[0] + low) * self.m - (ranks[1] + other_high) * self.n
        at_grid = np.abs((ranks[0] + low) * self.m - (ranks[1] + other_low) * self.n)[1:]
        bound = max(self.gap, int(at_grid.max(initial=-1)))
        possible = np.maximum(most, -least) >= bound
        candidates = first[np.repeat(possible, high - low)], second[np.repeat(possible, other_high - other_low)]
        values = np.concatenate([grid, *candidates])
        if len(values) == 0:
            return
        i = ranks[0] + first.searchsorted(values, side="right")
        j = ranks[1] + second.searchsorted(values, side="right")
        gaps = np.abs(i * self.m - j * self.n)
        if (gap := int(gaps.max())) > self.gap:
            self.gap, self.place = gap, float(values[gaps == gap].min())
