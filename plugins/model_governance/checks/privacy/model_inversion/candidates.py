"""The rows of a model inversion: public rows of the attacker, and training and held-out rows of every class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attacks.access import encode_labels
from model_governance.attacks.gower import GowerDistance
from model_governance.attacks.relations import bind_relations
from model_governance.checks.privacy.model_inversion.params import MIN_CLASS_ROWS, MIN_PUBLIC_ROWS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.relations import Relations
    from model_governance.checks.privacy.model_inversion.params import InversionParams
    from model_governance.contract.subject import Columns, Role, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRows:
    """One class: its number and name, its training and held-out rows, and the centre (1 row) of its public rows.

    `in_public` says whether the public rows hold enough of the class; otherwise the centre is that of all of them.
    """

    number: int
    name: str
    trained: pd.DataFrame
    held_out: pd.DataFrame
    centre: pd.DataFrame
    in_public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The public rows that reconstructions start from, and the classes they are compared with."""

    role: Role
    public: pd.DataFrame
    classes: tuple[ClassRows, ...]
    distance: GowerDistance
    relations: Relations | None = None

    def obeyed(self, rows: pd.DataFrame, instead: pd.DataFrame) -> pd.DataFrame:
        """The rows as the relations of the threat model allow them; those of `instead`, which obey, where they cannot be."""
        return rows if self.relations is None else self.relations.obeyed(rows, instead)


def draw_candidates(subject: Subject, params: InversionParams, generator: np.random.Generator) -> Candidates:
    """Split `population`, or `reference`, into a public and a held-out half, and choose the largest classes.

    Raises:
        CheckError: too few rows, no class with enough training rows, or labels that the model does not know.
        SubjectError: as `Subject.features` and `Subject.target`.
    """
    import numpy as np

    role: Role = "population" if "population" in subject.datasets else "reference"
    trained, trained_labels = subject.features("train"), encode_labels(subject, "train")
    outside, labels = subject.features(role), encode_labels(subject, role)
    if len(outside) < 2 * MIN_PUBLIC_ROWS:
        raise CheckError(
            f"{subject.datasets[role].uri}: model inversion needs at least {2 * MIN_PUBLIC_ROWS} rows of {role}, half of "
            f"which are public and half held out; found {len(outside):,}"
        )
    order = generator.permutation(len(outside))
    half = len(order) // 2
    public_order, held_out_order = order[:half], order[half:]
    public = outside.iloc[public_order].reset_index(drop=True)
    classes = []
    for number in _largest_classes(trained_labels, subject)[: params.max_classes]:
        members = generator.permutation(np.flatnonzero(trained_labels == number))[: params.samples]
        held_out = held_out_order[labels[held_out_order] == number][: params.samples]
        own = public[labels[public_order] == number]
        in_public = len(own) >= MIN_CLASS_ROWS
        classes.append(
            ClassRows(
                number=number, name=str(subject.require_model().classes[number]),
                trained=trained.iloc[members].reset_index(drop=True),
                held_out=outside.iloc[held_out].reset_index(drop=True),
                centre=_centre(own if in_public else public, subject.columns), in_public=in_public,
            )
        )  # fmt: skip
    distance = GowerDistance.fit(public, subject.columns)
    relations = bind_relations(subject.threat_model.relations, subject.columns, [(role, outside)])
    return Candidates(role=role, public=public, classes=tuple(classes), distance=distance, relations=relations)


def cast_like(cells: dict[str, Sequence[Any]], rows: pd.DataFrame) -> pd.DataFrame:
    """Cells as a frame with the column types of other rows, as far as those can hold them."""
    import pandas as pd

    frame = pd.DataFrame(cells)
    for name in frame.columns:
        try:
            frame[name] = frame[name].astype(rows[name].dtype)
        except (TypeError, ValueError):
            continue  # a missing value where the other rows have none
    return frame


def _largest_classes(labels: np.ndarray, subject: Subject) -> list[int]:
    """Numbers of the classes with enough training rows, the largest first."""
    import numpy as np

    counts = np.bincount(labels, minlength=len(subject.require_model().classes))
    numbers = [number for number in np.argsort(-counts, kind="stable").tolist() if counts[number] >= MIN_CLASS_ROWS]
    if not numbers:
        raise CheckError(f"no class has {MIN_CLASS_ROWS} rows in train, so there are no rows to reconstruct")
    return numbers


def _centre(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The row of medians and most frequent categories, which minimises the mean Gower distance to the rows."""
    cells: dict[str, Any] = {}
    for name in rows.columns:
        if columns.features[name].kind == "numeric":
            cells[name] = [rows[name].median()]
        elif columns.features[name].kind == "integer":
            cells[name] = [rows[name].quantile(0.5, interpolation="lower")]
        else:
            counts = rows[name].value_counts()
            best = sorted(counts[counts == counts.max()].index.tolist(), key=str) if len(counts) else [None]
            cells[name] = best[:1]
    return cast_like(cells, rows)
