"""Calibration of probabilities: the expected calibration error over bins of equal frequency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.uncertainty import TAIL, resampled
from model_governance.contract.result import Estimate
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    import numpy as np

NORMAL_ROWS = 20_000  # from which on sums over a resample are drawn from their normal limit


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityBins:
    """Rows grouped by predicted probability into k bins, low to high.

    Attributes:
        number: Bin of each row (n,).
        gap: Probability minus label of each row (n,).
        rows: Rows of each bin (k,).
        mean: Mean probability of each bin (k,).
        positives: Positive labels of each bin (k,).
    """

    number: np.ndarray
    gap: np.ndarray
    rows: np.ndarray
    mean: np.ndarray
    positives: np.ndarray

    @property
    def observed(self) -> np.ndarray:
        """Share of positives per bin."""
        return self.positives / self.rows

    def limits(self) -> list[tuple[float, float]]:
        """Exact 95% limits of the observed share per bin."""
        return [clopper_pearson(int(hits), int(n)) for hits, n in zip(self.positives, self.rows, strict=True)]


def bin_probabilities(probability: np.ndarray, positive: np.ndarray, *, count: int) -> ProbabilityBins:
    """Group rows at the quantiles of their probability (n,); equal ones share a bin, so there may be fewer bins."""
    import numpy as np

    inner = np.unique(np.quantile(probability, np.linspace(0, 1, count + 1)[1:-1]))
    _, number = np.unique(np.searchsorted(inner, probability, side="left"), return_inverse=True)
    rows = np.bincount(number)
    positives = np.bincount(number, weights=positive).astype(np.int64)
    mean = np.bincount(number, weights=probability) / rows
    return ProbabilityBins(number=number, gap=probability - positive, rows=rows, mean=mean, positives=positives)


def calibration_error(bins: ProbabilityBins, *, seed: int, resamples: int) -> Estimate:
    """Sum over bins of (rows / n) * |mean probability - observed share| (Naeini et al., 2015).

    The estimate is biased upwards, because noise in a bin never cancels out, and a percentile bootstrap would be more
    so. Its distance from the truth is at most the sum of the distances of the bins' gaps from theirs (triangle
    inequality), which the bootstrap estimates. The interval is therefore conservative, and its lower limit is above 0
    only where chance does not explain the gaps. The detail names the mean error of a calibrated model.
    """
    import numpy as np

    n = len(bins.number)

    def gaps(rows: np.ndarray) -> np.ndarray:
        return np.bincount(bins.number[rows], weights=bins.gap[rows], minlength=len(bins.rows)) / n

    observed = gaps(np.arange(n))
    value = float(np.abs(observed).sum())
    if n > NORMAL_ROWS:
        distance = _normal_distance(bins, observed, seed=seed, resamples=resamples)
    else:
        drawn = resampled(lambda rows: float(np.abs(gaps(rows) - observed).sum()), n, seed=seed, resamples=resamples)
        distance = None if drawn is None else drawn[1]
    interval = None if distance is None else (max(0.0, value - distance), min(1.0, value + distance))
    spread = np.sqrt(bins.mean * (1 - bins.mean) / bins.rows)
    chance = float((bins.rows / n * spread).sum()) * math.sqrt(2 / math.pi)
    return Estimate(
        name="calibration_error", value=value, n=n, interval=interval, detail=f"{chance:.2g} would be seen by chance"
    )


def _normal_distance(bins: ProbabilityBins, observed: np.ndarray, *, seed: int, resamples: int) -> float | None:
    """The bootstrap's distance for many rows: sums over a resample are normal, so they are drawn directly."""
    import numpy as np

    n = len(bins.number)
    squares = np.bincount(bins.number, weights=np.square(bins.gap), minlength=len(bins.rows)) / n
    spread = np.linalg.cholesky((np.diag(squares) - np.outer(observed, observed)) / n + 1e-15 * np.eye(len(observed)))
    drawn = np.random.default_rng(seed).standard_normal((resamples, len(observed))) @ spread.T
    distance = float(np.quantile(np.abs(drawn).sum(axis=1), 1 - TAIL))
    return distance if distance > 0 else None
