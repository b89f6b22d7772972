"""Quantile-regression attack (Bertran et al., NeurIPS 2023): no reference model is needed.

Flags a record whose certainty exceeds a per-record quantile that was fitted on held-out data. Arrays in, scores out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

QUANTILE = 0.99


def scores(fitting: tuple[np.ndarray, np.ndarray], scoring: tuple[np.ndarray, np.ndarray], *, seed: int) -> np.ndarray:
    """Certainty above the 0.99 quantile of non-members with the same features, shape (n,).

    Args:
        fitting: features (m, d), the label among them, and certainty (m,) of non-members that are never scored. A
            regression that is scored on its own rows underestimates their certainty, and every member looks exposed.
        scoring: features (n, d) and certainty (n,) of the records to score.
        seed: of the regression.
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
