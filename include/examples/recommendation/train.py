"""Trains the ranking model, and one that knows popularity alone, on the users who joined before 2001."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommendation.rows import FEATURES, ITEM_FEATURES, USER_FEATURES, joined_between, ranked_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

LEARNT, HELD_OUT = (1995, 2001), (2001, 2003)
RISING = [*ITEM_FEATURES, *USER_FEATURES]
"""Features of which more never lowers a score."""
SETTINGS = {
    "objective": "lambdarank", "lambdarank_truncation_level": 10, "learning_rate": 0.05, "num_leaves": 4, "min_data_in_leaf": 300,
    "monotone_constraints": [int(name in RISING) for name in FEATURES], "seed": 1995, "deterministic": True, "force_row_wise": True,
    "num_threads": 1, "verbose": -1,
}  # fmt: skip
ROUNDS = 80


def train(data: Mapping[str, Path], folder: Path) -> Path:
    """Write both models, the rows that they learnt from and the held-out reference; return the personal model."""
    rows = ranked_rows(data)
    rows.to_parquet(folder / "rows.parquet", index=False)
    learnt = joined_between(rows, *LEARNT)
    learnt.to_parquet(folder / "train.parquet", index=False)
    joined_between(rows, *HELD_OUT).to_parquet(folder / "reference.parquet", index=False)
    fit(learnt, ["popularity"], folder / "popular.txt")
    return fit(learnt, FEATURES, folder / "personal.txt")


def fit(rows: pd.DataFrame, features: list[str], path: Path) -> Path:
    """Train LambdaMART on these features and write it in LightGBM's own format, which holds no code."""
    import lightgbm

    sizes = rows.groupby("user", sort=False).size().to_numpy()
    # A model takes all features; those that it must not use are constant while it learns.
    constant = rows[FEATURES].assign(**{name: 0.0 for name in FEATURES if name not in features})
    lightgbm.train(SETTINGS, lightgbm.Dataset(constant, rows["liked"], group=sizes), ROUNDS).save_model(path)
    return path
