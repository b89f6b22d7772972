"""Which rows of current have a label, and which: in the rows themselves, or late in a dataset of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.errors import CheckError, SubjectError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.subject import Role, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The labelled rows of current: features, labels and groups row by row; `rows` counts all of current."""

    features: pd.DataFrame
    truth: pd.Series
    groups: pd.Series | None
    rows: int
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of labelled rows."""
        return len(self.truth)


def labelled_rows(subject: Subject, *, minimum_coverage: float = 0.0) -> Labelled:
    """The rows of current with a label; those without one are left out and counted.

    Raises:
        SubjectError: there are no labels, a key is missing or not unique, or no key matches.
        CheckError: a smaller share of rows than `minimum_coverage` has a label.
    """
    import numpy as np

    features = subject.features("current")
    late = _labels_are_late(subject)
    positions, truth, notes = _join(subject) if late else (np.arange(len(features)), subject.target("current"), ())
    if len(positions) < minimum_coverage * len(features):
        raise CheckError(
            f"{len(positions):,} of {len(features):,} rows of current have a label "
            f"({len(positions) / len(features):.1%}), minimum_label_coverage is {minimum_coverage:.1%}; "
            "run again when more labels are in, or lower minimum_label_coverage"
        )
    group = subject.columns.group
    groups = None if group is None else subject.frame("current", columns=[group])[group].iloc[positions]
    return Labelled(features=features.iloc[positions], truth=truth, groups=groups, rows=len(features), notes=notes)


def _labels_are_late(subject: Subject) -> bool:
    target = subject.columns.target
    if target is None:
        raise SubjectError(f"{subject.name}: model quality needs labels; set columns.target in the policy")
    if target in subject.frame("current").columns:
        return False
    if "labels" not in subject.datasets:
        raise SubjectError(
            f"{subject.datasets['current'].uri}: dataset 'current' has no label column {target!r} and there is no "
            "dataset 'labels'; add the column, or add datasets.labels and columns.identifier to the policy"
        )
    return True


def _join(subject: Subject) -> tuple[np.ndarray, pd.Series, tuple[str, ...]]:
    """Positions in current that have a label, their labels in that order, and what was left out."""
    import pandas as pd

    key, target = subject.columns.identifier, subject.columns.target
    if key is None:
        raise SubjectError(
            f"{subject.name}: labels come in a dataset of their own; set columns.identifier to the key to join on"
        )
    mine = _unique_keys(subject, role="current", key=key)
    labels = subject.frame("labels", columns=[key, str(target)])
    theirs = _unique_keys(subject, role="labels", key=key)
    found = pd.Index(theirs).get_indexer(pd.Index(mine))
    if (found < 0).all():
        raise SubjectError(
            f"{subject.datasets['labels'].uri}: none of {len(theirs):,} keys in column {key!r} ({theirs.dtype}) occurs "
            f"among the {len(mine):,} of current ({mine.dtype}); check the label window and the type of the key"
        )
    known = found >= 0
    unfilled = labels[target].isna().to_numpy()
    known[known] = ~unfilled[found[known]]
    if not known.any():
        raise SubjectError(
            f"{subject.datasets['labels'].uri}: all labels that match a row of current are missing in column {target!r}"
        )
    unused = len(theirs) - int((found >= 0).sum())
    notes = [f"Labels joined from dataset labels on {key}: {int(known.sum()):,} of {len(mine):,} rows have one."]
    if unused:
        notes.append(f"{unused:,} labels belong to no row of current.")
    return known.nonzero()[0], labels[target].iloc[found[known]], tuple(notes)


def _unique_keys(subject: Subject, *, role: Role, key: str) -> pd.Series:
    keys = subject.frame(role, columns=[key])[key]
    uri = subject.datasets[role].uri
    if keys.isna().any():
        raise SubjectError(
            f"{uri}: {int(keys.isna().sum()):,} of {len(keys):,} keys in column {key!r} of dataset {role!r} "
            "are missing; labels can only be joined on complete keys"
        )
    twice = keys.duplicated(keep=False)
    if twice.any():
        raise SubjectError(
            f"{uri}: {keys[twice].nunique():,} keys in column {key!r} of dataset {role!r} occur more than once "
            f"({int(twice.sum()):,} of {len(keys):,} rows); keep one row per key"
        )
    return keys
