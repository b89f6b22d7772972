"""Params of data drift: which effect counts, how much evidence it needs, and which runs make up the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from model_governance.contract.check import Lookback, Params, Season
from model_governance.contract.floors import difference_of, floors_of, share_of
from model_governance.stats.overdispersion import NEWEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.contract.check import Floor

PROFILE = "profile.json"
NOISE_RUNS = 20
"""Most accepted runs that noise between runs is learnt from."""

NumberMethod = Literal["psi", "ks", "jensenshannon", "total_variation"]
CategoryMethod = Literal["psi", "jensenshannon", "total_variation"]

# From here a change matters (a judgement): a bell-shaped column shifted by 0.15 standard deviations has a PSI of 0.02 over
# tenths, a Jensen-Shannon distance of 0.05, a total variation of 0.06 and a Kolmogorov-Smirnov distance of 0.06.
LIMITS: Mapping[str, float] = {"psi": 0.02, "jensenshannon": 0.05, "total_variation": 0.05, "ks": 0.05}


class Window(Params):
    """The reference of a run: the fixed one, the last accepted runs (trailing), or those of one season (seasonal)."""

    kind: Literal["fixed", "trailing", "seasonal"] = Field(
        default="fixed",
        description="fixed: the dataset in role reference; trailing: the last accepted runs; seasonal: those of one season",
    )
    runs: int = Field(
        default=7,
        ge=1,
        le=366,
        description="how many accepted runs make up the reference, or those of them that exist so far",
    )
    season: Season | None = Field(
        default=None,
        description="hour: runs of the same hour of day; weekday; hour_of_week: the same weekday and hour; month: the same "
        "calendar month of earlier years",
    )

    @model_validator(mode="after")
    def _season_fits(self) -> Window:
        if (self.kind == "seasonal") != (self.season is not None):
            raise ValueError("season: hour, weekday, hour_of_week or month belongs to kind seasonal, and to no other")
        return self


class DriftParams(Params):
    """Params of data drift."""

    columns: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="features to compare, by default all"
    )
    numeric_method: NumberMethod = Field(default="psi", description="effect by which a number counts as drifted")
    categorical_method: CategoryMethod = Field(default="psi", description="the same for categories")
    prediction_method: CategoryMethod = Field(default="psi", description="distance of the model's predictions")
    column_threshold: float | None = Field(
        default=None,
        gt=0,
        description="effect from which a column counts in drift_share; by default that of its method",
    )
    evidence_level: float = Field(
        default=0.05, gt=0, lt=0.5, description="false discovery rate at which a column counts in drift_share"
    )
    prediction_rows: int = Field(
        default=100_000, ge=100, description="most rows of each dataset that the model predicts, a seeded sample"
    )
    joint: bool = Field(
        default=True, description="let a classifier tell current rows from reference rows, all features together"
    )
    joint_rows: int = Field(
        default=10_000, ge=100, description="most rows of each dataset that this classifier sees, a seeded sample"
    )
    window: Window = Field(default=Window(), description="what the current data are compared with")
    consecutive: bool = Field(default=False, description="compare with the last accepted run too")
    profile: str | None = Field(
        default=None,
        description="path of a profile.json that replaces the rows of the reference, relative to the policy",
    )

    @model_validator(mode="after")
    def _window_fits_consecutive(self) -> DriftParams:
        if self.consecutive and self.window.kind == "seasonal":
            raise ValueError(
                "consecutive compares with the last run, and a seasonal window loads only runs of its season; choose one"
            )
        return self

    def method_for(self, family: str) -> str:
        """The distance by which a column of numbers or categories counts as drifted."""
        return self.numeric_method if family == "numbers" else self.categorical_method

    def limit_for(self, method: str) -> float:
        """The effect from which a column counts as drifted."""
        return LIMITS[method] if self.column_threshold is None else self.column_threshold


def lookback(params: DriftParams) -> Lookback:
    """The profiles of previous runs: those of the window, those that noise is learnt from, and the newest, which are not."""
    window = params.window
    return Lookback(artifact=PROFILE, runs=max(window.runs, NOISE_RUNS + NEWEST), season=window.season)


def floors(params: DriftParams) -> tuple[Floor, ...]:
    """What the rows that the model predicts, and those that the classifier sees, can prove at most."""
    rows = params.prediction_rows
    return (
        *floors_of("flagged_share", param="prediction_rows", rows=rows, extremes=share_of(rows)),
        *floors_of("flagged_share_increase", param="prediction_rows", rows=rows, extremes=difference_of(rows, rows)),
        *floors_of("flagged_share_ratio", "prediction_drift", param="prediction_rows", rows=rows),
        *floors_of("joint_drift_auc", param="joint_rows", rows=params.joint_rows),
    )
