"""What a report must say of itself before its numbers count: something was decided, about this model, and lately."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.external_report.reading import unusable
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from datetime import datetime

    from model_governance.checks.supply_chain.external_report.content import Report

MOST_CATEGORIES = 1000
MOST_NAMED = 5  # targets that an error lists


def require_content(report: Report, where: str, *, expected: str) -> None:
    """Refuse a report that holds nothing, or nothing that was decided.

    Raises:
        CheckError: no item and no value, no attempt that passed or failed, or more categories than can be judged.
    """
    if not report.items and not report.values:
        raise unusable(where, expected=expected, found="a report of no items, which is no pass: the tool tried nothing")
    skipped = sum(item.skipped for item in report.items)
    if report.items and not any(item.passed + item.failed for item in report.items):
        raise unusable(where, expected=expected, found=f"{skipped} attempts of which the tool decided none")
    categories = {item.category for item in report.items}
    if len(categories) > MOST_CATEGORIES:
        raise unusable(
            where, expected=f"at most {MOST_CATEGORIES} categories", found=f"{len(categories):,}",
            then="split the report, or name fewer plugins and suites",
        )  # fmt: skip


def require_target(report: Report, where: str, *, target: str | None) -> None:
    """Refuse a report that is not about the target alone; None asks for nothing.

    Raises:
        CheckError: the report names another target, several, or none.
    """
    if target is None:
        return
    others = [names for names in report.targets if target not in names]
    if report.targets and not others:
        return
    named = "; ".join(" or ".join(map(repr, names)) for names in (others or report.targets)[:MOST_NAMED])
    then = "run the tool against that model, or correct params.target"
    if not report.targets:
        then = f"have {report.tool} name its target, or leave params.target out"
    raise unusable(where, expected=f"a report about {target!r} alone", found=named or "no target in it", then=then)


def require_recent(report: Report, where: str, *, hours: float | None, moment: datetime | None) -> None:
    """Refuse a report that is older than it may be; None asks for nothing.

    Raises:
        CheckError: the report is too old or does not say when it was made, or the run has no moment to compare with.
    """
    if hours is None:
        return
    if moment is None:
        raise CheckError("params.max_age_hours: the check has no moment to compare with; run it as part of a run")
    if report.made_at is None:
        raise unusable(
            where, expected="a report that says when it was made (params.max_age_hours)", found="no moment in it",
            then="leave params.max_age_hours out and put the date into params.report ({{ ds }})",
        )  # fmt: skip
    if report.made_at < moment - timedelta(hours=hours):
        age = (moment - report.made_at).total_seconds() / 3600
        raise unusable(
            where, expected=f"a report of at most {hours:g} hours before {moment:%Y-%m-%d %H:%M} UTC",
            found=f"one of {report.made_at:%Y-%m-%d %H:%M} UTC, {age:,.1f} hours before",
            then="run the tool again before this check",
        )  # fmt: skip
