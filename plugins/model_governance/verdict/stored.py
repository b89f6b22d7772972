"""Verdicts as records hold them: every field checked before a stored outcome is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from model_governance.contract.documents import Count, Form, Probability, require_form
from model_governance.stats.accumulation import NOTHING
from model_governance.verdict.finding import FailPolicy, Finding, Outcome, Verdict, worst_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Condition = Literal[
    "equal_to", "greater_than", "less_than", "geq_to", "leq_to", "between", "min_absolute_change", "min_relative_change"
]


class FindingForm(Form):
    """A finding of a stored verdict. An unknown field is refused: it may change what the others mean."""

    check: str
    outcome: Outcome
    sentence: str
    severity: Literal["error", "warn", "info"] = "error"
    metric: str | None = None
    key: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: Count | None = None
    condition: Condition | None = None
    bound: float | Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    tolerance: float = 0.0
    against: str | None = None
    baseline: float | None = None
    waiver: str | None = None
    p_value: Probability | None = None
    level: Probability | None = None
    limit: float | None = None
    detectable: float | None = None
    noise: Annotated[float, Field(ge=1)] = 1.0
    log_evidence: Annotated[list[float], Field(min_length=len(NOTHING), max_length=len(NOTHING))] | None = None
    basis: str = ""
    violated: bool = False
    unit: str = ""
    title: str = ""

    @model_validator(mode="after")
    def _agrees(self) -> FindingForm:
        if (self.low is None) != (self.high is None):
            raise ValueError("expected an interval, found half of one (low and high)")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"expected low <= high, found the interval {self.low} to {self.high}")
        if self.outcome == "pass" and (self.metric is None or self.value is None):
            raise ValueError("expected a pass to name a metric and its value, found none")
        return self


class VerdictForm(Form):
    """A stored verdict: its outcome and whether it stops the run follow from its findings."""

    name: str
    outcome: Outcome
    stops: bool
    fail_on: Literal["error", "warn", "never"]
    on_uncertain: Literal["warn", "fail", "pass"]
    findings: Annotated[list[FindingForm], Field(min_length=1)]

    @model_validator(mode="after")
    def _follows(self) -> VerdictForm:
        rules = FailPolicy(fail_on=self.fail_on, on_uncertain=self.on_uncertain)
        outcome = worst_of(finding.outcome for finding in self.findings)
        stops = any(rules.stops(finding.outcome, finding.severity) for finding in self.findings)
        if (self.outcome, self.stops) != (outcome, stops):
            raise ValueError(
                f"expected outcome {outcome} and stops {stops}, which follow from the findings, found "
                f"{self.outcome} and {self.stops}"
            )
        return self


def read_verdict(record: Mapping[str, Any], *, origin: str = "a stored verdict") -> Verdict:
    """The verdict that `Verdict.record` wrote; `origin` names it in an error.

    Raises:
        EvidenceError: the record holds other fields than a verdict of this release, or does not follow from its findings.
    """
    require_form(record, VerdictForm, origin=origin)
    return trusted_verdict(record)


def trusted_verdict(record: Mapping[str, Any]) -> Verdict:
    """The verdict of a document whose form was checked already."""
    findings = tuple(_finding(finding) for finding in record["findings"])
    return Verdict(name=record["name"], findings=findings, fail_policy=trusted_fail_policy(record))


def trusted_fail_policy(record: Mapping[str, Any]) -> FailPolicy:
    """The rules by which a verdict counts, of a document whose form was checked already."""
    return FailPolicy(fail_on=record["fail_on"], on_uncertain=record["on_uncertain"])


def _finding(record: Mapping[str, Any]) -> Finding:
    pairs = {name: tuple(record[name]) for name in ("bound", "log_evidence") if isinstance(record.get(name), list)}
    return Finding(**{**record, **pairs} if pairs else record)
