"""Sums of float64 that are the same in whatever order and pieces the values arrive.

Every value is cut at the same absolute powers of two, into parts whose sums are exact (pre-rounding on
fixed bins: Demmel and Nguyen, "Parallel Reproducible Summation", 2015). Three bins below the largest
value are kept, so the error is below 2^-74 of it for each value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

WIDTH = 38  # bits per bin
KEPT = 3
BLOCK = 1 << 14  # values whose parts of one bin add up without rounding; also what fits the nearest cache
WILD = 2.0**480  # from here squares come near overflow: such values are added up one by one as integers
LOWEST = -26  # no bin below 2^(38 * -26): the constants that cut would leave float64
SPLITTER = 134217729.0  # 2^27 + 1 (Veltkamp)


@dataclass(slots=True)
class ExactSum:
    """A running sum; `total` is the same for every order of the same values."""

    largest: float = 0.0
    bins: dict[int, int] = field(default_factory=dict)

    def add(self, values: np.ndarray, *, largest: float, bound: float | None = None) -> None:
        """Add finite values, at most `BLOCK` of them, none above `bound` in size.

        `largest` < 2^960 sets the precision, and is the bound where none is given.
        """
        if largest == 0.0:
            return
        self.largest = max(self.largest, largest)
        rest = values
        for bin_ in range(_top_bin(largest if bound is None else bound), self._lowest - 1, -1):
            cut = math.ldexp(1.5, bin_ * WIDTH + 52)
            part = (rest + cut) - cut
            units = int(math.ldexp(float(part.sum()), -bin_ * WIDTH))
            self.bins[bin_] = self.bins.get(bin_, 0) + units
            rest = rest - part

    @property
    def total(self) -> Fraction:
        """The sum, with what lies more than three bins below the largest value cut off."""
        if self.largest == 0.0:
            return Fraction(0)
        kept = [(one, units) for one, units in self.bins.items() if one >= self._lowest]
        return sum((units * Fraction(2) ** (one * WIDTH) for one, units in kept), Fraction(0))

    @property
    def _lowest(self) -> int:
        return max(_top_bin(self.largest) - KEPT + 1, LOWEST)


@dataclass(slots=True)
class Moments:
    """Count, sum and sum of squares of finite values, whatever their order."""

    count: int = 0
    plain: ExactSum = field(default_factory=ExactSum)
    squares: ExactSum = field(default_factory=ExactSum)
    wild: Fraction = Fraction(0)
    wild_squares: Fraction = Fraction(0)

    def add(self, values: np.ndarray, *, largest: float) -> None:
        """Add finite values, none larger in size than `largest`."""
        import numpy as np

        self.count += len(values)
        if largest >= WILD:
            wild = np.abs(values) >= WILD
            for one in values[wild].tolist():
                exact = Fraction(one)
                self.wild += exact
                self.wild_squares += exact * exact
            values = values[~wild]
            largest = float(np.abs(values).max(initial=0.0))
        for start in range(0, len(values), BLOCK):
            block = values[start : start + BLOCK]
            self.plain.add(block, largest=largest)
            square, error = _square(block)
            self.squares.add(square, largest=largest * largest)
            self.squares.add(error, largest=largest * largest, bound=largest * largest * 2.0**-52)

    @property
    def mean(self) -> float:
        """The mean, rounded once."""
        return float((self.plain.total + self.wild) / self.count)

    @property
    def std(self) -> float:
        """The standard deviation (ddof 0)."""
        first = self.plain.total + self.wild
        second = self.squares.total + self.wild_squares
        return _root(max(second / self.count - (first / self.count) ** 2, Fraction(0)))


def _top_bin(largest: float) -> int:
    """The bin above which values up to `largest` leave nothing: they are less than half its unit."""
    exponent = math.frexp(largest)[1]
    return max(-((WIDTH - 1 - exponent) // WIDTH), LOWEST)


def _square(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squares and their rounding errors (Dekker, 1971): values**2 = square + error exactly, underflow apart."""
    scaled = values * SPLITTER
    high = scaled - (scaled - values)
    low = values - high
    square = values * values
    return square, ((high * high - square) + 2.0 * high * low) + low * low


def _root(number: Fraction) -> float:
    """The square root of a Fraction that itself may lie outside float64."""
    if number == 0:
        return 0.0
    half = (number.numerator.bit_length() - number.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(number / Fraction(4) ** half), half)
