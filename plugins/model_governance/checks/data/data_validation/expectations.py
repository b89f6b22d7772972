"""Expectations of a policy, with the types and kwargs of Great Expectations but read without importing it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from model_governance.checks.data.data_validation.sense import problem_of
from model_governance.contract.text import library_words
from model_governance.errors import CheckError
from model_governance.formats.json_objects import keys_once

if TYPE_CHECKING:
    from model_governance.contract.subject import ParamFile

Severity = Literal["critical", "warning", "info"]
COLUMN_KEYS = ("column", "column_A", "column_B")
FILLER = {"expect", "expectation", "column", "table", "to", "be"}


class Expectation(BaseModel):
    """One expectation: the type and kwargs of Great Expectations, a severity, and a label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        examples=["expect_column_values_to_not_be_null"],
        description="type of the expectation as Great Expectations names it",
    )
    kwargs: dict[str, Any] = Field(default_factory=dict, description="arguments of the expectation")
    severity: Severity = Field(default="critical", description="which metric counts it when it is not met")
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

    @field_validator("kwargs")
    @classmethod
    def _mostly_asks_for_rows(cls, kwargs: dict[str, Any]) -> dict[str, Any]:
        mostly = kwargs.get("mostly", 1)
        if isinstance(mostly, bool) or not isinstance(mostly, (int, float)) or not 0 < mostly <= 1:
            raise ValueError(f"mostly is the share of rows that must agree, above 0 and at most 1; found {mostly!r}")
        return kwargs

    @model_validator(mode="after")
    def _demands_something(self) -> Expectation:
        if problem := problem_of(self.type, self.kwargs):
            raise ValueError(problem)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads; empty for expectations on the table as a whole."""
        if self.type.startswith("expect_table_"):
            return ()
        single = [self.kwargs[key] for key in COLUMN_KEYS if key in self.kwargs]
        several = self.kwargs.get("column_list", ())
        return tuple(map(str, [*single, *(several if isinstance(several, (list, tuple)) else [several])]))

    @property
    def label(self) -> str:
        """The name in findings, thresholds and waivers: `values_between(AGEP)`."""
        if self.name is not None:
            return self.name
        words = "_".join(word for word in self.type.split("_") if word not in FILLER)
        return f"{words}({', '.join(self.columns)})" if self.columns else words


def read_suite(file: ParamFile) -> tuple[Expectation, ...]:
    """The expectations of a suite file as Great Expectations writes it; `meta.name` becomes the label.

    Args:
        file: the bytes of the suite, JSON in UTF-8.

    Raises:
        CheckError: not JSON, not a suite, or without expectations.
    """
    try:
        suite = json.loads(file.content.decode("utf-8"), object_pairs_hook=keys_once)
    except (ValueError, RecursionError) as error:
        raise CheckError(f"suite {file.uri}: is not JSON ({library_words(error)})") from error
    listed = suite.get("expectations") if isinstance(suite, dict) else None
    if not isinstance(listed, list) or not listed:
        raise CheckError(
            f'suite {file.uri}: needs {{"name": ..., "expectations": [at least one]}}; an empty suite would always pass'
        )
    expectations, problems = [], []
    for position, entry in enumerate(listed):
        try:
            expectations.append(_read(entry))
        except ValidationError as error:
            details = [f"{'.'.join(map(str, part['loc'])) or 'entry'}: {part['msg']}" for part in error.errors()]
            problems.append(f"expectations[{position}]: {'; '.join(details)}")
    if problems:
        raise CheckError(f"suite {file.uri}:\n  " + "\n  ".join(problems))
    return tuple(expectations)


def labels(expectations: tuple[Expectation, ...]) -> tuple[str, ...]:
    """One label per expectation, no two the same: the second `values_between(AGEP)` gets ` #2`."""
    counts: Counter[str] = Counter()
    distinct = []
    for expectation in expectations:
        label = expectation.label
        counts[label] += 1
        distinct.append(label if counts[label] == 1 else f"{label} #{counts[label]}")
    return tuple(distinct)


def _read(entry: Any) -> Expectation:
    if not isinstance(entry, dict):
        return Expectation.model_validate(entry)
    fields = {key: entry[key] for key in ("type", "kwargs", "severity") if entry.get(key) is not None}
    meta = entry.get("meta")
    name = meta.get("name") if isinstance(meta, dict) else None
    return Expectation.model_validate(fields if name is None else fields | {"name": name})
