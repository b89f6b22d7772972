"""The page of an export, for auditors: what was verified, every run of the period worst first, and how to verify it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment
from model_governance.report import formatting
from model_governance.report.findings import count_outcomes, rank
from model_governance.report.page import fill
from model_governance.verdict import RANK, read_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.report.findings import RankedFindings
    from model_governance.verdict import Verdict

NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRun:
    """A run of the period: its manifest, number and digest of its link, keys of its manifest and its page (or None)."""

    manifest: Mapping[str, Any]
    sequence: int
    digest: str
    key: str
    page: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedExport:
    """What the page says of an export.

    Attributes:
        model: name of the model.
        days: the period in words.
        verification: of the whole archive, as `Verification.record` gives it.
        signatures: whose signatures were verified, in one sentence.
        expected_head: whether the newest link was compared with a digest kept elsewhere.
        runs: of the period, in the order of the chain.
        documents: number of the link and a sentence, of each acceptance and request.
        left_out: number of runs outside the period.
        commands: what a reader runs to verify the export, with a sentence on each.
        files: what else is in the bag, with a sentence on each.
    """

    model: str
    days: str
    verification: Mapping[str, Any]
    signatures: str
    expected_head: bool
    runs: Sequence[AuditedRun]
    documents: Sequence[tuple[int, str]]
    left_out: int
    commands: Sequence[tuple[str, str]]
    files: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _RunOnPage:
    audited: AuditedRun
    verdict: Verdict
    ranked: RankedFindings
    tally: str
    anchor: str


def render_audit(export: AuditedExport) -> bytes:
    """The page as a self-contained HTML file; its links lead into the bag beside it.

    Raises:
        EvidenceError: a manifest holds no verdict that this release reads.
    """
    problems = export.verification["problems"]
    runs = sorted(map(_on_page, export.runs), key=_worst_first)
    return fill(
        "audit.html",
        export=export,
        errors=[problem for problem in problems if problem["severity"] != NOTE],
        notes=[problem for problem in problems if problem["severity"] == NOTE],
        runs=runs,
        tally=formatting.format_counts(
            (outcome, sum(run.verdict.outcome == outcome for run in runs))
            for outcome in reversed(RANK)
            if any(run.verdict.outcome == outcome for run in runs)
        ),
    )


def _on_page(audited: AuditedRun) -> _RunOnPage:
    verdict = read_verdict(audited.manifest["verdict"])
    return _RunOnPage(
        audited=audited, verdict=verdict, ranked=rank(verdict.findings, verdict),
        tally=formatting.format_counts(count_outcomes(verdict.findings)), anchor=f"link-{audited.sequence}",
    )  # fmt: skip


def _worst_first(run: _RunOnPage) -> tuple[bool, int, float]:
    moment = parse_moment(run.audited.manifest["run"]["logical_date"])
    return not run.verdict.stops, -RANK.index(run.verdict.outcome), -moment.timestamp()
