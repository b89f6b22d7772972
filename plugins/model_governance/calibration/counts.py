"""The drift statistics of many nights at once, from counts in cells: the engine's numbers, night by night in one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEAST_EXPECTED = 10
"""Rows that a cell of a category must expect on the smaller side; the others are pooled."""


def corrected_psi(reference: np.ndarray, nights: np.ndarray) -> np.ndarray:
    """PSI of each night less what chance alone adds, shape (nights,).

    Args:
        reference: counts per cell, shape (cells,) or (nights, cells).
        nights: counts per cell, shape (nights, cells).
    """
    import numpy as np

    rows, night_rows = reference.sum(axis=-1, keepdims=True), nights.sum(axis=-1, keepdims=True)
    p, q = np.maximum(reference, 0.5) / rows, np.maximum(nights, 0.5) / night_rows
    psi = ((q - p) * np.log(q / p)).sum(axis=-1)
    cells = ((reference + nights) > 0).sum(axis=-1)
    return psi - (cells - 1) * (1 / rows + 1 / night_rows)[..., 0]


def chi_square(reference: np.ndarray, nights: np.ndarray, *, pooled: bool = False) -> np.ndarray:
    """p-value of the two-sample chi-square test of each night against the reference, shape (nights,).

    `pooled` puts cells that expect fewer than ten rows on the smaller side into one. What is pooled follows from
    the counts of both sides together: chosen by the reference alone, the pool would hold the labels that the reference
    happened to draw too rarely, and the test would see a change where there is none.
    """
    import numpy as np
    from scipy.stats import chi2

    rows, night_rows = reference.sum(axis=-1, keepdims=True), nights.sum(axis=-1, keepdims=True)
    share = night_rows / (rows + night_rows)
    both = (reference + nights).astype(float)
    kept = both * np.minimum(share, 1 - share) >= LEAST_EXPECTED if pooled else both > 0
    excess = nights - both * share
    own = np.divide(excess**2, both, out=np.zeros_like(both), where=kept).sum(axis=-1)
    rest, rest_excess = np.where(kept, 0.0, both).sum(axis=-1), np.where(kept, 0.0, excess).sum(axis=-1)
    pool = np.divide(rest_excess**2, rest, out=np.zeros_like(rest), where=rest > 0)
    freedom = kept.sum(axis=-1) + (rest > 0) - 1
    spread = (share * (1 - share))[..., 0]
    return np.where(freedom > 0, chi2.sf((own + pool) / spread, np.maximum(freedom, 1)), 1.0)
