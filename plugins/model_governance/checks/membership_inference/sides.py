"""Members and non-members: equal seeded samples with the model's outputs, and how far the two sides overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.membership_inference.params import LEAST
from model_governance.errors import CheckError
from model_governance.subject import NUMBER_KINDS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.subject import Role, Subject

TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Side:
    """Sampled rows of one side: probabilities (n, k), true class numbers (n,), predicted ones (n,)."""

    role: Role
    rows: int
    chances: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray

    @property
    def right(self) -> int:
        """Number of rows classified correctly."""
        return int((self.labels == self.predicted).sum())

    @property
    def sureness(self) -> np.ndarray:
        """Negative loss: log probability of the true class (n,), floored where the model says 0."""
        import numpy as np

        own = self.chances[np.arange(len(self.labels)), self.labels]
        sure: np.ndarray = np.log(np.maximum(own, TINY))
        return sure

    def part(self, rows: slice) -> Side:
        """Some of the rows; the sample is in random order, so any slice is a random one."""
        return Side(self.role, self.rows, self.chances[rows], self.labels[rows], self.predicted[rows])


def draw_sides(subject: Subject, others: Role, size: int, generator: np.random.Generator) -> tuple[Side, Side]:
    """Equally many members (train) and non-members, drawn without replacement, at most `size` each.

    Raises:
        CheckError: too few rows, labels that the model does not know, or one class only.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    frames = {role: subject.features(role) for role in ("train", others)}
    labels = {role: _class_numbers(subject, role) for role in frames}
    count = min(size, *(len(frame) for frame in frames.values()))
    if count < LEAST:
        found = ", ".join(f"{role} {len(frame):,}" for role, frame in frames.items())
        raise CheckError(f"membership inference needs at least {LEAST} rows per side; found {found}")
    sides = []
    for role, frame in frames.items():
        chosen = generator.permutation(len(frame))[:count]
        sides.append(_side(subject, role, frame.iloc[chosen].reset_index(drop=True), labels[role][chosen], len(frame)))
    return sides[0], sides[1]


def overlap(subject: Subject, others: Role) -> tuple[int, int]:
    """How many non-member rows equal a training row in every feature and the label, and how many there are."""
    import numpy as np

    members, outside = (_fingerprints(subject, role) for role in ("train", others))
    return int(np.isin(outside, members).sum()), len(outside)


def _side(subject: Subject, role: Role, frame: pd.DataFrame, labels: np.ndarray, rows: int) -> Side:
    import numpy as np

    model = subject.require_model()
    chances = model.predict_proba(frame)
    classes = {value: number for number, value in enumerate(model.classes)}
    answers = model.predict(frame).tolist()
    # An answer outside the declared classes is wrong for every label, hence -1.
    predicted = np.array([classes.get(one, -1) for one in answers])
    return Side(role, rows, np.asarray(chances, dtype=np.float64), labels, predicted)


def _class_numbers(subject: Subject, role: Role) -> np.ndarray:
    """Labels of a role as positions in the model's classes, shape (n,)."""
    import numpy as np

    model = subject.require_model()
    values = subject.target(role).tolist()
    classes = {value: number for number, value in enumerate(model.classes)}
    strange = sorted({repr(one) for one in values if one not in classes})
    where = f"{subject.datasets[role].uri}: column {subject.columns.target!r} of dataset {role!r}"
    if strange:
        raise CheckError(
            f"{where} holds label(s) {', '.join(strange[:5])} that model {model.name!r} does not know "
            f"(it answers {', '.join(map(repr, model.classes))}); use the labels that the model was trained on"
        )
    if len(set(values)) < 2:
        raise CheckError(f"{where} holds one class only; membership inference needs rows of at least two classes")
    return np.array([classes[one] for one in values])


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
