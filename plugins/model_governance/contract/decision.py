"""The decision of a binary classifier: the positive class from a probability on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """When a classifier of two classes answers with the positive one.

    Attributes:
        positive: position of the positive class, 0 or 1.
        threshold: probability from which on it is predicted, above 0 and below 1.
    """

    positive: int
    threshold: float

    def positions(self, probabilities: np.ndarray) -> np.ndarray:
        """Positions (n,) of the classes that are decided, from class probabilities (n, 2)."""
        return decide(probabilities, self.positive, self.threshold)

    def shifted(self, logits: np.ndarray) -> np.ndarray:
        """Logits (n, 2), moved by a constant so that the larger one is the decision."""
        moved = logits.astype(float, copy=True)
        moved[:, self.positive] -= self.log_odds
        return moved

    def centred(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities (n, 2), mapped by two straight lines so that the threshold becomes one half."""
        import numpy as np

        share = probabilities[:, self.positive]
        below, above = share / (2 * self.threshold), (1 - share) / (2 * (1 - self.threshold))
        mapped = np.empty(probabilities.shape)
        mapped[:, self.positive] = np.where(share < self.threshold, below, 1 - above)
        mapped[:, 1 - self.positive] = 1 - mapped[:, self.positive]
        return mapped

    @property
    def log_odds(self) -> float:
        """Log-odds of the positive class at the threshold."""
        return math.log(self.threshold / (1 - self.threshold))


def decide(probabilities: np.ndarray, positive: int, threshold: float) -> np.ndarray:
    """Positions of the decided classes, shape (n,).

    Args:
        probabilities: class probabilities (n, 2).
        positive: position of the positive class, 0 or 1.
        threshold: probability from which on it is predicted.
    """
    import numpy as np

    return np.where(probabilities[:, positive] >= threshold, positive, 1 - positive)
