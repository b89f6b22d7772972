"""Findings put in the order people need them: stopping first, worst first, a hundred of them kept short."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.report.scale import allowed
from model_governance.report.words import QUIET
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model_governance.verdict import Finding, Verdict

SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The worst findings to show, and how many of which outcome are left for the record."""

    loud: tuple[Finding, ...]
    quiet: tuple[Finding, ...]
    more: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverNote:
    """Who answers for a waived finding, until when and why; empty strings where the sentence does not say."""

    finding: Finding
    observed: str
    expires: str = ""
    approver: str = ""
    reason: str = ""


def worst_first(findings: Iterable[Finding], verdict: Verdict) -> list[Finding]:
    """Stopping findings first, then by outcome, then the furthest beyond its bound."""
    return sorted(
        findings,
        key=lambda finding: (
            not verdict.rules.stops(finding.outcome, finding.severity),
            -RANK.index(finding.outcome),
            -excess(finding),
            finding.check,
            finding.label,
        ),
    )


def order(findings: Sequence[Finding], verdict: Verdict, *, shown: int = SHOWN) -> Order:
    """The `shown` worst findings, loud ones apart from those that hold, and counts of the rest."""
    ranked = worst_first(findings, verdict)
    first, rest = ranked[:shown], ranked[shown:]
    return Order(
        loud=tuple(one for one in first if one.outcome not in QUIET),
        quiet=tuple(one for one in first if one.outcome in QUIET),
        more=counts(rest),
    )


def counts(findings: Iterable[Finding]) -> tuple[tuple[str, int], ...]:
    """Outcome and how often it occurs, worst first."""
    seen = [finding.outcome for finding in findings]
    return tuple((outcome, seen.count(outcome)) for outcome in reversed(RANK) if outcome in seen)


def excess(finding: Finding) -> float:
    """How far the value lies beyond what is allowed, in units of the bound; negative inside.

    Only for sorting: which side of a bound counts as a violation is decided in `verdict`.
    """
    # The direction matters for demands on change only, whose distance to the baseline ranks well enough.
    room = allowed(finding, better="higher")
    if finding.value is None or room is None:
        return 0.0
    ends = [abs(limit) for limit in room if abs(limit) != float("inf")]
    unit = max(ends, default=1.0) or 1.0
    return max(room[0] - finding.value, finding.value - room[1]) / unit


def waiver_note(finding: Finding) -> WaiverNote:
    """The parts of the sentence that `verdict` wrote for a waived finding."""
    pattern = rf"; waived until (\d{{4}}-\d\d-\d\d) by (.+?) \({re.escape(finding.waiver or '')}\): (.*)$"
    match = re.search(pattern, finding.sentence, re.DOTALL)
    if match is None:
        return WaiverNote(finding=finding, observed=finding.sentence)
    return WaiverNote(
        finding=finding,
        observed=finding.sentence[: match.start()],
        expires=match[1],
        approver=match[2],
        reason=match[3],
    )
