"""Attributions: how much the model's answer changes when the value of one feature is replaced.

A row's attribution to a feature is the mean absolute change of the answer when the feature's value is replaced by
values of reference rows and the other features stay (an interventional, model-agnostic form of Breiman's permutation
importance, 2001, without labels; Janzing, Minorics and Blöbaum, 2020, on why to intervene). The replacement values
come from the reference for both datasets, so that the baseline does not move with the data that it is compared with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.features import feature_rows
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Model, Role, Subject

ROWS_PER_CALL = 20_000
MINIMUM_ROWS = 50


def attribute(
    subject: Subject, samples: Mapping[Role, pd.DataFrame], *, draws: int, seed: int
) -> dict[Role, np.ndarray]:
    """Compute the attributions of sampled rows.

    Args:
        subject: Model and feature columns.
        samples: Feature rows per dataset; replacement values come from those of `reference`.
        draws: Replacement values per value.
        seed: Seed of the replacement values.

    Returns:
        Attributions (rows, features) per dataset, in units of the model's answer.

    Raises:
        ModelMisbehaved: As `Model`.
    """
    import numpy as np

    model, names = subject.require_model(), subject.columns.names
    background = samples["reference"]
    attributions = {}
    for number, (role, frame) in enumerate(samples.items()):
        original = answers(model, frame)
        columns = []
        for place, name in enumerate(names):
            generator = np.random.default_rng([seed, number, place])
            donors = generator.integers(0, len(background), size=(len(frame), draws))
            columns.append(_changes(model, frame, background[name], donors=donors, original=original))
        attributions[role] = np.column_stack(columns)
    return attributions


def _changes(
    model: Model, frame: pd.DataFrame, background: pd.Series, *, donors: np.ndarray, original: np.ndarray
) -> np.ndarray:
    """Mean distance (rows,) from the `original` answers when a column takes the donors' (rows, draws) values."""
    import numpy as np

    rows, draws = donors.shape
    rows_at_once = max(1, ROWS_PER_CALL // draws)
    parts = []
    for start in range(0, rows, rows_at_once):
        chosen = np.arange(start, min(start + rows_at_once, rows)).repeat(draws)
        replaced = frame.iloc[chosen].reset_index(drop=True)
        # Both frames come from the same loader, so the type of the column does not change.
        values = background.iloc[donors[start : start + rows_at_once].ravel()]
        replaced[background.name] = values.reset_index(drop=True)
        distances = distance(answers(model, replaced), original[chosen])
        parts.append(distances.reshape(-1, draws).mean(axis=1))
    return np.concatenate(parts)


def answers(model: Model, frame: pd.DataFrame) -> np.ndarray:
    """Answers of the model as numbers.

    Returns:
        Class probabilities (n, k), else labels as 0 and 1 per class (n, k), else predictions (n, 1).

    Raises:
        CheckError: The model predicts neither classes nor numbers.
        ModelMisbehaved: As `Model`.
    """
    import numpy as np

    if model.call_proba is not None:
        return np.asarray(model.predict_proba(frame), dtype=np.float64)
    predicted = model.predict(frame)
    if model.classes:
        return np.stack([predicted == label for label in model.classes], axis=1).astype(np.float64)
    if predicted.dtype.kind not in "fiub":
        raise CheckError(f"model {model.name!r} must predict numbers, found {predicted.dtype}")
    return predicted.astype(np.float64)[:, None]


def distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance of answers (n, k), shape (n,): total variation of probabilities, absolute difference of numbers.

    For two classes the total variation is the change of the positive probability.
    """
    import numpy as np

    total = np.abs(first - second).sum(axis=1)
    return total / 2 if first.shape[1] > 1 else total


def draw_samples(subject: Subject, samples: int, seed: int) -> tuple[dict[Role, pd.DataFrame], dict[Role, int]]:
    """Draw seeded samples of the features of reference and current.

    Returns:
        The sampled rows and the number of all rows, per dataset.

    Raises:
        CheckError: The reference has too few rows, or current has none.
        SubjectError: As `feature_rows`.
    """
    drawn: dict[Role, pd.DataFrame] = {}
    rows: dict[Role, int] = {}
    least: dict[Role, int] = {"reference": MINIMUM_ROWS, "current": 1}
    for number, (role, minimum) in enumerate(least.items()):
        relation = feature_rows(subject, role)
        if relation.rows < minimum:
            raise CheckError(
                f"{subject.datasets[role].uri}: attributions need at least {minimum} rows of {role!r}, found {relation.rows}"
            )
        # Two seeds: where both roles are the same file, they must not be the same rows by design.
        sample = relation.sample(samples, seed=2 * seed + number, names=subject.columns.names)
        drawn[role], rows[role] = sample.reset_index(drop=True), relation.rows
    return drawn, rows
