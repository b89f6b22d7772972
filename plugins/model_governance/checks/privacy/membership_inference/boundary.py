"""Label-only attack by the distance to the decision boundary: how far a row must move until its prediction changes.

After Choquette-Choo et al. (2021): members are further from the boundary. HopSkipJump runs on all rows together, along
the numeric columns. It is stronger than noise and needs more queries, so only the first rows of each group are scored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.boundary_walk import HopSkipJumpSettings
from model_governance.attacks.hopskipjump import attack_rows
from model_governance.checks.privacy.membership_inference.attacks import Scores
from model_governance.checks.privacy.membership_inference.audit_groups import encode_labels
from model_governance.checks.privacy.membership_inference.label_only import cast_like
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.schedule import QueryBudget
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.contract.subject import Columns, Model

MAX_ROWS = 1000
QUERIES_PER_ROW, MIN_QUERIES_PER_ROW = 300, 30


def boundary(audit: Audit, model: Model, columns: Columns, query_budget: QueryBudget) -> Scores:
    """Standardised L2 distance at which the prediction leaves the true class; 0 for rows that are misclassified.

    Rows for which no numeric column changes the prediction get the largest distance of all.

    Raises:
        CheckError: no numeric column, or a budget of fewer than 30 queries per row.
        ModelMisbehaved: as `Model.predict`.
    """
    import numpy as np
    import pandas as pd

    scored = slice(MAX_ROWS), slice(MAX_ROWS)
    groups = audit.members.part(scored[0]), audit.non_members.part(scored[1])
    frame = pd.concat([group.frame for group in groups], ignore_index=True)
    labels = np.concatenate([group.labels for group in groups])
    names = list(columns.of_kind("numeric", "integer"))
    if not names:
        raise CheckError("attack 'boundary' moves along numeric columns and there is none; use label_only")
    queries = (
        QUERIES_PER_ROW
        if query_budget.remaining is None
        else min(QUERIES_PER_ROW, query_budget.remaining // len(frame))
    )
    if queries < MIN_QUERIES_PER_ROW:
        raise CheckError(
            f"attack 'boundary' needs {MIN_QUERIES_PER_ROW} queries for each of {len(frame):,} rows; its budget holds "
            f"{query_budget.remaining:,}"
        )
    space = NumericSpace(frame, columns, names)

    def misclassified(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return encode_labels(model, model.predict(space.rows(points, rows))) != labels[rows]

    points = space.origins
    settings = HopSkipJumpSettings(
        norm="l2", iterations=10, directions=15, most_directions=60, queries=queries,
        low=points.min(axis=0), high=points.max(axis=0),
    )  # fmt: skip
    result = attack_rows(
        misclassified, points, settings=settings, seed=audit.root_seed, tries=20, donors=points, movable=space.movable
    )
    reached = result.distances[~result.failed]
    largest = float(reached.max()) + 1.0 if len(reached) else 1.0
    distances = np.where(result.failed, largest, result.distances)
    count = len(groups[0])
    return Scores(
        attack="boundary", members=distances[:count], non_members=distances[count:], scored=scored, queries=query_budget.asked,
        setting=f"at most {queries} queries a row, {int(result.failed.sum()):,} rows never left their class",
    )  # fmt: skip


class NumericSpace:
    """The numeric columns of rows as standardised points (n, d); a missing value stays missing."""

    def __init__(self, frame: pd.DataFrame, columns: Columns, names: list[str]) -> None:
        import numpy as np

        self.frame, self.columns, self.names = frame, columns, names
        values = np.column_stack([frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names])
        self.movable = ~np.isnan(values)
        self.mean, std = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
        self.std = np.where(std > 0, std, 1.0)
        self.origins: np.ndarray = np.where(self.movable, (values - self.mean) / self.std, 0.0)

    def rows(self, points: np.ndarray, numbers: np.ndarray) -> pd.DataFrame:
        """Rows of the frame by number, moved to points (m, d); integers are rounded, unmoved columns stay exact."""
        import numpy as np

        moved = self.frame.iloc[numbers].reset_index(drop=True)
        for place, name in enumerate(self.names):
            old = moved[name].to_numpy(dtype=np.float64, na_value=np.nan)
            new = points[:, place] * self.std[place] + self.mean[place]
            new = np.round(new) if self.columns.features[name].kind == "integer" else new
            unmoved = points[:, place] == self.origins[numbers, place]
            moved[name] = cast_like(np.where(unmoved | np.isnan(old), old, new), moved[name])
        return moved
