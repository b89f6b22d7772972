"""Seeded rows of card transactions, 12 columns, written piece by piece so that memory stays small.

Eight numbers as such tables hold them: amounts and balances in cents, whole seconds, ages, numbers of items, scores of four
decimals, and distances of two, and one measured number (`signal`) in which no value repeats. Four categories of 2 to 300 values. 2% of the
balances are missing. With `drifted` four of the columns move a little.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from synthetic_rows import write_pieces

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

NUMBERS = ("amount", "balance", "pause", "age", "items", "score", "distance", "signal")
CATEGORIES = {"online": 2, "channel": 5, "country": 30, "merchant_category": 300}


def write_transactions(path: Path, rows: int, *, seed: int, drifted: bool = False) -> None:
    """Writes `rows` rows as zstd Parquet; the same seed and number of rows give the same values."""
    write_pieces(path, rows, partial(_piece, drifted=drifted), seed=seed)


def _piece(draw: np.random.Generator, count: int, *, drifted: bool) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    balance = np.round(draw.normal(1500, 900, count), 2)
    columns = {
        "amount": np.round(draw.lognormal(3.25 if drifted else 3.2, 1.1, count), 2),
        "balance": pa.array(balance, mask=draw.random(count) < 0.02),
        "pause": draw.exponential(3300 if drifted else 3600, count).astype("int64"),
        "age": draw.integers(18, 90, count),
        "items": draw.poisson(2, count) + 1,
        "score": np.round(draw.random(count) ** 3, 4),
        "distance": np.round(draw.exponential(12, count), 2),
        "signal": draw.standard_t(3, count) + (0.02 if drifted else 0),
    }
    for name, size in CATEGORIES.items():
        columns[name] = _category(draw, count, size=size, drifted=drifted and name == "country")
    return pa.table(columns)


def _category(draw: np.random.Generator, count: int, *, size: int, drifted: bool) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    weights = (1 / np.arange(1, size + 1)) ** (1.05 if drifted else 1)
    codes = draw.choice(size, count, p=weights / weights.sum()).astype("int16")
    return pa.DictionaryArray.from_arrays(pa.array(codes), [f"v{rank}" for rank in range(size)]).cast(pa.string())
