"""The embedded engine: columns are read piece by piece, so that no dataset is held in memory as a whole.

Columns are processed by as many threads as there are cores (at most four). Counts are integers and sums are exact
(`sums`), so a result depends neither on threads nor on the pieces of a file.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

from model_governance.contract.processors import processors
from model_governance.engine.ordered import order_statistics, order_windows
from model_governance.engine.relation import FEW_VALUES, ROWS_PER_FRAME, NumberRange, NumberSummary, Relation
from model_governance.engine.sums import Moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.engine.column_kinds import Kind
    from model_governance.engine.labels import Labels
    from model_governance.engine.relation import Ordered
    from model_governance.engine.rounding import RoundedQuantiles

Result = TypeVar("Result")
MAX_THREADS = 4  # each holds its own column; more would trade memory for little
MANY_EDGES = 24  # up to here comparing with every edge is faster than sorting a piece
FIRST_VALUES = 1000
MAX_CELLS = 1 << 23  # values of a sample that is held as a whole


class Pieces(Protocol):
    """The source of the columns of a relation."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values that are not null, float64."""

    def labels(self, name: str) -> Labels:
        """Rows per label."""

    def missing(self, name: str) -> int:
        """Rows without a value."""

    def integers(self, names: Sequence[str]) -> frozenset[str]:
        """The columns of these that are integers without a missing value."""

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        """What these columns hold."""

    def frames(self, names: Sequence[str], *, rows: int) -> Iterator[pd.DataFrame]:
        """The rows in order, `rows` at a time."""

    def picked(self, names: Sequence[str], places: np.ndarray) -> pd.DataFrame:
        """The rows at these ascending places."""

    def picked_frames(self, names: Sequence[str], places: np.ndarray) -> Iterator[pd.DataFrame]:
        """The rows at these ascending places, piece by piece."""


def threads() -> int:
    """Number of columns that are processed in parallel."""
    return min(processors(), MAX_THREADS)


def by_column(work: Callable[[str], Result], names: Iterable[str]) -> dict[str, Result]:
    """The result of every column, computed in parallel, in the order of the names."""
    ordered = list(dict.fromkeys(names))
    with ThreadPoolExecutor(max_workers=threads()) as pool:
        return dict(zip(ordered, pool.map(work, ordered), strict=True))


class LocalRelation(Relation):
    """Rows in memory or in a file, computed by numpy.

    The `cache_` methods store results that another pass has computed (`paired_pass`); the other methods return them.
    """

    def __init__(self, pieces: Pieces, *, role: str, uri: str) -> None:
        super().__init__(role=role, uri=uri, rows=pieces.rows, names=pieces.names)
        self.pieces = pieces
        self._ranges: dict[str, NumberRange] = {}
        self._counts: dict[tuple[str, bytes], np.ndarray] = {}
        self._rounded: dict[tuple[str, tuple[float, ...]], RoundedQuantiles] = {}
        self._distances: dict[str, tuple[Relation, Ordered]] = {}

    def cache_summary(self, name: str, summary: NumberSummary) -> None:
        """Store the summary of a column."""
        self._summaries[name] = summary

    def cache_range(self, name: str, extent: NumberRange) -> None:
        """Store the range of a column."""
        self._ranges[name] = extent

    def cache_counts(self, name: str, edges: np.ndarray, counts: np.ndarray) -> None:
        """Store the counts of a column between these edges."""
        self._counts[name, edges.tobytes()] = counts

    def cache_rounded(self, name: str, probabilities: Sequence[float], quantiles: RoundedQuantiles) -> None:
        """Store the rounded order statistics of a column at these probabilities."""
        self._rounded[name, tuple(probabilities)] = quantiles

    def cache_distance(self, other: Relation, name: str, distance: Ordered) -> None:
        """Store the distances of a column to another relation."""
        self._distances[name] = (other, distance)

    def cached_distance(self, other: Relation, name: str) -> Ordered | None:
        """The stored distances of a column to this other relation; None where there are none."""
        relation, distance = self._distances.get(name, (None, None))
        return distance if relation is other else None

    def ranges(self, numbers: Sequence[str]) -> dict[str, NumberRange]:
        """The range of each column of numbers, stored or from its summary."""
        return super().ranges([name for name in numbers if name not in self._ranges]) | {
            name: self._ranges[name] for name in numbers if name in self._ranges
        }

    def counts(self, edges: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Finite values per cell, in one pass."""
        import numpy as np

        self.require(list(edges))
        arrays = {name: np.asarray(cuts, dtype="float64") for name, cuts in edges.items()}
        cached = {name: self._counts.get((name, cuts.tobytes())) for name, cuts in arrays.items()}
        missing = [name for name, counts in cached.items() if counts is None]
        computed = by_column(lambda name: cell_counts(self.pieces.numbers(name), arrays[name]), missing)
        return {name: computed[name] if counts is None else counts.copy() for name, counts in cached.items()}

    def quantiles(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Order statistics of the finite values."""
        self.require(names)
        return by_column(lambda name: order_statistics(self, name, probabilities), names)

    def quantile_windows(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Order statistics of the finite values, with the values of the rows up to them."""
        self.require(names)
        return by_column(lambda name: order_windows(self, name, probabilities), names)

    def rounded_quantiles(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, RoundedQuantiles]:
        """Order statistics of the finite values, with round numbers that stand for them as edges."""
        cached = {name: self._rounded.get((name, tuple(probabilities))) for name in names}
        computed = super().rounded_quantiles(probabilities, [name for name, found in cached.items() if found is None])
        return {name: found or computed[name] for name, found in cached.items()}

    def _summarise(self, numbers: Sequence[str]) -> dict[str, NumberSummary]:
        return by_column(lambda name: _summary(lambda: self.pieces.numbers(name), rows=self.rows), numbers)

    def _tally(self, names: Sequence[str]) -> dict[str, Labels]:
        return by_column(self.pieces.labels, names)

    def _count_missing(self, names: Sequence[str]) -> dict[str, int]:
        return by_column(self.pieces.missing, names)

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values of one column that are not null, piece by piece."""
        self.require([name])
        return self.pieces.numbers(name)

    def integers(self, names: Sequence[str]) -> frozenset[str]:
        """The columns of these that are integers without a missing value."""
        self.require(names)
        return self.pieces.integers(names)

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        """What each of these columns holds, from its type and, where the type does not say, from its values."""
        self.require(names)
        return self.pieces.kinds(names)

    def frames(self, names: Sequence[str], *, rows: int = ROWS_PER_FRAME) -> Iterator[pd.DataFrame]:
        """The rows of these columns in order, `rows` at a time."""
        self.require(names)
        return self.pieces.frames(names, rows=rows)

    def sample(self, count: int, *, seed: int, names: Sequence[str]) -> pd.DataFrame:
        """A seeded sample without replacement, in row order."""
        self.require(names)
        return self.pieces.picked(names, self._places(count, seed=seed))

    def sample_frames(self, count: int, *, seed: int, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """The rows of `sample` in order; those of a wide sample piece by piece, so that it is never held as a whole."""
        self.require(names)
        places = self._places(count, seed=seed)
        if len(places) * len(names) <= MAX_CELLS:
            yield self.pieces.picked(names, places)
        else:
            yield from self.pieces.picked_frames(names, places)

    def _places(self, count: int, *, seed: int) -> np.ndarray:
        """Places of a seeded sample without replacement, ascending."""
        import numpy as np

        if count >= self.rows:
            return np.arange(self.rows)
        return np.sort(np.random.default_rng(seed).choice(self.rows, size=count, replace=False, shuffle=False))


class RangeAccumulator:
    """Accumulates the range of one column, piece by piece."""

    def __init__(self) -> None:
        self._finite = 0
        self._ends: list[float] = []
        self._few: list[float] = []

    def add(self, finite: np.ndarray) -> None:
        """Add finite values."""
        if len(finite):
            self._finite += len(finite)
            ends = [*self._ends, float(finite.min()), float(finite.max())]
            self._ends = [min(ends), max(ends)]
            _note_distinct(self._few, finite)

    def range(self) -> NumberRange:
        """The range of the added values."""
        low, high = (end + 0.0 for end in self._ends) if self._ends else (None, None)
        return NumberRange(finite=self._finite, minimum=low, maximum=high, distinct=len(self._few))


class SummaryAccumulator:
    """Accumulates the summary of one column, piece by piece."""

    def __init__(self) -> None:
        import numpy as np

        self._moments = Moments()
        self._held = self._nan = 0
        self._low, self._high = float(np.inf), float(-np.inf)
        self._few: list[float] = []

    def add(self, piece: np.ndarray) -> None:
        """Add values that are not null, float64."""
        import numpy as np

        finite, least, most = _finite(piece)
        self._held += len(piece)
        if len(finite) < len(piece):
            self._nan += int(np.isnan(piece).sum())
        if len(finite) == 0:
            return
        self._low, self._high = min(self._low, least), max(self._high, most)
        self._moments.add(finite, least=least, most=most)
        _note_distinct(self._few, finite)

    def summary(self, pieces: Callable[[], Iterable[np.ndarray]], *, rows: int) -> NumberSummary:
        """The summary of the added values.

        Args:
            pieces: gives the same values again, for a second pass where the standard deviation needs one.
            rows: rows of the dataset, nulls included.
        """
        moments = self._moments
        some = moments.count > 0
        return NumberSummary(
            rows=rows, missing=rows - self._held, nan=self._nan, infinite=self._held - self._nan - moments.count,
            finite=moments.count, minimum=self._low + 0.0 if some else None, maximum=self._high + 0.0 if some else None,
            mean=moments.mean if some else None,
            std=_standard_deviation(moments, pieces, constant=self._low == self._high) if some else None, distinct=len(self._few),
        )  # fmt: skip


def _summary(pieces: Callable[[], Iterable[np.ndarray]], *, rows: int) -> NumberSummary:
    accumulator = SummaryAccumulator()
    for piece in pieces():
        accumulator.add(piece)
    return accumulator.summary(pieces, rows=rows)


def finite_of(piece: np.ndarray) -> np.ndarray:
    """The finite values of a piece."""
    return _finite(piece)[0]


def _finite(piece: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The finite values of a piece, the least and the most of them."""
    import numpy as np

    if len(piece) == 0:
        return piece, np.inf, -np.inf
    least, most = float(piece.min()), float(piece.max())
    if np.isfinite(least) and np.isfinite(most):
        return piece, least, most
    finite = piece[np.isfinite(piece)]
    return finite, float(finite.min(initial=np.inf)), float(finite.max(initial=-np.inf))


def _standard_deviation(moments: Moments, pieces: Callable[[], Iterable[np.ndarray]], *, constant: bool) -> float:
    """The standard deviation; values far from zero need a second pass, about their mean."""
    if constant:
        return 0.0
    if not moments.is_off_centre:
        return moments.std
    centred = Moments(moments.mean)
    for piece in pieces():
        finite, least, most = _finite(piece)
        if len(finite):
            centred.add(finite, least=least, most=most)
    return centred.std


def _note_distinct(few: list[float], values: np.ndarray) -> None:
    """Add new distinct values to `few`, until it holds one more than `FEW_VALUES`."""
    import numpy as np

    if len(few) > FEW_VALUES:
        return
    first = np.unique(values[:FIRST_VALUES])[: FEW_VALUES + 1].tolist()
    few.extend([value for value in first if value not in few])
    del few[FEW_VALUES + 1 :]
    rest = values
    for value in few:
        rest = rest[rest != value]
    while len(rest) and len(few) <= FEW_VALUES:
        few.append(float(rest[0]))
        rest = rest[rest != rest[0]]


def cell_counts(pieces: Iterable[np.ndarray], edges: np.ndarray) -> np.ndarray:
    """Finite values per cell (-inf, e0), [e0, e1) ... [ek, inf), int64, shape (len(edges) + 1,)."""
    import numpy as np

    edges = np.asarray(edges, dtype="float64")
    total = np.zeros(len(edges) + 1, dtype="int64")
    for piece in pieces:
        finite, _, _ = _finite(piece)
        if len(edges) > MANY_EDGES:
            below = np.sort(finite).searchsorted(edges, side="left").tolist()
        else:
            below = [np.count_nonzero(finite < edge) for edge in edges]
        total += np.diff([0, *below, len(finite)])
    return total
