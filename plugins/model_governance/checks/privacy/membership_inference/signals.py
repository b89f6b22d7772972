"""The membership signals of a model's outputs: its confidence in the true label, and its certainty on a log scale.

Arrays in, arrays out, of any shape (..., n): one row of them per model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Shares of votes are exactly 0 or 1 where all trees agree; far beyond one vote the log would only measure the clipping.
FLOOR, FLOOR_OF_VOTES = 1e-6, 1e-3
MAX_SATURATED = 0.01


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals of one model (n,) or of N models (N, n) for n records; higher values favour the true label.

    `confidence` lies in 0 to 1 and is what RMIA divides; `certainty` is nearly Gaussian and is what LiRA compares (the
    logit-scaled confidence of Carlini et al., 2022).
    """

    confidence: np.ndarray
    certainty: np.ndarray

    def rows(self, chosen: slice | int | np.ndarray) -> Signals:
        """The signals of some of the models: (N, n) indexed along its first axis."""
        return Signals(self.confidence[chosen], self.certainty[chosen])

    def records(self, chosen: slice | np.ndarray) -> Signals:
        """The signals of some of the records."""
        return Signals(self.confidence[..., chosen], self.certainty[..., chosen])


def own_class(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Probability of the true class (n,) from probabilities (n, k) and class numbers (n,)."""
    import numpy as np

    own: np.ndarray = probabilities[np.arange(len(labels)), labels]
    return own


def floor_of(confidence: np.ndarray) -> float:
    """Where to clip confidences (...,): coarser if those of the model under check are shares of votes."""
    import numpy as np

    saturated = float(np.mean((confidence <= 0) | (confidence >= 1)))
    return FLOOR_OF_VOTES if saturated > MAX_SATURATED else FLOOR


def of_classes(confidence: np.ndarray, *, floor: float) -> Signals:
    """Signals from probabilities of the true class: certainty is log p - log(1 - p) (Carlini et al., 2022)."""
    import numpy as np

    clipped = np.clip(confidence, floor, 1 - floor)
    return Signals(np.asarray(confidence, dtype=np.float64), np.log(clipped) - np.log1p(-clipped))


def of_residuals(residuals: np.ndarray, *, scale: float = 1.0) -> Signals:
    """Signals of a regressor: certainty is -log(|residual| / scale + 0.5), confidence is 1 at no error.

    Args:
        residuals: true minus predicted values (..., n).
        scale: a typical residual, positive, so that the unit of the target does not matter.
    """
    import numpy as np

    error = np.abs(residuals) / scale + 0.5
    return Signals(0.5 / error, -np.log(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalTransform:
    """Maps raw signals to `Signals`; fitted to the model under check and applied to its reference models too.

    Raw signals (..., n) are probabilities of the true class, or residuals.
    """

    residuals: bool
    floor: float = FLOOR
    scale: float = 1.0

    def __call__(self, raw: np.ndarray) -> Signals:
        """The signals of raw signals (..., n)."""
        return of_residuals(raw, scale=self.scale) if self.residuals else of_classes(raw, floor=self.floor)


def fit_transform(raw: np.ndarray, *, residuals: bool) -> SignalTransform:
    """The transform for a model with these raw signals (n,) of both groups; residuals are scaled by their median."""
    import numpy as np

    if not residuals:
        return SignalTransform(residuals=False, floor=floor_of(raw))
    sizes = np.abs(raw)
    return SignalTransform(residuals=True, scale=float(np.median(sizes)) or float(sizes.mean()) or 1.0)
