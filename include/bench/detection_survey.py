"""Real changes for the detection bench: the employment of Massachusetts in the census surveys of 2015 to 2018."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from detection_runs import Setting
    from detection_worlds import Sizes

SURVEY = "survey"
SOURCE = Path(__file__).resolve().parents[1] / "demo" / "acs_employment_ma.parquet"
YEARS = (2016, 2017, 2018)
NUMBERS = ("AGEP", "SCHL")
CATEGORIES = (
    "MAR", "RELP", "DIS", "ESP", "CIT", "MIG", "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM", "SEX", "RAC1P",
)  # fmt: skip
STEPS = 25


class Survey:
    """The rows of each year, a model of 2015, and runs that are drawn from a year without replacement within a run."""

    def __init__(self, *, seed: int) -> None:
        rows = pd.read_parquet(SOURCE).sample(frac=1.0, random_state=seed % 2**32).reset_index(drop=True)
        numbers = rows[list(NUMBERS)].astype(float)
        labels = {name: rows[name].astype("string").fillna("none").astype(object) for name in CATEGORIES}
        frame = pd.DataFrame({**numbers, **labels, "label": rows["employed"].astype("int64"), "year": rows["year"]})
        frame["entity"] = np.arange(len(frame))
        first = frame[frame["year"] == 2015]
        self.levels = {name: sorted(first[name].unique()) for name in CATEGORIES}
        self.weights = _fitted(self._design(first[:10_000]), first["label"].to_numpy()[:10_000])
        self.frame = self.answered(frame)
        self.of_year = {year: self.frame[self.frame["year"] == year] for year in (2015, *YEARS)}
        self.of_year[2015] = self.of_year[2015][10_000:]

    def _design(self, rows: pd.DataFrame) -> np.ndarray:
        age, school = rows["AGEP"].fillna(40).to_numpy() / 50 - 1, rows["SCHL"].fillna(12).to_numpy() / 12 - 1
        columns = [np.ones(len(rows)), age, age**2, age**3, age**4, school, school**2, age * school]
        columns += [(rows[name] == level).to_numpy(float) for name in CATEGORIES for level in self.levels[name][1:]]
        return np.column_stack(columns)

    def probability(self, rows: pd.DataFrame) -> np.ndarray:
        """The chance that a person is employed, shape (rows,)."""
        return _logistic(self._design(rows) @ self.weights)

    def answered(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with score, and whether the answer was right."""
        probability = self.probability(rows)
        right = ((probability >= 0.5).astype(int) == rows["label"]).map({True: "yes", False: "no"})
        return rows.assign(score=probability, right=right)

    def runs(self, year: int, *, seed: tuple[int, ...]) -> SurveyRuns:
        """Runs of one year; those of 2015 leave the rows of model and reference alone."""
        rows = self.of_year[year]
        return SurveyRuns(rows=rows[10_000:] if year == 2015 else rows, draw=np.random.default_rng(seed))


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRuns:
    """Runs of one year of the survey."""

    rows: pd.DataFrame
    draw: np.random.Generator

    def frame(self, rows: int) -> pd.DataFrame:
        """The rows of the next run."""
        return self.rows.iloc[self.draw.choice(len(self.rows), rows, replace=False)].reset_index(drop=True)


def survey_reference(survey: Survey, sizes: Sizes) -> Setting:
    """The reference of 2015: rows that neither train the model nor make runs."""
    from detection_runs import Setting

    return Setting(
        reference=survey.of_year[2015][: sizes.reference].reset_index(drop=True), numbers=NUMBERS, rows=sizes.rows,
        categories=CATEGORIES, probability=survey.probability,
    )  # fmt: skip


def _logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))


def _fitted(design: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Logistic regression with a small ridge by Newton's method: the same weights in every environment."""
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance = _logistic(design @ weights)
        slope = design.T @ (label - chance) - 0.1 * weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + 0.1 * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, slope)
    return weights
