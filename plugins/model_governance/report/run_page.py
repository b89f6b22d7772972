"""The page of one run: the verdict, what to do next, a row per check, the waivers, the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from model_governance.report import formatting
from model_governance.report.baselines import baselines_of_run
from model_governance.report.findings import MOST_FINDINGS, count_outcomes, in_plain_names, waiver_note, worst_first
from model_governance.report.formatting import counted
from model_governance.report.history_table import outcome_line
from model_governance.report.newness import newness
from model_governance.report.next_steps import steps_of_run
from model_governance.report.page import as_markup, expect_schema, fill
from model_governance.report.reasons import MOST_REASONS, NO_FACTS, in_order, reasons
from model_governance.report.scale import draw_scale
from model_governance.verdict import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from markupsafe import Markup

    from model_governance.report.highlights import CheckHighlights
    from model_governance.report.reasons import RunFacts
    from model_governance.verdict import Finding, Verdict

SCHEMA = "model-governance/run/v1"
HOLDS = ("pass", "waived")
"""Outcomes of findings that are not listed: the first holds, the second has a list of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check in the table of a run: the entry of the manifest, its worst finding, and counts of the others.

    `doubtful` says that it measured rows which another check found not as agreed.
    """

    entry: Mapping[str, Any]
    worst: Finding | None
    others: tuple[tuple[str, int], ...]
    doubtful: bool


def render_run(
    manifest: Mapping[str, Any], *, href: Callable[[str], str], highlights: Sequence[CheckHighlights] = (),
    controls: Sequence[Mapping[str, Any]] = (), facts: RunFacts = NO_FACTS,
) -> bytes:  # fmt: skip
    """The page of one run as a self-contained HTML file.

    Args:
        manifest: the stored manifest, schema "model-governance/run/v1".
        href: turns the key of a stored object into a link relative to this page.
        highlights: sentences and pictures of the checks, as `read_highlights` takes them from their records.
        controls: those that the checks support, as `controls_of_run` takes them from their records.
        facts: what the records say beside the manifest, as `read_facts` takes it from them.

    Raises:
        EvidenceError: the manifest has another schema.
    """
    expect_schema(manifest, SCHEMA)
    verdict = read_verdict(manifest["verdict"])
    waived = [waiver_note(finding) for finding in worst_first(verdict.findings, verdict) if finding.outcome == "waived"]
    checks = in_order(manifest["checks"])
    listed = _not_holding(checks, verdict)
    why = reasons(checks, verdict, facts=facts)
    return fill(
        "run.html",
        manifest=manifest,
        verdict=verdict,
        headline=_headline(checks, verdict),
        reasons=why[:MOST_REASONS],
        tally=formatting.format_counts(count_outcomes(verdict.findings)),
        next_steps=steps_of_run(checks, verdict, facts=facts),
        rows=[_row(check, verdict, facts=facts) for check in checks],
        listed=listed[:MOST_FINDINGS],
        omitted=count_outcomes(listed[MOST_FINDINGS:]),
        holding=sum(finding.outcome == "pass" for finding in verdict.findings),
        stops=lambda finding: verdict.fail_policy.stops(finding.outcome, finding.severity),
        sentence=lambda finding: in_plain_names(finding, finding.sentence),
        meaning=lambda finding: facts.meanings.get((finding.check, finding.label), ""),
        newness=partial(newness, manifest.get("history")),
        course=[*(manifest.get("history") or {}).get("outcomes", ()), verdict.outcome],
        blocks=outcome_line,
        highlights=_of_notable(highlights, checks),
        controls=controls,
        waived=waived,
        baselines=baselines_of_run(manifest["checks"]),
        took=_took(manifest["started_at"], manifest["finished_at"]),
        reports={check["name"]: href(check["report"]["key"]) for check in checks if check["report"]},
        scale=partial(_scale, facts=facts),
        markup=as_markup,
        href=href,
    )


def _not_holding(checks: Sequence[Mapping[str, Any]], verdict: Verdict) -> list[Finding]:
    """Every finding that neither passes nor is waived, check by check, the worst of a check first."""
    places = {check["name"]: place for place, check in enumerate(checks)}
    found = [finding for finding in worst_first(verdict.findings, verdict) if finding.outcome not in HOLDS]
    return sorted(found, key=lambda finding: places.get(finding.check, len(places)))


def _of_notable(
    highlights: Sequence[CheckHighlights], checks: Sequence[Mapping[str, Any]]
) -> list[tuple[CheckHighlights, bool]]:
    """The highlights in the order of the checks, each with whether the check asks for attention, so that its picture is shown."""
    by_name = {each.name: each for each in highlights}
    return [
        (by_name[check["name"]], check["outcome"] not in formatting.NOT_NOTABLE)
        for check in checks
        if check["name"] in by_name
    ]


def controls_of_run(records: Iterable[Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    """`id` and `title` of each control that a check with a result supports, and the names of these `checks`."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        if record is None or not record["result"] or record["result"]["status"] != "measured":
            continue
        for control in record.get("controls", ()):
            found.setdefault(control["id"], {**control, "checks": []})["checks"].append(record["check"])
    return list(found.values())


def _scale(finding: Finding, *, facts: RunFacts) -> Markup:
    """The scale of a finding; none for a change against a baseline whose direction no record tells."""
    better = facts.better.get((finding.check, finding.label), "neither")
    unknown = finding.baseline is not None and better == "neither"
    return as_markup("" if unknown else draw_scale(finding, better=better))


def _headline(checks: Sequence[Mapping[str, Any]], verdict: Verdict) -> str:
    """One sentence with the result of the run."""
    stops = [check for check in checks if check["stops"]]
    total = counted(len(checks), "check")
    if stops:
        return f"{len(stops)} of {total} stop{'s' if len(stops) == 1 else ''} this run."
    if verdict.stops:
        return verdict.stopping[0].sentence
    if verdict.outcome == "pass":
        passed = sum(check["outcome"] == "pass" for check in checks)
        if passed < len(checks):
            return f"{passed} of {total} pass, the others were skipped."
        return "The one check passes." if passed == 1 else f"All {total} pass."
    return f"None of {total} stops this run."


def _row(entry: Mapping[str, Any], verdict: Verdict, *, facts: RunFacts) -> Row:
    ranked = worst_first((finding for finding in verdict.findings if finding.check == entry["name"]), verdict)
    return Row(
        entry=entry,
        worst=ranked[0] if ranked else None,
        others=count_outcomes(ranked[1:]),
        doubtful=entry["name"] in facts.doubtful,
    )


def _took(started: str | None, finished: str | None) -> str:
    """How long a run took, from two ISO 8601 times; empty where one is missing."""
    if not started or not finished:
        return ""
    return formatting.seconds((datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds())
