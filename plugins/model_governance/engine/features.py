"""The features of a role as the model gets them, for any number of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.subject import NUMBER_KINDS
from model_governance.engine import open_relation
from model_governance.engine.column_kinds import WHAT
from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.contract.subject import Columns, Role, Subject
    from model_governance.engine.relation import Relation


def feature_rows(subject: Subject, role: Role) -> Relation:
    """The rows of a role, with all features present and none empty; read them with `frames` or `sample`.

    Raises:
        SubjectError: the role was not given, has no rows, lacks a feature, or a feature holds no value at all.
    """
    names = subject.columns.names
    subject.frame(role, columns=names[:1])
    relation = open_relation(subject.datasets[role])
    relation.require(names)
    require_kinds(relation, subject.columns)
    require_values(relation, names)
    return relation


def require_kinds(relation: Relation, columns: Columns) -> None:
    """Refuse features that hold what no model and no statistic takes, or text where the policy declares a number.

    Raises:
        SubjectError: lists or structs in a column, or text in a column of numbers; every such column is listed.
    """
    problems = []
    for name, kind in relation.kinds(columns.names).items():
        declared = columns.features[name].kind
        if kind == "nested":
            problems.append(f"column {name!r} holds {WHAT[kind]}, which are no feature")
        elif kind in ("text", "date", "time") and declared in NUMBER_KINDS:
            problems.append(f"column {name!r} is declared {declared} and holds {WHAT[kind]}")
    if problems:
        raise SubjectError(
            f"{relation.uri}: dataset {relation.role!r}: {'; '.join(problems)}; repair the feed, or correct columns.features"
        )


def require_values(relation: Relation, names: Sequence[str]) -> None:
    """Refuse columns that hold no value at all: most checks of them could not fail.

    Raises:
        SubjectError: null or NaN in every row; every such column is listed.
    """
    empty = [name for name, missing in relation.missing(names).items() if missing == relation.rows]
    if empty:
        raise SubjectError(
            f"{relation.uri}: column(s) {', '.join(empty)} of dataset {relation.role!r} hold no value in any of "
            f"{relation.rows:,} rows; repair the feed or take the column out of columns.features"
        )
