"""Which channel hears what of a run: its issues, cut to severity and owner."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.verdict import RANK

if TYPE_CHECKING:
    from model_governance.notify.message import RunMessage
    from model_governance.policy import Policy
    from model_governance.policy.notifications import ChannelSpec
    from model_governance.report.issues import Issue
    from model_governance.verdict import Finding, Outcome

GRAVE = ("fail", "error")


def routed(message: RunMessage, channel: ChannelSpec, policy: Policy) -> RunMessage | None:
    """What a channel hears of a run; None where nothing of it is news for the channel.

    An issue is heard with the worse of its outcomes in this run and in the one before: who was told of a fail is told
    that it is over.
    """
    heard = tuple(
        issue
        for issue in message.issues
        if _reaches(issue, channel.severity) and channel.owner in (None, policy.owner_of(issue.finding.check))
    )
    cut = replace(message, issues=heard)
    return cut if cut.is_news else None


def is_quiet(message: RunMessage) -> bool:
    """Whether a run has nothing but warnings and doubts, now and before: a digest may sum it up."""
    return not message.stops and all(_weight(issue) < RANK.index("fail") for issue in message.issues)


def recipients(channel: ChannelSpec, policy: Policy) -> tuple[str, ...]:
    """Mail addresses of a channel."""
    return channel.to or (channel.owner or policy.owner,)


def for_whole_model(channel: ChannelSpec, policy: Policy) -> ChannelSpec:
    """The channel with its recipients, and without what cuts the message of a run: for what is said of no finding."""
    to = recipients(channel, policy) if channel.type == "mail" else ()
    return channel.model_copy(update={"to": to, "owner": None, "severity": "fail"})


def _reaches(issue: Issue, severity: str) -> bool:
    return _weight(issue) >= RANK.index(severity)


def _weight(issue: Issue) -> int:
    findings = [issue.finding] if issue.before is None else [issue.finding, issue.before]
    return max(RANK.index(_unwaived(finding)) for finding in findings)


def _unwaived(finding: Finding) -> Outcome:
    """What a waived finding would be: a waiver is heard where its violation would be."""
    if finding.outcome != "waived":
        return finding.outcome
    return "fail" if finding.severity == "error" else "warn"
