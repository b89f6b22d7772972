"""Overdispersion: how much more the runs of one column differ than independent rows would."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.engine.profiles import ColumnProfile

LEAST_EXPECTED = 5
"""Expected rows of the smallest run in a cell (Cochran, 1954); rarer cells are pooled."""


def overdispersion(runs: Sequence[ColumnProfile]) -> tuple[float, int]:
    """Pearson's homogeneity statistic of runs over its degrees of freedom, at least 1 (McCullagh and Nelder, 1989, 4.5).

    About 1 where rows are independent and nothing differs between runs; a design effect of 2 gives 2. Effects of single days add
    to it in proportion to the rows of a run.

    Args:
        runs: the same column of several runs on common cells.

    Returns:
        The factor, and its degrees of freedom (runs - 1)(cells - 1): 0, with factor 1, where fewer than two runs or cells hold
        rows.

    Raises:
        ValueError: the runs are on different cells.
    """
    import numpy as np

    if any(run.cells != runs[0].cells for run in runs):
        raise ValueError("overdispersion needs runs on common cells")
    counts = np.array([run.cell_counts for run in runs if run.held > 0]).reshape(-1, _cells(runs))
    pooled = _pooled(counts, in_order=bool(runs) and runs[0].cells.family == "numbers")
    freedom = (pooled.shape[0] - 1) * (pooled.shape[1] - 1)
    if freedom < 1:
        return 1.0, 0
    expected = np.outer(pooled.sum(axis=1), pooled.sum(axis=0)) / pooled.sum()
    statistic = float(((pooled - expected) ** 2 / expected).sum())
    return max(1.0, statistic / freedom), freedom


def _cells(runs: Sequence[ColumnProfile]) -> int:
    return len(runs[0].cell_counts) if runs else 1


def _pooled(counts: np.ndarray, *, in_order: bool) -> np.ndarray:
    """Cells that expect too few rows of the smallest run pooled: with neighbours, or with the next rarest; shape (runs, pooled)."""
    import numpy as np

    if len(counts) < 2:
        return counts[:, :1]
    totals = counts.sum(axis=0)
    expected = totals * (counts.sum(axis=1).min() / totals.sum())
    order = np.arange(len(totals)) if in_order else np.argsort(expected, kind="stable")
    starts, filled = [0], 0.0
    for place, rows in enumerate(expected[order].tolist()):
        if filled >= LEAST_EXPECTED:
            starts.append(place)
            filled = 0.0
        filled += rows
    if filled < LEAST_EXPECTED and len(starts) > 1:
        starts.pop()
    pooled: np.ndarray = np.add.reduceat(counts[:, order], starts, axis=1)
    return pooled
