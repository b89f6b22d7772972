"""Converts Arrow columns for counting: numbers to float64, categories to values with counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.engine.frames import as_plain_numbers, fit_in_floats, prepared, widened
from model_governance.engine.relation import inexact, not_a_number

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa


def as_numbers(array: pa.Array, *, name: str, role: str) -> np.ndarray:
    """The values of an array that are not null, as float64.

    Raises:
        CheckError: the array holds something that is no number, or numbers that float64 cannot hold.
    """
    import numpy as np
    import pyarrow as pa

    values = array.drop_null() if array.null_count else array
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if len(values) == 0:
        return np.empty(0)
    if pa.types.is_decimal(kind):
        values = as_plain_numbers(values)
        if pa.types.is_decimal(values.type):
            told = f"decimal({kind.precision}, {kind.scale})"
            raise inexact(name, role, holding=f"{told} of more digits than float64 holds")
    elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise not_a_number(name, role, arrives=str(kind), holding=type(values[0].as_py()).__name__)
    return as_floats(values.to_numpy(zero_copy_only=False), name=name, role=role)


def as_floats(values: np.ndarray, *, name: str, role: str) -> np.ndarray:
    """Numbers or booleans of numpy as float64 of the same value.

    Raises:
        CheckError: integers that float64 merges with their neighbours.
    """
    if values.dtype.kind in "iu" and not fit_in_floats(values):
        raise inexact(name, role, holding=f"{values.dtype} beyond 2^53")
    if values.dtype.kind == "f" and values.dtype.itemsize < 8:
        return widened(values)
    return values.astype("float64", copy=False)


def as_categories(array: pa.Array) -> tuple[list[Any], np.ndarray]:
    """The different values that are neither null nor NaN, as Python values, and how often each occurs."""
    import numpy as np
    import pyarrow as pa

    encoded = array if pa.types.is_dictionary(array.type) else _encoded(array)
    indices = encoded.indices
    codes = (indices.drop_null() if indices.null_count else indices).to_numpy(zero_copy_only=False)
    values = _exact(encoded.dictionary).to_pylist()
    counts = np.bincount(codes, minlength=len(values))
    # A dictionary may hold entries that no row uses, a null or NaN among them.
    used = [place for place, value in enumerate(values) if counts[place] and value is not None and value == value]
    return [values[place] for place in used], counts[used]


def is_sortable(kind: pa.DataType) -> bool:
    """Whether values of this type, sorted and counted by a library, keep their labels: texts and numbers do."""
    import pyarrow as pa

    types = pa.types
    values = kind.value_type if types.is_dictionary(kind) else kind
    is_text = types.is_string(values) or types.is_large_string(values)
    return is_text or types.is_integer(values) or types.is_float64(values)


def plain_values(array: pa.Array) -> pl.Series:
    """The values of an array that are neither null nor NaN, as a column of polars."""
    import polars as pl
    import pyarrow as pa

    values = array.drop_null() if array.null_count else array
    series = pl.Series(values.dictionary_decode() if pa.types.is_dictionary(values.type) else values)
    # A dictionary may hold a null that a row refers to.
    series = series.drop_nulls() if series.null_count() else series
    return series.drop_nans() if series.dtype.is_float() else series


def count_missing(array: pa.Array) -> int:
    """Entries that are null or NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(array.type):
        return int(array.null_count)
    return int(array.null_count) + int(pc.sum(pc.is_nan(array)).as_py() or 0)


def _exact(values: pa.Array) -> pa.Array:
    """Values whose labels are those of the same values in any other type: decimals and short floats as float64."""
    import pyarrow as pa

    if pa.types.is_float32(values.type) or pa.types.is_float16(values.type):
        return pa.array(
            widened(values.to_numpy(zero_copy_only=False)), mask=values.is_null().to_numpy(zero_copy_only=False)
        )
    return prepared(values)


def _encoded(array: pa.Array) -> pa.DictionaryArray:
    import pyarrow as pa

    try:
        return array.dictionary_encode()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        # Arrow cannot encode nested values as a dictionary: their text is encoded instead.
        texts = [None if value is None else str(value) for value in array.to_pylist()]
        return pa.array(texts, pa.string()).dictionary_encode()
