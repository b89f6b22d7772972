"""Linear relations between features: sums, differences and inequalities that hold in every allowed row.

Each tied feature gets its value as a variable of the program: inside the cells of its place, on its grid, and as far from the
row's own value as the objective counts. Features that follow from others cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.attacks.trees.constraint_rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from model_governance.attacks.trees.problem import Axis
    from model_governance.attacks.trees.question import Objective

ON_GRID = 1e-6  # share of a step by which a value may be off its grid
MARGIN = 2e-6  # share of a range that a value keeps from the ends of its cell; twice what the solver may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedFeature:
    """One feature of a relation, for one row.

    Attributes:
        feature: its number among the cuts.
        own: the row's own value.
        low, high: between which the value may lie.
        step: the value is `own` and a multiple of it; None: any number.
        price: what a change by 1 adds to the objective.
    """

    feature: int
    own: float
    low: float
    high: float
    step: float | None
    price: float

    @property
    def width(self) -> float:
        """The unit of its variable: a step, or the whole range."""
        return self.step if self.step is not None else (self.high - self.low) or 1.0

    @property
    def units(self) -> float:
        """The largest value of its variable, which starts at `low`."""
        return (
            round((self.high - self.low) / self.width) if self.step is not None else (self.high - self.low) / self.width
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """The relations of one row: its tied features, and (weights by place among them, low, high) of each relation."""

    features: tuple[TiedFeature, ...]
    relations: tuple[tuple[Mapping[int, float], float, float], ...]
    objective: Objective

    @property
    def numbers(self) -> frozenset[int]:
        """Numbers of the tied features among the cuts."""
        return frozenset(each.feature for each in self.features)

    @property
    def largest(self) -> float:
        """The largest part of the objective that a tied feature can be."""
        return max((each.price * max(each.high - each.own, each.own - each.low) for each in self.features), default=0.0)

    def constrain(
        self, rows: Rows, axes: Sequence[Axis], starts: np.ndarray, *, first: int, unit: float, greatest: int | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Add the constraints; gives costs, upper limits and integrality of the new variables, values before distances.

        Args:
            rows: of the program.
            axes: of the problem; those of tied features are bound to the values.
            starts: first variable of each axis.
            first: the first new variable.
            unit: of the objective.
            greatest: the variable that is at least every part (linf), None where parts are summed.
        """
        import numpy as np

        count = len(self.features)
        places = {axis.feature: (axis, int(start)) for axis, start in zip(axes, starts[:-1], strict=True)}
        for number, tied in enumerate(self.features):
            value, away = first + number, first + count + number
            scale = tied.price * tied.width / unit
            for sign in (1.0, -1.0):  # away >= price * |value - own|
                rows.add(np.zeros(2, dtype=int), np.array([value, away]), np.array([sign * scale, -1.0]))
                rows.close(np.array([-np.inf]), np.array([sign * tied.price * (tied.own - tied.low) / unit]))
            if greatest is not None:
                rows.add(np.zeros(2, dtype=int), np.array([away, greatest]), np.array([1.0, -1.0]))
                rows.close(np.array([-np.inf]), np.zeros(1))
            if tied.feature in places:
                _bind_value(rows, tied, value, *places[tied.feature])
        for weights, low, high in self.relations:
            columns = np.array([first + number for number in weights])
            units = np.array([weight * self.features[number].width for number, weight in weights.items()])
            constant = sum(weight * self.features[number].low for number, weight in weights.items())
            size = float(np.abs(units).max()) or 1.0
            rows.add(np.zeros(len(columns), dtype=int), columns, units / size)
            rows.close(np.array([(low - constant) / size]), np.array([(high - constant) / size]))
        costs = np.concatenate([np.zeros(count), np.full(count, 0.0 if greatest is not None else 1.0)])
        upper = np.concatenate([[each.units for each in self.features], np.full(count, np.inf)])
        return costs, upper, np.array([each.step is not None for each in self.features] + [False] * count, dtype=float)

    def nearest(self, bounds: Mapping[int, tuple[float, float]]) -> dict[int, float] | None:
        """The values nearest to the row's own inside these bounds, by feature; None where none there obey all relations.

        Values keep a little from the bounds, because the solver takes a constraint that is off by a millionth for met.
        """
        for margin in (MARGIN, 0.0):
            found = self._nearest(bounds, margin=margin)
            if found is not None:
                return found
        return None

    def _nearest(self, bounds: Mapping[int, tuple[float, float]], *, margin: float) -> dict[int, float] | None:
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_matrix

        count, rows = len(self.features), Rows()
        greatest = 2 * count if self.objective == "linf" else None
        costs, upper, integral = replace(self, relations=self._tightened(margin)).constrain(
            rows, (), np.zeros(1, dtype=int), first=0, unit=self.largest or 1.0, greatest=greatest
        )
        lower = np.zeros(len(upper))
        for number, each in enumerate(self.features):
            low, high = bounds.get(each.feature, (each.low, each.high))
            low, high = max(low, each.low), min(high, each.high)
            spare = min(margin * each.width, (high - low) / 4) if each.step is None else 0.0
            lower[number], upper[number] = (low + spare - each.low) / each.width, (high - spare - each.low) / each.width
            if each.step is not None:
                lower[number], upper[number] = np.ceil(lower[number] - ON_GRID), np.floor(upper[number] + ON_GRID)
        if greatest is not None:
            costs, upper, integral = np.append(costs, 1.0), np.append(upper, np.inf), np.append(integral, 0.0)
            lower = np.append(lower, 0.0)
        if (lower > upper).any():
            return None
        matrix = csr_matrix(
            (np.concatenate(rows.value), (np.concatenate(rows.row), np.concatenate(rows.column))),
            shape=(rows.count, len(costs)),
        )
        found = milp(
            costs, integrality=integral, bounds=Bounds(lower, upper),
            constraints=LinearConstraint(matrix, np.concatenate(rows.low), np.concatenate(rows.high)),
        )  # fmt: skip
        return None if found.x is None else self._values(np.clip(found.x[:count], lower[:count], upper[:count]))

    def _tightened(self, margin: float) -> tuple[tuple[Mapping[int, float], float, float], ...]:
        """Inequalities of numbers that may take any value, a little narrower."""
        found = []
        for weights, low, high in self.relations:
            free = [number for number in weights if self.features[number].step is None]
            spare = margin * max((abs(weights[number]) * self.features[number].width for number in free), default=0.0)
            spare = spare if high - low > 4 * spare else 0.0
            found.append((weights, low + spare, high - spare))
        return tuple(found)

    def _values(self, solved: np.ndarray) -> dict[int, float]:
        """The values of the tied features from their variables, shape (features,)."""
        return {
            each.feature: each.low + each.width * (round(float(part)) if each.step is not None else float(part))
            for each, part in zip(self.features, solved, strict=True)
        }


def _bind_value(rows: Rows, tied: TiedFeature, value: int, axis: Axis, start: int) -> None:
    """The value lies between the ends of the place that is chosen."""
    import numpy as np

    assert axis.bounds is not None  # noqa: S101 - axes of tied features have them
    low, high = np.clip(axis.bounds, tied.low, tied.high)
    for ends, sign in ((high, 1.0), (low, -1.0)):
        # Along a line a binary says "at most this place", otherwise "this place".
        steps = -np.diff(ends) if axis.line else ends
        constant = float(ends[-1]) if axis.line else 0.0
        columns = np.concatenate([[value], start + np.arange(len(steps))])
        parts = np.concatenate([[tied.width], -steps]) * (sign / tied.width)
        rows.add(np.zeros(len(columns), dtype=int), columns, parts)
        rows.close(np.array([-np.inf]), np.array([sign * (constant - tied.low) / tied.width]))
