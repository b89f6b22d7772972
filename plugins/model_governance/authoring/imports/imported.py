"""What an import took, and what it did not: expectations, thresholds, and one line for each part of the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from model_governance.checks import catalogue
from model_governance.checks.data.data_validation.expectations import Expectation
from model_governance.policy.model import Threshold

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["taken", "adapted", "not taken"]
VALIDATION = "data_validation"
STRICTER = "the largest change of one share is at most the total variation: this is the stricter demand"
"""What stands for an L-infinity distance of categories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One part of the file, and what became of it.

    Attributes:
        part: where it stands in the file, with its value.
        state: `taken` as it is, `adapted` where another demand stands for it, or `not taken`.
        text: the demand that was written, or why there is none.
    """

    part: str
    state: State
    text: str

    def __str__(self) -> str:
        return f"{self.state:9}  {self.part}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The demands of the files.

    Attributes:
        expectations: for the suite of `data_validation`.
        thresholds: by kind of check, as a policy writes them.
        params: by kind of check.
        lines: one for each part of the files, in their order.
    """

    expectations: tuple[Expectation, ...]
    thresholds: Mapping[str, tuple[Mapping[str, Any], ...]]
    params: Mapping[str, Mapping[str, Any]]
    lines: tuple[Line, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was taken."""
        return not self.expectations and not self.thresholds


@dataclass(slots=True)
class Collector:
    """Collects demands; one that this package would refuse becomes a line that says why."""

    expectations: list[Expectation] = field(default_factory=list)
    thresholds: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def expect(
        self,
        part: str,
        kind: str,
        *,
        kwargs: Mapping[str, Any],
        severity: str = "critical",
        name: str | None = None,
        note: str = "",
    ) -> None:
        """Take an expectation of Great Expectations.

        Args:
            part: where it stands in the file.
            kind: its type.
            kwargs: its arguments.
            severity: `critical`, `warning` or `info`.
            name: its label, by default from type and column.
            note: how it differs from what the file says; makes the line `adapted`.
        """
        fields = {"type": kind, "kwargs": dict(kwargs), "severity": severity, "name": name}
        try:
            expectation = Expectation.model_validate(fields)
        except ValidationError as error:
            self.leave(part, _first_problem(error))
            return
        if expectation in self.expectations:
            self.leave(part, f"{expectation.label} is demanded by a line before")
            return
        self.expectations.append(expectation)
        self._add(part, f"expectation {expectation.label}", note)

    def demand(self, part: str, threshold: Mapping[str, Any], *, note: str = "") -> None:
        """Take a threshold on a metric, for the check that has it.

        Args:
            part: where it stands in the file.
            threshold: `metric`, `key`, a condition and `severity`, as a policy writes them.
            note: how it differs from what the file says; makes the line `adapted`.
        """
        check = _check_with(threshold["metric"], is_keyed="key" in threshold)
        if check is None:
            self.leave(part, f"no check has a metric {threshold['metric']}")
            return
        try:
            Threshold.model_validate(threshold)
        except ValidationError as error:
            self.leave(part, _first_problem(error))
            return
        chosen = self.thresholds.setdefault(check, [])
        if threshold in chosen:
            self.leave(part, f"{_spelled(check, threshold)} is demanded by a line before")
            return
        chosen.append(threshold)
        self._add(part, _spelled(check, threshold), note)

    def choose(self, metric: str, **params: Any) -> bool:
        """Set params of the check that has a metric; False where a line before chose another value."""
        chosen = self.params.setdefault(str(_check_with(metric, is_keyed=False)), {})
        if any(chosen.get(name, value) != value for name, value in params.items()):
            return False
        chosen.update(params)
        return True

    def leave(self, part: str, reason: str) -> None:
        """State that a part was not taken, and why."""
        self.lines.append(Line(part=part, state="not taken", text=reason))

    def done(self) -> Imported:
        """What was collected; expectations bring the thresholds that judge them."""
        thresholds = {check: tuple(found) for check, found in self.thresholds.items()}
        severities = {expectation.severity for expectation in self.expectations}
        judged = [{"metric": "critical_failures", "equal_to": 0}] if "critical" in severities else []
        judged += [{"metric": "warning_failures", "equal_to": 0, "severity": "warn"}] if "warning" in severities else []
        if judged:
            thresholds = {VALIDATION: (*judged, *thresholds.pop(VALIDATION, ())), **thresholds}
        return Imported(
            expectations=tuple(self.expectations),
            thresholds=thresholds,
            params={check: chosen for check, chosen in self.params.items() if chosen and check in thresholds},
            lines=tuple(self.lines),
        )

    def _add(self, part: str, text: str, note: str) -> None:
        state: State = "adapted" if note else "taken"
        self.lines.append(Line(part=part, state=state, text=f"{text} ({note})" if note else text))


def _check_with(metric: str, *, is_keyed: bool) -> str | None:
    """The kind of check that has a metric, repeated by key or not: `mae` is the quality of a model, and `mae[noise@1]` is not."""
    return next(
        (
            check.kind
            for check in catalogue().values()
            for spec in check.metrics
            if spec.name == metric and (spec.per is not None) == is_keyed
        ),
        None,
    )


def _spelled(check: str, threshold: Mapping[str, Any]) -> str:
    metric = threshold["metric"] + (f"[{threshold['key']}]" if threshold.get("key") else "")
    conditions = [f"{name} {value}" for name, value in threshold.items() if name not in ("metric", "key")]
    return f"{check}: {metric} {', '.join(conditions)}"


def _first_problem(error: ValidationError) -> str:
    return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
