"""The page of one check: verdict and findings first, then pictures, numbers, limits and what was checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from model_governance.contract.text import quantity
from model_governance.errors import EvidenceError
from model_governance.report import formatting
from model_governance.report.baselines import describe_baseline
from model_governance.report.findings import count_outcomes, in_plain_names, rank
from model_governance.report.page import as_markup, expect_schema, fill
from model_governance.report.scale import draw_scale
from model_governance.report.svg import inline_svg
from model_governance.verdict import read_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from model_governance.contract.result import Better
    from model_governance.verdict import Finding, Verdict

SCHEMA = "model-governance/check/v1"
ROOT = "../../../../"
"""The way from the page, a blob, to where keys begin."""
SCROLL_ROWS = 25
"""Rows above which a table scrolls in a box of its own."""
EMPTY_RESULT: dict[str, Any] = {
    "metrics": [],
    "tables": [],
    "artifacts": [],
    "highlights": [],
    "notes": [],
    "tools": {},
}
"""The result of a check that could not measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as an `<svg>` element, or the reason why it is not shown."""

    title: str
    svg: str = ""
    problem: str = ""

    @property
    def titled(self) -> bool:
        """Whether the picture already shows its title, so that the page need not repeat it."""
        return f">{escape(self.title)}</text>" in self.svg


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricGroup:
    """Metrics that share name, meaning, unit and direction: one, or one per column, class or expectation."""

    name: str
    title: str
    meaning: str
    unit: str
    better: Better
    metrics: tuple[Mapping[str, Any], ...]

    @property
    def has_intervals(self) -> bool:
        """Whether a column for intervals would hold anything."""
        return any(metric["low"] is not None for metric in self.metrics)

    @property
    def has_details(self) -> bool:
        """Whether a column for details would hold anything."""
        return any(metric["detail"] for metric in self.metrics)


def render_check(
    record: Mapping[str, Any], pictures: Mapping[str, bytes], *, run: Mapping[str, Any] | None = None
) -> bytes:  # fmt: skip
    """The page of one check as a self-contained HTML file.

    Args:
        record: the stored record, schema "model-governance/check/v1".
        pictures: the recorded SVG artifacts by name; a missing one is reported as missing.
        run: `logical_date`, `run_id` and `folder` (of the runs of this moment), which the record leaves out so that the same
            inputs give the same record.

    Raises:
        EvidenceError: the record has another schema, or a picture is not the recorded one.
    """
    expect_schema(record, SCHEMA)
    result = record["result"] or EMPTY_RESULT
    verdict = read_verdict(record["verdict"])
    metrics = result["metrics"]
    directions: dict[str, Better] = {metric["name"]: metric["better"] for metric in metrics}

    singles, repeated = _grouped(metrics)
    ranked = rank(verdict.findings, verdict)

    def scale(finding: Finding) -> Markup:
        return as_markup(draw_scale(finding, better=directions.get(finding.metric or "", "neither")))

    return fill(
        "check.html",
        record=record,
        result=result,
        run=run,
        href=lambda key: ROOT + key,
        verdict=verdict,
        lead=_lead(record, verdict),
        ranked=ranked,
        tally=formatting.format_counts(count_outcomes(verdict.findings)),
        scale=scale,
        sentence=lambda finding: in_plain_names(finding, finding.sentence.removeprefix(f"{record['check']}: ")),
        detectable=_detectable,
        pictures=[
            {
                "title": picture.title,
                "svg": as_markup(picture.svg),
                "problem": picture.problem,
                "titled": picture.titled,
            }
            for picture in _pictures(result["artifacts"], pictures)
        ],
        champion=record.get("champion"),  # as `damaged`, in no record of release 0.1
        damaged=record.get("damaged", []),
        baselines=[describe_baseline(*named) for named in record.get("baselines", {}).items()],
        controls=record.get("controls", ()) if result.get("status") == "measured" else (),
        judged=not record["problem"] or any(finding.metric for finding in verdict.findings),
        singles=singles,
        repeated=repeated,
        numeric=_numeric,
        scroll_rows=SCROLL_ROWS,
    )


def _detectable(finding: Finding) -> str:
    """What one run would have seen; empty where that is not known or the run has seen it."""
    if finding.detectable is None or finding.outcome in ("fail", "warn") or finding.condition is None:
        return ""
    side = "or less" if finding.detectable < float(finding.value or 0) else "or more"
    return f"A true value of {quantity(finding.detectable, finding.unit)} {side} fails in a single run with probability 0.95."


def _lead(record: Mapping[str, Any], verdict: Verdict) -> str:
    """One sentence: what the verdict means for the run."""
    if verdict.outcome == "skipped" and record["result"]:
        return f"Nothing was measured: {record['result']['reason']}"
    total = len(verdict.findings)
    if verdict.outcome == "pass":
        return "The one finding holds." if total == 1 else f"All {total:,} findings hold."
    meaning = formatting.OUTCOMES[verdict.outcome][1]
    stopping = len(verdict.stopping)
    if not stopping:
        return f"{meaning[0].upper()}{meaning[1:]}. This does not stop the run."
    if total == 1:
        return f"{meaning[0].upper()}{meaning[1:]}. This stops the run."
    return f"{stopping:,} of {total:,} findings stop{'s' if stopping == 1 else ''} the run."


def _pictures(artifacts: Sequence[Mapping[str, Any]], contents: Mapping[str, bytes]) -> list[Picture]:
    drawn = [artifact for artifact in artifacts if artifact["media_type"] == "image/svg+xml"]
    return [read_picture(artifact, contents, prefix=f"p{place}-") for place, artifact in enumerate(drawn, start=1)]


def read_picture(artifact: Mapping[str, Any], contents: Mapping[str, bytes], *, prefix: str) -> Picture:
    """A recorded picture from its bytes, or why it is not shown.

    Raises:
        EvidenceError: the bytes are not the recorded ones.
    """
    title = artifact["title"] or artifact["name"]
    content = contents.get(artifact["name"])
    if content is None:
        return Picture(title=title, problem="was not available when this page was made; its digest is below")
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != artifact["sha256"]:
        raise EvidenceError(
            f"picture {artifact['name']}: expected the recorded sha256 {artifact['sha256']}, found {sha256}; "
            "read the bytes from the store again, and verify the archive if they still differ"
        )
    try:
        return Picture(title=title, svg=inline_svg(content, title=title, prefix=prefix))
    except EvidenceError as error:
        return Picture(title=title, problem=str(error))


def _grouped(metrics: Sequence[Mapping[str, Any]]) -> tuple[list[MetricGroup], list[MetricGroup]]:
    """Single metrics and repeated ones, each in the order of the record."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for metric in metrics:
        by_name.setdefault(metric["name"], []).append(metric)
    groups = [
        MetricGroup(
            name=name,
            title=own[0].get("title") or name,  # in no record of release 0.1
            meaning=own[0]["meaning"],
            unit=own[0]["unit"],
            better=own[0]["better"],
            metrics=tuple(_worst_first(own) if len(own) > SCROLL_ROWS else own),
        )
        for name, own in by_name.items()
    ]
    single = [group for group in groups if len(group.metrics) == 1 and group.metrics[0]["key"] is None]
    return single, [group for group in groups if group not in single]


def _worst_first(metrics: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Absent values, then the worst ones, so that a long table begins with what matters."""
    sign = {"lower": -1, "higher": 1, "neither": 0}
    return sorted(
        metrics, key=lambda metric: (metric["value"] is not None, sign[metric["better"]] * (metric["value"] or 0))
    )


def _numeric(table: Mapping[str, Any]) -> list[bool]:
    """For each column of a table whether it holds numbers (and is set to the right)."""
    columns = (
        [row[place] for row in table["rows"] if row[place] not in (None, "")] for place in range(len(table["header"]))
    )
    return [bool(column) and all(type(value) in (int, float) for value in column) for column in columns]
