"""Distance to the boundary, label-only: how far a row must move before the model names another class.

After Choquette-Choo et al. (2021): members sit further inside. The walk is HopSkipJump on all rows at once, along the
numeric columns; stronger than shaking rows and dearer, so the first rows of each side must do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.boundary_walk import HopSkipJumpSettings
from model_governance.attacks.hopskipjump import attack_rows
from model_governance.checks.privacy.membership_inference.attacks import Scores
from model_governance.checks.privacy.membership_inference.label_only import like
from model_governance.checks.privacy.membership_inference.sides import numbered
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.schedule import QueryBudget
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.contract.subject import Columns, Model

MOST_ROWS = 1000
QUERIES, LEAST_QUERIES = 300, 30


def boundary(audit: Audit, model: Model, columns: Columns, query_budget: QueryBudget) -> Scores:
    """Standardised distance (L2) at which the answer leaves the true class; 0 for rows that are wrong as they stand.

    Rows that no numeric column can move over count as the furthest of all.

    Raises:
        CheckError: no numeric column, or a budget of fewer than 30 queries a row.
        ModelMisbehaved: as `Model.predict`.
    """
    import numpy as np
    import pandas as pd

    places = slice(MOST_ROWS), slice(MOST_ROWS)
    sides = audit.members.part(places[0]), audit.others.part(places[1])
    frame = pd.concat([side.frame for side in sides], ignore_index=True)
    labels = np.concatenate([side.labels for side in sides])
    names = list(columns.of_kind("numeric", "integer"))
    if not names:
        raise CheckError("attack 'boundary' walks along numeric columns and there is none; use label_only")
    queries = QUERIES if query_budget.remaining is None else min(QUERIES, query_budget.remaining // len(frame))
    if queries < LEAST_QUERIES:
        raise CheckError(
            f"attack 'boundary' needs {LEAST_QUERIES} queries for each of {len(frame):,} rows; its budget holds {query_budget.remaining:,}"
        )
    space = Space(frame, columns, names)

    def leaves(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return numbered(model, model.predict(space.rows(points, rows))) != labels[rows]

    points = space.origins
    settings = HopSkipJumpSettings(
        norm="l2", iterations=10, directions=15, most_directions=60, queries=queries,
        low=points.min(axis=0), high=points.max(axis=0),
    )  # fmt: skip
    walked = attack_rows(
        leaves, points, settings=settings, seed=audit.root, tries=20, donors=points, movable=space.movable
    )
    reached = walked.distances[~walked.failed]
    furthest = float(reached.max()) + 1.0 if len(reached) else 1.0
    distances = np.where(walked.failed, furthest, walked.distances)
    count = len(sides[0])
    return Scores(
        attack="boundary", members=distances[:count], others=distances[count:], places=places, queries=query_budget.asked,
        setting=f"at most {queries} queries a row, {int(walked.failed.sum()):,} rows never left their class",
    )  # fmt: skip


class Space:
    """The numeric columns of rows as points (n, d) in standard deviations; a gap stays a gap."""

    def __init__(self, frame: pd.DataFrame, columns: Columns, names: list[str]) -> None:
        import numpy as np

        self.frame, self.columns, self.names = frame, columns, names
        values = np.column_stack([frame[one].to_numpy(dtype=np.float64, na_value=np.nan) for one in names])
        self.movable = ~np.isnan(values)
        self.centre, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
        self.spread = np.where(spread > 0, spread, 1.0)
        self.origins: np.ndarray = np.where(self.movable, (values - self.centre) / self.spread, 0.0)

    def rows(self, points: np.ndarray, numbers: np.ndarray) -> pd.DataFrame:
        """Rows of the frame by number, moved to points (m, d); integers to the nearest, untouched columns exactly."""
        import numpy as np

        moved = self.frame.iloc[numbers].reset_index(drop=True)
        for place, name in enumerate(self.names):
            old = moved[name].to_numpy(dtype=np.float64, na_value=np.nan)
            new = points[:, place] * self.spread[place] + self.centre[place]
            new = np.round(new) if self.columns.features[name].kind == "integer" else new
            still = points[:, place] == self.origins[numbers, place]
            moved[name] = like(np.where(still | np.isnan(old), old, new), moved[name])
        return moved
