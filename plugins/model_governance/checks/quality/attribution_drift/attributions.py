"""How much of the model's answer hangs on each feature: what changes when its value is another one.

A row's attribution to a feature is the mean absolute change of the answer when the feature's value is replaced by
values of reference rows and all else stays (an interventional, model-agnostic form of Breiman's permutation
importance, 2001, without labels; Janzing, Minorics and Blöbaum, 2020, on why to intervene). The values put in
come from the reference on both sides, as a baseline must not move with the data that it is compared with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.features import feature_rows
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Model, Role, Subject

ROWS_PER_CALL = 20_000
LEAST = 50


def attribute(subject: Subject, sides: dict[Role, pd.DataFrame], *, draws: int, seed: int) -> dict[Role, np.ndarray]:
    """Attributions (rows, features) of the sampled rows of each side, in units of the model's answer.

    Raises:
        ModelMisbehaved: as `Model`.
    """
    import numpy as np

    model, names = subject.require_model(), subject.columns.names
    background = sides["reference"]
    found = {}
    for number, (role, frame) in enumerate(sides.items()):
        plain = answers(model, frame)
        columns = []
        for place, name in enumerate(names):
            generator = np.random.default_rng([seed, number, place])
            donors = generator.integers(0, len(background), size=(len(frame), draws))
            columns.append(_changes(model, frame, name, background[name], donors, plain))
        found[role] = np.column_stack(columns)
    return found


def _changes(
    model: Model, frame: pd.DataFrame, name: str, values: pd.Series, donors: np.ndarray, plain: np.ndarray
) -> np.ndarray:
    """Mean distance of the answers (rows,) when column `name` takes the donors' (rows, draws) values."""
    import numpy as np

    rows, draws = donors.shape
    at_once = max(1, ROWS_PER_CALL // draws)
    parts = []
    for start in range(0, rows, at_once):
        chosen = np.arange(start, min(start + at_once, rows)).repeat(draws)
        asked = frame.iloc[chosen].reset_index(drop=True)
        # The kind of the column stays what the model was given: both frames come from the same loader.
        asked[name] = values.iloc[donors[start : start + at_once].ravel()].reset_index(drop=True)
        moved = distance(answers(model, asked), plain[chosen])
        parts.append(moved.reshape(-1, draws).mean(axis=1))
    return np.concatenate(parts)


def answers(model: Model, frame: pd.DataFrame) -> np.ndarray:
    """What is compared, shape (n, k): class probabilities, else the label as 0 and 1 per class, else the number."""
    import numpy as np

    if model.call_proba is not None:
        return np.asarray(model.predict_proba(frame), dtype=np.float64)
    predicted = model.predict(frame)
    if model.classes:
        return np.stack([predicted == one for one in model.classes], axis=1).astype(np.float64)
    if predicted.dtype.kind not in "fiub":
        raise CheckError(f"model {model.name!r} must predict numbers, found {predicted.dtype}")
    return predicted.astype(np.float64)[:, None]


def distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distance of answers (n, k), shape (n,): total variation of probabilities, absolute difference of numbers.

    For two classes the total variation is the change of the positive probability.
    """
    import numpy as np

    total = np.abs(one - other).sum(axis=1)
    return total / 2 if one.shape[1] > 1 else total


def draw_sides(subject: Subject, samples: int, seed: int) -> tuple[dict[Role, pd.DataFrame], dict[Role, int]]:
    """Seeded samples of the features of reference and current, and how many rows there are.

    Raises:
        CheckError: a side has too few rows.
        SubjectError: as `feature_rows`.
    """
    sides: dict[Role, pd.DataFrame] = {}
    rows: dict[Role, int] = {}
    roles: tuple[Role, ...] = ("reference", "current")
    for number, role in enumerate(roles):
        relation = feature_rows(subject, role)
        if relation.rows < LEAST:
            raise CheckError(
                f"{subject.datasets[role].uri}: attributions need at least {LEAST} rows per side, {role!r} has "
                f"{relation.rows}"
            )
        # Two seeds: where both roles are the same file, they must not be the same rows by design.
        drawn = relation.sample(samples, seed=2 * seed + number, names=subject.columns.names)
        sides[role], rows[role] = drawn.reset_index(drop=True), relation.rows
    return sides, rows
