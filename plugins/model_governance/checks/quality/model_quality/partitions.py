"""Partitions of the rows by one column or two: the candidates of the search for weak slices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import pandas as pd

MAX_CATEGORIES = 30  # of a column; rows of rarer ones belong to no slice


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedColumn:
    """A column as codes (n,), -1 where a row belongs to no slice; `names` describes each code."""

    name: str
    codes: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A partition of the rows into slices: the slice of every row (n,), -1 for none, and the name of each slice."""

    number: np.ndarray
    names: tuple[str, ...]


def code_column(values: pd.Series, *, bins: int, by_value: bool = False) -> CodedColumn:
    """Code numbers of many values by quantile bins, other columns by value; missing values have a code of their own.

    Args:
        values: The column (n,).
        bins: Number of quantile bins.
        by_value: Whether numbers are codes of categories.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    name = str(values.name)
    if not by_value and is_numeric_dtype(values) and not is_bool_dtype(values) and values.nunique() > bins:
        return _by_quantile(name, values.to_numpy(dtype=float, na_value=float("nan")), bins=bins)
    return _by_value(name, values)


def _by_quantile(name: str, numbers: np.ndarray, *, bins: int) -> CodedColumn:
    import numpy as np

    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf"))
    # A bin includes its upper edge, so that its name can state both ends.
    codes = np.where(known, np.searchsorted(edges, numbers, side="left"), len(edges) + 1)
    ends = [f"{edge:.4g}" for edge in edges]
    names = [f"{name} up to {ends[0]}"]
    names += [f"{name} above {low} to {high}" for low, high in pairwise(ends)]
    names += [f"{name} above {ends[-1]}", f"{name} missing"]
    return CodedColumn(name=name, codes=codes, names=tuple(names))


def _by_value(name: str, values: pd.Series) -> CodedColumn:
    import numpy as np
    import pandas as pd

    positions, categories = pd.factorize(values)
    counts = np.bincount(positions[positions >= 0], minlength=len(categories))
    texts = [f"{value:g}" if isinstance(value, float) else str(value) for value in categories.tolist()]
    # By count, then by text, so that the choice does not depend on the order of the rows.
    frequent = sorted(range(len(categories)), key=lambda position: (-counts[position], texts[position]))
    frequent = frequent[:MAX_CATEGORIES]
    code = np.full(len(categories) + 1, -1)
    code[frequent] = np.arange(len(frequent))
    code[-1] = len(frequent)
    names = [f"{name} {texts[position]}" for position in frequent]
    return CodedColumn(name=name, codes=code[positions], names=(*names, f"{name} missing"))


def partitions(columns: Mapping[str, CodedColumn], *, depth: int) -> Iterator[Partition]:
    """Yield a partition per column, and with depth 2 one per pair of columns."""
    import numpy as np

    for column in columns.values():
        yield Partition(number=column.codes, names=column.names)
    if depth < 2:
        return
    for first, second in combinations(columns.values(), 2):
        outside = (first.codes < 0) | (second.codes < 0)
        number = np.where(outside, -1, first.codes * len(second.names) + second.codes)
        names = tuple(f"{name} and {other}" for name in first.names for other in second.names)
        yield Partition(number=number, names=names)
