"""Rows as 64-bit hashes, and how many of them differ: equal rows have equal hashes.

Two different rows share a hash once in 2^64 pairs: among ten million rows with a chance of 3 in a million.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from model_governance.engine.frames import fit_in_floats, widened
from model_governance.engine.labels import label
from model_governance.engine.stored import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    import numpy as np
    import pandas as pd

    from model_governance.engine.relation import Relation

MAX_IN_MEMORY = 1 << 21  # hashes: 16 MiB
HASHES = ".hashes"
GOLDEN = 0x9E3779B97F4A7C15
MISSING = 0x5DEECE66D


def row_hashes(relation: Relation, names: Sequence[str]) -> Iterator[np.ndarray]:
    """The hash of each row over these columns, uint64, piece by piece in the order of `Relation.frames`.

    Numbers are compared as float64 where that holds them, 0 and -0 are one, and so are all missing values; anything else
    by its text.
    """
    import numpy as np

    for frame in relation.frames(list(names)):
        hashes = np.full(len(frame), GOLDEN, dtype="uint64")
        for name in names:
            # Mixed as in Boost's hash_combine, so that equal values in different columns do not cancel out.
            hashes ^= _of_column(frame[name]) + np.uint64(GOLDEN) + (hashes << np.uint64(6)) + (hashes >> np.uint64(2))
        yield hashes


def _of_column(column: pd.Series) -> np.ndarray:
    import numpy as np
    import pandas as pd
    from pandas.api import types

    if types.is_numeric_dtype(column.dtype):
        return _of_numbers(column)
    cells = column.astype(object)
    try:
        places, uniques = pd.factorize(cells)
    except TypeError:  # lists and structs are not hashable
        places, uniques = pd.factorize(cells.map(str, na_action="ignore"))
    texts = np.array([label(value) for value in uniques], dtype=object)
    hashes = pd.util.hash_array(texts, categorize=False) if len(texts) else np.empty(0, dtype="uint64")
    return np.append(hashes, np.uint64(MISSING))[places]


def _of_numbers(column: pd.Series) -> np.ndarray:
    import numpy as np
    import pandas as pd

    if column.dtype.kind == "f" and column.dtype.itemsize < 8:
        values = widened(column.to_numpy()) + 0.0
    else:
        values = column.to_numpy(dtype="float64", na_value=np.nan) + 0.0
    hashes = pd.util.hash_array(values)
    hashes[np.isnan(values)] = MISSING
    if column.dtype.kind in "iu":
        integers = column.fillna(0).to_numpy(dtype="uint64" if column.dtype.kind == "u" else "int64")
        if not fit_in_floats(integers):
            own = np.array(
                [int(number) != int(whole) for number, whole in zip(np.nan_to_num(values), integers, strict=True)]
            )
            hashes[own] = pd.util.hash_array(integers[own])
    return hashes


class DistinctRows:
    """Counts different hashes exactly; beyond two million in files of a temporary folder, one for each part of them."""

    def __init__(self, rows: int) -> None:
        self._parts = max(1, math.ceil(rows / MAX_IN_MEMORY))
        self._held: list[np.ndarray] = []
        self._spool = Spool() if self._parts > 1 else None

    def __enter__(self) -> DistinctRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._spool is not None:
            self._spool.close()

    def add(self, hashes: np.ndarray) -> None:
        """Add hashes, uint64."""
        import numpy as np

        if self._spool is None:
            self._held.append(hashes)
            return
        part = hashes % np.uint64(self._parts)
        for number in range(self._parts):
            with (self._spool.folder / f"{number}{HASHES}").open("ab") as file:
                hashes[part == number].tofile(file)

    def count(self) -> int:
        """Number of different hashes since the last count."""
        return sum(self.group_sizes().values())

    def group_sizes(self) -> Counter[int]:
        """How many groups of equal hashes there are of each size, since the last count."""
        import numpy as np

        if self._spool is None:
            sizes = _group_sizes(np.concatenate(self._held)) if self._held else Counter()
            self._held = []
            return sizes
        sizes = Counter()
        for path in list(self._spool.folder.glob(f"*{HASHES}")):
            sizes += _group_sizes(np.fromfile(path, dtype="uint64"))
            path.unlink()
        return sizes


def _group_sizes(hashes: np.ndarray) -> Counter[int]:
    import numpy as np

    hashes.sort()
    starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])) if len(hashes) else np.empty(0, dtype=int)
    sizes, counts = np.unique(np.diff(np.append(starts, len(hashes))), return_counts=True)
    return Counter(dict(zip(sizes.tolist(), counts.tolist(), strict=True)))
