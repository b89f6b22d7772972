"""The drift statistics of many runs at once: those of `engine.cells` and `engine.distances`, in arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine.cells import LEAST_EXPECTED

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRuns:
    """Counts of many runs beside a reference, rare cells joined; arrays of shape (runs, cells).

    Joined cells leave empty places at the end of a row; `cells` is the number of cells of a run, shape (runs,).
    """

    reference: np.ndarray
    current: np.ndarray
    cells: np.ndarray

    def psi(self) -> np.ndarray:
        """Population stability index of each run, corrected for chance, shape (runs,)."""
        import numpy as np

        used = np.arange(self.reference.shape[1]) < self.cells[:, None]
        r, c = (
            np.where(used, counts + 0.5, 1.0) / (counts.sum(axis=1) + 0.5 * self.cells)[:, None]
            for counts in (self.reference, self.current)
        )
        raw = np.where(used, (r - c) * np.log(r / c), 0.0).sum(axis=1)
        return np.where(self.cells > 1, raw - (self.cells - 1) * self.chance, 0.0)

    def p_values(self) -> np.ndarray:
        """p-value of the two-sample chi-square test of each run, shape (runs,)."""
        import numpy as np
        from scipy.stats import chi2

        both = self.reference + self.current
        n, m = (counts.sum(axis=1, keepdims=True) for counts in (self.reference, self.current))
        gap = self.reference * np.sqrt(m / n) - self.current * np.sqrt(n / m)
        statistic = np.divide(gap**2, both, out=np.zeros(both.shape), where=both > 0).sum(axis=1)
        return np.where(self.cells > 1, chi2.sf(statistic, np.maximum(self.cells - 1, 1)), 1.0)

    @property
    def chance(self) -> np.ndarray:
        """1/n + 1/m of each run, shape (runs,)."""
        chance: np.ndarray = 1 / self.reference.sum(axis=1) + 1 / self.current.sum(axis=1)
        return chance


def joined(reference: np.ndarray, current: np.ndarray, *, in_order: bool) -> DrawnRuns:
    """Runs with their rare cells joined, as `pool_neighbours` (cells in order) or `pool_rare` does.

    Args:
        reference: counts of shape (cells,), or (runs, cells) where each run has a reference of its own.
        current: counts of shape (runs, cells).
        in_order: whether neighbours are joined; otherwise all rare cells are put into one.
    """
    import numpy as np

    first = np.broadcast_to(reference, current.shape)
    n, m = first.sum(axis=1, keepdims=True), current.sum(axis=1, keepdims=True)
    expected = (first + current) * (np.minimum(n, m) / (n + m))
    if (expected >= LEAST_EXPECTED).all():
        return DrawnRuns(reference=first, current=current, cells=np.full(len(current), current.shape[1]))
    groups = _neighbours(expected) if in_order else _rare(expected)
    return DrawnRuns(
        reference=_sums(first, groups), current=_sums(current, groups), cells=np.maximum(groups.max(axis=1) + 1, 1)
    )


def _neighbours(expected: np.ndarray) -> np.ndarray:
    import numpy as np

    groups, filled = np.zeros(expected.shape, dtype="int64"), np.zeros(len(expected))
    for place in range(1, expected.shape[1]):
        filled = filled + expected[:, place - 1]
        full = filled >= LEAST_EXPECTED
        groups[:, place] = groups[:, place - 1] + full
        filled = np.where(full, 0.0, filled)
    last = groups[:, -1]
    poor = (last > 0) & (filled + expected[:, -1] < LEAST_EXPECTED)
    return np.where(poor[:, None] & (groups == last[:, None]), groups - 1, groups)


def _rare(expected: np.ndarray) -> np.ndarray:
    """Group 0 for the pool where there is one; labels that neither side holds belong to it and count nothing."""
    import numpy as np

    order = np.argsort(expected, axis=1, kind="stable")
    ascending = np.take_along_axis(expected, order, axis=1)
    nobody = (ascending == 0).sum(axis=1)
    rare = (ascending < LEAST_EXPECTED).sum(axis=1)
    enough = (ascending.cumsum(axis=1) < LEAST_EXPECTED).sum(axis=1) + 1
    pooled = np.where(rare > nobody, np.minimum(np.maximum(rare, enough), expected.shape[1]), nobody)
    places = np.arange(expected.shape[1])
    first = np.where(rare > nobody, 1, 0)
    ranked = np.where(places < pooled[:, None], 0, places - pooled[:, None] + first[:, None])
    groups = np.empty_like(ranked)
    np.put_along_axis(groups, order, ranked, axis=1)
    return groups


def _sums(counts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    import numpy as np

    rows, cells = groups.shape
    places = (np.arange(rows)[:, None] * cells + groups).ravel()
    return np.bincount(places, weights=counts.ravel(), minlength=rows * cells).reshape(rows, cells)
