"""What a policy may set for `performance_estimation`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from model_governance.contract.check import Params

LEAST = 100


class EstimationParams(Params):
    """Parameters of `performance_estimation`; every one has a default."""

    calibration: Literal["auto", "isotonic", "platt", "none"] = Field(
        default="auto",
        description="classification: how probabilities become chances on the labelled reference; auto takes Platt's "
        "logistic curve unless isotonic regression serves held-out rows better; none trusts them as they are",
    )
    folds: int = Field(default=5, ge=2, le=20, description="parts of the reference for cross-fitting")
    resamples: int = Field(default=200, ge=50, le=2_000, description="bootstrap resamples of the calibration")
    fitting_rows: int = Field(
        default=50_000, ge=LEAST, description="labelled reference rows used at most, a seeded sample beyond it"
    )
