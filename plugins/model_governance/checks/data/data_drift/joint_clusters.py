"""Rows that belong together, for a classifier that must not recognise a customer it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.dependence import cluster_codes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def clusters_of(*samples: pd.Series) -> np.ndarray:
    """The cluster of each row of all samples, one after the other, (rows,) int; a row without one is its own."""
    import pandas as pd

    return cluster_codes(pd.concat(samples, ignore_index=True).astype("string"))


def blocks_of(clusters: np.ndarray, *, blocks: int, seed: int) -> np.ndarray:
    """The block of each row, (rows,) int: random, and all rows of a cluster in one, whichever dataset they are from."""
    import numpy as np

    count = int(clusters.max()) + 1
    order = np.random.default_rng(seed).permutation(count)
    block: np.ndarray = (order * blocks // count)[clusters]
    return block


def clustered_variance(above: np.ndarray, below: np.ndarray, current: np.ndarray, clusters: np.ndarray) -> float:
    """Variance of a ROC AUC whose rows depend on one another within clusters (Obuchowski, 1997).

    Args:
        above: share of reference rows that score lower than each current row, (current rows,).
        below: share of current rows that score higher than each reference row, (reference rows,).
        current: which rows are current ones, (rows,) bool.
        clusters: the cluster of each row, (rows,).
    """
    import numpy as np

    added = np.empty(len(current))
    added[current] = (above - above.mean()) / len(above)
    added[~current] = (below - below.mean()) / len(below)
    _, places = np.unique(clusters, return_inverse=True)
    sums = np.bincount(places, weights=added)
    return float(np.square(sums).sum()) * len(sums) / max(1, len(sums) - 1)
