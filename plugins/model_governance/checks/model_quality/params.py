"""What a policy may set for `model_quality`."""

from __future__ import annotations

from pydantic import Field

from model_governance.check import Params


class QualityParams(Params):
    """Parameters of `model_quality`; every one has a default."""

    decision_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="binary: predict positive from this probability on; by default the model's own labels",
    )
    k: int = Field(default=10, ge=1, description="ranking: how many items from the top count")
    calibration_bins: int = Field(default=10, ge=2, le=100, description="binary: bins of equal frequency")
    resamples: int = Field(default=200, ge=50, le=10_000, description="bootstrap resamples behind an interval")
    minimum_label_coverage: float = Field(
        default=0.0, ge=0, le=1, description="smaller shares of labelled rows are an error, not a measurement"
    )
