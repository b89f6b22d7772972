"""Reconstructions: their starting rows, and a coordinate search that raises the model's confidence in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.attacks.schedule import QueryBudgetExceeded
from model_governance.checks.privacy.model_inversion.candidates import cast_like

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.model_inversion.candidates import Candidates
    from model_governance.checks.privacy.model_inversion.confidence import ClassConfidence
    from model_governance.checks.privacy.model_inversion.params import InversionParams

PROPOSALS = 8  # rows queried for one reconstruction at a time
FAR_STEP, NEAR_STEP, MIN_STEP = 0.3, 0.05, 0.001  # of the range of a column
STEP_UP, STEP_DOWN = 1.5, 0.9  # one success in five keeps the step size (Rechenberg, 1973)
MOVE_NUMBER, REPLACE_CATEGORY = 0.6, 0.1  # probabilities of a change in refinement


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstructions:
    """Reconstructed rows with the class number that each was optimised for (n,), and the confidence reached (n,).

    `truncated` says that the query budget ended before the attack did; `unasked` counts the rows that had no full question
    by then, which is one of `per_row` queries.
    """

    rows: pd.DataFrame
    classes: np.ndarray
    confidence: np.ndarray
    truncated: bool = False
    unasked: int = 0
    per_row: int = 1


def starting_rows(
    candidates: Candidates, params: InversionParams, generator: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """For each class its public centre and random public rows of any class, with the class numbers (n,)."""
    import numpy as np
    import pandas as pd

    parts, classes = [], []
    for class_rows in candidates.classes:
        drawn = generator.integers(0, len(candidates.public), params.restarts - 1)
        parts.extend([class_rows.centre, candidates.public.iloc[drawn]])
        classes.extend([class_rows.number] * params.restarts)
    rows = pd.concat(parts, ignore_index=True)
    cast = cast_like({name: rows[name].tolist() for name in rows.columns}, candidates.public)
    real = candidates.public.iloc[np.arange(len(cast)) % len(candidates.public)].reset_index(drop=True)
    return candidates.obeyed(cast, real), np.array(classes)


def search(
    candidates: Candidates, confidence: ClassConfidence, params: InversionParams, generator: np.random.Generator
) -> Reconstructions:
    """Improve column by column over public values, then refine several columns at once.

    Every second restart is only refined and stays near its start: the others end at the same few rows. All
    reconstructions are queried together. What was reached before the query budget ended counts.

    Raises:
        TimeBudgetExceeded, ModelMisbehaved: as `limit_queries` and `Model`.
    """
    import numpy as np

    rows, classes = starting_rows(candidates, params, generator)
    state = CoordinateSearch(candidates, confidence, rows, classes)
    swept = False
    try:
        state.reached = confidence(rows, classes)
        far = np.arange(len(rows)) % 2 == 0
        for _ in range(params.sweeps):
            for name in generator.permutation(list(rows.columns)).tolist():
                state.improve({name: _public_values(state, name, generator)}, params.stop_confidence, among=far)
            swept = True
        steps = np.where(far, FAR_STEP, NEAR_STEP)
        for _ in range(params.refinements):
            improved = state.improve(_perturbed(state, steps, generator), params.stop_confidence)
            steps = (steps * np.where(improved, STEP_UP, STEP_DOWN)).clip(MIN_STEP, 1.0)
    except QueryBudgetExceeded:
        # A full question tries values of each column once.
        unasked, per_row = 0 if swept else len(rows), 1 + PROPOSALS * len(rows.columns)
        return replace(state.result(), truncated=True, unasked=unasked, per_row=per_row)
    return state.result()


class CoordinateSearch:
    """All reconstructions with the confidence that each has reached."""

    def __init__(
        self, candidates: Candidates, confidence: ClassConfidence, rows: pd.DataFrame, classes: np.ndarray
    ) -> None:
        import numpy as np

        self.candidates, self.confidence, self.classes = candidates, confidence, classes
        self.cells = {name: np.array(rows[name].tolist(), dtype=object) for name in rows.columns}
        self.reached = np.zeros(len(rows))

    def improve(
        self, proposals: dict[str, np.ndarray], stop_confidence: float, *, among: np.ndarray | None = None
    ) -> np.ndarray:
        """Set columns to the best of the proposed values where that raises the confidence.

        Args:
            proposals: for each column to change, values (rows, proposals).
            stop_confidence: rows that have reached it stay as they are.
            among: which rows may change (rows,); all by default.

        Returns:
            Whether each row improved (rows,).
        """
        import numpy as np

        improved = np.zeros(len(self.classes), dtype=bool)
        active = np.flatnonzero((self.reached < stop_confidence) & (True if among is None else among))
        if len(active) == 0:
            return improved
        count = next(iter(proposals.values())).shape[1]
        present = {name: np.repeat(column[active], count) for name, column in self.cells.items()}
        cells = present | {name: values[active].ravel() for name, values in proposals.items()}
        classes = np.repeat(self.classes[active], count)
        asked = self._frame(cells)
        if self.candidates.relations is not None:
            asked = self.candidates.obeyed(asked, self._frame(present))
        confidence = self.confidence(asked, classes).reshape(len(active), count)
        best = confidence.argmax(axis=1)
        highest = confidence[np.arange(len(active)), best]
        higher = highest > self.reached[active]
        rows, places, best = active[higher], (np.arange(len(active)) * count + best)[higher], best[higher]
        for name, values in proposals.items():
            self.cells[name][rows] = values[rows, best]
        for name in () if self.candidates.relations is None else self.cells:
            self.cells[name][rows] = np.array(asked[name].iloc[places].tolist(), dtype=object)
        self.reached[rows] = highest[higher]
        improved[rows] = True
        return improved

    def result(self) -> Reconstructions:
        """The reconstructions in their present state."""
        return Reconstructions(rows=self._frame(self.cells), classes=self.classes, confidence=self.reached)

    def _frame(self, cells: dict[str, np.ndarray]) -> pd.DataFrame:
        return cast_like({name: column.tolist() for name, column in cells.items()}, self.candidates.public)


def _public_values(state: CoordinateSearch, name: str, generator: np.random.Generator) -> np.ndarray:
    """Random values of a column from the public rows, (rows, proposals); not missing, unless all are."""
    import numpy as np

    known = state.candidates.public[name].dropna().tolist()
    pool = np.array(known or [None], dtype=object)
    if name not in state.candidates.distance.numeric:
        pool = np.array(sorted(set(pool.tolist()), key=str), dtype=object)
    return pool[generator.integers(0, len(pool), (len(state.classes), PROPOSALS))]


def _perturbed(state: CoordinateSearch, steps: np.ndarray, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Proposals for every column: numbers get normal noise of the step size, categories become a public value."""
    import numpy as np

    proposals, distance = {}, state.candidates.distance
    for name, column in state.cells.items():
        present = np.repeat(column[:, None], PROPOSALS, axis=1)
        if name in distance.numeric:
            pool = state.candidates.public[name].dropna().to_numpy(dtype=np.float64)
            if len(pool) == 0:
                continue
            scale = steps[:, None] * distance.ranges[distance.numeric.index(name)]
            numbers = np.array(
                [[pool[0] if cell is None else cell for cell in row] for row in present], dtype=np.float64
            )
            moved = (
                np.nan_to_num(numbers, nan=float(np.median(pool))) + generator.normal(0.0, 1.0, present.shape) * scale
            )
            moved = moved.clip(pool.min(), pool.max())
            valid = moved.round() if (pool == pool.round()).all() else moved
            proposals[name] = np.where(generator.random(present.shape) < MOVE_NUMBER, valid.astype(object), present)
        else:
            replaced = generator.random(present.shape) < REPLACE_CATEGORY
            proposals[name] = np.where(replaced, _public_values(state, name, generator), present)
    return proposals
