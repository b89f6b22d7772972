"""The digest: the warnings and doubts of a day or week, summed up in one note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from model_governance.contract.moments import spell_moment
from model_governance.notify.message import MOST_LINES
from model_governance.notify.note import Note, Section
from model_governance.report.findings import count_outcomes
from model_governance.report.formatting import counted, format_counts
from model_governance.report.issues import GRAVITY
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from model_governance.policy import Policy
    from model_governance.policy.notifications import ChannelSpec
    from model_governance.verdict import Finding, Verdict

Every = Literal["daily", "weekly"]


def digest_of(
    policy: Policy, channel: ChannelSpec, *, every: Every, moment: datetime, earlier: Iterable[tuple[datetime, Verdict]]
) -> Note | None:
    """The digest that the first run of a new day or week sends; None where none is due or the channel has none to hear.

    It covers the day or week of the run before, so that it needs no memory: the same run gives the same digest.

    Args:
        policy: of the model.
        channel: that hears it; one of severity fail has no digest.
        every: what a digest covers.
        moment: of this run (UTC).
        earlier: moment and verdict of the verified runs before it, the newest first.
    """
    if channel.severity == "fail":
        return None
    covered: list[tuple[datetime, Verdict]] = []
    for then, verdict in earlier:
        if _period(then, every) == _period(moment, every):
            return None
        if covered and _period(then, every) != _period(covered[0][0], every):
            break
        covered.append((then, verdict))
    findings = [
        (then, finding)
        for then, verdict in reversed(covered)
        for finding in verdict.findings
        if _heard(finding, channel, policy)
    ]
    if not findings:
        return None
    return _note(policy, every, covered, findings)


def _note(
    policy: Policy, every: Every, covered: Sequence[tuple[datetime, Verdict]],
    findings: Sequence[tuple[datetime, Finding]],
) -> Note:  # fmt: skip
    grouped: dict[tuple[str, str | None, str | None], list[tuple[datetime, Finding]]] = {}
    for then, finding in findings:
        grouped.setdefault((finding.check, finding.metric, finding.key), []).append((then, finding))
    worst_first = sorted(
        grouped.values(), key=lambda group: (-max(RANK.index(each.outcome) for _, each in group), -len(group))
    )
    lines = [_line(group) for group in worst_first]
    first, last = (spell_moment(covered[place][0]) for place in (-1, 0))
    outcomes = [verdict.outcome for _, verdict in covered]
    tally = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in reversed(RANK) if outcome in outcomes)
    return Note(
        title=f"{policy.name}: {every} digest of warnings",
        lead=f"{counted(len(covered), 'run')} from {first} to {last}: {tally}.",
        sections=(Section(title="Warnings and doubts", lines=tuple(lines[:MOST_LINES]),
                          omitted=max(0, len(lines) - MOST_LINES)),),
        level="warn", subject=f"{policy.name} digest", link="",
        facts={"schema": "model-governance/message/v1", "kind": "digest", "model": policy.name, "every": every,
               "first": covered[-1][0].isoformat(), "last": covered[0][0].isoformat(), "runs": len(covered),
               "lines": lines},
    )  # fmt: skip


def _line(group: Sequence[tuple[datetime, Finding]]) -> str:
    """How often, and the newest sentence."""
    tally = format_counts(count_outcomes(finding for _, finding in group))
    return f"{tally} (first {spell_moment(group[0][0])}); the newest: {group[-1][1].sentence}"


def _heard(finding: Finding, channel: ChannelSpec, policy: Policy) -> bool:
    """Whether a digest sums it up: what stops a run had a message of its own."""
    if finding.outcome not in GRAVITY or finding.outcome in ("fail", "error", "waived"):
        return False
    return RANK.index(finding.outcome) >= RANK.index(channel.severity) and channel.owner in (
        None,
        policy.owner_of(finding.check),
    )


def _period(moment: datetime, every: Every) -> date | tuple[int, int]:
    return moment.date() if every == "daily" else moment.isocalendar()[:2]
