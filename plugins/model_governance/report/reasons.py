"""Why a run ended as it did, in few words: what the top of its page says before any table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import label_of
from model_governance.contract.text import quantity
from model_governance.report.findings import worst_first
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from model_governance.contract.result import Better
    from model_governance.verdict import Finding, Verdict

MOST_REASONS = 3
UNRANKED = 10_000
"""Rank of a check that declares no advice: after all that do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What one check found, and the check's name."""

    check: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the records of a run say beside its manifest.

    Attributes:
        details: the words beside a metric ("largest at AGEP"), by check and label.
        meanings: what a metric means, by check and label.
        better: the direction in which a metric is better, by check and label.
        doubtful: names of checks that measured rows which another check of the run found not as agreed.
    """

    details: Mapping[tuple[str, str], str]
    meanings: Mapping[tuple[str, str], str]
    better: Mapping[tuple[str, str], Better]
    doubtful: Collection[str]


NO_FACTS = RunFacts(details={}, meanings={}, better={}, doubtful=())


def read_facts(records: Iterable[Mapping[str, Any] | None]) -> RunFacts:
    """The facts of the records of a run; None stands for a check that left none."""
    kept = [record for record in records if record is not None]
    metrics = {
        (record["check"], label_of(metric["name"], metric["key"])): metric
        for record in kept
        for metric in (record["result"] or {}).get("metrics", ())
    }
    return RunFacts(
        details={place: metric["detail"] for place, metric in metrics.items()},
        meanings={place: metric["meaning"].rstrip(".") for place, metric in metrics.items()},
        better={place: metric["better"] for place, metric in metrics.items()},
        doubtful=frozenset(_doubtful(kept)),
    )


def _doubtful(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Checks that read the dataset of which another check said that its rows are not as agreed."""

    def read(record: Mapping[str, Any], roles: Collection[str] | None = None) -> set[str]:
        return {each["sha256"] for each in record["datasets"] if roles is None or each["role"] in roles}

    def doubts(record: Mapping[str, Any]) -> bool:
        return bool((record.get("advice") or {}).get("doubts_rows"))

    broken: set[str] = set()
    for record in records:
        if doubts(record) and record["verdict"]["outcome"] == "fail":
            broken |= read(record, roles=("current",))
    return [record["check"] for record in records if not doubts(record) and broken & read(record)]


def in_order(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Entries of a manifest as pages and terminal list them: those that stop, then the worst, then causes before effects."""

    def place(check: Mapping[str, Any]) -> tuple[bool, int, int]:
        advice = check.get("advice") or {}
        return not check["stops"], -RANK.index(check["outcome"]), advice.get("rank", UNRANKED)

    return sorted(checks, key=place)


def reasons(checks: Sequence[Mapping[str, Any]], verdict: Verdict, *, facts: RunFacts = NO_FACTS) -> list[Reason]:
    """One reason for each check that stops the run, or else for each that does not hold, in the order of `in_order`."""
    stopping = [check for check in checks if check["stops"]]
    told = stopping or [check for check in checks if check["outcome"] in ("warn", "uncertain")]
    found = []
    for check in in_order(told):
        own = [each for each in verdict.findings if each.check == check["name"] and each.outcome == check["outcome"]]
        if own:
            # What changed since an earlier run says more than how far a number lies beyond its bound.
            worst = min(worst_first(own, verdict), key=lambda each: each.baseline is None)
            found.append(Reason(check=check["name"], text=reason(worst, facts=facts)))
    return found


def reason(finding: Finding, *, facts: RunFacts = NO_FACTS) -> str:
    """A finding in few words: `accuracy fell from 0.82 to 0.4949`, `psi[AGEP] is 6.03, must be less than 0.1`."""
    if finding.metric is None or finding.value is None:
        return finding.sentence.removeprefix(f"{finding.check}: ")
    value, detail = finding.seen, facts.details.get((finding.check, finding.label), "")
    if finding.outcome == "uncertain":
        return (
            f"{finding.plain_name} is {value}, and the rows allow both answers to whether it is {finding.requirement}"
        )
    if finding.baseline is not None and finding.baseline != finding.value:
        change = "fell" if finding.value < finding.baseline else "rose"
        return f"{finding.plain_name} {change} from {quantity(finding.baseline, finding.unit, beside=[finding.value])} to {value}"
    if detail and (finding.condition, finding.bound) == ("equal_to", 0.0):
        # What was counted says more than how many there are.
        return detail
    return f"{finding.plain_name} is {value}, must be {finding.requirement}"
