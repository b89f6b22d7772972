"""Fifty features whose distributions are known exactly, so that a night can be drawn cell by cell as well as row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = "v{:04d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One feature: a law of numbers, or chances of labels, and the share of rows that hold nothing.

    `nonzero` is the share of numbers that follow the law; the others are 0.
    """

    name: str
    law: Any = None
    chances: np.ndarray | None = None
    missing: float = 0.0
    nonzero: float = 1.0

    @property
    def family(self) -> Literal["numbers", "categories"]:
        """What its values are."""
        return "numbers" if self.chances is None else "categories"

    @property
    def labels(self) -> list[str]:
        """The labels of a category, in the order of their chances."""
        return [TEXT.format(place) for place in range(len(self.chances))]

    def draw(self, rows: int, draw: np.random.Generator) -> np.ndarray:
        """Values as a frame would hold them: floats with NaN, or text with None."""
        if self.chances is not None:
            values = np.array(self.labels, dtype=object)[draw.choice(len(self.chances), rows, p=self.chances)]
            values[draw.random(rows) < self.missing] = None
            return values
        values = np.asarray(self.law.rvs(rows, random_state=draw), dtype=float)
        values[draw.random(rows) >= self.nonzero] = 0.0
        values[draw.random(rows) < self.missing] = np.nan
        return values

    def below(self, edge: float) -> float:
        """P(X < edge) among the rows that hold a number."""
        strictly = self.law.cdf(np.nextafter(edge, -np.inf))
        return float(self.nonzero * strictly + (1 - self.nonzero) * (edge > 0))

    def between(self, edges: Sequence[float]) -> np.ndarray:
        """Chances of the cells (-inf, e0), [e0, e1) ... [ek, inf), shape (len(edges) + 1,)."""
        return np.diff([0.0, *(self.below(one) for one in edges), 1.0])


def zipf(labels: int, power: float = 1.0) -> np.ndarray:
    """Chances that fall with the rank of a label (Zipf)."""
    chances = np.arange(1, labels + 1, dtype=float) ** -power
    return chances / chances.sum()


def fifty() -> tuple[Known, ...]:
    """Light and heavy tails, ties, numbers that are nearly always 0, two to a thousand labels, missing values."""
    numbers = {
        "normal": (stats.norm(), 5), "lognormal": (stats.lognorm(1.0), 5), "exponential": (stats.expon(), 3),
        "student": (stats.t(3), 4), "pareto": (stats.pareto(1.5), 4), "uniform": (stats.uniform(), 2),
        "age": (stats.randint(18, 90), 4), "visits": (stats.poisson(2), 3),
    }  # fmt: skip
    known = [Known(name=f"{name}_{n}", law=law) for name, (law, count) in numbers.items() for n in range(count)]
    known += [Known(name=f"mostly_zero_{n}", law=stats.expon(), nonzero=0.001) for n in range(3)]
    known += [Known(name=f"yes_{n}", chances=np.array([0.5 + 0.3 * n, 0.5 - 0.3 * n])) for n in range(2)]
    for labels, count in ((12, 4), (50, 4), (300, 1), (1000, 1)):
        known += [Known(name=f"zipf_{labels}_{n}", chances=zipf(labels)) for n in range(count)]
    known += [Known(name=f"normal_gaps_{n}", law=stats.norm(), missing=0.05) for n in range(2)]
    known += [Known(name="lognormal_gaps", law=stats.lognorm(1.0), missing=0.3)]
    known += [Known(name=f"zipf_gaps_{n}", chances=zipf(12), missing=0.1) for n in range(2)]
    return tuple(known)
