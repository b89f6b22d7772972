"""Which rows an estimate is fitted on and compared with: reference rows, labelled rows of current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.performance_estimation.dependence import dependence_columns
from model_governance.checks.quality.performance_estimation.params import MINIMUM_ROWS
from model_governance.engine.features import feature_rows
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject


def fitting_rows(subject: Subject, maximum: int, *, seed: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Sample reference rows to fit on.

    Returns:
        At most `maximum` rows with features, target, entity and batch, and a note where they are a sample.

    Raises:
        CheckError: The reference has too few rows.
        SubjectError: As `feature_rows` and `Subject.target`, or the reference lacks the column of entities or batches.
    """
    relation = feature_rows(subject, "reference")
    subject.target("reference")  # refuses missing labels before any row is used
    if relation.rows < MINIMUM_ROWS:
        raise CheckError(
            f"{relation.uri}: performance estimation learns from at least {MINIMUM_ROWS} labelled reference rows, found "
            f"{relation.rows:,}; give a larger reference"
        )
    names = [*subject.columns.names, str(subject.columns.target), *dependence_columns(subject)]
    relation.require(names)
    rows = relation.sample(maximum, seed=seed, names=names)
    if relation.rows <= maximum:
        return rows, ()
    return rows, (f"Learned from a seeded sample of {maximum:,} of {relation.rows:,} reference rows.",)


def labelled_rows(subject: Subject) -> tuple[np.ndarray, str]:
    """Numbers of the rows of current that have a label in the target column, and the reason why there are none."""
    import numpy as np

    target = subject.columns.target
    if target is None or target not in subject.datasets["current"].names:
        return np.array([], dtype=np.int64), f"current has no column {target!r} yet: labels are not in"
    known = subject.frame("current", columns=[target])[target].notna().to_numpy()
    return np.flatnonzero(known), "" if known.any() else f"no row of current has a label in column {target!r} yet"


def reference_digest(subject: Subject) -> str:
    """Digest of the reference; empty where it was not given, which `fitting_rows` explains."""
    return subject.datasets["reference"].sha256 if "reference" in subject.datasets else ""
