"""Rows cut into cells by one column or two: the candidates among which weak slices are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import pandas as pd

MOST_CATEGORIES = 30  # of a column; rarer ones belong to no cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A column as codes of shape (n,), -1 where a row belongs to no cell; `words` names each code."""

    name: str
    codes: np.ndarray
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One way to cut the rows: the cell of every row (-1: none), shape (n,), and the words for each cell."""

    cell: np.ndarray
    words: tuple[str, ...]


def code_column(values: pd.Series, *, bins: int, by_value: bool = False) -> Coded:
    """Numbers of many values by quantile bins, anything else by value; missing values are a code of their own."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    name = str(values.name)
    if not by_value and is_numeric_dtype(values) and not is_bool_dtype(values) and values.nunique() > bins:
        return _binned(name, values.to_numpy(dtype=float, na_value=float("nan")), bins=bins)
    return _categories(name, values)


def _binned(name: str, numbers: np.ndarray, *, bins: int) -> Coded:
    import numpy as np

    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf"))
    # A bin holds the values up to and with its edge, so that words can name both ends.
    codes = np.where(known, np.searchsorted(edges, numbers, side="left"), len(edges) + 1)
    ends = [f"{one:.4g}" for one in edges]
    words = [f"{name} up to {ends[0]}"]
    words += [f"{name} above {low} to {high}" for low, high in pairwise(ends)]
    words += [f"{name} above {ends[-1]}", f"{name} missing"]
    return Coded(name=name, codes=codes, words=tuple(words))


def _categories(name: str, values: pd.Series) -> Coded:
    import numpy as np
    import pandas as pd

    codes, found = pd.factorize(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    texts = [f"{one:g}" if isinstance(one, float) else str(one) for one in found.tolist()]
    # By count, then by text: which categories are kept must not hang on the order of the rows.
    kept = sorted(range(len(found)), key=lambda one: (-counts[one], texts[one]))[:MOST_CATEGORIES]
    place = np.full(len(found) + 1, -1)
    place[kept] = np.arange(len(kept))
    place[-1] = len(kept)
    words = [f"{name} {texts[one]}" for one in kept]
    return Coded(name=name, codes=place[codes], words=(*words, f"{name} missing"))


def cuts(columns: Mapping[str, Coded], *, depth: int) -> Iterator[Cut]:
    """Every column alone, and with depth 2 every pair of columns."""
    import numpy as np

    for one in columns.values():
        yield Cut(cell=one.codes, words=one.words)
    if depth < 2:
        return
    for one, other in combinations(columns.values(), 2):
        width = len(other.words)
        both = np.where((one.codes < 0) | (other.codes < 0), -1, one.codes * width + other.codes)
        yield Cut(cell=both, words=tuple(f"{left} and {right}" for left in one.words for right in other.words))
