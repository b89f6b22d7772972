"""Arrow columns as the engine counts them: numbers as float64, categories as values with counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.engine.relation import no_number

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def as_numbers(array: pa.Array, *, name: str, role: str) -> np.ndarray:
    """The values of an array that are not null, as float64.

    Raises:
        CheckError: the array holds something that is no number.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = array.drop_null() if array.null_count else array
    if pa.types.is_dictionary(kept.type):
        kept = kept.dictionary_decode()
    kind = kept.type
    if len(kept) == 0:
        return np.empty(0)
    if pa.types.is_decimal(kind):
        # Arrow's own cast may be one bit off; its parser rounds correctly.
        kept = pc.cast(pc.cast(kept, pa.string()), pa.float64())
    elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise no_number(name, role, arrives=str(kind), holding=type(kept[0].as_py()).__name__)
    values = kept.to_numpy(zero_copy_only=False)
    return values.astype("float64", copy=False)


def as_categories(array: pa.Array) -> tuple[list[Any], np.ndarray]:
    """The different values that are neither null nor NaN, as Python values, and how often each occurs."""
    import numpy as np
    import pyarrow as pa

    encoded = array if pa.types.is_dictionary(array.type) else _encoded(array)
    indices = encoded.indices
    codes = (indices.drop_null() if indices.null_count else indices).to_numpy(zero_copy_only=False)
    values = encoded.dictionary.to_pylist()
    counts = np.bincount(codes, minlength=len(values))
    # A dictionary may hold entries that no row uses, a null or NaN among them.
    used = [place for place, value in enumerate(values) if counts[place] and value is not None and value == value]
    return [values[place] for place in used], counts[used]


def count_missing(array: pa.Array) -> int:
    """Entries that are null or NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(array.type):
        return int(array.null_count)
    return int(array.null_count) + int(pc.sum(pc.is_nan(array)).as_py() or 0)


def _encoded(array: pa.Array) -> pa.DictionaryArray:
    import pyarrow as pa

    try:
        return array.dictionary_encode()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        # Nested values have no dictionary of their own: their text stands for them.
        return pa.array(
            [None if one is None else str(one) for one in array.to_pylist()], pa.string()
        ).dictionary_encode()
