"""Which fold each reference row belongs to: rows of one entity share one, or rows with the same features."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns

DISTINCT_PER_FOLD = 20
"""Fewer distinct rows in a fold: the features are so coarse that rows repeat without being copies."""


def joined_rows(rows: pd.DataFrame, columns: Columns) -> np.ndarray:
    """Number (n,) of the group of rows that stay together, from 0: those of one entity, else those of the same features."""
    from model_governance.contract.dependence import clusters_of

    coarsest = clusters_of(columns, rows.__getitem__).coarsest
    return same_rows(rows[list(columns.names)]) if coarsest is None else coarsest


def same_rows(frame: pd.DataFrame) -> np.ndarray:
    """Number (n,) of the group of rows that hold the same values in every column, from 0."""
    import numpy as np
    from pandas.util import hash_pandas_object

    hashes = hash_pandas_object(frame, index=False).to_numpy()
    return np.asarray(np.unique(hashes, return_inverse=True)[1])


def folds_of(groups: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """Fold (n,) of each row: a copy of a row in another fold would let a curve be tested on what it was fitted on.

    Args:
        groups: rows with the same number stay together, (n,), from 0.
        folds: number of folds.
        generator: draws them.
    """
    import numpy as np

    distinct = int(groups.max()) + 1
    if distinct == len(groups) or distinct < DISTINCT_PER_FOLD * folds:
        return np.asarray(generator.permutation(len(groups)) % folds)
    return np.asarray((generator.permutation(distinct) % folds)[groups])


def resampled_rows(groups: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Row numbers of a bootstrap sample of whole groups (n,)."""
    import numpy as np

    distinct = int(groups.max()) + 1
    if distinct == len(groups):
        return generator.integers(0, distinct, size=distinct)
    times = np.bincount(generator.integers(0, distinct, size=distinct), minlength=distinct)
    return np.repeat(np.arange(len(groups)), times[groups])
