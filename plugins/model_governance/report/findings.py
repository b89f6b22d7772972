"""Findings in the order of a report: those that stop the run first, then the worst; long lists cut."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.report.formatting import NOT_NOTABLE
from model_governance.report.scale import allowed
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from model_governance.verdict import Finding, Verdict

MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedFindings:
    """The worst findings, and how many of which outcome a page omits.

    `notable` are those that need attention, `passing` those that pass or were skipped, `omitted` counts by outcome.
    """

    notable: tuple[Finding, ...]
    passing: tuple[Finding, ...]
    omitted: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverNote:
    """Who approved the waiver of a finding, until when and why; empty where the sentence does not contain it."""

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
            not verdict.fail_policy.stops(finding.outcome, finding.severity),
            -RANK.index(finding.outcome),
            -excess(finding),
            finding.check,
            finding.label,
        ),
    )


def rank(findings: Sequence[Finding], verdict: Verdict, *, most: int = MOST_FINDINGS) -> RankedFindings:
    """The `most` worst findings, notable ones apart from passing ones, and counts of the others."""
    ranked = worst_first(findings, verdict)
    first, others = ranked[:most], ranked[most:]
    return RankedFindings(
        notable=tuple(finding for finding in first if finding.outcome not in NOT_NOTABLE),
        passing=tuple(finding for finding in first if finding.outcome in NOT_NOTABLE),
        omitted=count_outcomes(others),
    )


def count_outcomes(findings: Iterable[Finding]) -> tuple[tuple[str, int], ...]:
    """Outcome and how often it occurs, worst first."""
    outcomes = [finding.outcome for finding in findings]
    return tuple((outcome, outcomes.count(outcome)) for outcome in reversed(RANK) if outcome in outcomes)


def excess(finding: Finding) -> float:
    """How far the value lies beyond what is allowed, in units of the bound; negative inside.

    Only for sorting: which side of a bound counts as a violation is decided in `verdict`.
    """
    # The direction matters for demands on change only, whose distance to the baseline ranks well enough.
    limits = allowed(finding, better="higher")
    if finding.value is None or limits is None:
        return 0.0
    ends = [abs(limit) for limit in limits if abs(limit) != float("inf")]
    unit = max(ends, default=1.0) or 1.0
    return max(limits[0] - finding.value, finding.value - limits[1]) / unit


def in_plain_names(finding: Finding, sentence: str) -> Markup:
    """A sentence for a page: the plain name of its metric, and small beside it the label that policies use."""
    from markupsafe import Markup, escape

    head, label, rest = sentence.partition(finding.label)
    if not finding.title or not label or finding.title == label:
        return escape(sentence)
    return escape(head) + Markup('{} <code class="key">{}</code>').format(finding.title, label) + escape(rest)


def waiver_note(finding: Finding) -> WaiverNote:
    """The parts of the sentence that `verdict` wrote for a waived finding."""
    pattern = (
        rf"; waived until (\d{{4}}-\d\d-\d\d(?: [\d:]+ UTC)?) by (.+?) \({re.escape(finding.waiver or '')}\): (.*)$"
    )
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
