"""Members and non-members: seeded samples with the model's answers, and how far the two sides overlap."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from model_governance.checks.privacy.membership_inference.params import LEAST
from model_governance.checks.privacy.membership_inference.signals import own_class
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.contract.subject import Model, Role, Subject

TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """All rows of one side: features, the truth as the dataset spells it (n,), and a fingerprint of each (n,)."""

    role: Role
    frame: pd.DataFrame
    truth: pd.Series
    fingerprints: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Sampled rows of one side, in random order, with what the model says of them.

    `positions` (n,) are row numbers of the dataset, `rows` is how many it has. `labels` (n,) are class numbers, values
    in regression (`classes` 0); `answers` (n,) likewise, -1 where the answer is no class; `chances` (n, k) where the
    model has them.
    """

    role: Role
    rows: int
    classes: int
    positions: np.ndarray
    frame: pd.DataFrame
    labels: np.ndarray
    answers: np.ndarray
    chances: np.ndarray | None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def right(self) -> int:
        """Number of rows classified correctly."""
        return int((self.labels == self.answers).sum())

    @property
    def told(self) -> np.ndarray:
        """What the answers tell of the truth (n,): its probability, the residual, or right or wrong where labels are all."""
        import numpy as np

        if not self.classes:
            residuals: np.ndarray = self.labels - self.answers
            return residuals
        if self.chances is None:
            return (self.labels == self.answers).astype(np.float64)
        return own_class(self.chances, self.labels)

    @property
    def error(self) -> np.ndarray:
        """How wrong the model is (n,): the loss -log p of the true class, or the absolute residual."""
        import numpy as np

        wrong: np.ndarray = -np.log(np.maximum(self.told, TINY)) if self.classes else np.abs(self.told)
        return wrong

    def part(self, rows: slice) -> Side:
        """Some of the rows; the sample is in random order, so any slice is a random one."""
        return replace(
            self, positions=self.positions[rows], frame=self.frame.iloc[rows], labels=self.labels[rows],
            answers=self.answers[rows], chances=None if self.chances is None else self.chances[rows],
        )  # fmt: skip


def all_rows(subject: Subject, role: Role) -> Rows:
    """Every row of a role.

    Raises:
        CheckError: one class only, or labels that the model does not know.
        SubjectError: as `Subject.features` and `Subject.target`.
    """
    rows = Rows(
        role=role, frame=subject.features(role), truth=subject.target(role), fingerprints=_fingerprints(subject, role)
    )
    if subject.require_model().classes:
        _know_labels(subject, rows)
    return rows


def overlap(members: Rows, others: Rows) -> tuple[int, int]:
    """How many non-member rows equal a training row in every feature and the label, and how many there are."""
    import numpy as np

    return int(np.isin(others.fingerprints, members.fingerprints).sum()), len(others)


def root_of(model: Model, members: Rows, others: Rows, *, draw: int) -> int:
    """The seed of all draws, 63 bits of model, rows and `draw`: every night on the same model draws the same.

    The seed of the night will not do: copies of the model that an earlier night trained would be of no use.
    """
    digest = hashlib.sha256(f"{model.sha256}\n{draw}\n".encode())
    for side in (members, others):
        digest.update(f"{side.role} {len(side)}\n".encode() + side.fingerprints.astype("<u8").tobytes())
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def draw_positions(
    members: Rows, others: Rows, params: MembershipParams, *, root: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to audit, members and non-members, in random order and without replacement.

    As many of one as of the other; where coins decided of membership, `2 * samples` of all rows as they fell.

    Raises:
        CheckError: a side has too few rows.
    """
    import numpy as np

    generator = np.random.default_rng([root, 0])
    if params.inclusion == "independent_coins":
        order = generator.permutation(len(members) + len(others))[: 2 * params.samples]
        chosen = order[order < len(members)], order[order >= len(members)] - len(members)
    else:
        count = min(params.samples, len(members), len(others))
        chosen = generator.permutation(len(members))[:count], generator.permutation(len(others))[:count]
    if min(map(len, chosen)) < LEAST:
        found = f"{members.role} {len(members):,}, {others.role} {len(others):,}"
        raise CheckError(f"membership inference needs at least {LEAST} rows per side; found {found}")
    return chosen


def ask(model: Model, rows: Rows, positions: np.ndarray) -> Side:
    """What the model says of some rows.

    Raises:
        ModelMisbehaved: as `Model`.
    """
    frame = rows.frame.iloc[positions].reset_index(drop=True)
    return Side(
        role=rows.role, rows=len(rows), classes=len(model.classes), positions=positions, frame=frame, labels=numbered(model, rows.truth.iloc[positions]),
        answers=numbered(model, model.predict(frame)),
        chances=None if model.call_proba is None or not model.classes else model.predict_proba(frame),
    )  # fmt: skip


def numbered(model: Model, values: Any) -> np.ndarray:
    """Labels (n,) as positions in the model's classes, -1 for strangers; values as they are in regression."""
    import numpy as np

    if not model.classes:
        return np.asarray(values, dtype=np.float64)
    classes = {value: number for number, value in enumerate(model.classes)}
    return np.array([classes.get(one, -1) for one in values.tolist()])


def _know_labels(subject: Subject, rows: Rows) -> None:
    model, values = subject.require_model(), rows.truth.tolist()
    strange = sorted({repr(one) for one in values if one not in model.classes})
    where = f"{subject.datasets[rows.role].uri}: column {subject.columns.target!r} of dataset {rows.role!r}"
    if strange:
        raise CheckError(
            f"{where} holds label(s) {', '.join(strange[:5])} that model {model.name!r} does not know "
            f"(it answers {', '.join(map(repr, model.classes))}); use the labels that the model was trained on"
        )
    if len(set(values)) < 2:
        raise CheckError(f"{where} holds one class only; membership inference needs rows of at least two classes")


def _fingerprints(subject: Subject, role: Role) -> np.ndarray:
    """A 64-bit hash per row over features and label, the same whatever width a number is stored in."""
    import pandas as pd

    frame = subject.frame(role, columns=[*subject.columns.names, str(subject.columns.target)])
    plain = {}
    for name in frame.columns:
        feature = subject.columns.features.get(name)
        if feature is not None and feature.kind in NUMBER_KINDS and pd.api.types.is_numeric_dtype(frame[name]):
            plain[name] = frame[name].astype("float64")
        else:
            plain[name] = frame[name].astype("string").astype(object)
    hashes: np.ndarray = pd.util.hash_pandas_object(pd.DataFrame(plain), index=False).to_numpy()
    return hashes
