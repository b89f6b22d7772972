"""Since when the findings of a run go on: compared with earlier runs once, when the run is archived, and kept in its manifest.

A page is drawn from evidence alone, so that what it says of earlier runs must be evidence, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.report.issues import track
from model_governance.verdict import trusted_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from model_governance.verdict import Finding, Verdict

RUNS = 14
"""Runs that are compared, the run itself included."""


def history_of(
    verdict: Verdict, *, moment: datetime, model: str | None, earlier: Iterable[tuple[datetime, Mapping[str, Any]]]
) -> dict[str, Any]:
    """What a manifest keeps of the runs before: their outcomes, the oldest first, and since when each finding is so.

    Args:
        verdict: of the run.
        moment: of the run (UTC).
        model: digest of its model; None where none was loaded.
        earlier: moment and manifest of at most RUNS - 1 runs before, the newest first; read only as far as findings go on,
            because the newest one knows the outcomes before it.
    """
    runs = _Earlier(earlier, model)
    findings = []
    for issue in track(verdict, moment=moment, earlier=((each.moment, each.verdict) for each in runs)):
        if issue.change in ("resolved", "not judged"):
            continue
        finding = issue.finding
        unchanged = _unchanged_since(finding, runs) if model else None
        findings.append({
            "check": finding.check, "metric": finding.metric, "key": finding.key, "runs": issue.runs,
            "since": issue.since.isoformat(), "unchanged_since": unchanged and unchanged.isoformat(),
        })  # fmt: skip
    return {"outcomes": _outcomes(runs), "findings": findings}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """An earlier run: its verdict, whether its model is that of the run, and what its manifest knows of the outcomes before it."""

    moment: datetime
    verdict: Verdict
    same_model: bool
    outcomes: Sequence[str] | None


class _Earlier:
    """Earlier runs, the newest first, each read once and when it is asked for."""

    def __init__(self, runs: Iterable[tuple[datetime, Mapping[str, Any]]], model: str | None) -> None:
        self._more, self._model = iter(runs), model
        self._read: list[_Run] = []

    def __iter__(self) -> Iterator[_Run]:
        place = 0
        while place < len(self._read) or self._read_one():
            yield self._read[place]
            place += 1

    def _read_one(self) -> bool:
        found = next(self._more, None)
        if found is None:
            return False
        moment, content = found
        same = (content["model"] or {}).get("sha256") == self._model
        known = content.get("history")
        self._read.append(
            _Run(
                moment=moment, verdict=trusted_verdict(content["verdict"]), same_model=same,
                outcomes=known["outcomes"] if known else None,
            )
        )  # fmt: skip
        return True


def _outcomes(runs: _Earlier) -> Sequence[str]:
    """Outcomes of at most RUNS - 1 runs, the oldest first: what the newest manifest knows, and its own."""
    newest = next(iter(runs), None)
    if newest is None or newest.outcomes is None:
        return [each.verdict.outcome for each in runs][::-1]
    return [*newest.outcomes, newest.verdict.outcome][1 - RUNS :]


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


def _unchanged_since(finding: Finding, earlier: Iterable[_Run]) -> datetime | None:
    """The first moment of the unbroken series of runs that gave this very number for this very model; None where it is new."""
    since = None
    for run in earlier:
        same = run.same_model and any(_number(each) == _number(finding) for each in run.verdict.findings)
        if not same or finding.value is None:
            return since
        since = run.moment
    return since


def _number(finding: Finding) -> tuple[Any, ...]:
    return finding.check, finding.metric, finding.key, finding.value, finding.low, finding.high
