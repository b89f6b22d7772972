"""Group metrics of one task (classification or regression), and what both tasks need to compute them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness.disparity import Shares
from model_governance.checks.quality.fairness.params import MINIMUM_CELL_ROWS
from model_governance.contract.result import Estimate
from model_governance.contract.slices import SHOWN_FROM, too_small
from model_governance.engine.features import feature_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.fairness.groups import Grouping
    from model_governance.contract.result import Artifact, Table
    from model_governance.contract.subject import Subject

FEW_GROUPS = "fewer than two groups have enough rows to be compared"
NO_TARGET = "this needs labels; set columns.target in the policy"
LISTED = 5  # names of small groups in a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMetrics:
    """Everything measured for one grouping.

    Attributes:
        estimates: The metrics, as of independent rows.
        table: Rates or means by group.
        figure: The same, drawn.
        effects: Design effect by label of a metric; empty where no rows are said to belong together.
    """

    estimates: tuple[Estimate, ...]
    table: Table
    figure: Artifact
    effects: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share of rows in each of k groups.

    Attributes:
        name: Name of the metric.
        successes: Rows that count, shape (k,).
        rows: Rows of the denominator, shape (k,).
        groups: Numbers of the groups that have enough rows to be compared, shape (g,).
        reason: Why the rate is not known; empty where it is.
    """

    name: str
    successes: np.ndarray
    rows: np.ndarray
    groups: np.ndarray
    reason: str = ""

    @property
    def shares(self) -> Shares:
        """Shares of the groups that are compared."""
        return Shares(successes=self.successes[self.groups], rows=self.rows[self.groups])

    @property
    def n(self) -> int:
        """Rows of the groups that are compared."""
        return int(self.rows[self.groups].sum())


def predict_all(subject: Subject) -> np.ndarray:
    """Predict every row of current, chunk by chunk.

    Returns:
        Predictions of shape (n,), in the order of the rows.

    Raises:
        SubjectError: As `feature_rows`.
        ModelMisbehaved: As `Model.predict`.
    """
    import numpy as np

    model = subject.require_model()
    chunks = feature_rows(subject, "current").frames(subject.columns.names)
    return np.concatenate([model.predict(chunk) for chunk in chunks])


def known_labels(subject: Subject) -> tuple[pd.Series | None, np.ndarray, str]:
    """Read the labels of current.

    Returns:
        The labels of shape (n,) or None, which rows have one (n,) bool, and the reason why none has
        (empty where some have).
    """
    import numpy as np

    target, rows = subject.columns.target, subject.datasets["current"].rows
    if target is None:
        return None, np.zeros(rows, dtype=bool), NO_TARGET
    if target not in subject.datasets["current"].names:
        return None, np.zeros(rows, dtype=bool), f"current has no label column {target!r}"
    labels = subject.frame("current", columns=[target])[target]
    known = labels.notna().to_numpy()
    return labels, known, "" if known.any() else f"no row of current has a label in column {target!r}"


def unscored_share(grouping: Grouping, scored: np.ndarray) -> Estimate:
    """Share of rows in groups that are too small; `scored` (g,) are the numbers of the groups that are not."""
    small = sorted(set(range(len(grouping.names))) - set(scored.tolist()))
    named = sorted(set(small) & set(grouping.named))
    parts = [", ".join(grouping.names[number] for number in named[:LISTED])] if named else []
    parts += [f"{len(named) - LISTED} more"] if len(named) > LISTED else []
    names = " and ".join([*parts, *([grouping.folded_name] if grouping.folded_name else [])])
    total = int(grouping.rows.sum())
    share = 1 - float(grouping.rows[scored].sum()) / total
    return Estimate(
        name="unscored_share", key=grouping.name, value=share, n=total, detail=f"too small: {names}" if small else ""
    )


def too_small_groups(
    name: str,
    grouping: Grouping,
    rows: np.ndarray,
    *,
    compared: Collection[int],
    minimum: int,
    named: Collection[str],
) -> list[Estimate]:
    """A metric of the groups that a threshold names and that are too small to have it, absent with the reason.

    Args:
        name: of the metric.
        grouping: the groups.
        rows: behind the metric, by group (k,).
        compared: numbers of the groups that are large enough.
        minimum: rows that a group needs.
        named: keys of thresholds on the metric.
    """
    keys = {f"{grouping.name}={group}": number for number, group in enumerate(grouping.names)}
    found = []
    for key in sorted(named):
        number = keys.get(key)
        if number in compared or not key.startswith(f"{grouping.name}="):
            continue
        count, inside = (0, 0) if number is None else (int(grouping.rows[number]), int(rows[number]))
        reason = (
            too_small(count, needed=minimum)
            if count < minimum
            else too_small(inside, needed=MINIMUM_CELL_ROWS, what="rows behind this metric")
        )
        declared = key.removeprefix(f"{grouping.name}=") in grouping.declared
        found.append(
            Estimate(
                name=name, key=key, value=None, n=inside if inside >= SHOWN_FROM else 0, reason=reason,
                absence="uncertain" if count or declared else "no_rows",
            )
        )  # fmt: skip
    return found


def absent_comparison(name: str, grouping: Grouping, reason: str, *, n: int) -> Estimate:
    """A comparison of groups that cannot be made: for the reason given, else because too few groups have enough rows."""
    return Estimate(
        name=name, key=grouping.name, value=None, n=n, reason=reason or FEW_GROUPS,
        absence="error" if reason else "uncertain",
    )  # fmt: skip


def extremes(names: Sequence[str], values: np.ndarray) -> str:
    """`largest at a (0.61), smallest at b (0.42)`; names and values (g,) of the groups in the same order."""
    top, bottom = int(values.argmax()), int(values.argmin())
    return f"largest at {names[top]} ({values[top]:.3g}), smallest at {names[bottom]} ({values[bottom]:.3g})"
