"""How a model has fared: checks over runs, the metrics that decide, one of them as a trend, and what changed when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import label_of
from model_governance.contract.text import bound_text, interval, quantity
from model_governance.report.formatting import NOT_NOTABLE, counted
from model_governance.report.scale import SIGNS
from model_governance.ui.board import charts
from model_governance.ui.board.challenger import challenger_view
from model_governance.ui.board.controls_page import model_coverage
from model_governance.ui.board.metric_names import plain_name_of, unit_of
from model_governance.ui.board.portfolio import spelled, waiver_note
from model_governance.ui.board.slices_page import slices_view
from model_governance.ui.board.standing import newness, urgency, word_of
from model_governance.ui.board.wings import verdict_by_wing
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from model_governance.ui.board.index import BoardIndex

RANGES = (30, 90, 365)
"""Numbers of runs that a page can show."""
HEAT = 30
"""Runs of the table of checks."""
LISTED = 15
"""Runs of the list at the end."""
_NAMES = ("sequence", "check", "metric", "key", "condition", "check_kind")
POINT = ("sequence", "value", "low", "high", "bound", "n", "finding_outcome")
"""Columns of the index that say something of a metric in a run."""
COLUMNS = (*_NAMES, *POINT[1:], "check_outcome")
"""Columns of the index that pages read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric that a threshold of the newest run names.

    Attributes:
        check: name of the check.
        metric: name of the metric.
        key: column, class or slice of a repeated one.
        condition: of the threshold.
        kind: of the check.
        rows: place of its row in `columns` for each run, the oldest first; None for a run without it.
        columns: the columns POINT of the index.
    """

    check: str
    metric: str
    key: str | None
    condition: str | None
    kind: str | None
    rows: tuple[int | None, ...]
    columns: Mapping[str, Sequence[Any]]

    @property
    def label(self) -> str:
        """`psi[AGEP]`."""
        return label_of(self.metric, self.key)

    @property
    def plain_name(self) -> str:
        """`drift (PSI), AGEP`; the label where nobody has said."""
        return plain_name_of(self.kind, self.metric, self.key)

    @property
    def unit(self) -> str:
        """The unit that its check declares."""
        return unit_of(self.kind, self.metric)

    @property
    def address(self) -> str:
        """What names it in an address."""
        return f"{self.check}:{self.label}"

    @property
    def points(self) -> list[dict[str, Any] | None]:
        """What the index holds of it for each run, the oldest first."""
        return [
            None if row is None else {name: column[row] for name, column in self.columns.items()} for row in self.rows
        ]

    @property
    def newest(self) -> dict[str, Any]:
        """What the index holds of it for the newest run; empty without it."""
        row = self.rows[-1]
        return {} if row is None else {name: column[row] for name, column in self.columns.items()}

    def series(self, name: str) -> list[Any]:
        """One value for each run, the oldest first; None for a run without it."""
        column = self.columns[name]
        return [None if row is None else column[row] for row in self.rows]


def model_view(
    index: BoardIndex, model: Mapping[str, Any], *, now: float, span: int, chosen: str, halt: Sequence[str] = ()
) -> dict[str, Any]:
    """What the page of a model shows.

    Args:
        index: of the board.
        model: its row.
        now: seconds since 1970.
        span: how many runs the trends show.
        chosen: `address` of the metric whose trend is shown; by default that of the worst finding.
        halt: why no further run may come, in sentences.
    """
    runs = index.runs(model["id"])
    shown = runs[-span:]
    table = index.history(model, COLUMNS)
    metrics = metrics_of(table, shown)
    kept = index.newest([model])[model["id"]]
    metric = next((each for each in metrics if each.address == chosen), metrics[0] if metrics else None)
    documents = index.documents(model)
    events = list(_events(runs, documents))
    place = urgency(model, now=now, halted=bool(halt))
    return {
        "model": model,
        "place": place,
        "word": word_of(place),
        "sentence": _sentence(model, runs),
        "reasons": [*halt, *json.loads(model["reasons"])],
        "wings": verdict_by_wing(json.loads(model["checks"])),
        "waived": waiver_note(model["waived_until"], now=now),
        "heat": _heat(table, runs[-HEAT:]),
        "heat_runs": [_run(run) for run in runs[-HEAT:]],
        "metrics": [_metric_row(each) for each in metrics],
        "holding": sum(each.newest["finding_outcome"] in NOT_NOTABLE for each in metrics),
        "trend": _trend(metric, shown, events) if metric else None,
        "challenger": challenger_view(model, documents),
        "slices": slices_view(kept.slices),
        "coverage": model_coverage(index, kept, now=now),
        "span": span,
        "spans": RANGES,
        "events": list(reversed(events)),
        "runs": [_run(run) for run in reversed(index.runs(model["id"], latest_only=False)[-LISTED:])],
        "before": runs[-2]["name"] if len(runs) > 1 else "",
    }


def metrics_of(table: pa.Table, runs: Sequence[Mapping[str, Any]]) -> list[Metric]:
    """The metrics with a threshold in the newest of some runs, those that do not hold first."""
    if not runs:
        return []
    sequences, *named = (table[name].to_pylist() for name in _NAMES)
    columns = {name: table[name].to_pylist() for name in POINT}
    places = {run["sequence"]: place for place, run in enumerate(runs)}
    found: dict[tuple[Any, ...], list[int | None]] = {}
    for row, (sequence, *name) in enumerate(zip(sequences, *named, strict=True)):
        if name[1] is not None and (place := places.get(sequence)) is not None:
            found.setdefault(tuple(name), [None] * len(runs))[place] = row
    metrics = [
        Metric(check=check, metric=metric, key=key, condition=condition, kind=kind, rows=tuple(rows), columns=columns)
        for (check, metric, key, condition, kind), rows in found.items()
        if rows[-1] is not None
    ]
    return sorted(metrics, key=lambda each: -_rank(each.newest["finding_outcome"]))


def _rank(outcome: str | None) -> int:
    return RANK.index(outcome) if outcome in RANK else len(RANK)


def _metric_row(metric: Metric) -> dict[str, Any]:
    newest = metric.newest
    bound = newest["bound"]
    return {
        "address": metric.address,
        "check": metric.check,
        "label": metric.label,
        "plain_name": metric.plain_name,
        "outcome": newest["finding_outcome"],
        "notable": newest["finding_outcome"] not in NOT_NOTABLE,
        "value": _shown(newest, metric.unit) or "absent",
        "interval": _spread(newest, metric.unit),
        "required": _requirement(metric.condition, bound, metric.unit),
        "since": _since(metric),
        "spark": charts.sparkline(metric.series("value")[-HEAT:], bound),
    }


def _shown(point: Mapping[str, Any], unit: str) -> str:
    value = point["value"]
    return "" if value is None else quantity(value, unit, digits=3, beside=[point["bound"]])


def _spread(point: Mapping[str, Any], unit: str) -> str:
    return interval(point["low"], point["high"], unit, digits=3, beside=[point["bound"]])


def _requirement(condition: str | None, bound: float | None, unit: str) -> str:
    """The bound as the index knows it; a change against a baseline has its direction in the report."""
    if bound is None or condition not in SIGNS:
        return {"between": "between two bounds"}.get(condition or "", "a change, see the report")
    return SIGNS[condition] + bound_text(bound, unit)


def _since(metric: Metric) -> str:
    """`new`, `4 runs`: for how many runs without a break this finding has not held."""
    outcomes = metric.series("finding_outcome")
    return newness(outcomes[-1] or "", streak_of(outcomes))


def streak_of(outcomes: Sequence[str | None]) -> int:
    """How many of the newest outcomes are, without a break, something else than those that need nobody's attention."""
    count = 0
    for outcome in reversed(outcomes):
        if outcome is None or outcome in NOT_NOTABLE:
            break
        count += 1
    return count


def _heat(table: pa.Table, runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per check: its outcome in each run."""
    columns = [table[name].to_pylist() for name in ("sequence", "check", "check_kind", "check_outcome")]
    shown = {run["sequence"] for run in runs}
    outcomes: dict[str, dict[int, str]] = {}
    kinds: dict[str, str] = {}
    for sequence, check, kind, outcome in zip(*columns, strict=True):
        if check is not None and sequence in shown:
            outcomes.setdefault(check, {})[sequence] = outcome
            kinds[check] = kind or kinds.get(check, "")
    newest = {check: found.get(runs[-1]["sequence"]) for check, found in outcomes.items()} if runs else {}
    order = sorted(outcomes, key=lambda check: (-_rank(newest[check]) if newest[check] else 1, check))
    return [
        {
            "check": check,
            "kind": kinds[check],
            "outcome": newest[check] or "",
            "cells": [
                {
                    "run": run["name"],
                    "outcome": outcomes[check].get(run["sequence"], ""),
                    "night": spelled(run["moment"]),
                }
                for run in runs
            ],
        }
        for check in order
    ]


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    return dict(run) | {"night": spelled(run["moment"]), "recorded": spelled(int(run["recorded"]))}


def _events(runs: Sequence[Mapping[str, Any]], documents: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What changed, in the order of the runs: policy (P), model (M), a run accepted (A), retraining asked for (R), decided on a version (D), waived (W)."""
    found: list[dict[str, Any]] = []
    for before, run in pairwise(runs):
        for letter, column, word in (("P", "policy_sha256", "policy"), ("M", "model_sha256", "model")):
            if before[column] != run[column]:
                text = f"{word} changed from {before[column][:8] or 'none'} to {run[column][:8] or 'none'}"
                found.append({"letter": letter, "moment": run["moment"], "text": text, "name": run["name"]})
    for document in documents:
        by = f" by {document['by']}" if document["by"] else ""
        why = f": {document['reason']}" if document["reason"] else ""
        named = document["name"] or _first_from(runs, document["moment"])
        found.append({
            "letter": document["letter"], "moment": document["moment"], "text": f"{document['text']}{by}{why}", "name": named,
        })  # fmt: skip
    for event in sorted(found, key=lambda event: event["moment"]):
        yield event | {"night": spelled(event["moment"])}


def _first_from(runs: Sequence[Mapping[str, Any]], moment: float) -> str:
    """The name of the first run that a decision of a moment can show in; empty where there is none yet."""
    return next((str(run["name"]) for run in runs if run["moment"] >= moment), "")


def _trend(metric: Metric, runs: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    empty = dict.fromkeys(("value", "low", "high", "bound"))
    points = [
        {name: (point or empty)[name] for name in empty}
        | {
            "outcome": (point["finding_outcome"] or "") if point else "pass",
            "day": spelled(run["moment"]), "name": run["name"], "n": point["n"] if point else None,
        }
        for run, point in zip(runs, metric.points, strict=True)
    ]  # fmt: skip
    places = {run["name"]: place for place, run in enumerate(runs)}
    letters: dict[int, str] = {}
    for event in events:
        if event["name"] in places:
            letters[places[event["name"]]] = letters.get(places[event["name"]], "") + event["letter"]
    return {
        "address": metric.address,
        "label": metric.label,
        "plain_name": metric.plain_name,
        "check": metric.check,
        "svg": charts.trend(
            points, label=f"{metric.check}: {metric.plain_name}", events=sorted(letters.items()), unit=metric.unit
        ),
        "rows": [
            point
            | {
                "shown": _shown(point, metric.unit) or "—",
                "interval": _spread(point, metric.unit) or "—",
                "required": "—"
                if point["value"] is None
                else _requirement(metric.condition, point["bound"], metric.unit),
                "outcome": point["outcome"] if point["value"] is not None else "",
            }
            for point in reversed(points)
        ],
    }


def _sentence(model: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    """What the runs add up to, in one sentence."""
    streak = counted(model["streak"], "run")
    text = f"{model['outcome'].capitalize()} since {spelled(model['since'])}, {streak}"
    before = runs[: -model["streak"]][-HEAT:]
    if not before:
        return f"{text}; there is no run with another outcome."
    outcomes = [run["outcome"] for run in before]
    counts = [f"{outcomes.count(outcome)} {outcome}" for outcome in reversed(RANK) if outcome in outcomes]
    return f"{text}. Before: {', '.join(counts)} in {counted(len(before), 'run')}."
