"""What a policy expects of its rows, in the words of Great Expectations but read without importing it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from model_governance.contract.check import Params
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from model_governance.contract.subject import ParamFile

Severity = Literal["critical", "warning", "info"]
COLUMN_KEYS = ("column", "column_A", "column_B")
FEW_ROWS = 200_000
FILLER = {"expect", "expectation", "column", "table", "to", "be"}


class Expectation(BaseModel):
    """One expectation: the type and kwargs of Great Expectations, a severity, and a label for people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*$", examples=["expect_column_values_to_not_be_null"])
    kwargs: dict[str, Any] = Field(default_factory=dict)
    severity: Severity = "critical"
    name: str | None = Field(
        default=None, min_length=1, max_length=80, description="label, by default from type and column"
    )

    @field_validator("kwargs")
    @classmethod
    def _kwargs_can_be_recorded(cls, kwargs: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(kwargs, allow_nan=False, default=str)
        except ValueError as error:
            raise ValueError("infinity and NaN bound nothing; leave that bound out") from error
        return kwargs

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at; empty for expectations on the table as a whole."""
        if self.type.startswith("expect_table_"):
            return ()
        single = [self.kwargs[key] for key in COLUMN_KEYS if key in self.kwargs]
        listed = self.kwargs.get("column_list", ())
        return tuple(map(str, [*single, *(listed if isinstance(listed, (list, tuple)) else [listed])]))

    @property
    def label(self) -> str:
        """`values_between(AGEP)`: what findings, thresholds and waivers call it."""
        if self.name is not None:
            return self.name
        words = "_".join(word for word in self.type.split("_") if word not in FILLER)
        return f"{words}({', '.join(self.columns)})" if self.columns else words


class ValidationParams(Params):
    """Params of data validation: a suite file or expectations in the policy itself, never both.

    `engine` says where the expectations are asked: in pandas, which holds the rows in memory, or in SQL on DuckDB,
    which does not. The outcomes are the same.
    """

    suite: str | None = Field(default=None, description="path of a Great Expectations suite as JSON, beside the policy")
    expectations: tuple[Expectation, ...] = Field(default=(), description="expectations written in the policy")

    engine: Literal["auto", "pandas", "sql"] = Field(
        default="auto", description=f"auto: pandas up to {FEW_ROWS:,} rows, SQL above"
    )

    @model_validator(mode="after")
    def _one_source(self) -> ValidationParams:
        if (self.suite is None) == (not self.expectations):
            found = "both" if self.expectations else "neither (a check that expects nothing would always pass)"
            raise ValueError(f"needs exactly one of suite (a file) and expectations (at least one); found {found}")
        return self


def read_suite(file: ParamFile) -> tuple[Expectation, ...]:
    """The expectations of a suite file as Great Expectations writes it; `meta.name` becomes the label.

    Args:
        file: the bytes of the suite, JSON in UTF-8.

    Raises:
        CheckError: not JSON, not a suite, or without expectations.
    """
    try:
        suite = json.loads(file.content.decode("utf-8"))
    except ValueError as error:
        raise CheckError(f"suite {file.uri}: is not JSON ({error})") from error
    listed = suite.get("expectations") if isinstance(suite, dict) else None
    if not isinstance(listed, list) or not listed:
        raise CheckError(
            f'suite {file.uri}: needs {{"name": ..., "expectations": [at least one]}}; an empty suite would always pass'
        )
    expectations, problems = [], []
    for position, one in enumerate(listed):
        try:
            expectations.append(_read(one))
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, part['loc'])) or 'entry'}: {part['msg']}" for part in error.errors())
            problems.append(f"expectations[{position}]: {said}")
    if problems:
        raise CheckError(f"suite {file.uri}:\n  " + "\n  ".join(problems))
    return tuple(expectations)


def labels(expectations: tuple[Expectation, ...]) -> tuple[str, ...]:
    """One label per expectation, no two the same: the second `values_between(AGEP)` gets ` #2`."""
    seen: Counter[str] = Counter()
    told = []
    for one in expectations:
        seen[one.label] += 1
        told.append(one.label if seen[one.label] == 1 else f"{one.label} #{seen[one.label]}")
    return tuple(told)


def _read(entry: Any) -> Expectation:
    if not isinstance(entry, dict):
        return Expectation.model_validate(entry)
    wanted = {key: entry[key] for key in ("type", "kwargs", "severity") if entry.get(key) is not None}
    name = (entry.get("meta") or {}).get("name")
    return Expectation.model_validate(wanted if name is None else wanted | {"name": name})
