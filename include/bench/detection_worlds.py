"""The data of the detection bench: a reference, unchanged runs of four kinds, and runs with one planted change.

Every feature is made from a normal deviate (a Gaussian copula), so that customers, days and weekdays can move numbers,
categories and a rare flag alike. Needs numpy and pandas only: every peer draws the same rows in its own environment.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = ("income", "age", "balance", "amount", "tenure", "usage")
CATEGORIES = ("region", "channel", "product", "flag")
FEATURES = (*NUMBERS, *CATEGORIES)
LABELS = {"region": 8, "channel": 3, "product": 20}
KINDS = ("independent rows", "customers of five rows", "day effects", "weekly season")
CHANGES = {
    "mean": "income moves by 0.15 standard deviations",
    "variance": "the spread of age grows by 15%",
    "tail": "the highest 2% of balance are five times as large",
    "new label": "0.5% of products have a label never seen before",
    "missing": "tenure is missing in 4% of rows instead of 2%",
    "unit error": "0.5% of amounts arrive in cents",
    "correlation": "income and age correlate by 0.3 instead of 0.6, each as before",
    "label shift": "28% of labels are positive instead of 22.5%, rows of each class as before",
    "concept": "usage says the opposite of what it said about the label, with half the weight",
    "subgroup only": "in one region of eight (11% of rows) income moves by 0.5 standard deviations",
    "rare flag": "a flag of 1% rises to 2%",
    "slow ramp": "income moves by 0.01 standard deviations more in each run",
}
MISSING, RARE = 0.02, 0.01
WITHIN = 0.25
"""Correlation of the rows of one customer: with five rows each the design effect is 2."""
DAY, MEMORY = 0.05, 0.5
WEEK = (0.1, 0.08, 0.0, -0.05, -0.03, -0.15, 0.05)
WEIGHTS = {"income": 0.9, "age": -0.6, "balance": 0.5, "amount": 0.4, "usage": 0.8, "channel": 0.5}
INTERCEPT = -1.62


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Rows of the reference and of a run, and how many runs and repetitions are measured.

    The k-th largest of `null` unchanged runs is exceeded by the next one with the probability k / (null + 1): the second of
    183 in 365 * 2 / 184 = 4.0 runs a year. A lower order than the largest varies less from one draw to the next.
    """

    reference: int = 10_000
    rows: int = 1_000
    warm_up: int = 40
    null: int = 183
    order: int = 2
    repetitions: int = 20
    longest: int = 30


QUICK = Sizes(reference=1_500, rows=400, warm_up=3, null=6, order=1, repetitions=4, longest=3)


class World:
    """Runs of one kind, in order: day effects remember yesterday and the weekday goes on."""

    def __init__(self, kind: str, *, seed: tuple[int, ...], change: str = "") -> None:
        self.kind, self.change = kind, change
        self.draw = np.random.default_rng(seed)
        self.day = self.draw.normal(0, DAY, len(FEATURES))
        self.run = 0

    def frame(self, rows: int) -> pd.DataFrame:
        """The rows of the next run."""
        self.day = MEMORY * self.day + math.sqrt(1 - MEMORY**2) * self.draw.normal(0, DAY, len(FEATURES))
        shift = self.day if self.kind == "day effects" else np.zeros(len(FEATURES))
        if self.kind == "weekly season":
            shift = np.full(len(FEATURES), WEEK[self.run % 7])
        self.run += 1
        return rows_of(self.draw, rows, shift=shift, clustered=self.kind == KINDS[1], change=self.change, run=self.run)


def reference_of(kind: str, rows: int, *, seed: int) -> pd.DataFrame:
    """The reference: rows of 50 unchanged runs together, so that days and weekdays are mixed in it."""
    world = World(kind, seed=(seed, KINDS.index(kind), 0))
    frames = [world.frame(rows // 50 + 1) for _ in range(50)]
    for place, frame in enumerate(frames):
        frame["entity"] += place * 1_000_000
    return pd.concat(frames, ignore_index=True).head(rows)


def rows_of(
    draw: np.random.Generator, rows: int, *, shift: np.ndarray, clustered: bool, change: str = "", run: int = 1
) -> pd.DataFrame:
    """Features, customer and label of independent or clustered rows."""
    drawn = 2 * rows if change == "label shift" else rows
    entity = np.arange(drawn) // (5 if clustered else 1)
    deviates = draw.normal(size=(drawn, len(FEATURES)))
    if clustered:
        own = draw.normal(size=(entity.max() + 1, len(FEATURES)))
        deviates = math.sqrt(WITHIN) * own[entity] + math.sqrt(1 - WITHIN) * deviates
    correlation = 0.3 if change == "correlation" else 0.6
    deviates[:, 1] = correlation * deviates[:, 0] + math.sqrt(1 - correlation**2) * deviates[:, 1]
    latent = dict(zip(FEATURES, (deviates + shift).T, strict=True))
    label = _label(draw, latent, concept=change == "concept")
    if change == "label shift":
        keep = _with_share(draw, label, share=0.28, rows=rows)
        label, entity = label[keep], entity[keep]
        latent = {name: values[keep] for name, values in latent.items()}
    _move(latent, change, run)
    frame = _observed(draw, latent, change)
    frame["entity"] = entity + run * 100_000
    frame["label"] = label
    return frame


def _label(draw: np.random.Generator, latent: dict[str, np.ndarray], *, concept: bool) -> np.ndarray:
    weights = WEIGHTS | ({"usage": -WEIGHTS["usage"] / 2} if concept else {})
    logit = INTERCEPT + sum(weight * latent[name] for name, weight in weights.items())
    return (draw.uniform(size=len(logit)) < 1 / (1 + np.exp(-logit))).astype("int64")


def _with_share(draw: np.random.Generator, label: np.ndarray, *, share: float, rows: int) -> np.ndarray:
    """Some of the rows, in order, so that this share is positive and each class is as before."""
    positive = draw.binomial(rows, share)
    chosen = [
        draw.choice(np.flatnonzero(label == side), count, replace=False)
        for side, count in ((0, rows - positive), (1, positive))
    ]
    return np.sort(np.concatenate(chosen))


def _move(latent: dict[str, np.ndarray], change: str, run: int) -> None:
    """Changes of whole distributions; the label was drawn before, as labels belong to people and not to columns."""
    if change == "mean":
        latent["income"] += 0.15
    elif change == "variance":
        latent["age"] *= 1.15
    elif change == "slow ramp":
        latent["income"] += 0.01 * run
    elif change == "subgroup only":
        latent["income"] += 0.5 * (_category(latent["region"], "region") == 3)
    elif change == "rare flag":
        latent["flag"] += stats.norm.isf(RARE) - stats.norm.isf(2 * RARE)


def _category(deviates: np.ndarray, name: str) -> np.ndarray:
    """Labels by rank: shares fall like 1 / rank^0.7."""
    weights = 1 / np.arange(1, LABELS[name] + 1) ** 0.7
    return np.searchsorted(stats.norm.ppf(np.cumsum(weights) / weights.sum())[:-1], deviates)


def _observed(draw: np.random.Generator, latent: dict[str, np.ndarray], change: str) -> pd.DataFrame:
    """What is stored: skewed and heavy-tailed numbers, missing values, labels."""
    rows = len(latent["income"])
    columns: dict[str, object] = {
        "income": latent["income"],
        "age": latent["age"],
        "balance": np.exp(latent["balance"]),
        "amount": 20 * np.exp(0.5 * latent["amount"]),
        "tenure": stats.norm.cdf(latent["tenure"]) * 40,
        "usage": latent["usage"] * (1 + 0.1 * latent["usage"] ** 2),
    }
    numbers = {name: np.array(values, dtype=float) for name, values in columns.items()}
    missing = draw.uniform(size=rows) < MISSING * (2 if change == "missing" else 1)
    numbers["tenure"][missing] = np.nan
    chance = draw.uniform(size=rows)
    if change == "tail":
        numbers["balance"][latent["balance"] > stats.norm.isf(0.02)] *= 5
    if change == "unit error":
        numbers["amount"][chance < 0.005] *= 100
    labels = {name: np.array([f"{name[0]}{code}" for code in _category(latent[name], name)], object) for name in LABELS}
    if change == "new label":
        labels["product"][chance < 0.005] = "launched"
    flag = np.where(latent["flag"] > stats.norm.isf(RARE), "yes", "no").astype(object)
    return pd.DataFrame({**numbers, **labels, "flag": flag})


def design(frame: pd.DataFrame) -> np.ndarray:
    """The model's inputs, shape (rows, features): numbers, and codes of categories; missing values are the middle."""
    numbers = frame[list(NUMBERS)].fillna(20.0).to_numpy(copy=True)
    numbers[:, 2:4] = np.log(np.maximum(numbers[:, 2:4], 1e-3))
    channel = (frame["channel"].to_numpy()[:, None] == np.array(["c1", "c2"])).astype(float)
    return np.hstack([numbers, channel, (frame[["flag"]] == "yes").to_numpy(dtype=float)])


def fit_model(path: Path, *, seed: int) -> None:
    """A logistic regression of scikit-learn on unchanged rows; its coefficients go to a file that every peer can read."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = rows_of(np.random.default_rng([seed, 99]), 10_000, shift=np.zeros(len(FEATURES)), clustered=False)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(design(rows), rows["label"])
    scale, classify = model[0], model[1]
    weights = classify.coef_[0] / scale.scale_
    path.parent.mkdir(parents=True, exist_ok=True)
    intercept = float(classify.intercept_[0] - (weights * scale.mean_).sum())
    path.write_text(json.dumps({"weights": weights.tolist(), "intercept": intercept}))


def score(frame: pd.DataFrame, path: Path) -> np.ndarray:
    """The fitted model's probability of the positive class, shape (rows,)."""
    model = json.loads(path.read_text())
    return 1 / (1 + np.exp(-(design(frame) @ np.array(model["weights"]) + model["intercept"])))


def answered(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows with what every method is given beside the features: score, label, and whether the answer was right."""
    probability = score(frame, path)
    return frame.assign(
        score=probability, right=((probability >= 0.5).astype(int) == frame["label"]).map({True: "yes", False: "no"})
    )
