"""Search for weak slices: rows, by one column or two, on which the loss is larger than on all other rows.

Among thousands of slices some look weak by chance. So the rows are split into two halves by the seed: the first
nominates, under the false discovery rate of Benjamini and Hochberg (1995) over every slice tested, and the second
confirms the few nominees, under Bonferroni. The second half did not choose its slices, so its values are not biased
by the search, and where no slice is weak the chance of confirming any is at most `level` (Cox, 1975: data splitting).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.uncertainty import TAIL
from model_governance.stats.intervals import on_scale
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Interval
    from model_governance.checks.quality.model_quality.params import Search
    from model_governance.checks.quality.model_quality.partitions import Partition

MAX_NOMINEES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A slice against all other rows.

    Attributes:
        name: Name of the slice.
        rows: Rows of the slice.
        inside: Mean loss of the slice.
        outside: Mean loss of all other rows.
        error_inside: Standard error of `inside`.
        error_outside: Standard error of `outside`.
        p_value: One-sided p-value of an equal or smaller loss inside.
    """

    name: str
    rows: int
    inside: float
    outside: float
    error_inside: float
    error_outside: float
    p_value: float

    @property
    def gap(self) -> float:
        """Mean loss inside minus outside."""
        return self.inside - self.outside

    @property
    def error(self) -> float:
        """Standard error of the gap."""
        return math.hypot(self.error_inside, self.error_outside)

    def low(self) -> float:
        """Lower 95% limit of the gap."""
        return self.gap - normal_reach(self.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The nominees on the confirming half, best evidence first, with adjusted p-values; `tested` slices in all."""

    tested: int
    nominees: tuple[Contrast, ...]
    p_values: tuple[float, ...]


def normal_reach(error: float) -> float:
    """Half the width of a normal 95% interval with this standard error."""
    from scipy.stats import norm

    return float(norm.ppf(1 - TAIL)) * error


def search_partitions(
    candidates: Sequence[Partition], losses: np.ndarray, *, search: Search, seed: int
) -> SearchResult | None:
    """Nominate slices on one half of the rows and confirm them on the other.

    Args:
        candidates: Partitions of the n rows.
        losses: Loss of each row (n,).
        search: Level and minimum number of rows.
        seed: Seed of the split.

    Returns:
        The nominees, or None where no slice has enough rows.
    """
    import numpy as np

    first = np.zeros(len(losses), dtype=bool)
    first[np.random.default_rng(seed).permutation(len(losses))[: len(losses) // 2]] = True
    tested = _testable(candidates, losses, first, minimum=search.minimum_rows)
    if not tested:
        return None
    q_values = adjusted([contrast.p_value for _, _, contrast in tested], "benjamini_hochberg")
    nominated = [entry for entry, q_value in zip(tested, q_values, strict=True) if q_value <= search.level] or tested
    # The largest lower limit goes first; without any discovery only that slice is tested again.
    nominated.sort(key=lambda entry: (entry[2].low(), entry[2].name), reverse=True)
    nominated = nominated[: MAX_NOMINEES if min(q_values) <= search.level else 1]
    confirming = [
        next(
            contrast
            for number, contrast in _contrasts(candidates[place], losses, ~first, minimum=1)
            if number == slice_number
        )
        for place, slice_number, _ in nominated
    ]
    p_values = adjusted([contrast.p_value for contrast in confirming], "bonferroni")
    return SearchResult(tested=len(tested), nominees=tuple(confirming), p_values=p_values)


def _testable(
    candidates: Sequence[Partition], losses: np.ndarray, first: np.ndarray, *, minimum: int
) -> list[tuple[int, int, Contrast]]:
    """Partition, slice number and contrast on the first half, where both halves have enough rows in and outside."""
    testable = []
    second_rows = int((~first).sum())
    for place, partition in enumerate(candidates):
        counts = _count(partition, ~first)
        testable += [
            (place, number, contrast)
            for number, contrast in _contrasts(partition, losses, first, minimum=minimum)
            if counts[number] >= minimum and second_rows - counts[number] >= minimum
        ]
    return testable


def _count(partition: Partition, rows: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.bincount(partition.number[rows & (partition.number >= 0)], minlength=len(partition.names))


def _contrasts(
    partition: Partition, losses: np.ndarray, rows: np.ndarray, *, minimum: int
) -> list[tuple[int, Contrast]]:
    """Every slice of a partition with `minimum` rows in and outside, against all other rows of the mask `rows` (n,)."""
    import numpy as np

    selected = rows & (partition.number >= 0)
    number, loss, slices = partition.number[selected], losses[selected], len(partition.names)
    count = np.bincount(number, minlength=slices)
    total, square = (np.bincount(number, weights=weights, minlength=slices) for weights in (loss, loss**2))
    n, all_losses, all_squares = int(rows.sum()), float(losses[rows].sum()), float(np.square(losses[rows]).sum())
    large = np.flatnonzero((count >= minimum) & (n - count >= minimum))
    inside, error_inside = _mean_and_error(count[large], total[large], square[large])
    outside, error_outside = _mean_and_error(n - count[large], all_losses - total[large], all_squares - square[large])
    if np.isin(losses, (0.0, 1.0)).all():
        p_values = _fisher_p_values(count[large], total[large], n=n, successes=round(all_losses))
    else:
        p_values = _welch_p_values(count[large], n - count[large], inside - outside, error_inside, error_outside)
    return [
        (
            int(at),
            Contrast(
                name=partition.names[at], rows=int(count[at]), inside=float(inside[i]), outside=float(outside[i]),
                error_inside=float(error_inside[i]), error_outside=float(error_outside[i]), p_value=float(p_values[i]),
            ),
        )
        for i, at in enumerate(large)
    ]  # fmt: skip


def _mean_and_error(count: np.ndarray, total: np.ndarray, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and its standard error from counts, sums and sums of squares."""
    import numpy as np

    mean = total / count
    variance = np.maximum(square / count - mean**2, 0.0) * count / np.maximum(count - 1, 1)
    return mean, np.sqrt(variance / count)


def _fisher_p_values(count: np.ndarray, total: np.ndarray, *, n: int, successes: int) -> np.ndarray:
    """One-sided exact p-values (Fisher) of losses of 0 and 1: `total` of `count` rows, `successes` of n in all."""
    import numpy as np
    from scipy.stats import hypergeom

    return np.clip(hypergeom.sf(np.round(total) - 1, n, successes, count), 0.0, 1.0)


def _welch_p_values(
    rows_inside: np.ndarray,
    rows_outside: np.ndarray,
    gap: np.ndarray,
    error_inside: np.ndarray,
    error_outside: np.ndarray,
) -> np.ndarray:
    """One-sided p-values of Welch's test (1947)."""
    import numpy as np
    from scipy.stats import t

    error = np.hypot(error_inside, error_outside)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = error**4 / (error_inside**4 / (rows_inside - 1) + error_outside**4 / (rows_outside - 1))
        p_values = t.sf(gap / error, np.maximum(freedom, 1.0))
    return np.where(error > 0, p_values, np.where(gap > 0, 0.0, 1.0))


def gap_interval(contrast: Contrast, *, classes: bool) -> Interval | None:
    """95% interval of the gap: distances to the limits of both means added in squares (Zou and Donner, 2008).

    Args:
        contrast: The slice.
        classes: Whether losses are 0 and 1.

    Returns:
        Lower and upper limit; None where nothing varies.
    """
    if contrast.error == 0:
        return None
    low_in, high_in = loss_interval(contrast.inside, contrast.error_inside, classes=classes)
    low_out, high_out = loss_interval(contrast.outside, contrast.error_outside, classes=classes)
    below = math.hypot(contrast.inside - low_in, high_out - contrast.outside)
    above = math.hypot(high_in - contrast.inside, contrast.outside - low_out)
    return contrast.gap - below, contrast.gap + above


def loss_interval(loss: float, error: float, *, classes: bool) -> Interval:
    """95% interval of a mean loss: on the logit scale for shares of wrong rows, on the log scale for error sizes."""
    if error == 0:
        return loss, loss
    return on_scale(loss, normal_reach(error), "logit" if classes else "log") or (loss, loss)
