"""Params of `attribution_drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from model_governance.contract.check import Params
from model_governance.contract.floors import floors_of

if TYPE_CHECKING:
    from model_governance.contract.check import Floor


class AttributionParams(Params):
    """How many rows are explained, by how many replacements, and how uncertainty is estimated."""

    samples: int = Field(default=500, ge=50, le=20_000, description="rows per dataset, a seeded sample")
    draws: int = Field(
        default=4, ge=1, le=100, description="reference values put in place of each value of each sampled row"
    )
    resamples: int = Field(default=500, ge=100, le=10_000, description="bootstrap resamples behind the interval")
    permutations: int = Field(
        default=20_000,
        ge=1000,
        le=1_000_000,
        description="permutations behind the p-value at most; it cannot be smaller than one in as many",
    )


def floors(params: AttributionParams) -> tuple[Floor, ...]:
    """How many rows there are at most."""
    return (
        *floors_of("attribution_ndcg", "attribution_change", param="samples", rows=2 * params.samples),
        *floors_of("attribution", param="samples", rows=params.samples),
    )
