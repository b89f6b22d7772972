"""What to do next after a run: the advice of the violated checks, and what else an outcome asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.report.findings import waiver_note, worst_first
from model_governance.report.reasons import NO_FACTS, UNRANKED, reason
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from model_governance.report.reasons import RunFacts
    from model_governance.verdict import Verdict

READ_THE_REPORT: dict[str, Any] = {
    "title": "Read why.",
    "text": "Open the report of the check; the findings that stop the run come first.",
    "rank": UNRANKED,
}
"""The advice of a record that holds none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """One thing to do next, and the names of the checks that call for it."""

    title: str
    text: str
    checks: tuple[str, ...] = ()


def steps_of_run(
    checks: Sequence[Mapping[str, Any]], verdict: Verdict, *, facts: RunFacts = NO_FACTS
) -> tuple[NextStep, ...]:
    """What to do next after an archived run, on each of its pages.

    Args:
        checks: entries of the manifest.
        verdict: of the run.
        facts: of its records.
    """
    waived = (waiver_note(finding) for finding in verdict.findings if finding.outcome == "waived")
    return next_steps(
        [_measured(check, verdict, facts=facts) for check in checks],
        expiries=[note.expires for note in waived if note.expires],
    )


def _measured(check: Mapping[str, Any], verdict: Verdict, *, facts: RunFacts) -> Mapping[str, Any]:
    """A check with the outcome of what it measured, and why: the advice of a check is not for damage of earlier runs."""
    own = [finding for finding in verdict.findings if finding.check == check["name"] and not finding.is_damage]
    outcome = max((finding.outcome for finding in own), key=RANK.index, default=check["outcome"])
    worst = next((finding for finding in worst_first(own, verdict) if finding.outcome == outcome), None)
    return {**check, "outcome": outcome, "reason": "" if worst is None else reason(worst, facts=facts)}


def next_steps(checks: Sequence[Mapping[str, Any]], *, expiries: Iterable[str] = ()) -> tuple[NextStep, ...]:
    """What to do next, derived from the outcomes of a run; never empty.

    Args:
        checks: entries of the manifest with `name`, `outcome`, `damaged`, `advice` (as the check declares it, or None)
            and `reason`, what it found in few words.
        expiries: dates (YYYY-MM-DD) on which the waivers in use end.
    """
    steps = [*_repairs(checks), *_restores(checks), *_advised(checks), *_without_violation(checks, expiries)]
    return tuple(steps) or (NextStep(title="Nothing to do.", text="Every threshold holds."),)


def _repairs(checks: Sequence[Mapping[str, Any]]) -> Iterator[NextStep]:
    if errors := _with_outcome(checks, "error"):
        text = (
            "These checks could not measure, so their question is open. The message says what was expected "
            "and what was found; repair the input and run again."
        )
        yield NextStep(title="Make it measurable again.", text=text, checks=errors)


def _restores(checks: Sequence[Mapping[str, Any]]) -> Iterator[NextStep]:
    if damaged := tuple(check["name"] for check in checks if check.get("damaged")):
        text = (
            "Objects of earlier runs or tasks are not what their addresses say, or are missing; these checks left them out. Their "
            "reports name each object: restore it from its oldest version, and find out who changed it."
        )
        yield NextStep(title="Restore what is damaged in the archive.", text=text, checks=damaged)


def _advised(checks: Sequence[Mapping[str, Any]]) -> Iterator[NextStep]:
    """The advice of every violated check, the lowest rank first; checks with the same advice share one step."""
    names: dict[tuple[int, str, str], list[str]] = {}
    for check in checks:
        if check["outcome"] in ("fail", "warn"):
            advice = check.get("advice") or READ_THE_REPORT
            # That the rows are wrong is for violations that stop: a warning says how many rows it is about.
            mild = check["outcome"] == "warn" and advice.get("doubts_rows")
            text = f"{check.get('reason') or 'A threshold of severity warn is violated'}." if mild else advice["text"]
            names.setdefault((advice["rank"], advice["title"], text), []).append(check["name"])
    for (_, title, text), violated in sorted(names.items(), key=lambda item: item[0][0]):
        yield NextStep(title=title, text=text, checks=tuple(violated))


def _without_violation(checks: Sequence[Mapping[str, Any]], expiries: Iterable[str]) -> Iterator[NextStep]:
    if uncertain := _with_outcome(checks, "uncertain"):
        text = (
            "The numbers allow both answers. Wait for more rows or give the check a larger sample; do not run it "
            "again in the hope of another answer, the same rows give the same one."
        )
        yield NextStep(title="Collect more rows.", text=text, checks=uncertain)
    if ends := sorted(expiries):
        text = f"The first waiver in use ends on {ends[0]}. After that day the same number fails the run."
        yield NextStep(title="Repair before the waiver ends.", text=text)
    if skipped := _with_outcome(checks, "skipped"):
        text = "Skipped is not passed. If the question should be asked of this model, change the policy."
        yield NextStep(title="Know what was not asked.", text=text, checks=skipped)


def _with_outcome(checks: Sequence[Mapping[str, Any]], outcome: str) -> tuple[str, ...]:
    return tuple(check["name"] for check in checks if check["outcome"] == outcome)
