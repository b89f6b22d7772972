"""What a policy may set for `structural_disclosure`."""

from __future__ import annotations

from pydantic import Field

from model_governance.contract.check import Params


class StructureParams(Params):
    """The limits below which a group or a model counts as disclosive; the defaults are those of ACRO and SACRO-ML."""

    min_group_size: int = Field(
        default=10, ge=2, description="training rows that must share an answer (safe_threshold of ACRO)"
    )
    min_degrees_of_freedom: int = Field(
        default=10,
        ge=1,
        description="training rows that must remain for each model beyond its parameters (safe_dof_threshold of ACRO)",
    )
    min_samples_leaf: int = Field(
        default=5, ge=1, description="smallest number of training rows that a leaf of a tree must hold"
    )
