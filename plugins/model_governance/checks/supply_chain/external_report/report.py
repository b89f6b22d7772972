"""Sentences, tables and the figure of an external report: counts and names, never prompts or answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.external_report.estimates import categories
from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, MUTED, REFERENCE, canvas, to_svg
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.external_report.content import Report
    from model_governance.contract.result import Artifact
    from model_governance.contract.subject import ParamFile

MAX_ROWS = 200  # of a table
MAX_BARS = 20  # of a figure
MAX_SENTENCES = 3


def highlights(report: Report) -> tuple[str, ...]:
    """The categories that failed most often and the findings; one sentence that nothing failed where that is so."""
    failing = [category for category in categories(report.items) if category.failed]
    failing.sort(key=lambda category: -category.failed / category.decided)
    sentences = [
        f"{category.name}: {category.failed:,} of {category.decided:,} attempts failed."
        for category in failing[:MAX_SENTENCES]
    ]
    found = {severity: count for severity, count in report.findings.items() if count}
    if found:
        sentences.append(f"Findings: {', '.join(f'{count:,} {severity}' for severity, count in found.items())}.")
    if not sentences and report.items:
        decided = sum(category.decided for category in categories(report.items))
        sentences.append(f"{report.tool} found nothing in {decided:,} decided attempts.")
    return tuple(sentences) or (f"{report.tool} reports {len(report.values):,} values.",)


def tables(report: Report) -> tuple[Table, ...]:
    """Categories, failed items, findings and values, the worst first."""
    grouped = sorted(categories(report.items), key=lambda category: -category.failed)
    failed = sorted((item for item in report.items if item.failed), key=lambda item: -item.failed)
    made = (
        Table(
            name="categories", title="Attempts by category", header=("category", "items", "passed", "failed", "not decided"),
            rows=tuple((one.name, one.items, one.passed, one.failed, one.skipped) for one in grouped[:MAX_ROWS]),
        ),
        Table(
            name="failed_items", title="Items that failed", header=("category", "item", "severity", "failed", "passed"),
            rows=tuple(
                (item.category, item.name, item.severity, item.failed, item.passed) for item in failed[:MAX_ROWS]
            ),
        ),
        Table(
            name="findings", title="Findings by severity", header=("severity", "findings"),
            rows=tuple(report.findings.items()),
        ),
        Table(
            name="values", title="Values that the tool computed", header=("name", "value", "rows"),
            rows=tuple((value.name, value.value, value.rows or None) for value in report.values[:MAX_ROWS]),
        ),
    )  # fmt: skip
    return tuple(table for table in made if table.rows)


def figures(report: Report) -> tuple[Artifact, ...]:
    """Failed share of every category with its exact interval; nothing where the report holds values only."""
    decided = [category for category in categories(report.items) if category.decided]
    shown = sorted(decided, key=lambda category: -category.failed / category.decided)[:MAX_BARS]
    if not shown:
        return ()
    picture, (axis,) = canvas(columns=1, width=7.6, height=1.2 + 0.3 * len(shown))
    for place, category in enumerate(shown):
        colour = CURRENT if category.failed else REFERENCE
        axis.plot(clopper_pearson(category.failed, category.decided), (place, place), color=MUTED, linewidth=1.5)
        axis.plot(category.failed / category.decided, place, "o", color=colour, markersize=5)
    axis.set_yticks(range(len(shown)), [f"{one.name[:60]} (n = {one.decided:,})" for one in shown], parse_math=False)
    axis.set_ylim(len(shown) - 0.5, -0.5)
    axis.set_xlim(-0.02, 1.02)
    axis.set_xlabel("share of decided attempts that failed")
    return (to_svg(picture, name="failed_share.svg", title="Failed share by category, with exact 95% intervals"),)


def notes(report: Report, file: ParamFile) -> tuple[str, ...]:
    """Which bytes were read, what they say of themselves, and their limits."""
    targets = "; ".join(names[0] for names in report.targets[:MAX_SENTENCES])
    made_at = f"made {report.made_at:%Y-%m-%d %H:%M} UTC" if report.made_at else "without the moment that it was made"
    skipped = sum(item.skipped for item in report.items)
    return (
        f"sha256 {file.sha256}, {len(file.content):,} bytes of {report.tool}, {made_at}"
        + (f", about {targets}" if targets else ", which names no target"),
        *(
            (f"{skipped:,} attempts were not decided by the tool and count neither as passed nor as failed",)
            if skipped
            else ()
        ),
        *report.notes,
    )
