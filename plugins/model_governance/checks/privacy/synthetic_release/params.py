"""What a policy may set for `synthetic_release`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from model_governance.contract.check import Params
from model_governance.contract.floors import floors_of
from model_governance.policy.templates import is_template, template_problem

if TYPE_CHECKING:
    from model_governance.contract.check import Floor

MIN_ROWS = 20  # of every table that is compared


class ReleaseParams(Params):
    """The table, and the columns that nobody should be able to fill in with its help."""

    release: str = Field(
        min_length=1,
        description="the table that is about to be shared: a CSV, Parquet or Arrow file beside the policy, or an address "
        "such as s3://bucket/key, read with the connection of `artifacts`; templates of the run are rendered ({{ ds }})",
    )
    sensitive: tuple[str, ...] = Field(
        default=(),
        description="columns whose values an attacker tries to find: features, or the target; by default the target, "
        "where there is one",
    )
    samples: int = Field(
        default=2000, ge=100, le=20_000, description="rows of each table, at most, between which distances are computed"
    )

    @field_validator("release")
    @classmethod
    def _renders(cls, release: str) -> str:
        if is_template(release) and (problem := template_problem(release)):
            raise ValueError(problem)
        return release


def floors(params: ReleaseParams) -> tuple[Floor, ...]:
    """How many rows there are at most."""
    return (
        *floors_of("nearer_to_training_share", param="samples", rows=params.samples),
        *floors_of("membership_auc", param="samples", rows=2 * params.samples),
    )
