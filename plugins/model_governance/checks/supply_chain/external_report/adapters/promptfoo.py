"""promptfoo: `promptfoo eval --output results.json` (also `redteam run`), version 2 and 3 of its summary.

The schema is EvaluateSummaryV3 of promptfoo's src/types/index.ts; `failureReason` 2 says that the test could not be carried
out, which is neither a pass nor a failure of the model.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from pydantic import Field

from model_governance.checks.supply_chain.external_report.content import Adapter, Item, Report, readable
from model_governance.checks.supply_chain.external_report.reading import (
    Part,
    json_document,
    moment,
    unusable,
    validated,
)

EXPECTS = "the results of promptfoo (promptfoo eval --output results.json)"
SEVERITIES = ("critical", "high", "medium", "low")
COULD_NOT_RUN = 2  # ResultFailureReason.ERROR


class Provider(Part):
    """The model that was asked."""

    id: str = ""
    label: str | None = None


class TestCase(Part):
    """What was asked."""

    description: str | None = None
    metadata: dict[str, Any] | None = None


class Result(Part):
    """One prompt, one test and one provider."""

    success: bool
    failureReason: Literal[0, 1, 2] = 0  # noqa: N815 - promptfoo's spelling
    provider: Provider
    testCase: TestCase = TestCase()  # noqa: N815 - promptfoo's spelling
    metadata: dict[str, Any] | None = None


class Stats(Part):
    """How many tests ended how."""

    successes: int = Field(ge=0)
    failures: int = Field(ge=0)
    errors: int = Field(default=0, ge=0)


class Summary(Part):
    """Every result of an evaluation."""

    version: Literal[2, 3]
    timestamp: str
    results: list[Result]
    stats: Stats


class Output(Part):
    """The file."""

    results: Summary


def read(content: bytes, where: str) -> Report:
    """One item for each result; a red team's results are grouped by plugin, others by their metadata's category."""
    raw = json_document(content, where, expected=EXPECTS)
    summary = validated(Output, raw, where, expected=EXPECTS).results
    items = tuple(_item(number, result) for number, result in enumerate(summary.results, start=1))
    told = (summary.stats.successes, summary.stats.failures, summary.stats.errors)
    counted = tuple(sum(getattr(item, kind) for item in items) for kind in ("passed", "failed", "skipped"))
    if told != counted:
        raise unusable(
            where, expected=f"{EXPECTS} with as many results as its stats say ({told[0]} passed, {told[1]} failed, {told[2]} errors)",
            found=f"{counted[0]} passed, {counted[1]} failed, {counted[2]} errors: results are missing or were filtered",
        )  # fmt: skip
    failed = Counter(item.severity for item in items if item.failed)
    is_red_team = any(_told(result, "pluginId") for result in summary.results)
    return Report(
        tool="promptfoo",
        items=items,
        findings={severity: failed[severity] for severity in SEVERITIES} if is_red_team else {},
        made_at=moment(summary.timestamp, where, expected=EXPECTS),
        targets=tuple(dict.fromkeys(_names(result.provider) for result in summary.results)),
    )


def _item(number: int, result: Result) -> Item:
    could_not_run = result.failureReason == COULD_NOT_RUN and not result.success
    severity = str(_told(result, "severity") or "").lower()
    if severity not in SEVERITIES:
        # A red team's finding that names no known severity counts as the worst: it must not drop out of the counts.
        severity = "critical" if _told(result, "pluginId") else ""
    return Item(
        category=readable(_told(result, "pluginId") or _told(result, "category") or "tests"),
        name=readable(result.testCase.description or f"test {number}"),
        passed=int(result.success),
        failed=int(not result.success and not could_not_run),
        skipped=int(could_not_run),
        severity=severity,
    )


def _told(result: Result, key: str) -> Any:
    """What the metadata of a result, or of its test, say under a key."""
    return (result.metadata or {}).get(key) or (result.testCase.metadata or {}).get(key)


def _names(provider: Provider) -> tuple[str, ...]:
    return tuple(readable(name) for name in (provider.id, provider.label) if name)


ADAPTER = Adapter(title="promptfoo", expects=EXPECTS, read=read)
