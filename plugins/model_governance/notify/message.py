"""The message of a run: one for all of its findings, grouped by what became of them since the run before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from model_governance.contract.moments import spell_moment
from model_governance.notify.note import Note, Section
from model_governance.report.formatting import counted
from model_governance.report.issues import GRAVITY, track

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from model_governance.notify.note import Level
    from model_governance.report.issues import Change, Issue
    from model_governance.verdict import Outcome, Verdict

Status = Literal["new", "worsening", "resolved in part", "ongoing", "waived", "resolved", "passed"]

ORDER: tuple[Change, ...] = (
    "new", "waiver ended", "worsening", "ongoing", "eased", "not judged", "waived", "resolved",
)  # fmt: skip
TITLES: dict[Change, str] = {
    "new": "New",
    "waiver ended": "New: its waiver is no longer in force",
    "worsening": "Worsening",
    "ongoing": "Ongoing",
    "eased": "Less grave than before",
    "not judged": "Open, and not judged in this run",
    "waived": "Waived",
    "resolved": "Resolved",
}
MOST_LINES = 20
"""Findings in a message; the page of the run has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMessage:
    """What a run says, before it is cut to what a channel hears.

    Attributes:
        model: name of the model.
        moment: of the run (UTC).
        outcome: of the run.
        stops: whether the run stops.
        issues: the gravest first.
        link: address of the page of the run; empty without one.
        damaged: earlier runs that are damaged, so that the comparison left them out.
    """

    model: str
    moment: datetime
    outcome: Outcome
    stops: bool
    issues: tuple[Issue, ...]
    link: str = ""
    damaged: int = 0

    @property
    def status(self) -> Status:
        """The one word for the run: the most urgent of what became of its issues."""
        changes = {issue.change for issue in self.issues}
        if changes & {"new", "waiver ended"}:
            return "new"
        if "worsening" in changes:
            return "worsening"
        is_open = any(issue.is_open for issue in self.issues)
        if is_open and changes & {"resolved", "eased"}:
            return "resolved in part"
        if changes & {"ongoing", "not judged"}:
            return "ongoing"
        if is_open:
            return "waived"
        return "resolved" if changes else "passed"

    @property
    def is_news(self) -> bool:
        """Whether there is something to say: a pass after a pass, and what was waived before, is none."""
        if self.status == "waived":
            return any(issue.before is None or issue.before.outcome != "waived" for issue in self.issues)
        return self.status != "passed"

    def note(self) -> Note:
        """The message as a note."""
        status, date = self.status, spell_moment(self.moment)
        gone = self.status == "resolved"
        lead = f"Run of {date}: {self.outcome}{', it stops' if self.stops else ''}. {_summary(self.issues)}"
        if self.damaged:
            lead += f" {counted(self.damaged, 'earlier run')} damaged in the archive, not compared with."
        level: Level = "good" if gone else "fail" if any(_is_grave(issue) for issue in self.issues) else "warn"
        return Note(
            title=f"{self.model}: {self.outcome.upper()}, {status}", lead=lead, sections=_sections(self.issues),
            level=level, subject=self.model, link=self.link, facts=self._facts(),
        )  # fmt: skip

    def _facts(self) -> dict[str, Any]:
        return {
            "schema": "model-governance/message/v1", "kind": "run", "model": self.model,
            "logical_date": self.moment.isoformat(), "outcome": self.outcome, "stops": self.stops,
            "status": self.status, "link": self.link, "issues": [_record(issue) for issue in self.issues],
        }  # fmt: skip


def message_of(
    verdict: Verdict, *, moment: datetime, earlier: Iterable[tuple[datetime, Verdict]], link: str = ""
) -> RunMessage:
    """The message of a run.

    Args:
        verdict: of the run.
        moment: of the run (UTC).
        earlier: moment and verdict of the verified runs before it, the newest first.
        link: address of its page.
    """
    return RunMessage(
        model=verdict.name, moment=moment, outcome=verdict.outcome, stops=verdict.stops,
        issues=track(verdict, moment=moment, earlier=earlier), link=link,
    )  # fmt: skip


def bare_note(model: str, *, outcome: Outcome, stops: bool, sentence: str, problem: str, link: str = "") -> Note:
    """The note of a run whose archive cannot be read: what is known of it, without what became of its findings.

    Args:
        model: name of the model.
        outcome: of the run.
        stops: whether it stops.
        sentence: of its verdict.
        problem: why the archive cannot be read.
        link: address of its page.
    """
    lines = [line.strip().removeprefix("- ") for line in sentence.splitlines()[1:]] or [sentence]
    return Note(
        title=f"{model}: {outcome.upper()}",
        lead=f"What is new in this run is not known: {problem}",
        sections=(Section(title="Findings", lines=tuple(lines[:MOST_LINES]), omitted=max(0, len(lines) - MOST_LINES)),),
        level="fail" if stops else "warn", subject=model, link=link,
        facts={"schema": "model-governance/message/v1", "kind": "run", "model": model, "outcome": outcome,
               "stops": stops, "status": "unknown", "link": link},
    )  # fmt: skip


def describe_issue(issue: Issue) -> str:
    """The sentence of the finding, and since when it is so."""
    sentence = issue.finding.sentence
    since = f"since {spell_moment(issue.since)} ({counted(issue.runs, 'run')})"
    if issue.change in ("worsening", "ongoing", "eased", "waiver ended"):
        was = f", {issue.before.outcome} before" if issue.before and issue.change != "ongoing" else ""
        return f"{sentence} [{since}{was}]"
    if issue.change == "resolved":
        return f"{sentence} [it was {issue.before.outcome if issue.before else 'open'} {since}]"
    if issue.change == "not judged":
        return f"{issue.finding.label} of {issue.finding.check} was not judged in this run; the last time: {sentence} [{since}]"
    return sentence


def _is_grave(issue: Issue) -> bool:
    return issue.is_open and issue.finding.outcome in ("fail", "error")


def _sections(issues: tuple[Issue, ...]) -> tuple[Section, ...]:
    sections, room = [], MOST_LINES
    for change in ORDER:
        lines = [describe_issue(issue) for issue in issues if issue.change == change]
        if not lines:
            continue
        shown = lines[:room]
        room -= len(shown)
        sections.append(Section(title=TITLES[change], lines=tuple(shown), omitted=len(lines) - len(shown)))
    return tuple(sections)


def _summary(issues: tuple[Issue, ...]) -> str:
    """How many findings are what, as in `2 new, 1 ongoing, 3 resolved`."""
    changes = [issue.change for issue in issues]
    parts = [f"{changes.count(change):,} {change}" for change in ORDER if change in changes]
    return f"Findings: {', '.join(parts)}." if parts else "Nothing is open."


def _record(issue: Issue) -> dict[str, Any]:
    finding = issue.finding
    return {
        "change": issue.change, "check": finding.check, "metric": finding.metric, "key": finding.key,
        "outcome": finding.outcome if finding.outcome in GRAVITY else "pass",
        "before": issue.before.outcome if issue.before else None, "since": issue.since.isoformat(),
        "runs": issue.runs, "sentence": finding.sentence,
    }  # fmt: skip
