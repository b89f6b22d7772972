"""The page and the terminal table of a coverage report: what has no fresh evidence comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.report.page import expect_schema, fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.table import Table

SCHEMA = "model-governance/coverage/v1"
REASONS = {
    "no_run": "no run",
    "unverified": "not verified",
    "not_configured": "not configured",
    "no_kind": "no kind of check",
    "stale": "too old",
    "error": "could not measure",
    "waived": "waived",
    "skipped": "skipped",
    "unsigned": "unsigned",
}
"""Why a control has no fresh evidence, in words."""


def render_coverage(record: Mapping[str, Any]) -> bytes:
    """The page of a coverage report as a self-contained HTML file.

    Args:
        record: the report, schema "model-governance/coverage/v1".

    Raises:
        EvidenceError: the record has another schema.
    """
    expect_schema(record, SCHEMA)
    first, last = record["from"], record["to"]
    return fill(
        "coverage.html", first=first, last=last, reasons=REASONS,
        **{name: record[name] for name in ("schema", "store", "models", "max_age_days", "signatures_checked")},
    )  # fmt: skip


def coverage_table(record: Mapping[str, Any], model: Mapping[str, Any]) -> Table:
    """The controls of one model, those without fresh evidence first."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    first, last = record["from"], record["to"]
    total = model["with_evidence"] + model["without_evidence"]
    table = Table(
        title=f"{model['model']}, {first} to {last}: {model['without_evidence']} of {total} controls without fresh evidence",
        title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False,
    )  # fmt: skip
    table.add_column("evidence", no_wrap=True, min_width=8)
    for column in ("control", "title", "from"):
        table.add_column(column, overflow="fold")
    for evidence, control in sorted(_rows(model), key=lambda row: row[0]):
        style = "green" if evidence else "bold red"
        pieces = (f"{each['check']}: {each['outcome']} ({each['logical_date'][:10]})" for each in control["evidence"])
        gaps = (f"{REASONS[gap['reason']]}: {gap['sentence']}" for gap in control["gaps"])
        text = "; ".join(pieces if evidence else gaps)
        table.add_row(
            Text("yes" if evidence else "NONE", style=style), *map(Text, (control["id"], control["title"], text))
        )
    return table


def _rows(model: Mapping[str, Any]) -> Iterator[tuple[bool, Mapping[str, Any]]]:
    for catalog in model["catalogs"]:
        for control in catalog["controls"]:
            yield bool(control["evidence"]), control
