"""Issues: findings followed over the runs of a model, each new, worsening, ongoing, eased, waived or resolved.

An issue is one check, metric and key, whichever of its thresholds is violated. A run that did not judge it says nothing
about it: it neither resolves an issue nor interrupts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Literal

from model_governance.report.findings import excess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from model_governance.verdict import Finding, Outcome, Verdict

    Identity = tuple[str, str | None, str | None, bool]

Change = Literal["new", "waiver ended", "worsening", "ongoing", "eased", "not judged", "waived", "resolved"]

GRAVITY: Mapping[Outcome, int] = {"waived": 0, "uncertain": 1, "warn": 2, "fail": 3, "error": 4}
"""What an issue may be, from light to grave. A warning is a violation that is certain, so that it is worse than a doubt."""

MOST_RUNS = 400
"""Earlier runs that are read at most to say since when an issue goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What one run says of an issue.

    Attributes:
        change: how it differs from the run before that judged it.
        finding: of this run; of the run before where this one did not judge it.
        before: the finding of the run before that judged it; None where the issue is new.
        since: moment of the first run of the unbroken series with it (UTC).
        runs: how many runs of that series had it, this one included where it has it.
    """

    change: Change
    finding: Finding
    before: Finding | None
    since: datetime
    runs: int

    @property
    def is_open(self) -> bool:
        """Whether it goes on after this run."""
        return self.change != "resolved"


def track(verdict: Verdict, *, moment: datetime, earlier: Iterable[tuple[datetime, Verdict]]) -> tuple[Issue, ...]:
    """The issues of a run and those of the run before that are over, the gravest first.

    Args:
        verdict: of the run.
        moment: of the run (UTC).
        earlier: moment and verdict of each verified run before it, the newest first; read only as far as needed.
    """
    runs = iter(earlier)
    previous = next(runs, None)
    now, last = _problems(verdict), _problems(previous[1]) if previous else {}
    series = {identity: _Series(since=moment, runs=int(identity in now)) for identity in {**last, **now}}
    walk = chain([previous] if previous else [], runs)
    open_series = dict(series)
    for then, judged in islice(walk, MOST_RUNS) if open_series else ():
        found = _problems(judged)
        for identity, each in list(open_series.items()):
            if identity in found:
                each.extend(then, found[identity])
            elif _settled(identity, judged) is not None:
                del open_series[identity]
        if not open_series:  # asked here, so that no run is read in vain
            break
    issues = [
        _issue(series[identity], now.get(identity), _settled(identity, verdict), last.get(identity))
        for identity in series
    ]
    return tuple(sorted(issues, key=lambda issue: (-_weight(issue), -excess(issue.finding), issue.finding.label)))


@dataclass(slots=True)
class _Series:
    """The unbroken series of runs with an issue, while it is read backwards."""

    since: datetime
    runs: int
    before: Finding | None = None

    def extend(self, moment: datetime, finding: Finding) -> None:
        self.since, self.runs = moment, self.runs + 1
        self.before = self.before or finding


def _issue(series: _Series, now: Finding | None, settled: Finding | None, last: Finding | None) -> Issue:
    """The issue of a series; of the three findings at least the first or the last is there."""
    shown = now or settled or last
    if shown is None:
        raise ValueError("an issue is in this run or in the one before")
    gone: Change = "not judged" if settled is None else "resolved"
    change = gone if now is None else _change(now, series.before)
    return Issue(change=change, finding=shown, before=series.before, since=series.since, runs=series.runs)


def _change(now: Finding, before: Finding | None) -> Change:
    if now.outcome == "waived":
        return "waived"
    if before is None:
        return "new"
    if before.outcome == "waived":
        return "waiver ended"
    step = GRAVITY[now.outcome] - GRAVITY[before.outcome]
    if step == 0:
        return "worsening" if _further(now, before) else "ongoing"
    return "worsening" if step > 0 else "eased"


def _further(now: Finding, before: Finding) -> bool:
    """Whether a number lies further beyond its bound than chance explains: the 95% intervals do not overlap.

    A number without interval has no error of sampling, so that any step counts.
    """
    if now.value is None or before.value is None or excess(now) <= excess(before):
        return False
    if None in (now.low, now.high, before.low, before.high):
        return True
    return bool(now.low > before.high or now.high < before.low)  # type: ignore[operator]


def _problems(verdict: Verdict) -> dict[Identity, Finding]:
    """The gravest finding of each issue of a verdict."""
    found: dict[Identity, Finding] = {}
    for finding in verdict.findings:
        if finding.outcome not in GRAVITY:
            continue
        identity = _identity(finding)
        known = found.get(identity)
        if known is None or GRAVITY[finding.outcome] > GRAVITY[known.outcome]:
            found[identity] = finding
    return found


def _identity(finding: Finding) -> Identity:
    return finding.check, finding.metric, finding.key, finding.is_damage


def _settled(identity: Identity, verdict: Verdict) -> Finding | None:
    """The finding by which a verdict without this issue shows that it is over; None where it did not judge it.

    A metric must pass. What concerns a check as a whole is over once the check measures; what concerns the run as a
    whole, once the run has another verdict.
    """
    check, metric, key, _ = identity
    for finding in verdict.findings:
        same = (finding.check, finding.metric, finding.key) == (check, metric, key)
        measured = finding.check == check and finding.metric is not None and finding.value is not None
        of_run = check == verdict.name and finding.value is not None
        if (same and finding.outcome == "pass") or (metric is None and (measured or of_run)):
            return finding
    return None


def _weight(issue: Issue) -> int:
    return GRAVITY.get(issue.finding.outcome, -1)
