"""What a task family hands back, and what is asked of every family."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_governance.checks.quality.performance_estimation.params import LEAST
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.engine.features import feature_rows
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.result import Artifact, Estimate, Table
    from model_governance.contract.subject import Subject

RANGED = NUMBER_KINDS | {"datetime"}
MOST_CATEGORIES = 10_000
CONCEPT = (
    "These are estimates: they hold while rows of the same kind keep the same labels. A change of that relation "
    "(concept drift) leaves no trace in them; estimation_error shows it once labels are in."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything that one task family measured."""

    numbers: tuple[Estimate, ...]
    tables: tuple[Table, ...]
    artifacts: tuple[Artifact, ...]
    notes: tuple[str, ...]


def fitting_rows(subject: Subject, most: int, *, seed: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows of the reference to learn from, features and target, and a note where they are a sample.

    Raises:
        CheckError: the reference has fewer rows than can be learned from.
        SubjectError: as `feature_rows` and `Subject.target`.
    """
    relation = feature_rows(subject, "reference")
    subject.target("reference")  # refuses missing labels before any is learned from
    if relation.rows < LEAST:
        raise CheckError(
            f"{relation.uri}: performance estimation learns from at least {LEAST} labelled reference rows, found "
            f"{relation.rows:,}; give a larger reference"
        )
    rows = relation.sample(most, seed=seed, names=[*subject.columns.names, str(subject.columns.target)])
    if relation.rows <= most:
        return rows, ()
    return rows, (f"Learned from a seeded sample of {most:,} of {relation.rows:,} reference rows.",)


def labelled(subject: Subject) -> tuple[np.ndarray, str]:
    """Row numbers of current that have a label in their own column, and why there are none."""
    import numpy as np

    target = subject.columns.target
    if target is None or target not in subject.datasets["current"].names:
        return np.array([], dtype=np.int64), f"current has no column {target!r} yet: labels are not in"
    known = subject.frame("current", columns=[target])[target].notna().to_numpy()
    return np.flatnonzero(known), "" if known.any() else f"no row of current has a label in column {target!r} yet"


@dataclass(slots=True)
class Seen:
    """What the reference has shown of one column: a range of numbers or a set of categories, and whether gaps."""

    kind: str
    low: Any = None
    high: Any = None
    values: set[Any] = field(default_factory=set)
    gaps: bool = False

    def add(self, column: pd.Series) -> None:
        """One more piece of the reference."""
        self.gaps = self.gaps or bool(column.isna().any())
        there = column.dropna()
        if self.kind in RANGED and len(there):
            self.low = there.min() if self.low is None else min(self.low, there.min())
            self.high = there.max() if self.high is None else max(self.high, there.max())
        elif self.kind not in RANGED:
            self.values.update(there.unique().tolist())

    def strange(self, column: pd.Series) -> np.ndarray:
        """Which rows (n,) hold what was never shown."""
        import numpy as np

        gap = column.isna().to_numpy()
        found = np.zeros(len(column), dtype=bool)
        if self.kind in RANGED:
            there = column[~gap]
            found[~gap] = ((there < self.low) | (there > self.high)).to_numpy(dtype=bool)
        elif len(self.values) <= MOST_CATEGORIES:
            found = ~column.isin(self.values).to_numpy() & ~gap
        return found | (gap if not self.gaps else False)


def outside(subject: Subject) -> tuple[int, int]:
    """How many rows of current hold a value that the reference never showed, and how many rows there are.

    A number beyond the reference's range, another category, or a gap where the reference had none. Text, and
    columns of more than `MOST_CATEGORIES` categories, where a new one is no surprise, count with their gaps only.
    """
    import numpy as np

    names = subject.columns.names
    seen = {name: Seen(kind=subject.columns.features[name].kind) for name in names}
    for piece in feature_rows(subject, "reference").frames(names):
        for name, one in seen.items():
            if one.kind != "text" and len(one.values) <= MOST_CATEGORIES:
                one.add(piece[name])
            else:
                one.gaps = one.gaps or bool(piece[name].isna().any())
    relation, count = feature_rows(subject, "current"), 0
    for piece in relation.frames(names):
        flags = [one.strange(piece[name]) for name, one in seen.items() if one.kind != "text"]
        count += int(np.any(flags, axis=0).sum()) if flags else 0
    return count, relation.rows
