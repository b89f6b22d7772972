"""What can be asked of the rows of one dataset, wherever they are, and what the answers look like."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.engine.labels import by_label, family
from model_governance.errors import CheckError, SubjectError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd


FEW_VALUES = 20
ROWS_PER_FRAME = 131_072


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
        """Rows without a number: null or NaN (infinities are numbers that went wrong, and apart)."""
        return self.missing + self.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRange:
    """What bins need to know of a column of numbers: finite values, their ends, and how many differ (21 means more)."""

    finite: int
    minimum: float | None
    maximum: float | None
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """How far two samples of numbers lie apart, over all finite values of both, without binning.

    `ks` is sup |F - G| (Smirnov, 1939), 0 to 1, and `place` the smallest value at which it is reached;
    `wasserstein` is the integral of |F - G|, in the unit of the column, not normed; `n` and `m` are the
    numbers of finite values in reference and current.
    """

    n: int
    m: int
    ks: float
    place: float
    wasserstein: float


class Relation(ABC):
    """The rows of one dataset. Answers are exact over all rows and the same on every number of threads.

    Numbers are compared as float64: integers beyond 2^53 and decimals are rounded to the nearest one, booleans
    are 0 and 1. A name that the dataset lacks raises SubjectError; a column declared a number that holds
    something else raises CheckError.
    """

    def __init__(self, *, role: str, uri: str, rows: int, names: tuple[str, ...]) -> None:
        self.role = role
        self.uri = uri
        self.rows = rows
        self.names = names
        self._summed: dict[str, NumberSummary] = {}
        self._counted: dict[str, Counter[Any]] = {}

    def summaries(self, numbers: Sequence[str]) -> dict[str, NumberSummary]:
        """Counts, range and moments of each column of numbers; every question after the first costs nothing."""
        self.require(numbers)
        fresh = [name for name in dict.fromkeys(numbers) if name not in self._summed]
        if fresh:
            self._summed |= self._summarise(fresh)
        return {name: self._summed[name] for name in numbers}

    def ranges(self, numbers: Sequence[str]) -> dict[str, NumberRange]:
        """The ends of each column of numbers; cheaper than `summaries` where no moments are wanted."""
        return {
            name: NumberRange(finite=one.finite, minimum=one.minimum, maximum=one.maximum, distinct=one.distinct)
            for name, one in self.summaries(numbers).items()
        }

    @abstractmethod
    def counts(self, edges: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Finite values per cell, in one pass: (-inf, e0), [e0, e1) ... [ek, inf), int64, shape (len(edges) + 1,).

        Args:
            edges: ascending finite edges per column, shape (k,).
        """

    def value_counts(self, names: Sequence[str]) -> dict[str, dict[str, int]]:
        """Rows per category, sorted by its text (1, 1.0 and True are one); null and NaN are in none."""
        return {name: by_label(tally) for name, tally in self._tallies(names).items()}

    def families(self, names: Sequence[str]) -> dict[str, frozenset[str]]:
        """What the categories of each column are made of: `numbers`, `text`, or the name of another type."""
        return {name: frozenset(map(family, tally)) for name, tally in self._tallies(names).items()}

    def missing(self, names: Sequence[str]) -> dict[str, int]:
        """Rows per column that hold nothing: null or NaN."""
        self.require(names)
        known = {name: one.absent for name, one in self._summed.items()}
        known |= {name: self.rows - one.total() for name, one in self._counted.items()}
        fresh = [name for name in dict.fromkeys(names) if name not in known]
        if fresh:
            known |= self._count_missing(fresh)
        return {name: known[name] for name in names}

    def _tallies(self, names: Sequence[str]) -> dict[str, Counter[Any]]:
        """Rows per value; categories are few and asked for more than once, so they are counted once and remembered."""
        self.require(names)
        fresh = [name for name in dict.fromkeys(names) if name not in self._counted]
        if fresh:
            self._counted |= self._tally(fresh)
        return {name: self._counted[name] for name in names}

    @abstractmethod
    def _summarise(self, numbers: Sequence[str]) -> dict[str, NumberSummary]:
        """The summaries of columns that were not asked for before."""

    @abstractmethod
    def _tally(self, names: Sequence[str]) -> dict[str, Counter[Any]]:
        """Rows per value, without null and NaN, of columns that were not asked for before."""

    @abstractmethod
    def _count_missing(self, names: Sequence[str]) -> dict[str, int]:
        """Rows that hold null or NaN, of columns of which nothing is known yet."""

    @abstractmethod
    def quantiles(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Order statistics of the finite values, shape (len(probabilities),): numpy's `inverted_cdf`.

        The p-quantile is the smallest value of the data with F(value) >= p, so it occurs in the data.

        Raises:
            CheckError: a column holds no finite value.
            ValueError: a probability outside [0, 1].
        """

    @abstractmethod
    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values of one column that are not null, float64, piece by piece, in no promised order."""

    @abstractmethod
    def frames(self, names: Sequence[str], *, rows: int = ROWS_PER_FRAME) -> Iterator[pd.DataFrame]:
        """The rows of these columns in order, `rows` at a time; the index counts on over the pieces."""

    @abstractmethod
    def sample(self, count: int, *, seed: int, names: Sequence[str]) -> pd.DataFrame:
        """A seeded sample of `count` rows without replacement, in row order; all rows where there are no more."""

    def require(self, names: Sequence[str]) -> None:
        """Refuse names that the dataset lacks.

        Raises:
            SubjectError: a column is missing.
        """
        lacking = [name for name in names if name not in self.names]
        if lacking:
            raise SubjectError(
                f"{self.uri}: dataset {self.role!r} lacks column(s) {', '.join(lacking)}; found {', '.join(self.names)}"
            )


def require_same_families(reference: Relation, current: Relation, names: Sequence[str]) -> None:
    """Refuse categories that changed between numbers and text: every one of them would be new to the model.

    Raises:
        CheckError: one side of a column holds only numbers and the other only text; every such column is listed.
    """
    theirs, ours = reference.families(names), current.families(names)
    problems = [
        f"category {name!r} holds {'/'.join(sorted(theirs[name]))} in the reference and "
        f"{'/'.join(sorted(ours[name]))} in current; the model would know none of the categories: "
        "repair the feed's types"
        for name in names
        if theirs[name] and ours[name] and theirs[name].isdisjoint(ours[name])
    ]
    if problems:
        raise CheckError("\n".join(problems))


def no_number(name: str, role: str, *, arrives: str, holding: str) -> CheckError:
    """The complaint about a column declared a number that holds something else."""
    return CheckError(
        f"column {name!r} of dataset {role!r} is declared a number and arrives as {arrives} holding {holding}; "
        "repair the feed, or declare the column a category"
    )
