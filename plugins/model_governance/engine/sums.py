"""Reproducible sums of float64: the same for every order and division of the values.

Every value is split at the same absolute powers of two, into parts whose sums are exact (pre-rounding on
fixed bins: Demmel and Nguyen, "Parallel Reproducible Summation", 2015). The sum uses three bins below the largest
value, so the error is below 2^-74 of it for each value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

WIDTH = 38  # bits per bin
BINS = 3
BLOCK = 1 << 14  # values whose parts of one bin add up without rounding; they also fit the first-level cache
HUGE = 2.0**480  # squares of larger values come near overflow: those values are added one by one as integers
LOWEST = -26  # no bin below 2^(38 * -26): the constants that split would underflow; smaller parts count as 0
OFF_CENTRE = 1000


@dataclass(slots=True)
class ExactSum:
    """A running sum; `total` is the same for every order of the same values."""

    largest: float = 0.0
    bins: dict[int, int] = field(default_factory=dict)

    def add(self, values: np.ndarray, *, largest: float, scratch: np.ndarray) -> None:
        """Add finite values, at most `BLOCK` of them, none larger in size than `largest` < 2^960.

        `scratch` is working memory, float64, shape (2, BLOCK).
        """
        import numpy as np

        if largest == 0.0:
            return
        self.largest = max(self.largest, largest)
        part, remainder = scratch[:, : len(values)]
        rest = values
        for bin_ in range(_top_bin(largest), self._lowest - 1, -1):
            cut = math.ldexp(1.5, bin_ * WIDTH + 52)
            np.add(rest, cut, out=part)
            np.subtract(part, cut, out=part)
            units = int(math.ldexp(float(np.add.reduce(part)), -bin_ * WIDTH))
            self.bins[bin_] = self.bins.get(bin_, 0) + units
            if bin_ > self._lowest:
                rest = np.subtract(rest, part, out=remainder)

    @property
    def total(self) -> Fraction:
        """The sum, without the parts more than three bins below the largest value."""
        if self.largest == 0.0:
            return Fraction(0)
        used = [(bin_, units) for bin_, units in self.bins.items() if bin_ >= self._lowest]
        return sum((units * Fraction(2) ** (bin_ * WIDTH) for bin_, units in used), Fraction(0))

    @property
    def _lowest(self) -> int:
        return max(_top_bin(self.largest) - BINS + 1, LOWEST)


class Moments:
    """Count, mean and standard deviation of finite values, independent of their order.

    Squares are taken about `centre`; a centre far from the mean costs digits of the deviation (`is_off_centre`).
    """

    def __init__(self, centre: float = 0.0) -> None:
        import numpy as np

        self.centre = centre
        self.count = 0
        self._plain, self._squares = ExactSum(), ExactSum()
        self._huge = self._huge_squares = Fraction(0)
        self._scratch = np.empty((4, BLOCK))

    def add(self, values: np.ndarray, *, least: float, most: float) -> None:
        """Add finite values, of which `least` is the smallest and `most` the largest."""
        import numpy as np

        self.count += len(values)
        if max(abs(least), abs(most)) >= HUGE:
            huge = np.abs(values) >= HUGE
            self._add_huge(values[huge].tolist())
            values = values[~huge]
            if len(values) == 0:
                return
            least, most = float(values.min()), float(values.max())
        # The exact largest distance from the centre: a larger bound would cut off digits of the deviation.
        reach = max(abs(least - self.centre), abs(most - self.centre))
        for start in range(0, len(values), BLOCK):
            block = values[start : start + BLOCK]
            if self.centre:
                block = np.subtract(block, self.centre, out=self._scratch[2, : len(block)])
            square = np.multiply(block, block, out=self._scratch[3, : len(block)])
            self._plain.add(block, largest=reach, scratch=self._scratch[:2])
            self._squares.add(square, largest=reach * reach, scratch=self._scratch[:2])

    def _add_huge(self, values: list[float]) -> None:
        for value in values:
            exact = Fraction(value) - Fraction(self.centre)
            self._huge += exact
            self._huge_squares += exact * exact

    @property
    def mean(self) -> float:
        """The mean, rounded once."""
        return float(self._offset + Fraction(self.centre))

    @property
    def std(self) -> float:
        """The standard deviation (ddof 0)."""
        return _root(max(self._variance, Fraction(0)))

    @property
    def is_off_centre(self) -> bool:
        """Whether rounding of squares may reach the tenth digit of the deviation, so that another centre is needed."""
        return self._offset**2 > OFF_CENTRE * self._variance

    @property
    def _offset(self) -> Fraction:
        return (self._plain.total + self._huge) / self.count

    @property
    def _variance(self) -> Fraction:
        return (self._squares.total + self._huge_squares) / self.count - self._offset**2


def _top_bin(largest: float) -> int:
    """The highest bin with a part of values up to `largest`; in higher bins they are less than half a unit."""
    exponent = math.frexp(largest)[1]
    return max(-((WIDTH - 1 - exponent) // WIDTH), LOWEST)


def _root(number: Fraction) -> float:
    """The square root of a Fraction that may lie outside float64."""
    if number == 0:
        return 0.0
    half = (number.numerator.bit_length() - number.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(number / Fraction(4) ** half), half)
