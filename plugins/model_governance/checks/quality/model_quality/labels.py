"""The labelled rows: labels in the rows themselves, or late in a dataset of their own.

Rows are those of `current`, or of `labelled_current` where the policy gives it: rows of an earlier run whose
labels are due now. Features are never held as a whole: the model is asked frame by frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from model_governance.contract.moments import spell_moment
from model_governance.engine import open_relation
from model_governance.engine.features import require_kinds, require_values
from model_governance.engine.frames import EXACT
from model_governance.errors import CheckError, SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Role, Subject
    from model_governance.engine import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The n labelled rows of a dataset.

    Attributes:
        relation: All rows of the dataset.
        names: The feature columns.
        positions: Positions of the labelled rows in the dataset (n,), ascending.
        truth: Their labels (n,), in that order.
        notes: Where the labels are from.
    """

    relation: Relation
    names: tuple[str, ...]
    positions: np.ndarray
    truth: pd.Series
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of labelled rows."""
        return len(self.truth)

    @property
    def rows(self) -> int:
        """Number of all rows, labelled or not."""
        return self.relation.rows

    def frames(self) -> Iterator[pd.DataFrame]:
        """The features of the labelled rows, in order, chunk by chunk."""
        return self._chunks(self.names)

    def column(self, name: str) -> pd.Series:
        """Any column of the labelled rows, shape (n,).

        Raises:
            SubjectError: The dataset lacks it.
        """
        import pandas as pd

        self.relation.require([name])
        return pd.concat([chunk[name] for chunk in self._chunks([name])], ignore_index=True)

    def _chunks(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        import numpy as np

        start = 0
        for frame in self.relation.frames(names):
            first, last = np.searchsorted(self.positions, [start, start + len(frame)])
            labelled = self.positions[first:last] - start
            start += len(frame)
            if len(labelled):
                yield frame if len(labelled) == len(frame) else frame.iloc[labelled]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsNotDue:
    """No run is old enough to be judged: its labels are complete `days` after it, and `why` there is none yet."""

    days: int
    why: str
    logical_date: datetime | None

    @property
    def reason(self) -> str:
        """The sentence for the report."""
        own = ""
        if self.logical_date is not None:
            own = f"; the labels of this run are complete on {spell_moment(self.logical_date + timedelta(days=self.days))}"
        plural = "day" if self.days == 1 else "days"
        why = f", and {self.why}" if self.why else ""
        return f"labels are complete {self.days} {plural} after a run{why}{own}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImmatureLabels:
    """Too few labels so far: `known` of `rows` rows have one, `needed` is the share that is required."""

    known: int
    rows: int
    needed: float

    @property
    def reason(self) -> str:
        """The sentence for the report."""
        known = f"labels for {self.known / self.rows:.1%} of {self.rows:,} rows so far"
        wait = f"judged when at least {self.needed:.0%} are there" if self.needed else "judged when some are there"
        return f"{known}; {wait}"


def labelled_rows(
    subject: Subject, *, minimum_coverage: float = 0.0, skip: bool | None = None
) -> Labelled | ImmatureLabels | LabelsNotDue:
    """Find the rows with a label; those without one are excluded and counted.

    Args:
        subject: Dataset current or labelled_current, with labels of its own or in dataset labels.
        minimum_coverage: Share of rows that must have a label.
        skip: Whether too few labels are no error and a missing label is one that has not arrived yet; by default
            where the subject holds labelled_current. That no row of labelled_current has a label is an error either way.

    Returns:
        The labelled rows, or why they are too few, or why none are due.

    Raises:
        SubjectError: There are no labels, a key is missing or not unique, or no key can match.
        CheckError: A smaller share of rows than `minimum_coverage` has a label.
    """
    role: Role = "labelled_current" if "labelled_current" in subject.datasets else "current"
    if role == "current" and subject.labels_mature_in is not None:
        return LabelsNotDue(days=subject.labels_mature_in, why=subject.labels_reason, logical_date=subject.logical_date)
    due = role == "labelled_current"
    skip = due if skip is None else skip
    relation = _relation(subject, role, subject.columns.names)
    require_kinds(relation, subject.columns)
    require_values(relation, subject.columns.names)
    if _labels_are_late(subject, relation):
        positions, truth, notes = _join(subject, relation, skip=skip, due=due)
    else:
        positions, truth, notes = _own_labels(subject, relation, skip=skip, due=due)
    if len(positions) < minimum_coverage * relation.rows or len(positions) == 0:
        if skip:
            return ImmatureLabels(known=len(positions), rows=relation.rows, needed=minimum_coverage)
        raise CheckError(
            f"{len(positions):,} of {relation.rows:,} rows of {role} have a label "
            f"({len(positions) / relation.rows:.1%}), minimum_label_coverage is {minimum_coverage:.1%}; run again when "
            "more labels are in, set immature: skip to wait for them, or lower minimum_label_coverage"
        )
    if due:
        notes = (f"Judged: {relation.uri}, rows of an earlier run whose labels are due.", *notes)
    return Labelled(relation=relation, names=subject.columns.names, positions=positions, truth=truth, notes=notes)


def _relation(subject: Subject, role: Role, names: Sequence[str]) -> Relation:
    if role not in subject.datasets:
        subject.frame(role)  # says which datasets were given
    relation = open_relation(subject.datasets[role])
    if relation.rows == 0:
        raise SubjectError(f"{relation.uri}: dataset {role!r} has no rows; an empty dataset is never a pass")
    relation.require(names)
    return relation


def _labels_are_late(subject: Subject, relation: Relation) -> bool:
    target = subject.columns.target
    if target is None:
        raise SubjectError(f"{subject.name}: model quality needs labels; set columns.target in the policy")
    if target in relation.names:
        return False
    if "labels" not in subject.datasets:
        raise SubjectError(
            f"{relation.uri}: dataset {relation.role!r} has no label column {target!r} and there is no "
            "dataset 'labels'; add the column, or add datasets.labels and columns.identifier to the policy"
        )
    return True


def _own_labels(
    subject: Subject, relation: Relation, *, skip: bool, due: bool
) -> tuple[np.ndarray, pd.Series, tuple[str, ...]]:
    target = str(subject.columns.target)
    labels = _column(relation, target)
    known = labels.notna().to_numpy()
    missing = int((~known).sum())
    if missing and (not skip or (due and not known.any())):
        raise SubjectError(
            f"{relation.uri}: {missing} of {len(labels)} labels in column {target!r} are missing; drop those rows "
            "upstream or join the labels first"
        )
    return known.nonzero()[0], labels[known].reset_index(drop=True), ()


def _join(
    subject: Subject, relation: Relation, *, skip: bool, due: bool
) -> tuple[np.ndarray, pd.Series, tuple[str, ...]]:
    """Positions that have a label, their labels in that order, and notes on rows without one."""
    import pandas as pd

    key, target = subject.columns.identifier, str(subject.columns.target)
    if key is None:
        raise SubjectError(
            f"{subject.name}: labels come in a dataset of their own; set columns.identifier to the key to join on"
        )
    relation.require([key])
    late = _relation(subject, "labels", [key, target])
    row_keys, label_keys = _unique_keys(relation, key), _unique_keys(late, key)
    _refuse_merged(relation, row_keys, late, label_keys)
    labels = _column(late, target)
    match = pd.Index(label_keys).get_indexer(pd.Index(row_keys))
    may_wait = skip and not due
    if (match < 0).all() and not (may_wait and label_keys.dtype.kind == row_keys.dtype.kind):
        raise SubjectError(
            f"{late.uri}: none of {len(label_keys):,} keys in column {key!r} ({_form(label_keys)}) occurs among the "
            f"{len(row_keys):,} of {relation.role} ({_form(row_keys)}) in {relation.uri}; check the label window and "
            "the type of the key"
        )
    known = match >= 0
    missing = labels.isna().to_numpy()
    known[known] = ~missing[match[known]]
    if not known.any() and not may_wait:
        raise SubjectError(
            f"{late.uri}: all labels that match a row of {relation.role} are missing in column {target!r}"
        )
    unused = len(label_keys) - int((match >= 0).sum())
    notes = [f"Labels joined from dataset labels on {key}: {int(known.sum()):,} of {len(row_keys):,} rows have one."]
    if unused:
        notes.append(f"{unused:,} labels belong to no row of {relation.role}.")
    return known.nonzero()[0], labels.iloc[match[known]].reset_index(drop=True), tuple(notes)


def _refuse_merged(rows: Relation, row_keys: pd.Series, late: Relation, label_keys: pd.Series) -> None:
    """Refuse a join of integers with floats where float64 merges neighbouring integers.

    Raises:
        SubjectError: keys beyond 2^53 were stored as floats on one side.
    """
    for floats, relation in ((row_keys, rows), (label_keys, late)):
        if floats.dtype.kind == "f" and float(floats.abs().max()) > EXACT:
            raise SubjectError(
                f"{relation.uri}: the keys of dataset {relation.role!r} lie beyond 2^53 and were merged into floats, which do "
                "not tell neighbours apart; write them as integers or text"
            )


def _form(keys: pd.Series) -> str:
    """Type of the keys and the form of the first: `int64 like 99999`. The keys themselves name persons."""
    first = "".join(repr(key)[:40] for key in keys.head(1).tolist())
    form = "".join("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in first)
    return f"{keys.dtype} like {form}" if form else str(keys.dtype)


def _unique_keys(relation: Relation, key: str) -> pd.Series:
    keys = _column(relation, key)
    if keys.isna().any():
        raise SubjectError(
            f"{relation.uri}: {int(keys.isna().sum()):,} of {len(keys):,} keys in column {key!r} of dataset "
            f"{relation.role!r} are missing; labels can only be joined on complete keys"
        )
    duplicated = keys.duplicated(keep=False)
    if duplicated.any():
        raise SubjectError(
            f"{relation.uri}: {keys[duplicated].nunique():,} keys in column {key!r} of dataset {relation.role!r} occur more "
            f"than once ({int(duplicated.sum()):,} of {len(keys):,} rows); keep one row per key"
        )
    return keys


def _column(relation: Relation, name: str) -> pd.Series:
    import pandas as pd

    return pd.concat([frame[name] for frame in relation.frames([name])], ignore_index=True)
