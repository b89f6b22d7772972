"""Giskard: `ScanReport.to_json(filename)` of Giskard 2, the issues of every detector by level.

A detector without an issue is listed with an empty object, so that a scan which ran differs from one that did not. The file
names neither the model nor the moment of the scan.
"""

from __future__ import annotations

from typing import Literal

from pydantic import RootModel

from model_governance.checks.supply_chain.external_report.content import Adapter, Item, Report, readable
from model_governance.checks.supply_chain.external_report.reading import json_document, unusable, validated

EXPECTS = "a scan of Giskard (ScanReport.to_json)"
Level = Literal["major", "medium", "minor"]
LEVELS: tuple[Level, ...] = ("major", "medium", "minor")


class Scan(RootModel[dict[str, dict[Level, list[str]]]]):
    """Descriptions of issues, by detector and level."""


def read(content: bytes, where: str) -> Report:
    """One item for each detector, which failed where it raised an issue; a finding for each issue."""
    raw = json_document(content, where, expected=EXPECTS)
    scan = validated(Scan, raw, where, expected=EXPECTS).root
    foreign = [name for name in scan if not name.endswith("Detector")]
    if foreign:
        raise unusable(
            where, expected=f"{EXPECTS} whose keys are detectors", found=f"the key {readable(foreign[0])!r}",
            then="check that params.format names the tool that wrote the file",
        )  # fmt: skip
    findings: dict[str, int] = {level: sum(len(issues.get(level, [])) for issues in scan.values()) for level in LEVELS}
    return Report(
        tool="Giskard",
        items=tuple(_item(name, issues) for name, issues in scan.items()),
        findings=findings,
        notes=("the scan names neither its model nor its moment: put the date into params.report",),
    )


def _item(name: str, issues: dict[Level, list[str]]) -> Item:
    worst: str = next((level for level in LEVELS if issues.get(level)), "")
    return Item(
        category="detectors", name=readable(name), passed=int(not worst), failed=int(bool(worst)), severity=worst
    )


ADAPTER = Adapter(title="Giskard", expects=EXPECTS, read=read)
