"""The data sets and models that include/bench/policy_init.py drafts policies for.

Real ones: those in scikit-learn and statsmodels, the survey of the demo, and three CSV files of a folder where it is given
(Default and Bikeshare of the package ISLP, credit_data of the R package modeldata). Models are ordinary pipelines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SURVEY = Path(__file__).resolve().parents[1] / "demo" / "acs_employment_ma.parquet"
ACS_NUMBERS = ("AGEP", "SCHL")
ACS_CATEGORIES = ("MAR", "RELP", "DIS", "ESP", "MIG", "MIL", "ANC", "SEX", "RAC1P")


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Rows with their label, how they are cut into training, reference and run, and the model that is trained on the first.

    `estimator` takes the names of the numbers and of the categories. `unknown` are columns that the model is not given.
    """

    name: str
    task: str
    target: str
    rows: pd.DataFrame
    estimator: Callable[[], Any]
    group: str | None = None
    time: str | None = None
    unknown: tuple[str, ...] = ()

    @property
    def features(self) -> list[str]:
        """What the model is given."""
        left_out = {self.target, self.group, self.time, *self.unknown}
        return [name for name in self.rows.columns if name not in left_out]

    def parts(self, seed: int) -> dict[str, pd.DataFrame]:
        """Training, reference and current rows: thirds of the rows, of the groups, or of a stretch of time."""
        if self.time is not None:
            return self._stretches(seed)
        generator = np.random.default_rng(seed)
        keys = self.rows[self.group].unique() if self.group else self.rows.index.to_numpy()
        thirds = np.array_split(generator.permutation(keys), 3)
        chosen = (
            self.rows[self.rows[self.group].isin(third)] if self.group else self.rows.loc[third] for third in thirds
        )
        return dict(
            zip(("train", "reference", "current"), (part.reset_index(drop=True) for part in chosen), strict=True)
        )

    def _stretches(self, seed: int) -> dict[str, pd.DataFrame]:
        """Half of the time to learn from, a quarter each for reference and current; the start moves with the seed."""
        ordered = self.rows.sort_values(str(self.time)).reset_index(drop=True)
        moments = ordered[self.time].unique()
        length = int(len(moments) * 0.8)
        start = seed * (len(moments) - length) // 20
        ends = [moments[min(start + int(length * share), len(moments) - 1)] for share in (0, 0.5, 0.75, 1)]
        names = ("train", "reference", "current")
        when = ordered[self.time]
        return {
            name: ordered[(when >= low) & (when < high)].reset_index(drop=True)
            for name, low, high in zip(names, ends[:-1], ends[1:], strict=True)
        }

    def fitted(self, rows: pd.DataFrame) -> Any:
        """A model trained on these rows."""
        inputs = rows[self.features]
        numbers = [name for name in self.features if name not in ACS_CATEGORIES and inputs[name].dtype.kind in "iuf"]
        categories = [name for name in self.features if name not in numbers]
        return pipeline(numbers, categories, self.estimator()).fit(inputs, rows[self.target])


def pipeline(numbers: list[str], categories: list[str], last: Any) -> Any:
    """Scaled numbers and one-hot categories, gaps filled, before the last step."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    parts = [("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers)]
    if categories:
        words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
        parts.append(("categories", words, categories))
    return make_pipeline(ColumnTransformer(parts, sparse_threshold=0), last)


def data_sets(folder: Path | None) -> Iterator[DataSet]:
    """Every data set there is; those of CSV files only where the folder holds them."""
    yield acs()
    yield from _from_files(folder)
    yield bundled("breast_cancer", "binary_classification", logistic)
    yield bundled("diabetes", "regression", linear)
    yield bundled("wine", "multiclass_classification", logistic)
    yield mode_choice()
    yield carbon_dioxide()


def logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.5, max_iter=2000)


def linear() -> Any:
    from sklearn.linear_model import Ridge

    return Ridge()


def acs() -> DataSet:
    """Employment in Massachusetts, 2015: 6,000 people, with their row number and the year, which the model is not given."""
    rows = pd.read_parquet(SURVEY)
    rows = rows[rows["year"] == 2015].sample(6_000, random_state=0).reset_index(drop=True)
    rows = rows[["id", "year", *ACS_NUMBERS, *ACS_CATEGORIES, "employed"]]
    return DataSet(
        name="ACS employment", task="binary_classification", target="employed", rows=rows, estimator=logistic,
        unknown=("id", "year"),
    )  # fmt: skip


def _from_files(folder: Path | None) -> Iterator[DataSet]:
    if folder is None:
        return
    if (folder / "Default.csv").exists():
        rows = pd.read_csv(folder / "Default.csv", keep_default_na=False)
        yield DataSet(name="Default", task="binary_classification", target="default", rows=rows, estimator=logistic)
    if (folder / "Bikeshare.csv").exists():
        rows = pd.read_csv(folder / "Bikeshare.csv").sample(4_500, random_state=0).reset_index(drop=True)
        yield DataSet(
            name="Bikeshare", task="regression", target="bikers", rows=rows, estimator=linear,
            unknown=("casual", "registered", "day"),
        )  # fmt: skip
        yield bike_hours(pd.read_csv(folder / "Bikeshare.csv"))
    if (folder / "credit_data.csv").exists():
        rows = pd.read_csv(folder / "credit_data.csv").dropna(subset=["Status"])
        yield DataSet(
            name="credit_data", task="binary_classification", target="Status", rows=rows, estimator=logistic,
            unknown=("rownames",),
        )  # fmt: skip


def bike_hours(rows: pd.DataFrame) -> DataSet:
    """Rentals of an hour (all of Bikeshare), forecast a day ahead from what was rented and from the weather forecast."""
    hour = pd.Timestamp("2011-01-01") + pd.to_timedelta((rows["day"] - 1) * 24 + rows["hr"], unit="h")
    frame = pd.DataFrame({"hour": hour, "bikers": rows["bikers"].astype(float)}).set_index("hour")
    weather = rows[["temp", "hum", "windspeed"]].set_index(hour)
    every = frame.reindex(pd.date_range(hour.min(), hour.max(), freq="h"))
    for lag in (24, 48, 168):
        frame[f"before_{lag}"] = every["bikers"].shift(lag).reindex(frame.index)
    frame["mean_of_week"] = every["bikers"].shift(24).rolling(168, min_periods=100).mean().reindex(frame.index)
    frame = frame.join(weather).dropna().rename_axis("hour").reset_index()
    return DataSet(name="bike hours", task="forecasting", target="bikers", rows=frame, estimator=linear, time="hour")


def bundled(name: str, task: str, estimator: Callable[[], Any]) -> DataSet:
    """A data set that comes with scikit-learn."""
    from sklearn import datasets

    rows = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return DataSet(name=name, task=task, target="target", rows=rows, estimator=estimator)


def mode_choice() -> DataSet:
    """210 travellers, four modes each, one chosen (Greene, in statsmodels), offered 4 times with other noise in the costs.

    The rows are real, their copies are not: 840 travellers of one choice give a ranking enough groups.
    """
    from statsmodels.datasets import modechoice

    rows = modechoice.load_pandas().data
    generator = np.random.default_rng(0)
    copies = []
    for number in range(4):
        copy = rows.copy()
        copy["individual"] = copy["individual"].astype(int) + 1000 * number
        for column in ("ttme", "invc", "invt", "gc"):
            copy[column] = copy[column] * generator.uniform(0.9, 1.1, len(copy))
        copies.append(copy)
    frame = pd.concat(copies, ignore_index=True)
    frame["mode"] = frame["mode"].astype(int).map({1: "air", 2: "train", 3: "bus", 4: "car"})
    return DataSet(
        name="modechoice", task="ranking", target="choice", rows=frame, estimator=linear, group="individual",
        unknown=("mode",),
    )  # fmt: skip


def carbon_dioxide() -> DataSet:
    """Weekly carbon dioxide at Mauna Loa (statsmodels) from its past, with published quantiles of the change."""
    from statsmodels.datasets import co2

    series = co2.load_pandas().data["co2"].interpolate()
    frame = pd.DataFrame({"week": series.index, "ppm": series.to_numpy()})
    for lag in (4, 5, 8, 48, 52):
        frame[f"before_{lag}"] = frame["ppm"].shift(lag)
    spread = (frame["ppm"] - frame["before_4"]).rolling(52).std().shift(4)
    middle = frame["before_52"] + (frame["before_4"] - frame["ppm"].shift(56))
    frame["q10"], frame["q90"] = middle - 0.5 * spread, middle + 0.5 * spread
    return DataSet(
        name="co2", task="forecasting", target="ppm", rows=frame.dropna().reset_index(drop=True), estimator=linear,
        time="week", unknown=("q10", "q90"),
    )  # fmt: skip
