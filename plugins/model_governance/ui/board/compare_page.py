"""Two runs of a model beside each other: what else differs, and which metrics differ by more than their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.text import interval, quantity
from model_governance.ui.board.dumbbells import MOST, End, Pair, dumbbells
from model_governance.ui.board.model_page import COLUMNS, metrics_of
from model_governance.ui.board.portfolio import spelled
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.ui.board.index import BoardIndex
    from model_governance.ui.board.model_page import Metric

DIFFERS, CANNOT_TELL, SAME, ONE_SIDED = "differs", "cannot be told", "same", "in one run only"
ORDER = (DIFFERS, ONE_SIDED, CANNOT_TELL, SAME)
CONTEXT = (("policy", "policy_sha256"), ("model", "model_sha256"))


def comparison(
    index: BoardIndex, model: Mapping[str, Any], first: Mapping[str, Any], second: Mapping[str, Any]
) -> dict[str, Any]:
    """Two runs, the older one on the left, with a row per metric.

    Two values differ where their 95% intervals lie apart, or, without intervals, where they are unequal in at least one of the
    two; intervals that overlap leave it open.
    """
    older, newer = sorted((first, second), key=lambda run: (run["moment"], run["sequence"]))
    table = index.history(model, COLUMNS)
    left, right = ({(each.check, each.label): each for each in metrics_of(table, [run])} for run in (older, newer))
    both = sorted({**left, **right})
    rows = [_row(named, left.get(named), right.get(named)) for named in both]
    changed = [named for row, named in zip(rows, both, strict=True) if row["answer"] == DIFFERS]
    pairs = [_pair(left[named], right[named]) for named in changed]
    worst_first = sorted(pairs, key=lambda pair: -RANK.index(pair.outcome) if pair.outcome in RANK else 0)
    return {
        "model": model,
        "picture": dumbbells(worst_first, older=spelled(older["moment"]), newer=spelled(newer["moment"])),
        "pictured": min(len(pairs), MOST),
        "older": dict(older) | {"night": spelled(older["moment"])},
        "newer": dict(newer) | {"night": spelled(newer["moment"])},
        "same": [word for word, column in CONTEXT if older[column] == newer[column]],
        "differs": [
            f"{word} ({older[column][:12]} and {newer[column][:12]})"
            for word, column in CONTEXT
            if older[column] != newer[column]
        ],
        "rows": sorted(rows, key=lambda row: ORDER.index(row["answer"])),
        "counts": {answer: sum(row["answer"] == answer for row in rows) for answer in ORDER},
    }


def _row(named: tuple[str, str], left: Metric | None, right: Metric | None) -> dict[str, Any]:
    a, b = ({} if side is None else side.newest for side in (left, right))
    both = a.get("value") is not None and b.get("value") is not None
    change = b["value"] - a["value"] if both else None
    metric = left or right
    unit = metric.unit if metric else ""
    return {
        "check": named[0], "label": named[1], "a": _shown(a, unit), "b": _shown(b, unit),
        "plain_name": metric.plain_name if metric else named[1],
        "a_outcome": a.get("finding_outcome") or "", "b_outcome": b.get("finding_outcome") or "",
        "difference": "—" if change is None else f"{'+' if change > 0 else ''}{quantity(change, unit, digits=3)}",
        "answer": _answer(a, b),
    }  # fmt: skip


def _pair(left: Metric, right: Metric) -> Pair:
    ends = []
    for metric, other in ((left, right), (right, left)):
        point, beside = metric.newest, other.newest["value"]
        text = quantity(point["value"], metric.unit, digits=3, beside=[beside])
        ends.append(End(value=point["value"], low=point["low"], high=point["high"], text=text))
    return Pair(
        name=right.plain_name, older=ends[0], newer=ends[1], outcome=right.newest["finding_outcome"] or "skipped"
    )


def _answer(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    if a.get("value") is None or b.get("value") is None:
        return ONE_SIDED
    if a["value"] == b["value"]:
        return SAME
    if a["low"] is None or b["low"] is None:
        return DIFFERS
    return DIFFERS if a["high"] < b["low"] or b["high"] < a["low"] else CANNOT_TELL


def _shown(point: Mapping[str, Any], unit: str) -> str:
    if point.get("value") is None:
        return "—"
    spread = interval(point["low"], point["high"], unit, digits=3)
    return quantity(point["value"], unit, digits=3) + (f" ({spread})" if spread else "")
