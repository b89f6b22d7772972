"""What a task family hands back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.engine.features import feature_rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.fairness.groups import Grouping
    from model_governance.contract.result import Artifact, Table
    from model_governance.contract.subject import Subject

FEW_GROUPS = "fewer than two groups have enough rows to be compared"
HIDDEN = 10  # rows: what fewer of them show stays out of tables
NO_TARGET = "this needs labels; set columns.target in the policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything measured for one grouping."""

    numbers: tuple[Estimate, ...]
    table: Table
    picture: Artifact


def predict_all(subject: Subject) -> np.ndarray:
    """What the model answers for every row of current, shape (n,), asked piece by piece.

    Raises:
        SubjectError, ModelMisbehaved: as `feature_rows` and `Model.predict`.
    """
    import numpy as np

    model = subject.require_model()
    pieces = feature_rows(subject, "current").frames(subject.columns.names)
    return np.concatenate([model.predict(one) for one in pieces])


def known_labels(subject: Subject) -> tuple[pd.Series | None, np.ndarray, str]:
    """The labels of current, which rows have one (n,) bool, and why there are none."""
    import numpy as np

    target, rows = subject.columns.target, subject.datasets["current"].rows
    if target is None:
        return None, np.zeros(rows, dtype=bool), NO_TARGET
    if target not in subject.datasets["current"].names:
        return None, np.zeros(rows, dtype=bool), f"current has no label column {target!r}"
    labels = subject.frame("current", columns=[target])[target]
    known = labels.notna().to_numpy()
    return labels, known, "" if known.any() else f"no row of current has a label in column {target!r}"


def unscored(grouping: Grouping, scored: np.ndarray) -> Estimate:
    """Share of rows in groups that are too small, and which groups those are."""
    left = sorted(set(range(len(grouping.names))) - set(scored.tolist()))
    names = ", ".join(grouping.names[one] for one in left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
    total = int(grouping.rows.sum())
    share = 1 - float(grouping.rows[scored].sum()) / total
    return Estimate(
        name="unscored_share", key=grouping.name, value=share, n=total, detail=f"too small: {names}" if left else ""
    )


def shown_rows(rows: int) -> int | str:
    """A number of rows as a table may show it."""
    return int(rows) if rows >= HIDDEN else f"below {HIDDEN}"


def extremes(names: list[str], values: np.ndarray) -> str:
    """`largest at a (0.61), smallest at b (0.42)`."""
    top, bottom = int(values.argmax()), int(values.argmin())
    return f"largest at {names[top]} ({values[top]:.3g}), smallest at {names[bottom]} ({values[bottom]:.3g})"
