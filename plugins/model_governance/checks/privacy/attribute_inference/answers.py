"""How likely the model finds the true label of a record: what the attacker concludes from its answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.access import outputs

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Model


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

    def chances(self, frame: pd.DataFrame, labels: np.ndarray) -> np.ndarray:
        """How likely the model finds the true label of each row, shape (n,), in [0, 1].

        The probability of the class; for a class without one, how often the model is right or wrong in general;
        for a number the normal density of its error, as a share of the density at 0.
        """
        import numpy as np

        said = outputs(self.model, frame)
        if self.graded:
            return said[np.arange(len(labels)), labels]
        if self.model.classes:
            wrong = (1 - self.accuracy) / max(1, len(self.model.classes) - 1)
            return np.where(said[:, 0] == labels, self.accuracy, wrong)
        return np.exp(-0.5 * ((said[:, 0] - labels) / self.spread) ** 2)


def gauged(model: Model, said: np.ndarray, labels: np.ndarray) -> Answers:
    """A model that does not say how sure it is, with how right it was in what it said to the attacker's rows."""
    import numpy as np

    if model.classes:
        # One right and one wrong answer more than seen: nobody is sure of a share of 0 or 1.
        accuracy = (int((said[:, 0] == labels).sum()) + 1) / (len(labels) + 2)
        return Answers(model=model, accuracy=accuracy)
    spread = math.sqrt(float(np.mean((said[:, 0] - labels) ** 2)))
    return Answers(model=model, spread=spread or 1.0)
