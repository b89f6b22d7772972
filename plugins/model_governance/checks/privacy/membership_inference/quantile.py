"""Quantile regression: is the model surer of this record than of nearly all held-out records like it?

Bertran et al. (NeurIPS 2023); needs no reference model. Arrays in, scores out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

QUANTILE = 0.99


def scores(fitting: tuple[np.ndarray, np.ndarray], scoring: tuple[np.ndarray, np.ndarray], *, seed: int) -> np.ndarray:
    """Certainty above the 0.99 quantile that non-members of the same features have, shape (n,).

    Both are (features (., d), certainty (.,)); the label belongs among the features. `fitting` are
    non-members that are never scored: a regression scored on its own rows calls them ordinary and
    makes every member look exposed.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    regressor = HistGradientBoostingRegressor(
        loss="quantile", quantile=QUANTILE, early_stopping=False, random_state=seed % 2**32
    )
    features, certainty = scoring
    # Sums of several threads differ in their last bits from machine to machine.
    with threadpool_limits(limits=1):
        regressor.fit(*fitting)
        above: np.ndarray = certainty - regressor.predict(features)
    return above
