"""Seeded rows of any number: 20 numeric columns, 10 categories, written piece by piece so that memory stays small.

Numeric columns cycle through normal, lognormal (sigma 0.8), exponential, whole numbers 18 to 89 and Student's t with 3
degrees; the first three lose 3% of their values. Categories have 2 to 1,000 values with weights 1/rank. With `drifted`
every fourth column moves a little, as a current night would.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

NUMBERS = tuple(f"n{place:02d}" for place in range(20))
CATEGORIES = tuple(f"c{place:02d}" for place in range(10))
SIZES = (2, 3, 5, 8, 12, 20, 50, 100, 300, 1000)
WITH_MISSING = NUMBERS[:3]
ROW_GROUP = 125_000


def write_rows(path: Path, rows: int, *, seed: int, drifted: bool = False) -> None:
    """Writes `rows` rows as zstd parquet; the same seed and number of rows give the same values."""
    write_pieces(path, rows, partial(_piece, drifted=drifted), seed=seed)


def write_pieces(path: Path, rows: int, piece_of: Callable[[np.random.Generator, int], pa.Table], *, seed: int) -> None:
    """Writes `rows` rows in groups of `ROW_GROUP`, each made by `piece_of` from a generator of its own and its number of rows."""
    import numpy as np
    import pyarrow.parquet as pq

    writer = None
    for piece, start in enumerate(range(0, rows, ROW_GROUP)):
        draw = np.random.default_rng([seed, piece])
        table = piece_of(draw, min(ROW_GROUP, rows - start))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _piece(draw: np.random.Generator, count: int, *, drifted: bool) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, pa.Array] = {}
    for place, name in enumerate(NUMBERS):
        values = _numbers(draw, count, kind=place % 5, moved=drifted and place % 4 == 0)
        missing = draw.random(count) < 0.03 if name in WITH_MISSING else None
        columns[name] = pa.array(values, mask=missing)
    for place, (name, size) in enumerate(zip(CATEGORIES, SIZES, strict=True)):
        columns[name] = _categories(draw, count, size=size, moved=drifted and place % 4 == 0)
    return pa.table(columns)


def _numbers(draw: np.random.Generator, count: int, *, kind: int, moved: bool) -> np.ndarray:
    if kind == 0:
        return draw.normal(0.15 if moved else 0, 1, count)
    if kind == 1:
        return draw.lognormal(0.1 if moved else 0, 0.8, count)
    if kind == 2:
        return draw.exponential(1.2 if moved else 1, count)
    if kind == 3:
        return draw.integers(18, 92 if moved else 90, count).astype(float)
    return draw.standard_t(3, count) + (0.2 if moved else 0)


def _categories(draw: np.random.Generator, count: int, *, size: int, moved: bool) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    weights = (1 / np.arange(1, size + 1)) ** (1.2 if moved else 1)
    codes = draw.choice(size, count, p=weights / weights.sum()).astype("int16")
    return pa.DictionaryArray.from_arrays(pa.array(codes), [f"v{rank}" for rank in range(size)]).cast(pa.string())


def write_wide(path: Path, columns: int, rows: int, *, seed: int, drifted: bool = False) -> list[str]:
    """Writes a table of any number of columns, the 30 columns drawn again and again, and returns their names.

    With `drifted` every tenth block of 30 columns moves as in `write_rows`.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    table: dict[str, pa.Array] = {}
    for block in range(-(-columns // 30)):
        draw = np.random.default_rng([seed, block])
        drawn = _piece(draw, rows, drifted=drifted and block % 10 == 0)
        table |= {f"{name}_{block:03d}": drawn[name] for name in drawn.column_names}
    names = list(table)[:columns]
    pq.write_table(pa.table({name: table[name] for name in names}), path, compression="zstd")
    return names
