"""Slices of the newest run on the page of a model: every metric of a slice or group with its interval, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.text import interval, quantity
from model_governance.report.formatting import NOT_NOTABLE, cell
from model_governance.ui.board import charts
from model_governance.ui.board.metric_names import plain_name_of
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def slices_view(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of slices.

    `metrics` are those that are measured by slice, each with `rows`, the worst slice first and absent ones at the end; metrics
    of which a threshold is violated come first. `tables` are those of slices that a search found, `unread` the checks whose
    record could not be read.

    Args:
        stored: as the index keeps it of the newest run.
    """
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for metric in stored["metrics"]:
        found.setdefault((metric["check"], metric["name"]), []).append(metric)
    metrics = [_metric(rows) for rows in found.values()]
    return {
        "metrics": sorted(metrics, key=lambda metric: -metric["rank"]),
        "tables": [
            {"check": table["check"], "title": table["title"], "header": table["header"], "rows": [list(map(cell, row)) for row in table["rows"]]}
            for table in stored["tables"]
        ],
        "unread": stored["unread"],
    }  # fmt: skip


def _metric(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = rows[0]
    ordered = sorted(rows, key=_badness)
    numbers = [row[end] for row in rows for end in ("value", "low", "high") if row[end] is not None]
    ends = (min([*numbers, *_known(first["whole"])]), max([*numbers, *_known(first["whole"])])) if numbers else None
    return {
        "check": first["check"],
        "name": first["name"],
        "plain_name": plain_name_of(first["kind"], first["name"], None),
        "better": first["better"],
        "whole": "" if first["whole"] is None else quantity(first["whole"], first["unit"], digits=3),
        "rank": max((RANK.index(row["outcome"]) for row in rows if row["outcome"] in RANK), default=0),
        "rows": [_row(row, ends) for row in ordered],
    }  # fmt: skip


def _row(row: Mapping[str, Any], ends: tuple[float, float] | None) -> dict[str, Any]:
    absent = row["value"] is None
    return {
        "key": row["key"],
        "words": row["key_title"] or row["key"],
        "value": "not measured" if absent else quantity(row["value"], row["unit"], digits=3),
        "interval": interval(row["low"], row["high"], row["unit"], digits=3),
        "n": row["n"],
        "reason": row["reason"] if absent else "",
        "outcome": row["outcome"],
        "notable": bool(row["outcome"]) and row["outcome"] not in NOT_NOTABLE,
        "picture": "" if absent or ends is None else charts.whisker(row["value"], row["low"], row["high"], ends=ends, beside=row["whole"]),
    }  # fmt: skip


def _known(value: float | None) -> list[float]:
    return [] if value is None else [value]


def _badness(row: Mapping[str, Any]) -> tuple[bool, float]:
    """Sorts the worst value first; where neither direction is better, the largest one; what is absent last."""
    value = row["value"]
    if value is None:
        return True, 0.0
    return False, float(value) if row["better"] == "higher" else -float(value) if row["better"] == "lower" else -abs(
        value
    )
