"""Label-only: does the model still name the true class when the row is shaken? Members sit further from the boundary.

After Choquette-Choo et al. (2021). Weak and cheap: for models that say no more than a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.schedule import QueryBudgetExceeded
from model_governance.checks.privacy.membership_inference.attacks import Scores
from model_governance.checks.privacy.membership_inference.sides import numbered
from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.contract.subject import Columns, Feature, Model

# Standard deviations that numbers move by, and the chance that a category is redrawn.
LEVELS = (0.02, 0.05, 0.1)
ROUNDS = 60


def label_only(audit: Audit, model: Model, columns: Columns) -> Scores:
    """Share of shaken copies of each row that keep the true class; a budget of queries ends it after a whole round.

    Raises:
        QueryBudgetExceeded: the budget of `model` (`limit_queries`) does not last for one round.
        ModelMisbehaved: as `Model.predict`.
    """
    import numpy as np
    import pandas as pd

    frame = pd.concat([audit.members.frame, audit.others.frame], ignore_index=True)
    labels = np.concatenate([audit.members.labels, audit.others.labels])
    kept, rounds = np.zeros(len(frame)), 0
    for number in range(ROUNDS):
        shaken = shake(frame, columns, level=LEVELS[number % len(LEVELS)], seed=[audit.root, 4, number])
        try:
            answers = model.predict(shaken)
        except QueryBudgetExceeded:
            if rounds == 0:
                raise
            break
        kept += numbered(model, answers) == labels
        rounds += 1
    count, share = len(audit.members), kept / rounds
    return Scores(
        attack="label_only", members=share[:count], others=share[count:], queries=rounds * len(frame),
        setting=f"{rounds} of {ROUNDS} shaken copies of each row",
    )  # fmt: skip


def shake(frame: pd.DataFrame, columns: Columns, *, level: float, seed: list[int]) -> pd.DataFrame:
    """The rows with noise on every number, and some categories redrawn from those of the column.

    Noise is `level` standard deviations wide; integers stay integers, ranges are kept, gaps stay gaps.
    """
    import numpy as np

    draw = np.random.default_rng(seed)
    shaken = frame.copy()
    for name, feature in columns.features.items():
        column = frame[name]
        if feature.kind in NUMBER_KINDS:
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            moved = values + draw.normal(0, level * float(np.nanstd(values)), len(values))
            moved = np.clip(moved, feature.minimum, feature.maximum) if _bounded(feature) else moved
            shaken[name] = like(np.round(moved) if feature.kind == "integer" else moved, column)
        elif feature.kind in ("category", "boolean"):
            redrawn = draw.random(len(column)) < level
            other = column.iloc[draw.integers(0, len(column), len(column))].set_axis(column.index)
            shaken[name] = column.where(~redrawn, other)
    return shaken


def _bounded(feature: Feature) -> bool:
    return feature.minimum is not None or feature.maximum is not None


def like(values: np.ndarray, column: pd.Series) -> pd.Series:
    """The values as a column of the same type; integers only where nothing is missing."""
    import pandas as pd

    found = pd.Series(values, index=column.index, name=column.name)
    return found if found.isna().any() and column.dtype.kind in "iu" else found.astype(column.dtype)
