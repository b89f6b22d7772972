"""SARIF 2.1.0 (OASIS): what scanners of code, secrets, containers and dependencies write.

Section 3.14.23 of the standard: `results` is empty where the tool looked and found nothing, and absent or null where it did
not get to look. An item is a rule; a tool that lists no rule must list the files it looked at.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from model_governance.checks.supply_chain.external_report.content import Adapter, Item, Report, readable
from model_governance.checks.supply_chain.external_report.reading import (
    Part,
    json_document,
    moment,
    unusable,
    validated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

EXPECTS = "a SARIF 2.1.0 log"
LEVELS = ("error", "warning", "note", "none")
UNDECIDED = ("open", "review", "notApplicable")
Level = Literal["error", "warning", "note", "none"]


class Configuration(Part):
    """The level of a rule whose results name none."""

    level: Level = "warning"


class Rule(Part):
    """A rule that the tool applied."""

    id: str
    defaultConfiguration: Configuration = Configuration()  # noqa: N815 - the standard's spelling


class Component(Part):
    """The tool, or a package of rules that it was extended by."""

    name: str = Field(min_length=1)
    version: str | None = None
    semanticVersion: str | None = None  # noqa: N815 - the standard's spelling
    rules: list[Rule] = Field(default_factory=list)


class Tool(Part):
    """The tool and its extensions; some tools (CodeQL) have all their rules in these."""

    driver: Component
    extensions: list[Component] = Field(default_factory=list)

    @property
    def rules(self) -> list[Rule]:
        """The rules of all of them."""
        return [rule for component in (self.driver, *self.extensions) for rule in component.rules]


class Suppression(Part):
    """Why a result does not count; one that is under review or rejected still counts."""

    status: Literal["accepted", "underReview", "rejected"] = "accepted"


class ComponentReference(Part):
    """An extension, by its place in the list."""

    index: int | None = None


class RuleReference(Part):
    """The rule of a result, by its name or its place in the list of a component."""

    id: str | None = None
    index: int | None = None
    toolComponent: ComponentReference = ComponentReference()  # noqa: N815 - the standard's spelling


class Result(Part):
    """One finding."""

    ruleId: str | None = None  # noqa: N815 - the standard's spelling
    ruleIndex: int | None = None  # noqa: N815 - the standard's spelling
    rule: RuleReference = RuleReference()
    kind: Literal["pass", "open", "informational", "notApplicable", "review", "fail"] = "fail"
    level: Level | None = None
    baselineState: str | None = None  # noqa: N815 - the standard's spelling
    suppressions: list[Suppression] | None = None

    @property
    def is_suppressed(self) -> bool:
        """Whether somebody accepted it."""
        return bool(self.suppressions) and all(one.status == "accepted" for one in self.suppressions or ())


class Location(Part):
    """Where a file is."""

    uri: str | None = None


class ScannedFile(Part):
    """A file that the tool looked at."""

    location: Location = Location()
    roles: list[str] = Field(default_factory=list)


class Invocation(Part):
    """One start of the tool."""

    executionSuccessful: bool  # noqa: N815 - the standard's spelling
    endTimeUtc: str | None = None  # noqa: N815 - the standard's spelling


class AutomationDetails(Part):
    """What the run was about."""

    id: str | None = None


class Run(Part):
    """One run of one tool."""

    tool: Tool
    results: list[Result]
    artifacts: list[ScannedFile] = Field(default_factory=list)
    invocations: list[Invocation] = Field(default_factory=list)
    automationDetails: AutomationDetails = AutomationDetails()  # noqa: N815 - the standard's spelling


class Log(Part):
    """The file."""

    version: Literal["2.1.0"]
    runs: list[Run] = Field(min_length=1)


def read(content: bytes, where: str) -> Report:
    """One item for each rule, which failed where it has an open finding; findings by level."""
    log = validated(Log, json_document(content, where, expected=EXPECTS), where, expected=EXPECTS)
    for run in log.runs:
        if not all(invocation.executionSuccessful for invocation in run.invocations):
            name = readable(run.tool.driver.name)
            raise unusable(
                where, expected=f"{EXPECTS} of runs that ended well", found=f"{name} with executionSuccessful false"
            )
    findings: Counter[str] = Counter()
    suppressed = 0
    for run in log.runs:
        findings.update(_level(run, result) for result in _open(run))
        suppressed += sum(result.is_suppressed for result in run.results)
    return Report(
        tool=", ".join(_named(run.tool.driver) for run in log.runs),
        items=tuple(item for run in log.runs for item in _items(run, where)),
        findings={level: findings[level] for level in LEVELS},
        made_at=_ended(log, where),
        targets=tuple((readable(run.automationDetails.id),) for run in log.runs if run.automationDetails.id)
        or tuple(_targets(log)),
        notes=(f"{suppressed:,} findings are suppressed in the report and do not count",) if suppressed else (),
    )  # fmt: skip


def _items(run: Run, where: str) -> Iterator[Item]:
    category = readable(run.tool.driver.name)
    failing = {_rule(run, result) for result in _open(run)}
    undecided = {_rule(run, result) for result in run.results if result.kind in UNDECIDED} - failing
    passing = {_rule(run, result) for result in run.results} | {rule.id for rule in run.tool.rules}
    if not passing:
        files = [file.location.uri for file in run.artifacts if file.location.uri]
        if not files:
            raise unusable(
                where, expected=f"{EXPECTS} that says what {category} looked at",
                found="a run with no result, no rule and no file",
                then="have the tool write its rules (tool.driver.rules) or the files it scanned (artifacts): an empty run is no pass",
            )  # fmt: skip
        yield from (Item(category=category, name=readable(name), passed=1) for name in files)
    for rule in sorted(passing | failing):
        yield Item(
            category=category, name=readable(rule), failed=int(rule in failing), skipped=int(rule in undecided),
            passed=int(rule not in failing and rule not in undecided),
        )  # fmt: skip


def _open(run: Run) -> list[Result]:
    """Results that say that a rule is violated now and that nobody accepted."""
    return [
        result
        for result in run.results
        if result.kind == "fail" and result.baselineState != "absent" and not result.is_suppressed
    ]


def _rule(run: Run, result: Result) -> str:
    index = result.ruleIndex if result.ruleIndex is not None else result.rule.index
    extension, component = result.rule.toolComponent.index, run.tool.driver
    if extension is not None and 0 <= extension < len(run.tool.extensions):
        component = run.tool.extensions[extension]
    rules = component.rules
    at_index = rules[index].id if index is not None and 0 <= index < len(rules) else None
    return result.ruleId or result.rule.id or at_index or "a rule that is not named"


def _level(run: Run, result: Result) -> str:
    rules = {rule.id: rule.defaultConfiguration.level for rule in run.tool.rules}
    return result.level or rules.get(_rule(run, result), "warning")


def _ended(log: Log, where: str) -> datetime | None:
    """The end of the run that ended first; None where one does not say."""
    ends = [[one.endTimeUtc for one in run.invocations if one.endTimeUtc] for run in log.runs]
    if not all(ends):
        return None
    return min(moment(max(texts), where, expected=EXPECTS) for texts in ends)


def _targets(log: Log) -> Iterator[tuple[str, ...]]:
    for run in log.runs:
        for file in run.artifacts:
            if "analysisTarget" in file.roles and file.location.uri:
                yield (readable(file.location.uri),)


def _named(driver: Component) -> str:
    return readable(f"{driver.name} {driver.semanticVersion or driver.version or ''}")


ADAPTER = Adapter(title="SARIF", expects=EXPECTS, read=read)
