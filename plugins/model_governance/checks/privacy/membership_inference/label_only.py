"""Label-only attack by noise: how often the model still predicts the true class when the row is perturbed.

After Choquette-Choo et al. (2021): members are further from the decision boundary. Weak and cheap; for models that
return labels only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.schedule import QueryBudgetExceeded
from model_governance.checks.privacy.membership_inference.attacks import Scores
from model_governance.checks.privacy.membership_inference.audit_groups import encode_labels
from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.contract.subject import Columns, Feature, Model

# Standard deviations of the noise on numbers, and the probability that a category is replaced.
NOISE_LEVELS = (0.02, 0.05, 0.1)
ROUNDS = 60


def label_only(audit: Audit, model: Model, columns: Columns) -> Scores:
    """Share of perturbed copies of each row that keep the true class; a query budget ends it after a whole round.

    Raises:
        QueryBudgetExceeded: the budget of `model` (`limit_queries`) does not allow one round.
        ModelMisbehaved: as `Model.predict`.
    """
    import numpy as np
    import pandas as pd

    frame = pd.concat([audit.members.frame, audit.non_members.frame], ignore_index=True)
    labels = np.concatenate([audit.members.labels, audit.non_members.labels])
    correct, rounds = np.zeros(len(frame)), 0
    for number in range(ROUNDS):
        level = NOISE_LEVELS[number % len(NOISE_LEVELS)]
        perturbed = perturb(frame, columns, level=level, seed=[audit.root_seed, 4, number])
        try:
            predictions = model.predict(perturbed)
        except QueryBudgetExceeded:
            if rounds == 0:
                raise
            break
        correct += encode_labels(model, predictions) == labels
        rounds += 1
    count, share = len(audit.members), correct / rounds
    return Scores(
        attack="label_only", members=share[:count], non_members=share[count:], queries=rounds * len(frame),
        setting=f"{rounds} of {ROUNDS} perturbed copies of each row",
    )  # fmt: skip


def perturb(frame: pd.DataFrame, columns: Columns, *, level: float, seed: list[int]) -> pd.DataFrame:
    """The rows with normal noise on every number, and some categories replaced by others of the column.

    Args:
        frame: the rows.
        columns: their features; integers stay integers, ranges are kept, missing values stay missing.
        level: standard deviation of the noise in units of the column's, and probability of a replacement.
        seed: of the noise.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    perturbed = frame.copy()
    for name, feature in columns.features.items():
        column = frame[name]
        if feature.kind in NUMBER_KINDS:
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            moved = values + generator.normal(0, level * float(np.nanstd(values)), len(values))
            moved = np.clip(moved, feature.minimum, feature.maximum) if _bounded(feature) else moved
            perturbed[name] = cast_like(np.round(moved) if feature.kind == "integer" else moved, column)
        elif feature.kind in ("category", "boolean"):
            replaced = generator.random(len(column)) < level
            other = column.iloc[generator.integers(0, len(column), len(column))].set_axis(column.index)
            perturbed[name] = column.where(~replaced, other)
    return perturbed


def cast_like(values: np.ndarray, column: pd.Series) -> pd.Series:
    """The values as a column of the same type; integers only where nothing is missing."""
    import pandas as pd

    cast = pd.Series(values, index=column.index, name=column.name)
    return cast if cast.isna().any() and column.dtype.kind in "iu" else cast.astype(column.dtype)


def _bounded(feature: Feature) -> bool:
    return feature.minimum is not None or feature.maximum is not None
