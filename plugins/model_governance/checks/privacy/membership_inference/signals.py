"""What a model's answer to a record says about membership: its confidence in the truth, and that on a log scale.

Arrays in, arrays out, of any shape (..., n): one row of them per model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Vote shares are exactly 0 or 1 where all trees agree; far beyond one vote the log would only measure the clipping.
FLOOR, FLOOR_OF_VOTES = 1e-6, 1e-3
SATURATED = 0.01


@dataclass(frozen=True, slots=True)
class Signals:
    """Answers of one model (n,) or of N models (N, n) about n records; higher = surer of the truth.

    `confidence` lies in 0 to 1 and is what RMIA divides; `certainty` is nearly Gaussian and is what LiRA compares.
    """

    confidence: np.ndarray
    certainty: np.ndarray

    def rows(self, chosen: slice | int | np.ndarray) -> Signals:
        """The answers of some of the models: (N, n) cut along its first axis."""
        return Signals(self.confidence[chosen], self.certainty[chosen])

    def records(self, chosen: slice | np.ndarray) -> Signals:
        """The answers about some of the records."""
        return Signals(self.confidence[..., chosen], self.certainty[..., chosen])


def own_class(chances: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Probability of the true class (n,) from probabilities (n, k) and class numbers (n,)."""
    import numpy as np

    own: np.ndarray = chances[np.arange(len(labels)), labels]
    return own


def floor_of(confidence: np.ndarray) -> float:
    """Where to clip: coarser if the confidences (...,) of the model under attack are vote shares."""
    import numpy as np

    return FLOOR_OF_VOTES if float(np.mean((confidence <= 0) | (confidence >= 1))) > SATURATED else FLOOR


def of_classes(confidence: np.ndarray, *, floor: float) -> Signals:
    """Signals from probabilities of the true class: certainty is log p - log(1 - p) (Carlini et al., 2022)."""
    import numpy as np

    clipped = np.clip(confidence, floor, 1 - floor)
    return Signals(np.asarray(confidence, dtype=np.float64), np.log(clipped) - np.log1p(-clipped))


def of_residuals(residuals: np.ndarray, *, scale: float = 1.0) -> Signals:
    """Signals of a regressor: certainty is -log(|residual| / scale + 0.5), confidence its exponential, 1 at no error.

    `scale` is an ordinary residual, so that the unit of the target does not matter; it must be positive.
    """
    import numpy as np

    error = np.abs(residuals) / scale + 0.5
    return Signals(0.5 / error, -np.log(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How raw answers become signals; set by the model under attack, so that its copies are measured alike.

    Raw answers (..., n) are probabilities of the true class, or residuals.
    """

    residuals: bool
    floor: float = FLOOR
    scale: float = 1.0

    def read(self, answers: np.ndarray) -> Signals:
        """The signals of raw answers (..., n)."""
        return of_residuals(answers, scale=self.scale) if self.residuals else of_classes(answers, floor=self.floor)


def gauge_of(answers: np.ndarray, *, residuals: bool) -> Gauge:
    """The gauge for a model with these raw answers (n,), both sides together; the unit of residuals is their median."""
    import numpy as np

    if not residuals:
        return Gauge(residuals=False, floor=floor_of(answers))
    sizes = np.abs(answers)
    return Gauge(residuals=True, scale=float(np.median(sizes)) or float(sizes.mean()) or 1.0)
