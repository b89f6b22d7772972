"""Reconstructions in the making: where they start, and the two attacks that raise the model's confidence in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.schedule import QueryBudgetExceeded
from model_governance.checks.privacy.model_inversion.ground import like

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.model_inversion.confidence import Confidence
    from model_governance.checks.privacy.model_inversion.ground import Ground
    from model_governance.checks.privacy.model_inversion.params import InversionParams

TRIED = 8  # rows asked about for one reconstruction at a time
FIRST_REACH, NEAR_REACH, LEAST_REACH = 0.3, 0.05, 0.001  # of the spread of a column
MOVED, EXCHANGED = 0.6, 0.1  # chances that refinement moves a number, or exchanges another value


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Rows with the class number that each shall be of (n,), and the confidence that the model has (n,).

    `cut` says that the budget of queries ended before the attack did.
    """

    rows: pd.DataFrame
    wanted: np.ndarray
    reached: np.ndarray
    cut: bool = False


def starts(ground: Ground, params: InversionParams, generator: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """For each class its public centre, and public rows of any class."""
    import numpy as np
    import pandas as pd

    parts, wanted = [], []
    for one in ground.classes:
        drawn = generator.integers(0, len(ground.public), params.restarts - 1)
        parts.extend([one.centre, ground.public.iloc[drawn]])
        wanted.extend([one.number] * params.restarts)
    rows = pd.concat(parts, ignore_index=True)
    return like({name: rows[name].tolist() for name in rows.columns}, ground.public), np.array(wanted)


def search(ground: Ground, confidence: Confidence, params: InversionParams, generator: np.random.Generator) -> Attempts:
    """Climb column by column over values that public rows have, then refine several columns at once.

    Every second restart refines only and ends at what lies near its start: those that go anywhere end at the same few
    rows. All are asked about together. What the budget of queries allowed until it ended stays.
    """
    import numpy as np

    rows, wanted = starts(ground, params, generator)
    climb = Climb(ground, confidence, rows, wanted)
    try:
        climb.reached = confidence(rows, wanted)
        far = np.arange(len(rows)) % 2 == 0
        for _ in range(params.sweeps):
            for name in generator.permutation(list(rows.columns)).tolist():
                climb.improve({name: _elsewhere(climb, name, generator)}, params.enough, among=far)
        reach = np.where(far, FIRST_REACH, NEAR_REACH)
        for _ in range(params.refinements):
            better = climb.improve(_nearby(climb, reach, generator), params.enough)
            # One success in five keeps the reach as it is (Rechenberg, 1973).
            reach = (reach * np.where(better, 1.5, 0.9)).clip(LEAST_REACH, 1.0)
    except QueryBudgetExceeded:
        return climb.attempts(cut=True)
    return climb.attempts()


class Climb:
    """All reconstructions on their way, with the confidence that each has reached."""

    def __init__(self, ground: Ground, confidence: Confidence, rows: pd.DataFrame, wanted: np.ndarray) -> None:
        import numpy as np

        self.ground, self.confidence, self.wanted = ground, confidence, wanted
        self.cells = {name: np.array(rows[name].tolist(), dtype=object) for name in rows.columns}
        self.reached = np.zeros(len(rows))

    def improve(self, tried: dict[str, np.ndarray], enough: float, *, among: np.ndarray | None = None) -> np.ndarray:
        """Set columns to the best of the values tried, (rows, values) each, where that is surer; True where it was.

        Rows whose confidence is enough, or that are not `among` those to change, are left as they are.
        """
        import numpy as np

        better = np.zeros(len(self.wanted), dtype=bool)
        open_ = np.flatnonzero((self.reached < enough) & (True if among is None else among))
        if len(open_) == 0:
            return better
        count = next(iter(tried.values())).shape[1]
        asked = {name: np.repeat(column[open_], count) for name, column in self.cells.items()}
        asked |= {name: values[open_].ravel() for name, values in tried.items()}
        wanted = np.repeat(self.wanted[open_], count)
        found = self.confidence(self._frame(asked), wanted).reshape(len(open_), count)
        best = found.argmax(axis=1)
        value = found[np.arange(len(open_)), best]
        surer = value > self.reached[open_]
        rows, best = open_[surer], best[surer]
        for name, values in tried.items():
            self.cells[name][rows] = values[rows, best]
        self.reached[rows] = value[surer]
        better[rows] = True
        return better

    def attempts(self, *, cut: bool = False) -> Attempts:
        """The reconstructions as they stand."""
        return Attempts(rows=self._frame(self.cells), wanted=self.wanted, reached=self.reached, cut=cut)

    def _frame(self, cells: dict[str, np.ndarray]) -> pd.DataFrame:
        return like({name: column.tolist() for name, column in cells.items()}, self.ground.public)


def _elsewhere(climb: Climb, name: str, generator: np.random.Generator) -> np.ndarray:
    """Values of one column that public rows have, (rows, values); none missing, if there are any."""
    import numpy as np

    known = climb.ground.public[name].dropna().tolist()
    pool = np.array(known or [None], dtype=object)
    if name not in climb.ground.measure.numbers:
        pool = np.array(sorted(set(pool.tolist()), key=str), dtype=object)
    return pool[generator.integers(0, len(pool), (len(climb.wanted), TRIED))]


def _nearby(climb: Climb, reach: np.ndarray, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Every column, changed in some of the values tried: numbers by a normal draw, others to a public value."""
    import numpy as np

    found, measure = {}, climb.ground.measure
    for name, column in climb.cells.items():
        here = np.repeat(column[:, None], TRIED, axis=1)
        if name in measure.numbers:
            pool = climb.ground.public[name].dropna().to_numpy(dtype=np.float64)
            if len(pool) == 0:
                continue
            spread = reach[:, None] * measure.spread[measure.numbers.index(name)]
            numbers = np.array([[pool[0] if one is None else one for one in row] for row in here], dtype=np.float64)
            moved = np.nan_to_num(numbers, nan=float(np.median(pool))) + generator.normal(0.0, 1.0, here.shape) * spread
            moved = moved.clip(pool.min(), pool.max())
            changed = moved.round() if (pool == pool.round()).all() else moved
            found[name] = np.where(generator.random(here.shape) < MOVED, changed.astype(object), here)
        else:
            found[name] = np.where(generator.random(here.shape) < EXCHANGED, _elsewhere(climb, name, generator), here)
    return found
