"""What the attacker hears from the model: its answer to a record, and how likely it finds the true label."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from model_governance.subject import Model, Role, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A model as the attacker hears it.

    `accuracy` and `spread` (root mean square of the error, in units of the target) are seen on the attacker's
    rows; they say how much an answer that names a class, or a number, tells about the true label.
    """

    model: Model
    accuracy: float = 0.5
    spread: float = 1.0

    @property
    def graded(self) -> bool:
        """Whether the model says how sure it is."""
        return self.model.call_proba is not None

    def spoken(self, frame: pd.DataFrame) -> np.ndarray:
        """The answer to each row: probabilities (n, k), the number of the class (n, 1), or a value (n, 1)."""
        import numpy as np

        if self.graded:
            return self.model.predict_proba(frame)
        said = self.model.predict(frame)
        if not self.model.classes:
            return np.asarray(said, dtype=np.float64)[:, None]
        # A label that the model does not declare is a class of its own.
        numbers = {value: number for number, value in enumerate(self.model.classes)}
        return np.array([[numbers.get(one, -1)] for one in said.tolist()], dtype=np.float64)

    def chances(self, frame: pd.DataFrame, labels: np.ndarray) -> np.ndarray:
        """How likely the model finds the true label of each row, shape (n,), in [0, 1].

        The probability of the class; for a class without one, how often the model is right or wrong in general;
        for a number the normal density of its error, as a share of the density at 0.
        """
        import numpy as np

        said = self.spoken(frame)
        if self.graded:
            return said[np.arange(len(labels)), labels]
        if self.model.classes:
            wrong = (1 - self.accuracy) / max(1, len(self.model.classes) - 1)
            return np.where(said[:, 0] == labels, self.accuracy, wrong)
        return np.exp(-0.5 * ((said[:, 0] - labels) / self.spread) ** 2)


def as_heard(model: Model, *, hears: str, decimals: int | None) -> Model:
    """The model as its endpoint lets the attacker hear it: labels alone, or numbers to so many decimals."""
    import numpy as np

    call, call_proba = model.call, model.call_proba
    if hears == "label":
        call_proba = None
    if decimals is None:
        return replace(model, call_proba=call_proba)

    def rounded(answer: Callable[[pd.DataFrame], Any]) -> Callable[[pd.DataFrame], Any]:
        return lambda frame: np.round(np.asarray(answer(frame), dtype=np.float64), decimals)

    return replace(
        model,
        call=call if model.classes else rounded(call),
        call_proba=None if call_proba is None else rounded(call_proba),
    )


def gauged(model: Model, said: np.ndarray, labels: np.ndarray) -> Answers:
    """A model that does not say how sure it is, with how right it was in what it said to the attacker's rows."""
    import numpy as np

    if model.classes:
        # One right and one wrong answer more than seen: nobody is sure of a share of 0 or 1.
        accuracy = (int((said[:, 0] == labels).sum()) + 1) / (len(labels) + 2)
        return Answers(model=model, accuracy=accuracy)
    spread = math.sqrt(float(np.mean((said[:, 0] - labels) ** 2)))
    return Answers(model=model, spread=spread or 1.0)


def label_numbers(subject: Subject, role: Role) -> np.ndarray:
    """True labels (n,): positions in the model's classes, or the values of a regression.

    Raises:
        CheckError: a label that the model does not know.
        SubjectError: as `Subject.target`.
    """
    import numpy as np

    model = subject.require_model()
    values = subject.target(role)
    if not model.classes:
        return values.to_numpy(dtype=np.float64)
    numbers = {value: number for number, value in enumerate(model.classes)}
    found = [numbers.get(one, -1) for one in values.tolist()]
    strange = sum(one < 0 for one in found)
    if strange:
        raise CheckError(
            f"{subject.datasets[role].uri}: {strange:,} of {len(found):,} labels in column {subject.columns.target!r} of "
            f"dataset {role!r} are none of the {len(model.classes)} that model {model.name!r} answers; use the labels "
            "that the model was trained on"
        )
    return np.array(found)
