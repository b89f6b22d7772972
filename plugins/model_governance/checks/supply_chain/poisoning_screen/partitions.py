"""The values of a feature as partitions of the rows: which rows share a value, an end of the range or a half of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool

LOWEST, HIGHEST, LOWER, UPPER, MISSING = range(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """Groups of rows of one feature that do not overlap.

    Attributes:
        feature: its name.
        codes: group of each row of the pool, shape (n,) int64; -1: in none.
        words: what each group is, in words that name values of disclosed columns only.
        plain: whether each group is a likely trigger: an end of a range, a category, a missing value.
    """

    feature: str
    codes: np.ndarray
    words: tuple[str, ...]
    plain: tuple[bool, ...]

    def counts(self, chosen: np.ndarray) -> np.ndarray:
        """Chosen rows, shape (n,) bool, in each group, shape (groups,)."""
        import numpy as np

        return np.bincount(self.codes[chosen] + 1, minlength=len(self.words) + 1)[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One group of a partition."""

    of: Partition
    code: int

    @property
    def described(self) -> str:
        """Feature and value in words."""
        return f"{self.of.feature} {self.of.words[self.code]}"

    @property
    def rows(self) -> np.ndarray:
        """Rows of the pool in the group, shape (n,) bool."""
        return self.of.codes == self.code


def partitions_of(pool: Pool, params: ScreenParams, *, min_rows: int) -> list[Partition]:
    """All partitions of all features; values of fewer rows of the pool than `min_rows` are in no group."""
    return [part for name, kind in pool.kinds.items() for part in _of_feature(pool, name, kind, params, min_rows)]


def _of_feature(pool: Pool, name: str, kind: str, params: ScreenParams, min_rows: int) -> Iterator[Partition]:
    values, disclosed = pool.frame[name], name in params.disclose
    if kind in NUMBER_KINDS:
        yield from _of_numbers(name, values, min_rows, disclosed=disclosed)
    else:
        yield _of_words(name, values, min_rows, disclosed=disclosed)


def _of_words(name: str, values: pd.Series, min_rows: int, *, disclosed: bool) -> Partition:
    """The categories, the most frequent first, and the missing value."""
    import numpy as np

    words = values.astype("string")
    counts = words.value_counts()
    order = sorted(counts.index[counts >= min_rows], key=lambda word: (-int(counts[word]), word))
    codes = words.map({word: code for code, word in enumerate(order)}).to_numpy(dtype=float, na_value=-1.0)
    codes = np.where(np.isnan(codes), -1, codes).astype(np.int64)
    codes[words.isna().to_numpy()] = len(order)
    names = [f"is {word}" if disclosed else f"is value {rank} by frequency" for rank, word in enumerate(order, start=1)]
    return Partition(
        feature=name, codes=codes, words=(*names, "is missing"), plain=(True,) * (len(order) + 1)
    )  # fmt: skip


def _of_numbers(name: str, values: pd.Series, min_rows: int, *, disclosed: bool) -> Iterator[Partition]:
    """Ends, halves and gaps, then every number between the ends that repeats."""
    import numpy as np

    numbers = values.astype("float64").to_numpy(dtype=float, na_value=np.nan)
    known = numbers[~np.isnan(numbers)]
    if not known.size:
        yield Partition(
            feature=name, codes=np.zeros(len(numbers), dtype=np.int64), words=("is missing",), plain=(True,)
        )
        return
    low, high = known.min(), known.max()
    codes = np.where(numbers <= np.median(known), LOWER, UPPER)
    codes[numbers == high], codes[numbers == low], codes[np.isnan(numbers)] = HIGHEST, LOWEST, MISSING
    ends = [f" ({end:g})" if disclosed else "" for end in (low, high)]
    words = (
        f"at its lowest{ends[0]}",
        f"at its highest{ends[1]}",
        "in its lower half",
        "in its upper half",
        "is missing",
    )
    yield Partition(feature=name, codes=codes, words=words, plain=(True, True, False, False, True))
    yield _repeated(name, np.where((numbers > low) & (numbers < high), numbers, np.nan), min_rows, disclosed=disclosed)


def _repeated(name: str, inner: np.ndarray, min_rows: int, *, disclosed: bool) -> Partition:
    """Each number that enough rows share, the most frequent first; the ends of the range are NaN in `inner`."""
    import numpy as np

    values, places, counts = np.unique(inner, return_inverse=True, return_counts=True, equal_nan=True)
    order = np.lexsort((values, -counts))
    order = order[(counts[order] >= min_rows) & ~np.isnan(values[order])]
    codes = np.full(len(values), -1)
    codes[order] = np.arange(len(order))
    words = tuple(
        f"is {values[place]:.15g}" if disclosed else f"is number {rank} by frequency"
        for rank, place in enumerate(order, start=1)
    )
    return Partition(feature=name, codes=codes[places], words=words, plain=(False,) * len(words))
