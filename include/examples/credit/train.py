"""Trains the scorecard that decides on loans, and two challengers that know the marketplace's grade and rate as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credit.rows import FEATURES, OWN, TARGET, loans_of_2016

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

LEARNT, HELD_OUT = (0, 3500), (3500, 5300)
"""Positions of the loans; the file does not say when in the quarter a loan was granted."""
SHARED = {"objective": "binary:logistic", "nthread": 1, "seed": 2016}
SHALLOW = {"max_depth": 2, "eta": 0.05, "min_child_weight": 10, "subsample": 0.8}
FOREST = {
    "max_depth": 10, "eta": 1.0, "min_child_weight": 0.3, "subsample": 0.6, "colsample_bynode": 0.4, "lambda": 0.1,
    "num_parallel_tree": 100,
}  # fmt: skip
ROUNDS = 60
GRADED = [name for name in FEATURES if name != "years_employed"]
"""What the second challenger may use."""


def train(data: Mapping[str, Path], folder: Path) -> Path:
    """Write the three models, the rows that they learnt from and the held-out reference; return the scorecard."""
    rows = loans_of_2016(data)
    learnt = rows[slice(*LEARNT)]
    learnt.to_parquet(folder / "train.parquet", index=False)
    rows[slice(*HELD_OUT)].to_parquet(folder / "reference.parquet", index=False)
    fit(learnt, FEATURES, FOREST, rounds=1).save_model(folder / "forest.ubj")
    fit(learnt, GRADED, SHALLOW, rounds=ROUNDS).save_model(folder / "graded.ubj")
    path = folder / "scorecard.ubj"
    fit(learnt, OWN, SHALLOW, rounds=ROUNDS).save_model(path)
    return path


def fit(rows: pd.DataFrame, features: list[str], settings: Mapping[str, Any], *, rounds: int) -> Any:
    """Train a booster that may use these features."""
    import xgboost

    # A model takes all features; those that it must not use are constant while it learns.
    constant = rows[FEATURES].assign(**{name: 0.0 for name in FEATURES if name not in features})
    return xgboost.train({**SHARED, **settings}, xgboost.DMatrix(constant, rows[TARGET]), rounds)
