"""Params of `performance_estimation`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from model_governance.contract.check import Params
from model_governance.contract.floors import floors_of

if TYPE_CHECKING:
    from model_governance.contract.check import Floor

MINIMUM_ROWS = 100


class EstimationParams(Params):
    """How scores are calibrated, and how many reference rows are used; every param has a default."""

    calibration: Literal["auto", "isotonic", "platt", "none"] = Field(
        default="auto",
        description="classification: how scores are calibrated on the labelled reference; auto takes Platt's logistic "
        "curve unless isotonic regression is better on held-out rows; none takes the model's probabilities as they are",
    )
    folds: int = Field(default=5, ge=2, le=20, description="parts of the reference for cross-fitting")
    resamples: int = Field(default=200, ge=50, le=2_000, description="bootstrap resamples of the calibration")
    fitting_rows: int = Field(
        default=50_000, ge=MINIMUM_ROWS, description="labelled reference rows used at most, a seeded sample beyond it"
    )


def floors(params: EstimationParams) -> tuple[Floor, ...]:
    """How many rows of the reference there are at most."""
    return floors_of("reference_calibration_error", param="fitting_rows", rows=params.fitting_rows)
