"""The interface to the rows of one dataset, wherever they are, and the types of its results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine.column_kinds import kind_of_series
from model_governance.engine.rounding import rounded_quantiles
from model_governance.errors import CheckError, SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.engine.column_kinds import Kind
    from model_governance.engine.labels import Labels
    from model_governance.engine.rounding import RoundedQuantiles

FEW_VALUES = 20
ROWS_PER_FRAME = 131_072
FIRST_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSummary:
    """One column of numbers over all rows, read as float64.

    `missing` counts nulls, `nan` stored NaN, `infinite` both infinities; the rest is `finite`, and only
    these have a minimum, maximum, mean and `std` (ddof 0), which are None where nothing is finite.
    `distinct` counts different finite values, exact up to 20; 21 means more.
    """

    rows: int
    missing: int
    nan: int
    infinite: int
    finite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    distinct: int

    @property
    def absent(self) -> int:
        """Rows without a number: null or NaN; infinities count separately."""
        return self.missing + self.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRange:
    """The range of a column of numbers: count of finite values, extremes, and distinct values (21 means more)."""

    finite: int
    minimum: float | None
    maximum: float | None
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """Distances between two samples of numbers, over all finite values of both, without binning.

    `ks` is sup |F - G| (Smirnov, 1939), 0 to 1, and `place` the smallest value at which it is reached;
    `wasserstein` is the integral of |F - G|, in the unit of the column, not normed; `n` and `m` are the
    numbers of finite values in reference and current. `outside` counts values of current beyond the smallest and largest
    of the reference, and `ends` which of these two a single row of the reference holds: 0, 1 or 2.
    """

    n: int
    m: int
    ks: float
    place: float
    wasserstein: float
    outside: int
    ends: int


class Relation(ABC):
    """The rows of one dataset. Results are exact over all rows and the same for every number of threads.

    Numbers are compared as float64, booleans are 0 and 1. Integers and decimals that float64 merges with their neighbours
    are refused (CheckError). A name that the dataset lacks raises SubjectError; a column declared a number that holds
    something else raises CheckError.
    """

    def __init__(self, *, role: str, uri: str, rows: int, names: tuple[str, ...]) -> None:
        self.role = role
        self.uri = uri
        self.rows = rows
        self.names = names
        self._held_names = frozenset(names)
        self._summaries: dict[str, NumberSummary] = {}
        self._cached_labels: dict[str, Labels] = {}

    def summaries(self, numbers: Sequence[str]) -> dict[str, NumberSummary]:
        """Counts, range and moments of each column of numbers; cached after the first call."""
        self.require(numbers)
        missing = [name for name in dict.fromkeys(numbers) if name not in self._summaries]
        if missing:
            self._summaries |= self._summarise(missing)
        return {name: self._summaries[name] for name in numbers}

    def ranges(self, numbers: Sequence[str]) -> dict[str, NumberRange]:
        """The range of each column of numbers; cheaper than `summaries` where no moments are needed."""
        return {
            name: NumberRange(
                finite=summary.finite, minimum=summary.minimum, maximum=summary.maximum, distinct=summary.distinct
            )
            for name, summary in self.summaries(numbers).items()
        }

    @abstractmethod
    def counts(self, edges: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Finite values per cell, in one pass: (-inf, e0), [e0, e1) ... [ek, inf), int64, shape (len(edges) + 1,).

        Args:
            edges: ascending finite edges per column, shape (k,).
        """

    def value_counts(self, names: Sequence[str]) -> dict[str, dict[str, int]]:
        """Rows per category, sorted by its text (1, 1.0 and True are one); null and NaN are in none."""
        return {name: labels.as_dict() for name, labels in self.labels(names).items()}

    def families(self, names: Sequence[str]) -> dict[str, frozenset[str]]:
        """The types of each column's categories: `numbers`, `text`, or the name of another type."""
        return {name: labels.families for name, labels in self.labels(names).items()}

    def missing(self, names: Sequence[str]) -> dict[str, int]:
        """Rows per column that hold nothing: null or NaN."""
        self.require(names)
        known = {name: summary.absent for name, summary in self._summaries.items()}
        known |= {name: self.rows - labels.total for name, labels in self._cached_labels.items()}
        unknown = [name for name in dict.fromkeys(names) if name not in known]
        if unknown:
            known |= self._count_missing(unknown)
        return {name: known[name] for name in names}

    def labels(self, names: Sequence[str]) -> dict[str, Labels]:
        """Rows per label of each category; cached, because they are needed more than once."""
        self.require(names)
        missing = [name for name in dict.fromkeys(names) if name not in self._cached_labels]
        if missing:
            self._cached_labels |= self._tally(missing)
        return {name: self._cached_labels[name] for name in names}

    @abstractmethod
    def _summarise(self, numbers: Sequence[str]) -> dict[str, NumberSummary]:
        """The summaries of columns that are not cached."""

    @abstractmethod
    def _tally(self, names: Sequence[str]) -> dict[str, Labels]:
        """Rows per label, without null and NaN, of columns that are not cached."""

    @abstractmethod
    def _count_missing(self, names: Sequence[str]) -> dict[str, int]:
        """Rows that hold null or NaN, of columns of which nothing is cached."""

    @abstractmethod
    def quantiles(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Order statistics of the finite values, shape (len(probabilities),): numpy's `inverted_cdf`.

        The p-quantile is the smallest value of the data with F(value) >= p, so it occurs in the data.

        Raises:
            CheckError: a column holds no finite value.
            ValueError: a probability outside [0, 1].
        """

    @abstractmethod
    def quantile_windows(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Each order statistic of `quantiles` with what lies in the `WINDOW` rows up to it, shape (len(probabilities), WINDOW).

        A row ascends and ends with the quantile. It holds every value of those rows; where there are fewer of them it starts
        with -inf, and where the rows share values it may repeat one.

        Raises:
            CheckError: a column holds no finite value.
            ValueError: a probability outside [0, 1].
        """

    def rounded_quantiles(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, RoundedQuantiles]:
        """The order statistics of `quantiles`, with round numbers that stand for them as edges."""
        windows = self.quantile_windows(probabilities, names)
        return {name: rounded_quantiles(windows[name]) for name in names}

    @abstractmethod
    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values of one column that are not null, float64, piece by piece, in no defined order."""

    @abstractmethod
    def frames(self, names: Sequence[str], *, rows: int = ROWS_PER_FRAME) -> Iterator[pd.DataFrame]:
        """The rows of these columns in order, `rows` at a time; the index continues over the pieces."""

    def integers(self, names: Sequence[str]) -> frozenset[str]:
        """The columns of these that `frames` gives an integer dtype."""
        first_rows = next(iter(self.frames(names, rows=1)))
        return frozenset(name for name in names if first_rows[name].dtype.kind in "iu")

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        """What each of these columns holds; by default as its first rows show."""
        first_rows = next(iter(self.frames(names, rows=FIRST_ROWS)))
        return {name: kind_of_series(first_rows[name]) for name in names}

    @abstractmethod
    def sample(self, count: int, *, seed: int, names: Sequence[str]) -> pd.DataFrame:
        """A seeded sample of `count` rows without replacement, in row order; all rows where there are no more."""

    def sample_frames(self, count: int, *, seed: int, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """The rows of `sample` in order; those of a wide sample piece by piece, so that it is never held as a whole."""
        yield self.sample(count, seed=seed, names=names)

    def require(self, names: Sequence[str]) -> None:
        """Refuse names that the dataset lacks.

        Raises:
            SubjectError: a column is missing.
        """
        lacking = [name for name in names if name not in self._held_names]
        if lacking:
            raise SubjectError(
                f"{self.uri}: dataset {self.role!r} lacks column(s) {', '.join(lacking)}; found {', '.join(self.names)}"
            )


def require_same_families(reference: Relation, current: Relation, names: Sequence[str]) -> None:
    """Refuse categories that changed between numbers and text: every one of them would be new to the model.

    Raises:
        CheckError: one dataset holds only numbers in a column and the other only text; every such column is listed.
    """
    before, after = reference.families(names), current.families(names)
    problems = [
        f"category {name!r} holds {'/'.join(sorted(before[name]))} in the reference and "
        f"{'/'.join(sorted(after[name]))} in current; every category would be new to the model: "
        "repair the feed's types"
        for name in names
        if before[name] and after[name] and before[name].isdisjoint(after[name])
    ]
    if problems:
        raise CheckError("\n".join(problems))


def inexact(name: str, role: str, *, holding: str) -> CheckError:
    """The error for a column of numbers that float64 cannot tell apart."""
    return CheckError(
        f"column {name!r} of dataset {role!r} holds {holding}: float64 would merge neighbours, and no distance "
        "between them would be exact; declare a key as columns.identifier and a code as category, or scale the numbers upstream"
    )


def not_a_number(name: str, role: str, *, arrives: str, holding: str) -> CheckError:
    """The error for a column that is declared a number and holds something else."""
    return CheckError(
        f"column {name!r} of dataset {role!r} is declared a number and arrives as {arrives} holding {holding}; "
        "repair the feed, or declare the column a category"
    )
