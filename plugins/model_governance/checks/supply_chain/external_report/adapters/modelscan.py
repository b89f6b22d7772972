"""modelscan (Protect AI): `modelscan --path … -r json -o report.json`.

The schema is what ModelScan._generate_results writes. A scan of no file has no issue either, and a file that a scanner broke
on is not clean: both are told apart from a scan that found nothing.
"""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from model_governance.checks.supply_chain.external_report.content import Adapter, Item, Report, readable
from model_governance.checks.supply_chain.external_report.reading import (
    Part,
    json_document,
    moment,
    unusable,
    validated,
)

EXPECTS = "a report of modelscan (modelscan -r json)"
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")


class Issue(Part):
    """An unsafe operator in one file."""

    source: str
    severity: str


class ScanError(Part):
    """A scanner that could not read a file."""

    source: str = "a file that is not named"


class Scanned(Part):
    """Files that were read."""

    total_scanned: int = Field(ge=0)
    scanned_files: list[str] = Field(default_factory=list)


class SkippedFile(Part):
    """A file that no scanner reads, and why."""

    source: str
    category: str = ""


class Skipped(Part):
    """Files that were not read."""

    total_skipped: int = Field(ge=0)
    skipped_files: list[SkippedFile] = Field(default_factory=list)


class Summary(Part):
    """What was scanned."""

    total_issues_by_severity: dict[str, int]
    total_issues: int = Field(ge=0)
    input_path: str | None = None
    modelscan_version: str
    timestamp: str
    scanned: Scanned
    skipped: Skipped


class Scan(Part):
    """The file."""

    summary: Summary
    issues: list[Issue]
    errors: list[ScanError]


def read(content: bytes, where: str) -> Report:
    """One item for each file: failed where it has an issue or a scanner broke on it, skipped where none read it."""
    scan = validated(Scan, json_document(content, where, expected=EXPECTS), where, expected=EXPECTS)
    summary, issues = scan.summary, Counter(issue.severity.upper() for issue in scan.issues)
    told = {severity.upper(): count for severity, count in summary.total_issues_by_severity.items()}
    if len(scan.issues) != summary.total_issues or any(issues[severity] != count for severity, count in told.items()):
        raise unusable(
            where, expected=f"{EXPECTS} with the {summary.total_issues} issues of its summary",
            found=f"{len(scan.issues)} issues, or others by severity: the report was cut or changed",
        )  # fmt: skip
    bad = {issue.source for issue in scan.issues} | {error.source for error in scan.errors}
    # A file is listed once for each scanner that read it.
    named = list(dict.fromkeys(summary.scanned.scanned_files))
    clean = [name for name in named if name not in bad]
    # Early versions count the files without naming them.
    unnamed = max(0, summary.scanned.total_scanned - len(named)) if not named else 0
    known = {severity: issues[severity] for severity in dict.fromkeys((*SEVERITIES, *issues))}
    path = summary.input_path
    return Report(
        tool=f"modelscan {readable(summary.modelscan_version)}",
        items=(
            *(Item(category="files", name=readable(name), failed=1) for name in sorted(bad)),
            *(Item(category="files", name=readable(name), passed=1) for name in clean),
            *(Item(category="files", name=f"file {number + 1}", passed=1) for number in range(unnamed - len(bad))),
            *(Item(category="files", name=readable(file.source), skipped=1) for file in summary.skipped.skipped_files),
        ),
        findings={severity.lower(): count for severity, count in known.items()} | {"scan error": len(scan.errors)},
        made_at=moment(summary.timestamp, where, expected=EXPECTS),
        targets=((readable(path), readable(path.replace("\\", "/").rpartition("/")[2])),) if path else (),
        notes=("the moment of modelscan names no time zone and is taken as UTC",),
    )  # fmt: skip


ADAPTER = Adapter(title="modelscan", expects=EXPECTS, read=read)
