"""What a policy may set for `external_report`."""

from __future__ import annotations

from pydantic import Field, field_validator

from model_governance.checks.supply_chain.external_report.adapters import BUILT_IN, adapters
from model_governance.contract.check import Params
from model_governance.policy.templates import is_template, template_problem


class ReportParams(Params):
    """Where the report is, which tool wrote it, and what it must say of itself."""

    report: str = Field(
        min_length=1,
        description="the report: a path beside the policy, or an address such as s3://bucket/key, read with the connection "
        "of `artifacts`; templates of the run are rendered ({{ ds }})",
    )
    format: str = Field(
        description=f"the tool that wrote it: {', '.join(BUILT_IN)}, or an adapter of an installed package"
    )
    target: str | None = Field(
        default=None,
        min_length=1,
        description="the model that the report must be about, as the report names it; a report on another model, or on "
        "several, is an error",
    )
    max_age_hours: float | None = Field(
        default=None,
        gt=0,
        description="hours before the moment of the run after which a report counts as old, which is an error",
    )

    @field_validator("report")
    @classmethod
    def _renders(cls, report: str) -> str:
        if is_template(report) and (problem := template_problem(report)):
            raise ValueError(problem)
        return report

    @field_validator("format")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in adapters():
            raise ValueError(f"no adapter for {name!r}; there are {', '.join(adapters())}")
        return name
