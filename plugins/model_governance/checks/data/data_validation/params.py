"""Params of data validation: a suite file or expectations in the policy, and where they are evaluated."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from model_governance.checks.data.data_validation.expectations import Expectation
from model_governance.contract.check import Params

MAX_ROWS_IN_PANDAS = 200_000
"""Rows up to which `engine: auto` evaluates in pandas."""


class ValidationParams(Params):
    """Params of data validation: a suite file or expectations in the policy itself, never both.

    `engine` selects where the expectations are evaluated: in pandas, which holds the rows in memory, or in SQL on
    DuckDB, which does not. The results are the same.
    """

    suite: str | None = Field(
        default=None, description="path of a Great Expectations suite as JSON, relative to the policy"
    )
    expectations: tuple[Expectation, ...] = Field(default=(), description="expectations written in the policy")
    engine: Literal["auto", "pandas", "sql"] = Field(
        default="auto", description=f"auto: pandas up to {MAX_ROWS_IN_PANDAS:,} rows, SQL above"
    )

    @model_validator(mode="after")
    def _one_source(self) -> ValidationParams:
        if (self.suite is None) == (not self.expectations):
            given = "both" if self.expectations else "neither (a check that expects nothing would always pass)"
            raise ValueError(f"needs exactly one of suite (a file) and expectations (at least one); found {given}")
        return self
