"""The results of expectations: counts and aggregates, never a value of the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_validation.translation import SUMS
from model_governance.contract.result import Artifact, canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_governance.checks.data.data_validation.expectations import Expectation

DIGITS = 9
UNKNOWN = "no number"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationResult:
    """The result of one expectation.

    `examined` and `unexpected` count rows; both are None where the expectation does not count rows. `observed` is an
    aggregate (a number, a time, or the name of a type). `reason` says why nothing could be evaluated: then it is not met.
    """

    label: str
    expectation: Expectation
    success: bool
    examined: int | None = None
    unexpected: int | None = None
    observed: float | int | str | None = None
    missing_columns: tuple[str, ...] = ()
    extra_columns: tuple[str, ...] = ()
    reason: str = ""

    @property
    def unexpected_share(self) -> float | None:
        """Unexpected rows as a share of the rows examined, 0 to 1."""
        return None if self.examined is None or self.unexpected is None else self.unexpected / self.examined

    @property
    def sentence(self) -> str:
        """The label with what was observed: `values_between(AGEP): 31,204 of 69,126 rows`."""
        if self.reason:
            return f"{self.label}: {self.reason}"
        if self.unexpected is not None and self.examined is not None:
            return f"{self.label}: {self.unexpected:,} of {self.examined:,} rows"
        if self.missing_columns or self.extra_columns:
            return f"{self.label}: {'; '.join(self._columns())}"
        if self.observed is not None:
            form = {str: "", float: ",.4g"}.get(type(self.observed), ",")
            observed = format(self.observed, form)
            return f"{self.label}: observed {observed}"
        return self.label

    def _columns(self) -> Iterator[str]:
        """The columns that are missing, and those that nobody expects."""
        if self.missing_columns:
            yield f"missing {', '.join(self.missing_columns)}"
        if self.extra_columns:
            yield f"not expected {', '.join(self.extra_columns)}"


def as_artifact(results: Sequence[ExpectationResult], *, rows: int) -> Artifact:
    """The results as `validation.json`: the same bytes for the same data, without values of the data."""
    entries = [
        {
            "label": result.label,
            "type": result.expectation.type,
            "kwargs": result.expectation.model_dump(mode="json")["kwargs"],
            "severity": result.expectation.severity,
            "success": result.success,
            "examined_rows": result.examined,
            "unexpected_rows": result.unexpected,
            "unexpected_share": result.unexpected_share,
            "observed_value": result.observed,
            "missing_columns": list(result.missing_columns),
            "extra_columns": list(result.extra_columns),
        }
        for result in results
    ]
    successful = sum(result.success for result in results)
    record = {
        "rows": rows,
        "statistics": {
            "evaluated": len(results),
            "successful": successful,
            "unsuccessful": len(results) - successful,
        },
        "results": entries,
    }
    return Artifact(
        name="validation.json", media_type="application/json", content=canonical_json(record), title="Validation result"
    )


def read_result(label: str, expectation: Expectation, validation: Any) -> ExpectationResult:
    """Read Great Expectations' result of one expectation (an ExpectationValidationResult)."""
    result = validation.result
    examined = unexpected = None
    if "element_count" in result and "unexpected_count" in result:
        examined = int(result["element_count"]) - int(result.get("missing_count") or 0)
        unexpected = int(result["unexpected_count"])
    mismatched = (result.get("details") or {}).get("mismatched") if isinstance(result.get("details"), dict) else None
    columns = mismatched if isinstance(mismatched, dict) else {}
    observed = _aggregate(expectation, result.get("observed_value"))
    success = bool(validation.success)
    if expectation.type in SUMS:
        observed = UNKNOWN if observed is None else observed
        success = _within(observed, expectation.kwargs)
    return ExpectationResult(
        label=label,
        expectation=expectation,
        success=success,
        examined=examined,
        unexpected=unexpected,
        observed=observed,
        missing_columns=tuple(map(str, columns.get("missing", ()))),
        extra_columns=tuple(map(str, columns.get("unexpected", ()))) if _refuses_others(expectation) else (),
    )


def _refuses_others(expectation: Expectation) -> bool:
    """Whether columns that a set does not name violate it."""
    return expectation.kwargs.get("exact_match") is not False


def _aggregate(expectation: Expectation, observed: Any) -> float | int | str | None:
    """A number, a time or the name of a type; lists and texts would be values of the data."""
    if "type" in expectation.type.split("_") and isinstance(observed, str):
        return observed
    if hasattr(observed, "isoformat"):
        return str(observed.isoformat())
    observed = observed.item() if hasattr(observed, "item") else observed
    observed = float(observed) if isinstance(observed, Decimal) else observed
    if isinstance(observed, bool) or not isinstance(observed, (int, float)):
        return None
    if not math.isfinite(observed):
        return UNKNOWN if math.isnan(observed) else "infinite"
    if expectation.type in SUMS:
        observed = _rounded(observed)
    return int(observed) if isinstance(observed, int) or observed.is_integer() else observed


def _rounded(number: float) -> float:
    """Nine significant digits: the last bits of a sum depend on the order in which it was added up."""
    return number if isinstance(number, int) else float(f"{number:.{DIGITS}g}")


def _within(observed: float | str | None, kwargs: dict[str, Any]) -> bool:
    """Whether a rounded sum is within its bounds, rounded alike, so that the comparison uses the displayed numbers."""
    if observed is None or isinstance(observed, str):
        return False
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and (observed < _rounded(low) or (kwargs.get("strict_min") and observed == _rounded(low))):
        return False
    return high is None or observed < _rounded(high) or (observed == _rounded(high) and not kwargs.get("strict_max"))
