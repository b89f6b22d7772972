"""Params of `model_quality`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from model_governance.contract.check import Params
from model_governance.contract.slices import Slice


class Search(BaseModel):
    """The search for slices on which the model is worse than on the other rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[str, ...] = Field(default=(), description="columns to search; all features when empty")
    maximum_depth: Literal[1, 2] = Field(default=2, description="columns that a slice may combine")
    minimum_rows: int = Field(default=100, ge=30, description="rows that a slice must have in either half")
    level: float = Field(default=0.05, gt=0, lt=0.5, description="chance of naming any slice where none is weak")
    bins: int = Field(default=4, ge=2, le=10, description="quantile bins of a number")


class QualityParams(Params):
    """How quality is measured; every param has a default."""

    top_k: int = Field(default=10, ge=1, description="ranking: how many items from the top count")
    calibration_bins: int = Field(default=10, ge=2, le=100, description="binary: bins of equal frequency")
    resamples: int = Field(default=200, ge=50, le=10_000, description="bootstrap resamples behind an interval")
    minimum_label_coverage: float = Field(
        default=0.0, ge=0, le=1, description="smaller shares of labelled rows are not measured: see immature"
    )
    immature: Literal["skip", "error"] | None = Field(
        default=None,
        description="what too few labels are; skip: not there yet (default with dataset labelled_current), error: a "
        "mistake",
    )
    season_length: int = Field(
        default=1, ge=1, description="forecasting: rows of a series in one season, 7 for days and weeks"
    )
    block_length: int | None = Field(
        default=None,
        ge=1,
        description="forecasting: moments that depend on one another; by default 2.5 * moments^(1/3)",
    )
    prediction_column: str | None = Field(
        default=None,
        description="forecasting: column that holds the forecast as published; by default the model is asked",
    )
    quantile_columns: dict[float, str] = Field(
        default_factory=dict, description="forecasting: columns that hold published quantile forecasts, by quantile"
    )
    slices: tuple[Slice, ...] = Field(default=(), description="rows that are evaluated by themselves")
    minimum_slice_rows: int = Field(default=30, ge=10, description="smaller slices are named, not judged")
    search: Search | None = Field(default=None, description="search for weak slices")

    @field_validator("quantile_columns")
    @classmethod
    def _quantiles_are_shares(cls, columns: dict[float, str]) -> dict[float, str]:
        wrong = [quantile for quantile in columns if not 0 < quantile < 1]
        if wrong:
            raise ValueError(f"a quantile lies between 0 and 1; found {wrong[0]}")
        return dict(sorted(columns.items()))
