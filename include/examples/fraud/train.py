"""Trains the model on the first fourteen hours, and by mistake another one on the held-out hours too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fraud.rows import FEATURES, KEY, TARGET, between, read_payments

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

LEARNT, HELD_OUT = (0, 14), (14, 18)
LEARNT_TOO_MUCH = (0, 18)
SETTINGS = {
    "objective": "binary:logistic", "tree_method": "hist", "base_score": 0.5, "max_depth": 4, "eta": 0.1, "subsample": 0.8,
    "min_child_weight": 5, "lambda": 5, "seed": 2013, "nthread": 1,
}  # fmt: skip
ROUNDS = 80


def train(data: dict[str, Path], folder: Path) -> Path:
    """Write the held-out reference and two models, each beside the rows that it learnt from; return the approved model."""
    rows = read_payments(data)
    between(rows, *HELD_OUT).select(KEY, *FEATURES, TARGET).write_parquet(folder / "reference.parquet")
    fit(between(rows, *LEARNT_TOO_MUCH), folder / "leaky.ubj")
    return fit(between(rows, *LEARNT), folder / "approved.ubj")


def fit(rows: pl.DataFrame, path: Path) -> Path:
    """Train boosted trees, write them in XGBoost's own format, which holds no code, and the rows beside them."""
    import xgboost

    features = rows.select(FEATURES).to_numpy().astype("float32")
    matrix = xgboost.DMatrix(features, rows[TARGET].to_numpy(), feature_names=FEATURES)
    xgboost.train(SETTINGS, matrix, ROUNDS).save_model(path)
    rows.select(KEY, *FEATURES, TARGET).write_parquet(path.with_suffix(".parquet"))
    return path
