"""The numbers that a column can hold, in their order: a column in 32 bits rounds what is written into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

WHOLE = 2**53  # whole numbers up to it are exact in 64-bit floats


def held_type(dtype: Any, step: float | None) -> np.dtype[Any]:
    """The type of the numbers that a column of this dtype holds, where its values move by `step`.

    Floats of 16 and 32 bits and whole numbers have their own; everything else counts as 64-bit floats.
    """
    import numpy as np

    plain = np.dtype(getattr(dtype, "numpy_dtype", dtype)) if getattr(dtype, "kind", "") in "iuf" else np.dtype(float)
    if plain.kind in "iu":
        whole = step is not None and float(step).is_integer()
        return plain if whole else np.dtype(float)
    return plain if plain.itemsize <= np.dtype(float).itemsize else np.dtype(float)


def limits(held: np.dtype[Any]) -> tuple[int, int]:
    """The rungs of the smallest and the largest number; those of whole numbers are the numbers themselves."""
    import numpy as np

    if held.kind in "iu":
        info = np.iinfo(held)
        return max(int(info.min), -WHOLE), min(int(info.max), WHOLE)
    largest = np.finfo(held).max
    return int(_rungs(np.array([-largest], dtype=held))[0]), int(_rungs(np.array([largest], dtype=held))[0])


def numbers_at(rungs: np.ndarray, held: np.dtype[Any]) -> np.ndarray:
    """The numbers at these rungs (int64), in the column's own type."""
    import numpy as np

    if held.kind in "iu":
        return rungs.astype(held)
    bits = np.dtype(f"i{held.itemsize}")
    lowest = np.int64(np.iinfo(bits).min)
    return np.where(rungs >= 0, rungs, lowest - rungs).astype(bits).view(held)


def _rungs(numbers: np.ndarray) -> np.ndarray:
    """Floats as whole numbers in the same order, neighbours one apart."""
    import numpy as np

    kind = np.dtype(f"i{numbers.dtype.itemsize}")
    bits = numbers.view(kind).astype(np.int64)
    return np.where(bits >= 0, bits, np.int64(np.iinfo(kind).min) - bits)


def held(numbers: np.ndarray, kind: np.dtype[Any]) -> np.ndarray:
    """What a column of this type holds once these 64-bit floats are written into it, as 64-bit floats."""
    import numpy as np

    if kind.kind in "iu" or kind.itemsize == np.dtype(float).itemsize:
        return numbers
    with np.errstate(over="ignore"):
        return numbers.astype(kind).astype(float)


def below(numbers: np.ndarray, kind: np.dtype[Any]) -> np.ndarray:
    """The next smaller number that a column of this type holds; the numbers are ones that it holds."""
    import numpy as np

    if kind.kind in "iu":
        return numbers - 1
    return np.nextafter(numbers.astype(kind), kind.type(-np.inf)).astype(float)


def largest(kind: np.dtype[Any]) -> float:
    """The largest number that a column of this type holds."""
    import numpy as np

    return float(np.finfo(kind).max) if kind.kind == "f" else float(WHOLE)


def on_grid(numbers: np.ndarray, step: float | None, kind: np.dtype[Any], *, up: bool) -> np.ndarray:
    """The nearest numbers not below (not above) these that a column holds: of multiples of `step`, where there is one."""
    import numpy as np

    if step is None:
        near = held(numbers, kind)
        wrong = near < numbers if up else near > numbers
        if not wrong.any():
            return near
        beyond = np.nextafter(near.astype(kind), kind.type(np.inf if up else -np.inf)).astype(float)
        return np.where(wrong, beyond, near)
    sign = 1.0 if up else -1.0
    # What is written into the column is rounded: to the number looked for from half its distance to the next on.
    near = on_grid(numbers, None, kind, up=up)
    half = (near + (below(near, kind) if up else -below(-near, kind))) / 2
    with np.errstate(over="ignore", invalid="ignore"):
        rungs = np.ceil(half / step) if up else np.floor(half / step)
        found = held((rungs + sign) * step, kind)
        for nearer in (rungs, rungs - sign):
            value = held(nearer * step, kind)
            found = np.where(value >= numbers if up else value <= numbers, value, found)
    return found
