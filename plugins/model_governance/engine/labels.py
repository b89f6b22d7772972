"""Categories as text: which values are the same category, to which family of types a value belongs, and rows per label."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from model_governance.engine.frames import gives_back

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    import polars as pl


def family(value: Any) -> str:
    """`numbers` for numbers and booleans, `text` for text, else the name of the type."""
    if isinstance(value, (bool, int, float, Decimal)):
        return "numbers"
    if isinstance(value, date):
        return "times"
    return "text" if isinstance(value, str) else type(value).__name__


def label(value: Any) -> str:
    """The text of a value; 1, 1.0 and True are one category, because a missing value turns a column to floats."""
    if isinstance(value, Decimal):
        return _label_of_decimal(value)
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time.min:
        return str(value.date())  # a day, which a frame holds as its midnight
    return str(int(value)) if isinstance(value, (bool, float)) and float(value).is_integer() else str(value)


def _label_of_decimal(value: Decimal) -> str:
    """The label of the same number in any other type, where one holds it."""
    if not value.is_finite() or value == value.to_integral_value():
        return str(int(value)) if value.is_finite() else str(float(value))
    number = float(value)
    return str(number) if gives_back(number, value) else format(value.normalize(), "f")


def by_label(tally: Counter[Any]) -> dict[str, int]:
    """Rows per label, sorted by it, from rows per value."""
    counts: Counter[str] = Counter()
    for value, count in tally.items():
        counts[label(value)] += count
    return {text: counts[text] for text in sorted(counts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FewLabels:
    """Rows per label of a column, sorted by the label, and the families of its values."""

    counts: Mapping[str, int]
    families: frozenset[str]

    @classmethod
    def from_tally(cls, tally: Counter[Any]) -> FewLabels:
        """The labels of rows per value."""
        return cls(counts=by_label(tally), families=frozenset(map(family, tally)))

    @property
    def total(self) -> int:
        """Rows that hold a label."""
        return sum(self.counts.values())

    @property
    def distinct(self) -> int:
        """Number of different labels."""
        return len(self.counts)

    def as_dict(self) -> dict[str, int]:
        """Rows per label, sorted by it."""
        return dict(self.counts)

    def most_frequent(self, most: int, *, least: int) -> list[str]:
        """At most so many labels, of at least so many rows, the most frequent first and equally frequent ones by text."""
        return [text for _, text in sorted((-rows, text) for text, rows in self.counts.items() if rows >= least)[:most]]

    def select(self, labels: Collection[str]) -> dict[str, int]:
        """Rows of those of these labels that occur."""
        return {text: self.counts[text] for text in labels if text in self.counts}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyLabels:
    """Rows per label of a column with very many of them.

    Attributes:
        texts: the labels, different and ascending by code point, as Python sorts them.
        rows: rows of each, int64, shape (labels,).
        families: the families of the values.
    """

    texts: pl.Series
    rows: np.ndarray
    families: frozenset[str]

    @property
    def total(self) -> int:
        """Rows that hold a label."""
        return int(self.rows.sum())

    @property
    def distinct(self) -> int:
        """Number of different labels."""
        return len(self.texts)

    def as_dict(self) -> dict[str, int]:
        """Rows per label, sorted by it."""
        return dict(zip(self.texts.to_list(), self.rows.tolist(), strict=True))

    def most_frequent(self, most: int, *, least: int) -> list[str]:
        """At most so many labels, of at least so many rows, the most frequent first and equally frequent ones by text."""
        import numpy as np

        common = np.flatnonzero(self.rows >= least)
        order = common[np.argsort(-self.rows[common], kind="stable")][:most]
        return list(self.texts.gather(order).to_list())

    def select(self, labels: Collection[str]) -> dict[str, int]:
        """Rows of those of these labels that occur."""
        import polars as pl

        held = self.texts.is_in(pl.Series(list(filter(_is_unicode, labels)), dtype=pl.String).implode())
        return dict(zip(self.texts.filter(held).to_list(), self.rows[held.to_numpy()].tolist(), strict=True))


Labels = FewLabels | ManyLabels


def aligned(reference: Labels, current: Labels) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both datasets over the labels of either, sorted by text: two int64 arrays of shape (labels,)."""
    import numpy as np

    many = isinstance(reference, ManyLabels) or isinstance(current, ManyLabels)
    if many and all(map(_is_columnar, (reference, current))):
        (first, n), (second, m) = _columns(reference), _columns(current)
        none = (np.zeros_like(m), np.zeros_like(n))
        _, (before, after) = merge_labels([first, second], [np.concatenate([n, none[0]]), np.concatenate([none[1], m])])
        return before, after
    first_counts, second_counts = reference.as_dict(), current.as_dict()
    texts = sorted({*first_counts, *second_counts})
    return (
        np.array([first_counts.get(text, 0) for text in texts], dtype="int64"),
        np.array([second_counts.get(text, 0) for text in texts], dtype="int64"),
    )


def merge_labels(values: Sequence[pl.Series], weights: Sequence[np.ndarray]) -> tuple[pl.Series, list[np.ndarray]]:
    """The different values of all series, ascending, and the sums of each weight over equal values.

    Args:
        values: of one type.
        weights: int64, each of the length of all values together.
    """
    import numpy as np
    import polars as pl

    frame = pl.DataFrame({"value": pl.concat(values), **{str(place): weight for place, weight in enumerate(weights)}})
    frame = frame.sort("value")
    runs = frame["value"].rle().struct.unnest()
    starts = np.cumsum(runs["len"].to_numpy(), dtype="int64") - runs["len"].to_numpy()
    sums = [
        np.add.reduceat(frame[str(place)].to_numpy(), starts) if len(starts) else np.empty(0, dtype="int64")
        for place in range(len(weights))
    ]
    return runs["value"], sums


def _columns(labels: Labels) -> tuple[pl.Series, np.ndarray]:
    import numpy as np
    import polars as pl

    if isinstance(labels, ManyLabels):
        return labels.texts, labels.rows
    return pl.Series(list(labels.counts), dtype=pl.String), np.array(list(labels.counts.values()), dtype="int64")


def _is_columnar(labels: Labels) -> bool:
    return isinstance(labels, ManyLabels) or all(map(_is_unicode, labels.counts))


def _is_unicode(text: str) -> bool:
    """Whether a text has a UTF-8 form; one with half a surrogate pair has none, and no column holds it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
