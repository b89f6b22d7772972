"""Whether probabilities mean what they say: the expected calibration error over bins of equal frequency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.uncertainty import TAIL, resampled
from model_governance.contract.result import Estimate, Table
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    import numpy as np

MANY = 20_000  # rows from which on sums over a resample are drawn from their normal limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """Rows grouped by predicted probability: counts, mean probability and positives per bin, low to high.

    `number` (shape (n,)) is the bin of each row, `gap` its probability minus its label.
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


def into_bins(probability: np.ndarray, positive: np.ndarray, *, count: int) -> Bins:
    """Cut rows at the quantiles of their probability; equal probabilities share a bin, so there may be fewer."""
    import numpy as np

    inner = np.unique(np.quantile(probability, np.linspace(0, 1, count + 1)[1:-1]))
    _, number = np.unique(np.searchsorted(inner, probability, side="left"), return_inverse=True)
    rows = np.bincount(number)
    positives = np.bincount(number, weights=positive).astype(np.int64)
    mean = np.bincount(number, weights=probability) / rows
    return Bins(number=number, gap=probability - positive, rows=rows, mean=mean, positives=positives)


def calibration_error(bins: Bins, *, seed: int, resamples: int) -> Estimate:
    """Sum over bins of (rows / n) * |mean probability - observed share| (Naeini et al., 2015).

    The estimate lies above the truth, because noise in a bin never cancels out, and a percentile
    bootstrap would lie higher still. Yet it cannot be farther from the truth than the gaps of all bins
    are from theirs in sum (triangle inequality); the bootstrap tells how far that is. The interval is
    therefore conservative, and its lower limit is above 0 only where chance does not explain the
    gaps. The detail names the error that a calibrated model would show on average.
    """
    import numpy as np

    n = len(bins.number)

    def gaps(rows: np.ndarray) -> np.ndarray:
        return np.bincount(bins.number[rows], weights=bins.gap[rows], minlength=len(bins.rows)) / n

    seen = gaps(np.arange(n))
    value = float(np.abs(seen).sum())
    if n > MANY:
        distance = _normal_distance(bins, seen, seed=seed, resamples=resamples)
    else:
        drawn = resampled(lambda rows: float(np.abs(gaps(rows) - seen).sum()), n, seed=seed, resamples=resamples)
        distance = None if drawn is None else drawn[1]
    interval = None if distance is None else (max(0.0, value - distance), min(1.0, value + distance))
    spread = np.sqrt(bins.mean * (1 - bins.mean) / bins.rows)
    chance = float((bins.rows / n * spread).sum()) * math.sqrt(2 / math.pi)
    return Estimate(
        name="calibration_error", value=value, n=n, interval=interval, detail=f"{chance:.2g} would be seen by chance"
    )


def _normal_distance(bins: Bins, seen: np.ndarray, *, seed: int, resamples: int) -> float | None:
    """The bootstrap's distance where rows are many: sums over a resample are normal, so they are drawn at once."""
    import numpy as np

    n = len(bins.number)
    squares = np.bincount(bins.number, weights=np.square(bins.gap), minlength=len(bins.rows)) / n
    spread = np.linalg.cholesky((np.diag(squares) - np.outer(seen, seen)) / n + 1e-15 * np.eye(len(seen)))
    drawn = np.random.default_rng(seed).standard_normal((resamples, len(seen))) @ spread.T
    distance = float(np.quantile(np.abs(drawn).sum(axis=1), 1 - TAIL))
    return distance if distance > 0 else None


def calibration_table(bins: Bins) -> Table:
    """Predicted against observed share per bin."""
    rows = tuple(
        (place, int(n), float(mean), float(observed), low, high)
        for place, (n, mean, observed, (low, high)) in enumerate(
            zip(bins.rows, bins.mean, bins.observed, bins.limits(), strict=True), start=1
        )
    )
    header = ("bin", "rows", "mean probability", "observed share", "observed, low", "observed, high")
    return Table(name="calibration", title="Predicted probability against observed share", header=header, rows=rows)
