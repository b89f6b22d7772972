"""The likelihood of the true label of a record under the model's output: what the attacker concludes from a query."""

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
class LabelLikelihood:
    """The likelihood of a label given an output of the model.

    `accuracy` and `rmse` (in units of the target) are estimated on the attacker's rows; they say how much an output
    that is a label, or a number, reveals about the true one.
    """

    model: Model
    accuracy: float = 0.5
    rmse: float = 1.0

    def __call__(self, frame: pd.DataFrame, labels: np.ndarray) -> np.ndarray:
        """Likelihood of the true label of each row, shape (n,), in [0, 1].

        The probability of the class; for a label without probability the accuracy of the model or the share of its
        errors per class; for a number the normal density of its error, relative to the density at 0.

        Raises:
            ModelMisbehaved: as `Model`.
        """
        import numpy as np

        output = outputs(self.model, frame)
        if self.model.call_proba is not None:
            return output[np.arange(len(labels)), labels]
        if self.model.classes:
            wrong = (1 - self.accuracy) / max(1, len(self.model.classes) - 1)
            return np.where(output[:, 0] == labels, self.accuracy, wrong)
        return np.exp(-0.5 * ((output[:, 0] - labels) / self.rmse) ** 2)


def fit_likelihood(model: Model, outputs: np.ndarray, labels: np.ndarray) -> LabelLikelihood:
    """The likelihood of a model without probabilities, from its outputs (n, 1) for rows with known labels (n,)."""
    import numpy as np

    if model.classes:
        # Laplace's rule of succession: an accuracy of 0 or 1 is never certain.
        accuracy = (int((outputs[:, 0] == labels).sum()) + 1) / (len(labels) + 2)
        return LabelLikelihood(model=model, accuracy=accuracy)
    rmse = math.sqrt(float(np.mean((outputs[:, 0] - labels) ** 2)))
    return LabelLikelihood(model=model, rmse=rmse or 1.0)
