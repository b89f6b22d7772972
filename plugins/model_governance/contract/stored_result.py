"""The result of a check, read back from its record: what is needed to judge it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.result import CheckResult, Metric
from model_governance.errors import CheckError, EvidenceError
from model_governance.stats.limits import read_limits

if TYPE_CHECKING:
    from collections.abc import Container, Mapping


def read_result(record: Mapping[str, Any], *, origin: str, wanted: Container[str] | None = None) -> CheckResult:
    """The result that `CheckResult.record` wrote, without tables and artifacts.

    Args:
        record: whose form was checked.
        origin: names it in messages.
        wanted: names of the metrics that are read; None for all, and all where there is none of these names.

    Raises:
        EvidenceError: the record holds other fields than a result of this release; `origin` names it.
    """
    try:
        named = [metric for metric in record["metrics"] if wanted is None or metric["name"] in wanted]
        metrics = tuple(_metric(metric) for metric in named or record["metrics"])
        return CheckResult(
            kind=record["kind"], seed=record["seed"], status=record["status"], reason=record["reason"], metrics=metrics
        )
    except (KeyError, TypeError, ValueError, CheckError) as error:
        raise EvidenceError(
            f"{origin}: expected the result of a check as this release writes it, found other fields "
            f"({type(error).__name__}: {error!s:.300}); read it with the release that wrote it"
        ) from error


def _metric(record: Mapping[str, Any]) -> Metric:
    limits = record["limits"]
    return Metric(**{**record, "limits": None if limits is None else read_limits(limits)})
