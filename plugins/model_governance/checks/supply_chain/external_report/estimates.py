"""The numbers of a report: counts and shares, with exact intervals where they are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.stats.limits.shares import ExactShare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_governance.checks.supply_chain.external_report.content import Item, Report, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """The items of one category: attempts that passed, failed and were not decided."""

    name: str
    items: int
    passed: int
    failed: int
    skipped: int

    @property
    def decided(self) -> int:
        """Attempts that passed or failed."""
        return self.passed + self.failed


def categories(items: Iterable[Item]) -> tuple[Category, ...]:
    """Items by category, in the order of the report."""
    grouped: dict[str, list[Item]] = {}
    for item in items:
        grouped.setdefault(item.category, []).append(item)
    return tuple(
        Category(
            name=name,
            items=len(members),
            passed=sum(item.passed for item in members),
            failed=sum(item.failed for item in members),
            skipped=sum(item.skipped for item in members),
        )
        for name, members in grouped.items()
    )


def estimates(report: Report) -> Iterator[Estimate]:
    """Every number of a report."""
    total = len(report.items) + len(report.values)
    yield Estimate(name="items", value=total, n=total)
    for category in categories(report.items):
        yield _failed_share(category)
    if report.items:
        attempts = sum(item.passed + item.failed + item.skipped for item in report.items)
        failed = [item.name for item in report.items if item.failed]
        yield Estimate(name="failed_items", value=len(failed), n=len(report.items), detail=", ".join(failed[:3]))
        yield Estimate(name="skipped_attempts", value=sum(item.skipped for item in report.items), n=attempts)
    for severity, count in report.findings.items():
        yield Estimate(name="findings", value=count, n=max(len(report.items), count), key=severity)
    for value in report.values:
        yield _reported(value)


def _failed_share(category: Category) -> Estimate:
    if not category.decided:
        reason = f"the tool decided none of {category.skipped} attempts"
        return Estimate(name="failed_share", value=None, n=0, key=category.name, reason=reason)
    limits = ExactShare(successes=category.failed, n=category.decided)
    detail = f"{category.skipped} more were not decided" if category.skipped else ""
    return Estimate(
        name="failed_share", value=limits.value, n=category.decided, key=category.name, limits=limits, detail=detail
    )


def _reported(value: Value) -> Estimate:
    if value.value is None:
        reason = "the report holds no finite number"
        return Estimate(name="reported_value", value=None, n=value.rows, key=value.name, reason=reason)
    limits = None
    if value.is_share and value.rows and 0 <= value.value <= 1:
        limits = ExactShare(successes=value.value * value.rows, n=value.rows)
    return Estimate(name="reported_value", value=value.value, n=value.rows, key=value.name, limits=limits)
