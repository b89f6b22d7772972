"""Arrow rows as a pandas frame without a change of any value: what a cell holds in the file, it holds in the frame.

pandas would turn integers with gaps into floats (which merges neighbours beyond 2^53), and decimals and dates into
objects. Here integers become floats only where every one of them stays itself, decimals become numbers where the number
gives the decimal back, and dates become times of a resolution that reaches the year 9999.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    import pandas as pd
    import pyarrow as pa

EXACT = 1 << 53
"""Integers up to here, and their negatives, are all different as float64."""
UNIQUE_DIGITS = 15
"""Decimals of so many significant digits are all different as float64, and the nearest float gives each of them back."""
UNNAMED_INDEX = re.compile(r"__index_level_\d+__")


def is_index(name: str) -> bool:
    """Whether a column is the index of a pandas frame that nobody named: it is no column of the data."""
    return UNNAMED_INDEX.fullmatch(name) is not None


def to_frame(
    rows: pa.Table | pa.RecordBatch, *, nullable: Collection[str] = (), floats: Collection[str] = ()
) -> pd.DataFrame:
    """The rows as a frame with a plain index; metadata of pandas are not used.

    Args:
        rows: Arrow rows.
        nullable: integer columns that get pandas' nullable type although these rows may hold no gap.
        floats: integer columns that become float64 although these rows may hold no gap.

    Returns:
        The columns of the rows. Integers with gaps are float64 where that changes none of them, else nullable integers.
        Dates are times. Decimals are integers, float64, or objects where neither is exact.
    """
    import pyarrow as pa

    table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
    columns = [prepared(column) for column in table.columns]
    frame = pa.table(columns, names=[str(place) for place in range(len(columns))]).to_pandas(ignore_metadata=True)
    for place, (name, column) in enumerate(zip(table.column_names, columns, strict=True)):
        if not pa.types.is_integer(column.type):
            continue
        if name in nullable or (name not in floats and column.null_count and not is_exact_as_float(column)):
            frame.isetitem(place, _as_nullable(column))
        elif name in floats and not column.null_count:
            frame.isetitem(place, frame[str(place)].astype("float64"))
    frame.columns = list(table.column_names)
    return frame


def prepared(column: Any) -> Any:
    """A column of Arrow (array or chunked) of a type that pandas holds exactly, where there is one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_null(kind):
        return pc.cast(column, pa.float64())
    if pa.types.is_date(kind):
        return pc.cast(pc.cast(column, pa.date32()), pa.timestamp("s"))
    return as_plain_numbers(column) if pa.types.is_decimal(kind) else column


def as_plain_numbers(column: Any) -> Any:
    """Decimals as int64 where they are whole, else as float64 where it gives every one back; unchanged where neither does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.type.scale <= 0:
        try:
            return pc.cast(column, pa.int64())
        except pa.ArrowInvalid:
            return column
    # Arrow's own cast may be one bit off; its parser rounds correctly.
    floats = pc.cast(pc.cast(column, pa.string()), pa.float64())
    if column.type.precision <= UNIQUE_DIGITS or _gives_back(floats, column):
        return floats
    return column


def _gives_back(floats: Any, decimals: Any) -> bool:
    pairs = zip(floats.to_pylist(), decimals.to_pylist(), strict=True)
    return all(value is None or gives_back(number, value) for number, value in pairs)


def gives_back(number: float, value: Any) -> bool:
    """Whether a float, or its shortest text, is this decimal or integer."""
    return number == value or Decimal(repr(number)) == value


def is_exact_as_float(column: Any) -> bool:
    """Whether float64 holds every integer of a column of Arrow (array or chunked)."""
    import pyarrow.compute as pc

    ends = pc.min_max(column)
    if ends["min"].as_py() is None or (ends["min"].as_py() >= -EXACT and ends["max"].as_py() <= EXACT):
        return True
    return fit_in_floats(pc.drop_null(column).to_numpy())


def fit_in_floats(integers: np.ndarray) -> bool:
    """Whether float64 holds every one of these 64-bit integers."""
    import numpy as np

    if integers.dtype.itemsize < 8 or not len(integers) or (integers.min() >= -EXACT and integers.max() <= EXACT):
        return True
    floats = integers.astype("float64")
    # The largest integers round up to a float beyond their type, where the way back is undefined.
    if floats.max() >= float(np.iinfo(integers.dtype).max):
        return False
    return bool((floats.astype(integers.dtype) == integers).all())


def widened(singles: np.ndarray) -> np.ndarray:
    """Single or half precision as float64 with the same shortest text: 0.3 stays 0.3 and is not 0.30000001192092896."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.cast(pa.array(singles.astype("float32", copy=False)), pa.string())
    return pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)


def as_shown(column: pd.Series) -> pd.Series:
    """A column of a frame; single precision as the float64 of the same text."""
    import pandas as pd

    if column.dtype.kind != "f" or column.dtype.itemsize == 8:
        return column
    return pd.Series(widened(column.to_numpy()), index=column.index, name=column.name)


def _as_nullable(column: Any) -> pd.Series:
    import pandas as pd
    import pyarrow as pa

    types = {
        getattr(pa, name.lower())(): getattr(pd, f"{name}Dtype")()
        for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
    }
    return column.to_pandas(types_mapper=types.get)
