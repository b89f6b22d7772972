"""Whose attribute is attacked: members, non-members, and the rows that the attacker has of his own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.access import encode_labels
from model_governance.attacks.surrogate import design_of
from model_governance.checks.privacy.attribute_inference.candidates import fillings, values_of
from model_governance.checks.privacy.attribute_inference.params import LEAST
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.attribute_inference.candidates import Values
    from model_governance.checks.privacy.attribute_inference.params import AttributeParams
    from model_governance.contract.subject import Role, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows as they are: features and sensitive columns as a frame, and the label of each (n,)."""

    role: Role
    frame: pd.DataFrame
    labels: np.ndarray

    def part(self, places: np.ndarray) -> Rows:
        """Some of the rows, in the order given."""
        return Rows(role=self.role, frame=self.frame.iloc[places].reset_index(drop=True), labels=self.labels[places])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """Rows with the attribute that is attacked: `truth` numbers its value (n,), `known` is what the attacker knows.

    `known` (n, d) holds the other features as numbers, `labelled` the same with the true label as last column.
    """

    rows: Rows
    truth: np.ndarray
    known: np.ndarray

    @property
    def labelled(self) -> np.ndarray:
        """What the attacker knows, with the true label."""
        import numpy as np

        return np.column_stack([self.known, self.rows.labels])

    def first(self, count: int) -> Side:
        """Its first rows, itself where it has no more; rows are in random order, so any part is a random one."""
        import numpy as np

        if count >= len(self.truth):
            return self
        rows = self.rows.part(np.arange(count))
        return Side(rows=rows, truth=self.truth[:count], known=self.known[:count])


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One attribute under attack: its values, the three sides, and what the attacker fills in to ask the model.

    `fillings` has one frame per value; it is None where the attribute is no feature, so that no question can hold it.
    `features` are the columns that the model is given, `classes` the number of its classes, 0 for a regression.
    `left_out` counts rows of both sides without one of the values.
    """

    values: Values
    members: Side
    others: Side
    attacker: Side
    fillings: tuple[pd.DataFrame, ...] | None
    features: tuple[str, ...]
    categories: tuple[int, ...]
    classes: int
    left_out: int

    @property
    def labelled_categories(self) -> tuple[int, ...]:
        """Columns of `Side.labelled` that hold codes."""
        return (*self.categories, self.members.known.shape[1]) if self.classes else self.categories

    @property
    def questions(self) -> int:
        """Rows that the model is asked to learn the attribute of one person."""
        return sum(len(one) for one in self.fillings or ())


def draw_people(subject: Subject, params: AttributeParams, generator: np.random.Generator) -> Mapping[str, Rows]:
    """Seeded samples: `members` of train; `others` and `attacker` are two parts of population, or of reference.

    Raises:
        CheckError: a side has too few rows, or labels that the model does not know.
        SubjectError: as `Subject.features` and `Subject.target`, or a sensitive column is missing.
    """
    outside: Role = "population" if "population" in subject.datasets else "reference"
    inside_all, outside_all = (_read(subject, params, role) for role in ("train", outside))
    inside_order = generator.permutation(len(inside_all.labels))[: params.samples]
    order = generator.permutation(len(outside_all.labels))
    # Half at most goes to the attacker: what he learns from is never scored.
    half = len(order) // 2
    people = {
        "members": inside_all.part(inside_order),
        "others": outside_all.part(order[half:][: params.samples]),
        "attacker": outside_all.part(order[:half][: params.samples]),
    }
    if min(len(one.labels) for one in people.values()) < LEAST:
        raise CheckError(
            f"attribute inference needs at least {LEAST} rows of train and {2 * LEAST} of {outside}; found "
            f"{len(inside_all.labels):,} and {len(outside_all.labels):,}"
        )
    return people


def target_of(
    subject: Subject,
    people: Mapping[str, Rows],
    column: str,
    *,
    params: AttributeParams,
    generator: np.random.Generator,
) -> Target:
    """One attribute, cut to the rows that have one of its values.

    Raises:
        CheckError: fewer than two values, or too few rows that have one.
    """
    values = values_of(people["attacker"].frame[column], params)
    unknown = params.unknown.get(column, ())
    strange = [one for one in unknown if one not in subject.columns.features]
    if strange:
        raise CheckError(
            f"unknown of {column}: {', '.join(strange)} is no feature of the model; features are "
            f"{', '.join(subject.columns.names)}"
        )
    kept = {}
    for name, rows in people.items():
        numbers = values.coded(rows.frame[column])
        kept[name] = (rows.part(numbers >= 0), numbers[numbers >= 0])
    if min(len(numbers) for _, numbers in kept.values()) < LEAST:
        raise CheckError(f"attribute {column!r}: fewer than {LEAST} rows of a side have one of its frequent values")
    attacker, numbers = kept["attacker"]
    design = design_of(attacker.frame, subject.columns, without=(column, *unknown))
    sides = {
        name: Side(rows=rows, truth=truth, known=design.matrix(rows.frame)) for name, (rows, truth) in kept.items()
    }
    asked = None
    if column in subject.columns.features:
        asked = fillings(
            values, attacker.frame, numbers, columns=(column, *unknown), count=params.fills, generator=generator
        )
    return Target(
        values=values, members=sides["members"], others=sides["others"], attacker=sides["attacker"], fillings=asked,
        features=subject.columns.names, categories=tuple(design.categories),
        classes=len(subject.require_model().classes),
        left_out=sum(len(people[one].labels) - len(sides[one].truth) for one in ("members", "others")),
    )  # fmt: skip


def _read(subject: Subject, params: AttributeParams, role: Role) -> Rows:
    features = subject.features(role)
    beside = [one for one in params.sensitive if one not in features.columns]
    if subject.columns.target in beside:
        raise CheckError(f"sensitive lists the target {subject.columns.target!r}; the attacker knows the label")
    if beside:
        features[beside] = subject.frame(role, columns=beside)
    return Rows(role=role, frame=features, labels=encode_labels(subject, role))
