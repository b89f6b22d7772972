"""Rows per label of one column: a dictionary where labels are few, sorted runs where most rows hold another label."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

from model_governance.engine.arrow import as_categories, is_sortable, plain_values
from model_governance.engine.labels import FewLabels, ManyLabels, merge_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    import polars as pl
    import pyarrow as pa

    from model_governance.engine.labels import Labels

RUN = 1 << 21  # values sorted at a time
MANY_LABELS = 4096  # labels of a piece from which sorting may be cheaper than a dictionary
MANY_SHARE = 8  # rows per label of a piece below which it is


def tally_pieces(pieces: Callable[..., Iterator[pa.Array]]) -> Labels:
    """The labels of a column that arrives in pieces.

    Args:
        pieces: gives the column anew; its argument `encoded` says whether texts may arrive as dictionaries.
    """
    source = pieces(encoded=True)
    first = next(source, None)
    if first is None:
        return FewLabels(counts={}, families=frozenset())
    values, counts = as_categories(first)
    if len(values) >= MANY_LABELS and len(values) * MANY_SHARE > len(first) and is_sortable(first.type):
        del source  # its reader goes back
        return _sorted_labels(pieces(encoded=False))
    return FewLabels.from_tally(tally_values(chain([(values, counts)], map(as_categories, source))))


def tally_values(pieces: Iterable[tuple[list[Any], np.ndarray]]) -> Counter[Any]:
    """How often each value occurs; 1, 1.0 and True are equal in Python."""
    tally: Counter[Any] = Counter()
    for values, counts in pieces:
        tally.update(dict(zip(values, counts.tolist(), strict=True)))
    return tally


def _sorted_labels(pieces: Iterable[pa.Array]) -> Labels:
    runs: list[tuple[pl.Series, np.ndarray]] = []
    buffered: list[pl.Series] = []
    for piece in pieces:
        buffered.append(plain_values(piece))
        if sum(map(len, buffered)) >= RUN:
            _add(runs, _run(buffered))
            buffered = []
    if buffered:
        _add(runs, _run(buffered))
    return _as_labels(*_merged(runs))


def _run(buffered: list[pl.Series]) -> tuple[pl.Series, np.ndarray]:
    """The different values, ascending, and how often each occurs."""
    import polars as pl

    runs = pl.concat(buffered).sort().rle().struct.unnest()
    return runs["value"], runs["len"].to_numpy().astype("int64")


def _add(runs: list[tuple[pl.Series, np.ndarray]], run: tuple[pl.Series, np.ndarray]) -> None:
    """Add a run and merge it with earlier ones that are no longer, so that memory follows the labels and not the rows."""
    runs.append(run)
    while len(runs) > 1 and len(runs[-2][1]) <= 2 * len(runs[-1][1]):
        runs[-2:] = [_merged(runs[-2:])]


def _merged(runs: list[tuple[pl.Series, np.ndarray]]) -> tuple[pl.Series, np.ndarray]:
    import numpy as np

    if len(runs) == 1:
        return runs[0]
    values, (rows,) = merge_labels([values for values, _ in runs], [np.concatenate([rows for _, rows in runs])])
    return values, rows


def _as_labels(values: pl.Series, rows: np.ndarray) -> Labels:
    """The labels of different values: numbers become the texts that `label` gives them."""
    import polars as pl

    if values.dtype == pl.String:
        return ManyLabels(texts=values, rows=rows, families=frozenset({"text"}))
    if values.dtype.is_float():
        whole = values.cast(pl.Int64, strict=False)
        if whole.null_count() or not (whole.cast(values.dtype) == values).all():
            return FewLabels.from_tally(Counter(dict(zip(values.to_list(), rows.tolist(), strict=True))))
        values = whole
    texts, (rows,) = merge_labels([values.cast(pl.String)], [rows])
    return ManyLabels(texts=texts, rows=rows, families=frozenset({"numbers"}))
