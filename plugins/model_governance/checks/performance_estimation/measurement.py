"""What a task family hands back, and what is asked of every family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.performance_estimation.params import LEAST
from model_governance.errors import CheckError
from model_governance.subject import NUMBER_KINDS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.check import Artifact, Table
    from model_governance.checks.performance_estimation.uncertainty import Interval
    from model_governance.subject import Columns, Subject

CONCEPT = (
    "These are estimates: they hold while rows of the same kind keep the same labels. A change of that relation "
    "(concept drift) leaves no trace in them; estimation_error shows it once labels are in."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One metric to be, under its name."""

    name: str
    value: float | None
    n: int
    interval: Interval | None = None
    detail: str = ""
    reason: str = ""
    p_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything that one task family measured."""

    numbers: tuple[Number, ...]
    tables: tuple[Table, ...]
    artifacts: tuple[Artifact, ...]
    notes: tuple[str, ...]


def fitting_rows(subject: Subject, most: int, generator: np.random.Generator) -> tuple[np.ndarray, tuple[str, ...]]:
    """Row numbers of the reference to learn from, in their order, and a note where they are a sample.

    Raises:
        CheckError: the reference has fewer rows than can be learned from.
        SubjectError: as `Subject.frame`.
    """
    import numpy as np

    count = len(subject.frame("reference", columns=[]))
    if count < LEAST:
        raise CheckError(
            f"{subject.datasets['reference'].uri}: performance estimation learns from at least {LEAST} labelled "
            f"reference rows, found {count:,}; give a larger reference"
        )
    if count <= most:
        return np.arange(count), ()
    note = f"Learned from a seeded sample of {most:,} of {count:,} reference rows."
    return np.sort(generator.permutation(count)[:most]), (note,)


def labelled(subject: Subject) -> tuple[np.ndarray, str]:
    """Row numbers of current that have a label in their own column, and why there are none."""
    import numpy as np

    target = subject.columns.target
    if target is None or target not in subject.datasets["current"].frame.columns:
        return np.array([], dtype=np.int64), f"current has no column {target!r} yet: labels are not in"
    known = subject.frame("current", columns=[target])[target].notna().to_numpy()
    return np.flatnonzero(known), "" if known.any() else f"no row of current has a label in column {target!r} yet"


def outside(reference: pd.DataFrame, current: pd.DataFrame, columns: Columns) -> tuple[int, int]:
    """How many rows of current hold a value that the reference never showed, and how many rows there are.

    A number beyond the reference's range, another category, or a gap where the reference had none.
    """
    import numpy as np

    strange = np.zeros(len(current), dtype=bool)
    for name, feature in columns.features.items():
        known, seen = reference[name], current[name]
        if feature.kind in NUMBER_KINDS or feature.kind == "datetime":
            beyond = (seen < known.min()) | (seen > known.max())
        elif feature.kind == "text":
            continue
        else:
            beyond = ~seen.isin(known.dropna().unique()) & seen.notna()
        gap = seen.isna() & ~known.isna().any()
        strange |= beyond.fillna(False).to_numpy(dtype=bool) | gap.to_numpy()  # noqa: FBT003
    return int(strange.sum()), len(strange)
