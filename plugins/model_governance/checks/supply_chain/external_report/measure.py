"""The recipe of an external report: read it under its adapter, refuse what is not this run's, count, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.external_report.adapters import adapters
from model_governance.checks.supply_chain.external_report.conditions import (
    require_content,
    require_recent,
    require_target,
)
from model_governance.checks.supply_chain.external_report.estimates import estimates
from model_governance.checks.supply_chain.external_report.metrics import METRICS
from model_governance.checks.supply_chain.external_report.report import figures, highlights, notes, tables
from model_governance.contract.result import CheckResult, declared, versions_of
from model_governance.subjects.param_files import param_file

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.external_report.params import ReportParams
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: ReportParams, seed: int) -> CheckResult:
    """Read the report of another tool and turn it into metrics.

    Args:
        subject: holds the report in `param_files`, and the moment of the run; no dataset and no model is read.
        params: the format, and what the report must say of itself.
        seed: recorded only; nothing is drawn at random.

    Returns:
        Failed shares by category with exact intervals, counts, and the values that the tool computed.

    Raises:
        CheckError: the report cannot be read, is empty, cut off, of another tool, contradicts itself, holds no item that
            was decided, is older than `max_age_hours`, or is not about `target`.
    """
    file = param_file(subject, "report", params.report)
    adapter = adapters()[params.format]()
    report = adapter.read(file.content, file.uri)
    require_content(report, file.uri, expected=adapter.expects)
    require_target(report, file.uri, target=params.target)
    require_recent(report, file.uri, hours=params.max_age_hours, moment=subject.logical_date)
    return CheckResult(
        kind="external_report",
        seed=seed,
        metrics=tuple(declared(METRICS, estimate) for estimate in estimates(report)),
        tables=tables(report),
        artifacts=figures(report),
        highlights=highlights(report),
        notes=notes(report, file),
        tools=versions_of("pydantic", "scipy"),
    )
