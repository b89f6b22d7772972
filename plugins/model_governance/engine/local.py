"""The embedded engine: one column after another, piece by piece, so that no dataset is ever held whole.

Columns go to as many threads as there are cores. Counts are integers and sums are exact (`sums`), so an answer
depends neither on threads nor on how a file is cut into pieces.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from model_governance.engine.ordered import order_statistics
from model_governance.engine.relation import FEW_VALUES, ROWS_PER_FRAME, NumberRange, NumberSummary, Relation
from model_governance.engine.sums import Moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.engine.relation import Ordered

Answer = TypeVar("Answer")
MOST_THREADS = 4  # each holds its own column; more would trade memory for little
MANY_EDGES = 24  # up to here comparing with every edge is faster than putting a piece in order
GLANCE = 1000


class Pieces(Protocol):
    """Where the columns of a relation come from."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values that are not null, float64."""

    def categories(self, name: str) -> Iterator[tuple[list[Any], np.ndarray]]:
        """Values that are not missing, and how often each occurs in the piece."""

    def missing(self, name: str) -> int:
        """Rows without a value."""

    def frames(self, names: Sequence[str], *, rows: int) -> Iterator[pd.DataFrame]:
        """The rows in order, `rows` at a time."""

    def picked(self, names: Sequence[str], places: np.ndarray) -> pd.DataFrame:
        """The rows at these ascending places."""


def threads() -> int:
    """How many columns are worked on at a time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


def by_column(work: Callable[[str], Answer], names: Iterable[str]) -> dict[str, Answer]:
    """The answer of every column, several at a time, in the order of the names."""
    ordered = list(dict.fromkeys(names))
    with ThreadPoolExecutor(max_workers=threads()) as pool:
        return dict(zip(ordered, pool.map(work, ordered), strict=True))


class LocalRelation(Relation):
    """Rows in memory or in a file, answered by numpy."""

    def __init__(self, pieces: Pieces, *, role: str, uri: str) -> None:
        super().__init__(role=role, uri=uri, rows=pieces.rows, names=pieces.names)
        self.pieces = pieces
        self._ranged: dict[str, NumberRange] = {}
        self._at_edges: dict[tuple[str, bytes], np.ndarray] = {}
        self._at_probabilities: dict[tuple[str, tuple[float, ...]], np.ndarray] = {}
        self._apart: dict[str, tuple[Relation, Ordered]] = {}

    def remember_summary(self, name: str, summary: NumberSummary) -> None:
        """A summary that was taken on the way of another question (`together`)."""
        self._summed[name] = summary

    def remember_range(self, name: str, extent: NumberRange) -> None:
        """Ends that were taken on the way of another question."""
        self._ranged[name] = extent

    def remember_counts(self, name: str, edges: np.ndarray, counts: np.ndarray) -> None:
        """Counts that were taken on the way of another question (`together`)."""
        self._at_edges[name, edges.tobytes()] = counts

    def remember_quantiles(self, name: str, probabilities: Sequence[float], values: np.ndarray) -> None:
        """Order statistics that were taken on the way of another question."""
        self._at_probabilities[name, tuple(probabilities)] = values

    def remember_distance(self, other: Relation, name: str, distance: Ordered) -> None:
        """How far another relation lies from this one, taken on the way of another question."""
        self._apart[name] = (other, distance)

    def known_distance(self, other: Relation, name: str) -> Ordered | None:
        """What `remember_distance` was told, if anything."""
        measured, distance = self._apart.get(name, (None, None))
        return distance if measured is other else None

    def ranges(self, numbers: Sequence[str]) -> dict[str, NumberRange]:
        """The ends of each column of numbers, from what is known already or from its summary."""
        return super().ranges([name for name in numbers if name not in self._ranged]) | {
            name: self._ranged[name] for name in numbers if name in self._ranged
        }

    def counts(self, edges: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Finite values per cell, in one pass."""
        import numpy as np

        self.require(list(edges))
        cuts = {name: np.asarray(one, dtype="float64") for name, one in edges.items()}
        known = {name: self._at_edges.get((name, one.tobytes())) for name, one in cuts.items()}
        fresh = [name for name, one in known.items() if one is None]
        counted = by_column(lambda name: cell_counts(self.pieces.numbers(name), cuts[name]), fresh)
        return {name: counted[name] if one is None else one.copy() for name, one in known.items()}

    def quantiles(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Order statistics of the finite values."""
        self.require(names)
        known = {name: self._at_probabilities.get((name, tuple(probabilities))) for name in names}
        fresh = [name for name, one in known.items() if one is None]
        found = by_column(lambda name: order_statistics(self, name, probabilities), fresh)
        return {name: found[name] if one is None else one.copy() for name, one in known.items()}

    def _summarise(self, numbers: Sequence[str]) -> dict[str, NumberSummary]:
        return by_column(lambda name: _summary(lambda: self.pieces.numbers(name), rows=self.rows), numbers)

    def _tally(self, names: Sequence[str]) -> dict[str, Counter[Any]]:
        return by_column(lambda name: _tally(self.pieces.categories(name)), names)

    def _count_missing(self, names: Sequence[str]) -> dict[str, int]:
        return by_column(self.pieces.missing, names)

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values of one column that are not null, piece by piece."""
        self.require([name])
        return self.pieces.numbers(name)

    def frames(self, names: Sequence[str], *, rows: int = ROWS_PER_FRAME) -> Iterator[pd.DataFrame]:
        """The rows of these columns in order, `rows` at a time."""
        self.require(names)
        return self.pieces.frames(names, rows=rows)

    def sample(self, count: int, *, seed: int, names: Sequence[str]) -> pd.DataFrame:
        """A seeded sample without replacement, in row order."""
        import numpy as np

        self.require(names)
        places = np.arange(self.rows)
        if count < self.rows:
            places = np.sort(np.random.default_rng(seed).choice(self.rows, size=count, replace=False, shuffle=False))
        return self.pieces.picked(names, places)


class Ranging:
    """The ends of one column, piece by piece."""

    def __init__(self) -> None:
        self._finite = 0
        self._ends: list[float] = []
        self._few: list[float] = []

    def add(self, finite: np.ndarray) -> None:
        """Take in finite values."""
        if len(finite):
            self._finite += len(finite)
            ends = [*self._ends, float(finite.min()), float(finite.max())]
            self._ends = [min(ends), max(ends)]
            _note_distinct(self._few, finite)

    def range(self) -> NumberRange:
        """The ends of what was taken in."""
        low, high = (one + 0.0 for one in self._ends) if self._ends else (None, None)
        return NumberRange(finite=self._finite, minimum=low, maximum=high, distinct=len(self._few))


class Summing:
    """The summary of one column, piece by piece."""

    def __init__(self) -> None:
        import numpy as np

        self._moments = Moments()
        self._held = self._nan = 0
        self._low, self._high = float(np.inf), float(-np.inf)
        self._few: list[float] = []

    def add(self, piece: np.ndarray) -> None:
        """Take in the values that are not null, float64."""
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
        """What was taken in, of `rows` rows; `pieces` gives the same values again where the spread needs it."""
        moments = self._moments
        some = moments.count > 0
        return NumberSummary(
            rows=rows, missing=rows - self._held, nan=self._nan, infinite=self._held - self._nan - moments.count,
            finite=moments.count, minimum=self._low + 0.0 if some else None, maximum=self._high + 0.0 if some else None,
            mean=moments.mean if some else None,
            std=_spread(moments, pieces, constant=self._low == self._high) if some else None, distinct=len(self._few),
        )  # fmt: skip


def _summary(pieces: Callable[[], Iterable[np.ndarray]], *, rows: int) -> NumberSummary:
    summing = Summing()
    for piece in pieces():
        summing.add(piece)
    return summing.summary(pieces, rows=rows)


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
    kept = piece[np.isfinite(piece)]
    return kept, float(kept.min(initial=np.inf)), float(kept.max(initial=-np.inf))


def _spread(moments: Moments, pieces: Callable[[], Iterable[np.ndarray]], *, constant: bool) -> float:
    """The standard deviation; values far from zero are read a second time, about their mean."""
    if constant:
        return 0.0
    if not moments.is_off_centre:
        return moments.std
    about = Moments(moments.mean)
    for piece in pieces():
        finite, least, most = _finite(piece)
        if len(finite):
            about.add(finite, least=least, most=most)
    return about.std


def _note_distinct(few: list[float], values: np.ndarray) -> None:
    """Add values not seen before, until there is one more than few."""
    import numpy as np

    if len(few) > FEW_VALUES:
        return
    glance = np.unique(values[:GLANCE])[: FEW_VALUES + 1].tolist()
    few.extend([one for one in glance if one not in few])
    del few[FEW_VALUES + 1 :]
    rest = values
    for one in few:
        rest = rest[rest != one]
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


def _tally(pieces: Iterable[tuple[list[Any], np.ndarray]]) -> Counter[Any]:
    """How often each value occurs; 1, 1.0 and True are one value to Python too."""
    found: Counter[Any] = Counter()
    for values, counts in pieces:
        found.update(dict(zip(values, counts.tolist(), strict=True)))
    return found
