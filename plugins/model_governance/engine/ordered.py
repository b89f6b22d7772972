"""What needs the values in order: order statistics, Kolmogorov-Smirnov and Wasserstein distances, exact over all rows."""

from __future__ import annotations

import math
import tempfile
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.engine.relation import Ordered
from model_governance.engine.runs import put_in_order
from model_governance.engine.stored import PREFIX
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from model_governance.engine.relation import Relation
    from model_governance.engine.runs import InOrder

BLOCK = 1 << 17  # values of a side in memory at a time
STRIDE = 1 << 14  # the same, where a dozen arrays of that size must stay in the cache
CELL = 64  # values between two points at which the distributions are compared first
LARGE = 2.0**900  # sums of differences of larger values are taken of their 2^-64th part
SCALE = 64


def order_statistics(relation: Relation, name: str, probabilities: Sequence[float]) -> np.ndarray:
    """The smallest values with F(value) >= p, shape (len(probabilities),).

    Raises:
        CheckError: the column holds no finite value.
        ValueError: a probability outside [0, 1].
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        return values_at(_in_order(relation, name, Path(folder)), probabilities)


def values_at(values: InOrder, probabilities: Sequence[float]) -> np.ndarray:
    """The order statistics of values in order, shape (len(probabilities),)."""
    import numpy as np

    ranks = np.array([rank_of(one, values.count) for one in probabilities])
    found = np.empty(len(ranks))
    for start in sorted({int(one) // BLOCK * BLOCK for one in ranks}):
        here = (ranks >= start) & (ranks < start + BLOCK)
        found[here] = values.slice(start, start + BLOCK)[ranks[here] - start]
    return found + 0.0


def counts_between(values: InOrder, edges: np.ndarray) -> np.ndarray:
    """Values per cell (-inf, e0), [e0, e1) ... [ek, inf), int64, shape (len(edges) + 1,)."""
    import numpy as np

    below = np.zeros(len(edges), dtype="int64")
    for start in range(0, values.count, BLOCK):
        below += values.slice(start, start + BLOCK).searchsorted(edges, side="left")
    return np.diff(np.concatenate([[0], below, [values.count]]))


def rank_of(probability: float, count: int) -> int:
    """The place (from 0) of the p-quantile among `count` sorted values; 0.1 means a tenth, not the float beside it."""
    if not 0 <= probability <= 1:
        raise ValueError(f"a probability lies in [0, 1]; found {probability}")
    return max(math.ceil(Fraction(repr(float(probability))) * count) - 1, 0)


def distances_of_column(reference: Relation, current: Relation, name: str) -> Ordered:
    """The distances of one column.

    Raises:
        CheckError: a side holds no finite value, or the values lie too far apart for float64.
    """
    with both_in_order(reference, current, name) as (first, second):
        return distances_between(first, second, name)


@contextmanager
def both_in_order(reference: Relation, current: Relation, name: str) -> Iterator[tuple[InOrder, InOrder]]:
    """The finite values of a column on both sides, ascending; what was spilled is gone afterwards.

    Raises:
        CheckError: a side holds no finite value.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        sides = []
        for side, relation in (("reference", reference), ("current", current)):
            room = Path(folder) / side
            room.mkdir()
            sides.append(_in_order(relation, name, room))
        yield sides[0], sides[1]


def distances_between(first: InOrder, second: InOrder, name: str) -> Ordered:
    """The distances of two samples in order; `name` is what a complaint calls the column.

    Raises:
        CheckError: the values lie too far apart for float64.
    """
    gap, place = kolmogorov_smirnov(first, second)
    area = wasserstein(first, second)
    if not math.isfinite(area):
        raise CheckError(f"column {name!r}: its values lie further apart than float64 can tell; repair the feed")
    return Ordered(n=first.count, m=second.count, ks=gap, place=place + 0.0, wasserstein=area)


def _in_order(relation: Relation, name: str, folder: Path) -> InOrder:
    values = put_in_order(relation.numbers(name), folder)
    if values.count == 0:
        raise CheckError(
            f"column {name!r} of dataset {relation.role!r} holds no finite number in any of {relation.rows:,} rows"
        )
    return values


def wasserstein(first: InOrder, second: InOrder) -> float:
    """The integral of |F^-1 - G^-1| over (0, 1), cut at all multiples of 1/n and 1/m, in integers.

    With n >= m, the i-th of n values meets at most two of the m others: those at i*m // n and the place after.
    Equal to the integral of |F - G| over the values (Vallender, 1974).
    """
    import numpy as np

    long, short = (first, second) if first.count >= second.count else (second, first)
    n, m = long.count, short.count
    ends = [one.slice(place, place + 1)[0] for one in (long, short) for place in (0, one.count - 1)]
    scale = SCALE if max(map(abs, ends)) > LARGE else 0
    parts = []
    for start in range(0, n, STRIDE):
        values = long.slice(start, start + STRIDE)
        meets, last = start * m // n, (start + len(values) - 1) * m // n
        others = short.slice(meets, last + 2)
        if scale:
            values, others = np.ldexp(values, -scale), np.ldexp(others, -scale)
        parts.append(_area(values, others, start=start, first=meets, n=n, m=m))
    return math.ldexp(math.fsum(parts) / n, scale)


def _area(values: np.ndarray, others: np.ndarray, *, start: int, first: int, n: int, m: int) -> float:
    """The part of n * W1 that belongs to `values`, from place `start` on; `others` are those they meet, from `first` on."""
    import numpy as np

    if n == m:
        return float(np.abs(values - others[: len(values)]).sum())
    places = np.arange(start, start + len(values), dtype="int64") * m
    meets = places // n
    # Of the m units of a value's share, so many reach beyond the first of the others that it meets.
    beyond = np.maximum(places - meets * n - (n - m), 0) / m
    meets -= first
    near = np.abs(values - others[meets])
    far = np.abs(values - others[np.minimum(meets + 1, len(others) - 1)])
    return float((near + beyond * (far - near)).sum())


def kolmogorov_smirnov(first: InOrder, second: InOrder) -> tuple[float, float]:
    """The largest |F - G| and the smallest value at which it is reached, from integer counts."""
    n, m = first.count, second.count
    seen = _Farthest(n, m)
    ranks = (0, 0)
    while ranks != (n, m):
        blocks = [one.slice(rank, rank + BLOCK) for one, rank in zip((first, second), ranks, strict=True)]
        # Up to here both blocks are complete, ties at this very value apart: their ranks are looked up.
        stop = min(float(one[-1]) for one in blocks if len(one))
        seen.look_into(*(one[: one.searchsorted(stop, side="left")] for one in blocks), ranks=ranks)
        ranks = (first.rank(stop), second.rank(stop))
        seen.look_at(stop, ranks)
    return seen.gap / (n * m), seen.place


class _Farthest:
    """The largest |i*m - j*n| seen so far, for i of n and j of m values at most `place`."""

    def __init__(self, n: int, m: int) -> None:
        self.n, self.m = n, m
        self.gap, self.place = -1, math.nan

    def look_at(self, value: float, ranks: tuple[int, int]) -> None:
        gap = abs(ranks[0] * self.m - ranks[1] * self.n)
        if gap > self.gap:
            self.gap, self.place = gap, value

    def look_into(self, first: np.ndarray, second: np.ndarray, *, ranks: tuple[int, int]) -> None:
        """Compare at every value of two sorted blocks, except where the ends of a cell prove that nothing is gained."""
        import numpy as np

        grid = first[CELL - 1 :: CELL]
        low = np.concatenate([[0], first.searchsorted(grid, side="right")])
        other_low = np.concatenate([[0], second.searchsorted(grid, side="right")])
        high, other_high = np.append(low[1:], len(first)), np.append(other_low[1:], len(second))
        most = (ranks[0] + high) * self.m - (ranks[1] + other_low) * self.n
        least = (ranks[0] + low) * self.m - (ranks[1] + other_high) * self.n
        at_grid = np.abs((ranks[0] + low) * self.m - (ranks[1] + other_low) * self.n)[1:]
        bound = max(self.gap, int(at_grid.max(initial=-1)))
        open_ = np.maximum(most, -least) >= bound
        chosen = first[np.repeat(open_, high - low)], second[np.repeat(open_, other_high - other_low)]
        values = np.concatenate([grid, *chosen])
        if len(values) == 0:
            return
        i, j = (ranks[side] + one.searchsorted(values, side="right") for side, one in enumerate((first, second)))
        gaps = np.abs(i * self.m - j * self.n)
        if (gap := int(gaps.max())) > self.gap:
            self.gap, self.place = gap, float(values[gaps == gap].min())
