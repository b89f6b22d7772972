"""The rows of an attribute inference: members, non-members, and the rows that the attacker owns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.access import encode_labels
from model_governance.attacks.surrogate import design_of
from model_governance.checks.privacy.attribute_inference.candidates import candidate_values, draw_fillings
from model_governance.checks.privacy.attribute_inference.params import MIN_ROWS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.attribute_inference.candidates import CandidateValues
    from model_governance.checks.privacy.attribute_inference.params import AttributeParams
    from model_governance.contract.subject import Role, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of a dataset: features and sensitive columns as a frame, and the label of each row (n,)."""

    role: Role
    frame: pd.DataFrame
    labels: np.ndarray

    def part(self, places: np.ndarray) -> Rows:
        """Some of the rows, in the order given."""
        return Rows(role=self.role, frame=self.frame.iloc[places].reset_index(drop=True), labels=self.labels[places])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Rows with the number of their true attribute value `truth` (n,) and what the attacker knows of them.

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

    def first(self, count: int) -> Group:
        """The first rows, or the group itself where it has no more; rows are in random order."""
        import numpy as np

        if count >= len(self.truth):
            return self
        rows = self.rows.part(np.arange(count))
        return Group(rows=rows, truth=self.truth[:count], known=self.known[:count])


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeTarget:
    """One attribute under attack: its candidate values, the three groups, and the cells to fill in for a query.

    `fillings` has one frame per value; it is None where the attribute is no feature of the model, so that no query can
    contain it. `features` are the columns of the model, `classes` the number of its classes, 0 for a regression.
    `excluded` counts members and non-members without one of the values.
    """

    values: CandidateValues
    members: Group
    non_members: Group
    attacker: Group
    fillings: tuple[pd.DataFrame, ...] | None
    features: tuple[str, ...]
    categories: tuple[int, ...]
    classes: int
    excluded: int

    @property
    def labelled_categories(self) -> tuple[int, ...]:
        """Columns of `Group.labelled` that hold codes of categories."""
        return (*self.categories, self.members.known.shape[1]) if self.classes else self.categories

    @property
    def queries_per_row(self) -> int:
        """Queries that are needed to infer the attribute of one row with every candidate value."""
        return sum(len(filling) for filling in self.fillings or ())


def draw_samples(subject: Subject, params: AttributeParams, generator: np.random.Generator) -> Mapping[str, Rows]:
    """Random samples by group: `members` of train; `non_members` and `attacker` are parts of population, or of reference.

    Raises:
        CheckError: a group has too few rows, or labels that the model does not know.
        SubjectError: as `Subject.features` and `Subject.target`, or a sensitive column is missing.
    """
    outside: Role = "population" if "population" in subject.datasets else "reference"
    inside_rows, outside_rows = (_read(subject, params, role) for role in ("train", outside))
    inside_order = generator.permutation(len(inside_rows.labels))[: params.samples]
    outside_order = generator.permutation(len(outside_rows.labels))
    # At most half are the attacker's: rows that a classifier was trained on are never scored.
    half = len(outside_order) // 2
    samples = {
        "members": inside_rows.part(inside_order),
        "non_members": outside_rows.part(outside_order[half:][: params.samples]),
        "attacker": outside_rows.part(outside_order[:half][: params.samples]),
    }
    if min(len(rows.labels) for rows in samples.values()) < MIN_ROWS:
        raise CheckError(
            f"attribute inference needs at least {MIN_ROWS} rows of train and {2 * MIN_ROWS} of {outside}; found "
            f"{len(inside_rows.labels):,} and {len(outside_rows.labels):,}"
        )
    return samples


def build_target(
    subject: Subject,
    samples: Mapping[str, Rows],
    column: str,
    *,
    params: AttributeParams,
    generator: np.random.Generator,
) -> AttributeTarget:
    """One attribute with the rows of every group that have one of its candidate values.

    Raises:
        CheckError: fewer than two values, too few rows that have one, or an unknown feature that does not exist.
    """
    values = candidate_values(samples["attacker"].frame[column], params)
    unknown = _unknown_features(subject, params, column)
    encoded = {}
    for name, rows in samples.items():
        numbers = values.encode(rows.frame[column])
        encoded[name] = (rows.part(numbers >= 0), numbers[numbers >= 0])
    if min(len(numbers) for _, numbers in encoded.values()) < MIN_ROWS:
        raise CheckError(f"attribute {column!r}: fewer than {MIN_ROWS} rows of a group have one of its frequent values")
    attacker, numbers = encoded["attacker"]
    design = design_of(attacker.frame, subject.columns, without=(column, *unknown))
    groups = {
        name: Group(rows=rows, truth=truth, known=design.matrix(rows.frame)) for name, (rows, truth) in encoded.items()
    }
    fillings = None
    if column in subject.columns.features:
        fillings = draw_fillings(
            values, attacker.frame, numbers, columns=(column, *unknown), count=params.fill_rows, generator=generator
        )
    return AttributeTarget(
        values=values, members=groups["members"], non_members=groups["non_members"], attacker=groups["attacker"],
        fillings=fillings, features=subject.columns.names, categories=tuple(design.categories),
        classes=len(subject.require_model().classes),
        excluded=sum(len(samples[name].labels) - len(groups[name].truth) for name in ("members", "non_members")),
    )  # fmt: skip


def _unknown_features(subject: Subject, params: AttributeParams, column: str) -> tuple[str, ...]:
    unknown = params.unknown.get(column, ())
    others = [name for name in unknown if name not in subject.columns.features]
    if others:
        raise CheckError(
            f"unknown of {column}: {', '.join(others)} is no feature of the model; features are "
            f"{', '.join(subject.columns.names)}"
        )
    return unknown


def _read(subject: Subject, params: AttributeParams, role: Role) -> Rows:
    features = subject.features(role)
    additional = [name for name in params.sensitive if name not in features.columns]
    if subject.columns.target in additional:
        raise CheckError(f"sensitive lists the target {subject.columns.target!r}; the attacker knows the label")
    if additional:
        features[additional] = subject.frame(role, columns=additional)
    return Rows(role=role, frame=features, labels=encode_labels(subject, role))
