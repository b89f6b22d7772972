"""The allowed changes of one raw feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMoves:
    """The values that an attacker may give one raw feature, and how far each of them is from the row's own.

    A value that is missing stays missing and none becomes missing, unless `fills` and `omittable` say so. The row's own
    value is always allowed, even where it lies outside `low` and `high`, off the grid, or is no known category.

    Attributes:
        name: of the column.
        kind: "number" (with a grid where `step` is given) or "category" (words, codes, booleans).
        movable: whether it may change at all.
        direction: +1 may only rise, -1 only fall, 0 both. Numbers only.
        low: smallest allowed value in raw units; None: no limit.
        high: largest allowed value in raw units; None: no limit.
        step: allowed values are the multiples of it (1 for integers); None: any number.
        most: how far the value may move, in raw units; None: no limit.
        span: raw units that count as distance 1, above 0.
        categories: all values that a category can take.
        allowed: for each own category those that it may become; one that is not listed may not change.
            None: each may become every other.
        category_distance: distance of a change of category, at least 0 (0: free).
        cost: of moving a number by one span, or of changing a category; at least 0.
        omittable: whether the value may become missing.
        fills: what a missing value may become.
        gap_distance: distance of leaving a value out, and of filling it in; at least 0.
        gap_cost: of either; at least 0.
    """

    name: str
    kind: Literal["number", "category"]
    movable: bool = True
    direction: Literal[-1, 0, 1] = 0
    low: float | None = None
    high: float | None = None
    step: float | None = None
    most: float | None = None
    span: float = 1.0
    categories: tuple[Any, ...] = ()
    allowed: Mapping[Any, tuple[Any, ...]] | None = None
    category_distance: float = 1.0
    cost: float = 1.0
    omittable: bool = False
    fills: tuple[Any, ...] = ()
    gap_distance: float = 0.0
    gap_cost: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            ValueError: span or step not above 0, a distance, cost or reach below 0, or low above high.
        """
        if self.span <= 0 or (self.step is not None and self.step <= 0):
            raise ValueError(f"{self.name}: span and step must be above 0, found {self.span} and {self.step}")
        if min(self.category_distance, self.cost, self.gap_distance, self.gap_cost, self.most or 0.0) < 0:
            raise ValueError(f"{self.name}: distances, costs and most must be at least 0")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"{self.name}: low {self.low} is above high {self.high}")
