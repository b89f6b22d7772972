"""Are reconstructions nearer to training rows than to held-out rows? A permutation test with a clustered interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.gower import GowerDistance
    from model_governance.checks.privacy.model_inversion.candidates import ClassRows

MAX_IMBALANCE = 4  # rows of the larger group for each of the smaller
NEAREST = 100  # rows in order of distance that a relabelling looks at
MAX_HALF_WIDTH = 5.0  # of an interval on the log scale: a factor of 150 either way
CHUNK = 250  # relabellings at once
# With at most this many relabellings as extreme, so many times more are drawn, to resolve a small p-value.
FEW_EXTREME, MORE_RELABELLINGS = 5, 20
SMOOTHING = 0.005  # added to distances: half a percent of the range of every column
MIN_HELD_OUT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceRatio:
    """Distances of each reconstruction (n,) to the nearest training row and to the nearest held-out row.

    `ratio` is the geometric mean over reconstructions of one over the other, relative to the mean under relabelling;
    `p_value` is the share of relabellings with a ratio as small. `distinct` counts the rows that are nearest to a
    reconstruction, `rows` those that were compared.
    """

    trained: np.ndarray
    held_out: np.ndarray
    ratio: float
    interval: tuple[float, float]
    p_value: float
    distinct: int
    rows: int


def nearest_distance_ratio(
    reconstructed: pd.DataFrame,
    class_rows: ClassRows,
    distance: GowerDistance,
    *,
    resamples: int,
    generator: np.random.Generator,
) -> DistanceRatio | None:
    """Distance to the nearest training row over that to the nearest held-out row; None if too few rows are held out.

    If the model memorises no single row, training and held-out rows are exchangeable, whatever the reconstructions
    are: so random relabelling of the rows gives the null distribution of the ratio (permutation test). The interval
    is Student's t with a two-way clustered variance: reconstructions that share their nearest training or held-out
    row depend on one another (Cameron, Gelbach and Miller, 2011).
    """
    import numpy as np

    fewer = min(len(class_rows.trained), len(class_rows.held_out))
    if fewer < MIN_HELD_OUT:
        return None
    groups = [rows.iloc[: MAX_IMBALANCE * fewer] for rows in (class_rows.trained, class_rows.held_out)]
    distances = np.concatenate([distance.pairwise(reconstructed, rows) for rows in groups], axis=1)
    count = len(groups[0])
    trained, held_out = distances[:, :count].min(axis=1), distances[:, count:].min(axis=1)
    nearest = distances[:, :count].argmin(axis=1), distances[:, count:].argmin(axis=1)
    logs = np.log((trained + SMOOTHING) / (held_out + SMOOTHING))
    null = _relabelled(distances, count, resamples, generator)
    # Of more rows the nearest is nearer: dividing by the mean under relabelling makes 1 the neutral value.
    observed, neutral = float(logs.mean()), float(null.mean())
    if (null <= observed).sum() <= FEW_EXTREME:
        null = np.concatenate([null, _relabelled(distances, count, MORE_RELABELLINGS * resamples, generator)])
    p_value = (1 + int((null <= observed + 1e-9).sum())) / (1 + len(null))
    width = _half_width(logs, *nearest)
    ratio, low, high = (
        float(np.exp(log - neutral).round(12)) for log in (observed, observed - width, observed + width)
    )
    return DistanceRatio(
        trained=trained, held_out=held_out, ratio=ratio, interval=(low, high), p_value=p_value,
        distinct=len(np.unique(distances.argmin(axis=1))), rows=distances.shape[1],
    )  # fmt: skip


def _relabelled(distances: np.ndarray, count: int, relabellings: int, generator: np.random.Generator) -> np.ndarray:
    """Mean log ratio after each relabelling, (relabellings,): the nearest row of either label gives the distances."""
    import numpy as np

    order = np.argsort(distances, axis=1, kind="stable")[:, :NEAREST]
    logs = np.log(np.take_along_axis(distances, order, axis=1) + SMOOTHING)
    labels = np.tile(np.arange(distances.shape[1]) < count, (CHUNK, 1))
    rows, means = np.arange(len(distances)), []
    for _ in range(0, relabellings, CHUNK):
        trained = generator.permuted(labels, axis=1)[:, order]
        # Where all of the nearest rows have one label, the last stands for the other; this is very rare.
        trained[:, :, -1] = trained[:, :, -1] | ~trained.any(axis=2)
        first, second = trained.argmax(axis=2), (~trained).argmax(axis=2)
        means.append((logs[rows, first] - logs[rows, second]).mean(axis=1))
    return np.concatenate(means)[:relabellings].round(12)


def _half_width(logs: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Half the width of the interval of the mean of logs (n,), clustered by both nearest rows (n,)."""
    import numpy as np
    from scipy.stats import t

    deviations = logs - logs.mean()

    def variance(clusters: np.ndarray) -> float:
        sums = np.bincount(clusters, weights=deviations)
        count = len(sums)
        return float(np.square(sums).sum()) / len(deviations) ** 2 * count / max(1, count - 1)

    pairs = np.unique(np.stack([first, second]), axis=1, return_inverse=True)[1].ravel()
    by_first, by_second = (np.unique(nearest, return_inverse=True)[1] for nearest in (first, second))
    two_way = variance(by_first) + variance(by_second) - variance(pairs)
    largest = max(two_way, variance(by_first), variance(by_second))
    clusters = 1 + min(by_first.max(), by_second.max())
    if clusters < 2:
        return MAX_HALF_WIDTH  # all reconstructions have the same nearest row: the variance is unknown
    return min(MAX_HALF_WIDTH, float(t.ppf(0.975, clusters - 1)) * float(np.sqrt(largest)))
