"""Trains a booster for each published quantile on January to August 2014."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from forecasting.rows import FEATURES, between, half_hours

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import pandas as pd

QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
LEARNT, HELD_OUT = ("2014-01-01", "2014-09-01"), ("2014-09-01", "2014-10-06")
SETTINGS = {
    "objective": "quantile", "learning_rate": 0.06, "num_leaves": 15, "min_data_in_leaf": 60, "feature_fraction": 0.8,
    "bagging_fraction": 0.7, "bagging_freq": 1, "seed": 2014, "deterministic": True, "force_row_wise": True, "num_threads": 1,
    "verbose": -1,
}  # fmt: skip
ROUNDS = 250


def train(data: Mapping[str, Path], folder: Path) -> Path:
    """Write the boosters, the rows that they learnt from and the held-out reference; return the one of the median."""
    rows = half_hours(data)
    learnt = between(rows, *LEARNT)
    learnt.to_parquet(folder / "train.parquet", index=False)
    between(rows, *HELD_OUT).to_parquet(folder / "reference.parquet", index=False)
    for name, booster in fit(learnt).items():
        booster.save_model(folder / f"{name}.txt")
    return folder / "p50.txt"


def fit(rows: pd.DataFrame) -> dict[str, Any]:
    """A LightGBM booster for each quantile."""
    import lightgbm

    return {
        name: lightgbm.train(
            {**SETTINGS, "alpha": quantile}, lightgbm.Dataset(rows[FEATURES], rows["demand"]), num_boost_round=ROUNDS
        )
        for name, quantile in QUANTILES.items()
    }


def read_boosters(folder: Path) -> dict[str, Any]:
    """The boosters that `train` wrote."""
    import lightgbm

    return {name: lightgbm.Booster(model_file=folder / f"{name}.txt") for name in QUANTILES}


def forecast(boosters: Mapping[str, Any], rows: pd.DataFrame, *, widening: float = 0.0) -> np.ndarray:
    """The quantiles in GW as they are published, shape (n, 3), in ascending order, the interval wider by `widening` on both sides."""
    import numpy as np

    raw = np.sort(np.column_stack([booster.predict(rows[FEATURES]) for booster in boosters.values()]), axis=1)
    return (raw + widening * np.array([-1.0, 0.0, 1.0])).round(4)


def widening_of(boosters: Mapping[str, Any], rows: pd.DataFrame) -> float:
    """By how much the interval must be wider on both sides, in GW, to hold its share of rows that no booster learnt from.

    Split conformal calibration of quantile forecasts (Romano, Patterson and Candès, 2019).
    """
    import numpy as np

    low, _, high = forecast(boosters, rows).T
    misses = np.maximum(low - rows["demand"], rows["demand"] - high)
    return float(np.quantile(misses, QUANTILES["p90"] - QUANTILES["p10"]))
