"""The page of one run: the verdict, what to do next, a row per check, the waivers, the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from model_governance.report import formatting
from model_governance.report.baselines import baselines_of_run
from model_governance.report.findings import count_outcomes, rank, waiver_note, worst_first
from model_governance.report.next_steps import next_steps
from model_governance.report.page import as_markup, expect_schema, fill
from model_governance.report.scale import draw_scale
from model_governance.verdict import RANK, read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from markupsafe import Markup

    from model_governance.report.highlights import CheckHighlights
    from model_governance.verdict import Finding, Verdict

SCHEMA = "model-governance/run/v1"
MOST_NAMES = 8
"""The most stopping checks that the headline names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check in the table of a run: the entry of the manifest, its worst finding, and counts of the others."""

    entry: Mapping[str, Any]
    worst: Finding | None
    others: tuple[tuple[str, int], ...]


def render_run(
    manifest: Mapping[str, Any], *, href: Callable[[str], str], highlights: Sequence[CheckHighlights] = (),
    controls: Sequence[Mapping[str, Any]] = (),
) -> bytes:  # fmt: skip
    """The page of one run as a self-contained HTML file.

    Args:
        manifest: the stored manifest, schema "model-governance/run/v1".
        href: turns the key of a stored object into a link relative to this page.
        highlights: sentences and pictures of the checks, as `read_highlights` takes them from their records.
        controls: those that the checks support, as `controls_of_run` takes them from their records.

    Raises:
        EvidenceError: the manifest has another schema.
    """
    expect_schema(manifest, SCHEMA)
    verdict = read_verdict(manifest["verdict"])
    waived = [waiver_note(finding) for finding in worst_first(verdict.findings, verdict) if finding.outcome == "waived"]
    stopping = [finding for finding in verdict.findings if verdict.fail_policy.stops(finding.outcome, finding.severity)]
    checks = manifest["checks"]
    return fill(
        "run.html",
        manifest=manifest,
        verdict=verdict,
        headline=_headline(checks, verdict),
        tally=formatting.format_counts(count_outcomes(verdict.findings)),
        next_steps=next_steps(
            [_measured_outcome(check, verdict) for check in checks],
            expiries=[note.expires for note in waived if note.expires],
        ),
        rows=[_row(check, verdict) for check in checks],
        stopping=rank(stopping, verdict),
        highlights=highlights,
        controls=controls,
        waived=waived,
        baselines=baselines_of_run(checks),
        took=_took(manifest["started_at"], manifest["finished_at"]),
        reports={check["name"]: href(check["report"]["key"]) for check in checks if check["report"]},
        scale=_scale,
        markup=as_markup,
        href=href,
    )


def controls_of_run(records: Iterable[Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    """`id` and `title` of each control that a check with a result supports, and the names of these `checks`."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        if record is None or not record["result"] or record["result"]["status"] != "measured":
            continue
        for control in record.get("controls", ()):
            found.setdefault(control["id"], {**control, "checks": []})["checks"].append(record["check"])
    return list(found.values())


def _scale(finding: Finding) -> Markup:
    """The scale of a finding; none for a change against a baseline, whose direction only the check's record holds."""
    return as_markup("" if finding.baseline is not None else draw_scale(finding, better="neither"))


def _headline(checks: list[Mapping[str, Any]], verdict: Verdict) -> str:
    """One sentence with the result of the run."""
    stops = [check for check in checks if check["stops"]]
    total = f"{len(checks)} check" + ("" if len(checks) == 1 else "s")
    if stops:
        names = ", ".join(check["name"] for check in stops[:MOST_NAMES]) + (", …" if len(stops) > MOST_NAMES else "")
        return f"{len(stops)} of {total} stop{'s' if len(stops) == 1 else ''} this run: {names}."
    if verdict.stops:
        return verdict.stopping[0].sentence
    if verdict.outcome == "pass":
        passed = sum(check["outcome"] == "pass" for check in checks)
        if passed < len(checks):
            return f"{passed} of {total} pass, the others were skipped."
        return "The one check passes." if passed == 1 else f"All {total} pass."
    return f"None of {total} stops this run."


def _measured_outcome(check: Mapping[str, Any], verdict: Verdict) -> Mapping[str, Any]:
    """A check with the outcome of what it measured: the advice of a check is not for damage of earlier runs."""
    own = [finding for finding in verdict.findings if finding.check == check["name"] and not finding.is_damage]
    outcome = max((finding.outcome for finding in own), key=RANK.index, default=check["outcome"])
    return {**check, "outcome": outcome}


def _row(entry: Mapping[str, Any], verdict: Verdict) -> Row:
    ranked = worst_first((finding for finding in verdict.findings if finding.check == entry["name"]), verdict)
    return Row(entry=entry, worst=ranked[0] if ranked else None, others=count_outcomes(ranked[1:]))


def _took(started: str | None, finished: str | None) -> str:
    """How long a run took, from two ISO 8601 times; empty where one is missing."""
    if not started or not finished:
        return ""
    return formatting.seconds((datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds())
