"""Round numbers for edges, so that no edge of a profile is the value of one row.

An edge stands just below a quantile. It is the roundest decimal between that quantile and the largest value below it, so it
divides the rows as the quantile would. Where these two lie so close that the decimal would spell the value, it is taken from
another gap among the ten rows up to the quantile. A value that at least ten rows share is an edge as it stands.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

WINDOW = 10
"""Rows up to a quantile among which its edge is chosen, and rows that must share a value before it is one."""
MOST_DIGITS = 2
"""Digits of an edge beyond those that tell ten rows apart: it says no more of a value than a hundredth of their spread."""
MOST_PLACES = 6
"""Decimal places of numbers that count as rounded data, for instance prices."""
RANGE_DIGITS = 2
"""Significant digits of the distance between the extremes to which they are rounded."""
LARGEST_POWER = 307
FLOAT_DIGITS = 14
MOST_UNITS = 2**45
FIRST_VALUES = 64
NO_DECIMAL = -2.0 * LARGEST_POWER


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundedQuantiles:
    """Quantiles of one column in order, and the edges that stand for them.

    Attributes:
        values: the quantiles, shape (k,).
        edges: one for each, shape (k,): the quantile itself where at least ten rows share it, else a number that none of the
            ten rows up to it holds; NaN where there is no number between their values.
        shared: values that at least ten rows share, ascending; every one that is repeated in ten rows up to a quantile.
    """

    values: np.ndarray
    edges: np.ndarray
    shared: np.ndarray


def rounded_quantiles(windows: np.ndarray) -> RoundedQuantiles:
    """Quantiles and their edges.

    Args:
        windows: as `Relation.quantile_windows`, shape (k, WINDOW).
    """
    import numpy as np

    values = windows[:, -1].copy()
    shared = np.unique(values[windows[:, 0] == values])
    edges = values.copy()
    rows = np.flatnonzero(~np.isin(edges, shared))
    if len(rows):
        edges[rows] = _below_quantile(windows[rows], places=_decimal_places(windows))
    return RoundedQuantiles(values=values, edges=edges, shared=shared)


def rounded_between(values: np.ndarray) -> np.ndarray:
    """One edge below each of a few ascending values, shape (k,), above the one before it; NaN below the smallest.

    An edge between two values that lie closest among their neighbours may be that between others.
    """
    import numpy as np

    padded = np.concatenate([np.full(WINDOW - 1, -np.inf), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)
    return _below_quantile(windows, places=_decimal_places(windows))


def rounded_outward(low: float, high: float) -> tuple[float, float]:
    """A round number below the smallest value and one above the largest, to two significant digits of their distance.

    Where both have few decimal places, the numbers lie half a unit further out, beside what other rows may hold.
    """
    import numpy as np

    span = min(high - low, sys.float_info.max)
    size = max(abs(low), abs(high))
    exponent = math.floor(math.log10(span or size or 1.0)) - RANGE_DIGITS + 1
    finest = math.floor(math.log10(size or 1.0)) - FLOAT_DIGITS
    exponent = max(exponent, finest, -LARGEST_POWER)
    below, above = math.ceil(_steps(low, exponent)) - 1, math.floor(_steps(high, exponent)) + 1
    places, most = _decimal_places(np.array([low, high])), sys.float_info.max
    half = 0.0 if places is None else 0.5 / 10**places
    return max(float(f"{below}e{exponent}") - half, -most), min(float(f"{above}e{exponent}") + half, most)


def _steps(value: float, exponent: int) -> float:
    return value / 10.0**exponent if exponent >= 0 else value * 10.0**-exponent


def _below_quantile(windows: np.ndarray, *, places: int | None) -> np.ndarray:
    """A rounded number below the last value of each window, shape (k,)."""
    import numpy as np

    values = windows[:, -1]
    first = np.where(np.isfinite(windows), windows, np.inf).min(axis=1)
    place = (windows < values[:, None]).sum(axis=1)  # of the first row that holds the quantile
    below = np.where(place > 0, windows[np.arange(len(windows)), np.maximum(place - 1, 0)], -np.inf)
    exponents, edges = _roundest(below, values, places=places)
    with np.errstate(over="ignore", divide="ignore"):
        least = np.floor(np.log10(values - first)) - MOST_DIGITS
    narrow = np.flatnonzero(exponents < least)
    if len(narrow):
        edges[narrow] = _in_another_gap(windows[narrow], least[narrow], places=places)
    return edges


def _in_another_gap(windows: np.ndarray, least: np.ndarray, *, places: int | None) -> np.ndarray:
    """The edge in the last gap of each window that has room for a round number, or in its widest one."""
    import numpy as np

    shape = windows.shape[0], windows.shape[1] - 1
    found = _roundest(windows[:, :-1].ravel(), windows[:, 1:].ravel(), places=places)
    exponents, edges = (each.reshape(shape) for each in found)
    enough = exponents >= least[:, None]
    last = shape[1] - 1 - np.argmax(enough[:, ::-1], axis=1)
    widest = shape[1] - 1 - np.argmax(exponents[:, ::-1], axis=1)
    chosen = np.where(enough.any(axis=1), last, widest)
    return edges[np.arange(len(windows)), chosen]


def _roundest(low: np.ndarray, high: np.ndarray, *, places: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The multiple of the largest power of ten strictly between two numbers, and the exponent of that power.

    Of several multiples it is the largest. Where the data have a limited number of decimal `places`, the number is half a unit
    below one. Where float64 knows no such decimal between, it is the middle, and where nothing lies between, NaN.
    """
    import numpy as np

    half = 0.0 if places is None else 0.5 / 10**places
    low, high = low + half, high + half
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.minimum(high - low, sys.float_info.max)
        open_ = np.isfinite(low) & (gap > 0)
        middle = low / 2 + high / 2
    start = np.clip(np.floor(np.log10(np.where(open_, gap, 1.0))) - 1, -LARGEST_POWER, LARGEST_POWER)
    if places is not None:
        start = np.maximum(start, -places)
    between = open_ & (low < middle) & (middle < high)
    exponents, edges = np.where(between, NO_DECIMAL, -np.inf), np.where(between, middle, np.nan)
    rows, exponent = np.flatnonzero(open_), start[open_]
    low, high = low[open_], high[open_]
    while len(rows):
        found = _multiple_below(high, exponent)
        inside = (low < found) & (found < high)
        exponents[rows[inside]], edges[rows[inside]] = exponent[inside], found[inside]
        inside &= (found != 0) & (exponent < LARGEST_POWER)  # zero is a multiple of every power
        rows, low, high, exponent = rows[inside], low[inside], high[inside], exponent[inside] + 1
    if places is not None:
        edges = (np.round(edges * 10**places) * 10 - 5) / 10 ** (places + 1)
    return exponents, edges + 0.0


def _multiple_below(values: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """The largest multiple of each power of ten below each value."""
    import numpy as np

    scale = 10.0 ** np.abs(exponents)
    with np.errstate(over="ignore", invalid="ignore"):
        fine = exponents < 0
        steps = np.ceil(np.where(fine, values * scale, values / scale)) - 1
        return np.where(fine, steps / scale, steps * scale)


def _decimal_places(windows: np.ndarray) -> int | None:
    """Decimal places of data that are multiples of 1, 0.1 ... 0.000001; None where they are not.

    Edges beside these multiples equal none of the values, not even those of later rows.
    """
    import numpy as np

    values = windows[np.isfinite(windows)]
    with np.errstate(over="ignore"):
        single = values.astype("float32")
    is_single, largest = bool((single == values).all()), float(np.abs(values).max(initial=0.0))

    def has(places: int, part: slice) -> bool:
        rounded = np.round(values[part], places)
        if is_single:
            return bool((rounded.astype("float32") == single[part]).all())
        return bool((np.abs(rounded - values[part]) <= 4 * math.ulp(largest)).all())

    with np.errstate(over="ignore", invalid="ignore"):
        for places in range(MOST_PLACES + 1):
            if has(places, slice(FIRST_VALUES)) and has(places, slice(None)):
                return places if largest * 10**places < MOST_UNITS else None
    return None
