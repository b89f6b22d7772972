"""Since when the findings of a run go on: compared with earlier runs once, when the run is archived, and kept in its manifest.

A page is drawn from evidence alone, so that what it says of earlier runs must be evidence, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.report.issues import track
from model_governance.verdict import trusted_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from model_governance.verdict import Finding, Verdict

RUNS = 14
"""Runs that are compared, the run itself included."""


def history_of(
    verdict: Verdict, *, moment: datetime, model: str | None, earlier: Sequence[tuple[datetime, Mapping[str, Any]]]
) -> dict[str, Any]:
    """What a manifest keeps of the runs before: their outcomes, the oldest first, and since when each finding is so.

    Args:
        verdict: of the run.
        moment: of the run (UTC).
        model: digest of its model; None where none was loaded.
        earlier: moment and manifest of the runs before, the newest first.
    """
    known = [(then, trusted_verdict(content["verdict"])) for then, content in earlier]
    same_model = [(content["model"] or {}).get("sha256") == model for _, content in earlier]
    findings = []
    for issue in track(verdict, moment=moment, earlier=known):
        if issue.change in ("resolved", "not judged"):
            continue
        finding = issue.finding
        unchanged = _unchanged_since(finding, zip(known, same_model, strict=True)) if model else None
        findings.append({
            "check": finding.check, "metric": finding.metric, "key": finding.key, "runs": issue.runs,
            "since": issue.since.isoformat(), "unchanged_since": unchanged and unchanged.isoformat(),
        })  # fmt: skip
    return {"outcomes": [judged.outcome for _, judged in reversed(known)], "findings": findings}


def newness(history: Mapping[str, Any] | None, finding: Finding) -> str:
    """`new`, `for 4 runs, since 2026-03-01`; empty where that is not known or there was no run before."""
    place = finding.check, finding.metric, finding.key
    entries = (history or {}).get("findings", ())
    entry = next((each for each in entries if (each["check"], each["metric"], each["key"]) == place), None)
    if history is None or entry is None or not history["outcomes"]:
        return ""
    if entry["runs"] == 1:
        return "new"
    since = spell_moment(parse_moment(entry["since"]))
    text = f"for {entry['runs']} runs, since {since}"
    if entry["runs"] >= RUNS:
        text = f"for {entry['runs']} runs or more, since {since} at the latest"
    if entry["unchanged_since"] is None:
        return text
    return f"{text}; the same number of the same model since {spell_moment(parse_moment(entry['unchanged_since']))}"


def _unchanged_since(
    finding: Finding, earlier: Iterable[tuple[tuple[datetime, Verdict], bool]]
) -> datetime | None:  # fmt: skip
    """The first moment of the unbroken series of runs that gave this very number for this very model; None where it is new."""
    since = None
    for (then, verdict), same_model in earlier:
        same = same_model and any(_number(each) == _number(finding) for each in verdict.findings)
        if not same or finding.value is None:
            return since
        since = then
    return since


def _number(finding: Finding) -> tuple[Any, ...]:
    return finding.check, finding.metric, finding.key, finding.value, finding.low, finding.high
