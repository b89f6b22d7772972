"""Members and non-members: seeded samples with the model's outputs, and how far the two groups overlap."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from model_governance.checks.privacy.membership_inference.params import MIN_ROWS
from model_governance.checks.privacy.membership_inference.signals import own_class
from model_governance.contract.slices import named_values
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.contract.subject import Model, Role, Subject

MIN_PROBABILITY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """All rows of one dataset: features, the labels as the dataset spells them (n,), and a fingerprint of each row (n,)."""

    role: Role
    frame: pd.DataFrame
    labels: pd.Series
    fingerprints: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditGroup:
    """Sampled members or non-members, in random order, with the model's outputs.

    `positions` (n,) are row numbers of the dataset, `rows` is how many it has. `labels` (n,) are class numbers, values
    in regression (`classes` 0); `predictions` (n,) likewise, -1 for a class that the model does not declare;
    `probabilities` (n, k) where the model has them.
    """

    role: Role
    rows: int
    classes: int
    positions: np.ndarray
    frame: pd.DataFrame
    labels: np.ndarray
    predictions: np.ndarray
    probabilities: np.ndarray | None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def correct(self) -> int:
        """Number of rows classified correctly."""
        return int((self.labels == self.predictions).sum())

    @property
    def raw_signal(self) -> np.ndarray:
        """The probability of the true class, the residual, or correctness where there are only labels; shape (n,)."""
        import numpy as np

        if not self.classes:
            residuals: np.ndarray = self.labels - self.predictions
            return residuals
        if self.probabilities is None:
            return (self.labels == self.predictions).astype(np.float64)
        return own_class(self.probabilities, self.labels)

    @property
    def error(self) -> np.ndarray:
        """The loss -log p of the true class, or the absolute residual, shape (n,)."""
        import numpy as np

        if not self.classes:
            return np.abs(self.raw_signal)
        loss: np.ndarray = -np.log(np.maximum(self.raw_signal, MIN_PROBABILITY))
        return loss

    def part(self, rows: slice) -> AuditGroup:
        """Some of the rows; they are in random order, so any slice is a random sample."""
        return replace(
            self, positions=self.positions[rows], frame=self.frame.iloc[rows], labels=self.labels[rows],
            predictions=self.predictions[rows],
            probabilities=None if self.probabilities is None else self.probabilities[rows],
        )  # fmt: skip


def read_rows(subject: Subject, role: Role) -> Rows:
    """Every row of a dataset.

    Raises:
        CheckError: one class only, or labels that the model does not know.
        SubjectError: as `Subject.features` and `Subject.target`.
    """
    rows = Rows(
        role=role, frame=subject.features(role), labels=subject.target(role), fingerprints=_fingerprints(subject, role)
    )
    if subject.require_model().classes:
        _check_labels(subject, rows)
    return rows


def count_overlap(members: Rows, non_members: Rows) -> tuple[int, int]:
    """How many non-member rows equal a training row in every feature and the label, and how many there are."""
    import numpy as np

    return int(np.isin(non_members.fingerprints, members.fingerprints).sum()), len(non_members)


def derive_root_seed(model: Model, members: Rows, non_members: Rows, *, sampling_seed: int) -> int:
    """The root seed of all draws: 63 bits of model, rows and `sampling_seed`, the same in every run on the same model.

    The seed of the run would not do: reference models that an earlier run trained could not be reused.
    """
    digest = hashlib.sha256(f"{model.sha256}\n{sampling_seed}\n".encode())
    for rows in (members, non_members):
        digest.update(f"{rows.role} {len(rows)}\n".encode() + rows.fingerprints.astype("<u8").tobytes())
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def draw_positions(
    members: Rows, non_members: Rows, params: MembershipParams, *, root_seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to audit, members and non-members, in random order and without replacement.

    As many of one as of the other; where independent coins decided of membership, `2 * samples` rows of both together.

    Raises:
        CheckError: a group has too few rows.
    """
    import numpy as np

    generator = np.random.default_rng([root_seed, 0])
    if params.inclusion == "independent_coins":
        order = generator.permutation(len(members) + len(non_members))[: 2 * params.samples]
        chosen = order[order < len(members)], order[order >= len(members)] - len(members)
    else:
        count = min(params.samples, len(members), len(non_members))
        chosen = generator.permutation(len(members))[:count], generator.permutation(len(non_members))[:count]
    if min(map(len, chosen)) < MIN_ROWS:
        counts = f"{members.role} {len(members):,}, {non_members.role} {len(non_members):,}"
        raise CheckError(f"membership inference needs at least {MIN_ROWS} rows per group; found {counts}")
    return chosen


def query(model: Model, rows: Rows, positions: np.ndarray) -> AuditGroup:
    """The rows at these positions with the model's outputs.

    Raises:
        ModelMisbehaved: as `Model`.
    """
    frame = rows.frame.iloc[positions].reset_index(drop=True)
    return AuditGroup(
        role=rows.role, rows=len(rows), classes=len(model.classes), positions=positions, frame=frame,
        labels=encode_labels(model, rows.labels.iloc[positions]),
        predictions=encode_labels(model, model.predict(frame)),
        probabilities=None if model.call_proba is None or not model.classes else model.predict_proba(frame),
    )  # fmt: skip


def encode_labels(model: Model, labels: Any) -> np.ndarray:
    """Labels (n,) as positions in the model's classes, -1 for others; values as they are in regression."""
    import numpy as np

    if not model.classes:
        return np.asarray(labels, dtype=np.float64)
    numbers = {label: number for number, label in enumerate(model.classes)}
    return np.array([numbers.get(label, -1) for label in labels.tolist()])


def _check_labels(subject: Subject, rows: Rows) -> None:
    model, labels = subject.require_model(), rows.labels.tolist()
    unknown = [label for label in labels if label not in model.classes]
    where = f"{subject.datasets[rows.role].uri}: column {subject.columns.target!r} of dataset {rows.role!r}"
    if unknown:
        raise CheckError(
            f"{where} holds label(s) {named_values(unknown)} that model {model.name!r} does not know "
            f"(its classes are {', '.join(map(repr, model.classes))}); use the labels that the model was trained on"
        )
    if len(set(labels)) < 2:
        raise CheckError(f"{where} holds one class only; membership inference needs rows of at least two classes")


def _fingerprints(subject: Subject, role: Role) -> np.ndarray:
    """A 64-bit hash per row over features and label, the same whatever width a number is stored in."""
    import pandas as pd

    frame = subject.frame(role, columns=[*subject.columns.names, str(subject.columns.target)])
    columns = {}
    for name in frame.columns:
        feature = subject.columns.features.get(name)
        if feature is not None and feature.kind in NUMBER_KINDS and pd.api.types.is_numeric_dtype(frame[name]):
            columns[name] = frame[name].astype("float64")
        else:
            columns[name] = frame[name].astype("string").astype(object)
    hashes: np.ndarray = pd.util.hash_pandas_object(pd.DataFrame(columns), index=False).to_numpy()
    return hashes
