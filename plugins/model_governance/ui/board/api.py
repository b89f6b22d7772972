"""The board's data as JSON: what the pages show, for programs. All GET; numbers unrounded; times in seconds since 1970 (UTC)."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from model_governance import __version__
from model_governance.ui.board.portfolio import PAGE, portfolio, waiver_note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.ui.board.board import Board
    from model_governance.ui.board.portfolio import Query

MOST = 200
"""Models of an answer at most."""
MODEL_FIELDS = (
    "model", "dag_id", "owner", "outcome", "stops", "since", "streak", "strip", "runs", "moment", "recorded", "due_at",
    "waived_until", "manifest", "requested", "damaged",
)  # fmt: skip
"""Columns of the index that an answer holds as they are. `strip` holds ranks of outcomes as digits, the newest last."""


def models_answer(
    board: Board,
    models: Sequence[Mapping[str, Any]],
    query: Query,
    *,
    now: float,
    ungoverned: Sequence[Mapping[str, Any]],
    halts: Mapping[str, Sequence[str]],
    limit: str = "",
    cursor: str = "",
) -> dict[str, Any]:
    """The portfolio, `limit` models of it, behind the cursor of the answer before."""
    mistakes = list(query.mistakes)
    size = int(limit) if limit.isdecimal() and len(limit) < 4 and 0 < int(limit) <= MOST else PAGE
    if limit and str(size) != limit:
        mistakes.append(f"There is no limit {limit!r:.60}; it is a number from 1 to {MOST}.")
    asked = partial(portfolio, models, query, now=now, ungoverned=ungoverned, halts=halts, limit=size)
    try:
        found = asked(cursor=cursor)
    except ValueError:
        mistakes.append("This cursor is none of this order; these are the first models.")
        found = asked()
    return {
        "as_of": board.as_of(), "problems": board.problems(), "total": found.total, "totals": found.totals,
        "found": found.found, "folded": found.folded, "mistakes": mistakes, "limit": size,
        "models": [_model(row) | {name: row[name] for name in ("reasons", "wings")} | {"state": row["place"]} for row in found.rows],
        "next": found.next or None,
    }  # fmt: skip


def model_answer(board: Board, model: Mapping[str, Any], *, now: float) -> dict[str, Any]:
    """A model with its runs, its metrics in them, its newest slices and the coverage of controls."""
    from model_governance.ui.board.controls_page import model_coverage
    from model_governance.ui.board.model_page import COLUMNS, metrics_of

    runs = board.index.runs(model["id"])
    metrics = metrics_of(board.index.history(model, COLUMNS), runs)
    kept = board.index.newest([model])[model["id"]]
    return {
        "as_of": board.as_of(),
        "model": _model(model)
        | {
            "reasons": json.loads(model["reasons"]), "tags": json.loads(model["tags"]),
            "checks": json.loads(model["checks"]), "waiver": waiver_note(model["waived_until"], now=now),
        },
        "runs": [_run(run) for run in board.index.runs(model["id"], latest_only=False)],
        "metrics": [
            {
                "check": each.check, "metric": each.metric, "key": each.key, "condition": each.condition,
                "points": each.points,
            }
            for each in metrics
        ],
        "documents": board.index.documents(model),
        "slices": kept.slices,
        "coverage": model_coverage(board.index, kept, now=now),
    }  # fmt: skip


def run_answer(board: Board, view: Mapping[str, Any]) -> dict[str, Any]:
    """A run: its manifest, where that is unaltered, and the state of its evidence."""
    return {
        "as_of": board.as_of(), "model": _model(view["model"]), "run": _run(view["run"]), "altered": view["altered"],
        "signed": view["signed"], "manifest": view["manifest"], "changes": view.get("changes", []), "told": view.get("told", []),
        "evidence": [asdict(proof) for proof in view["proofs"]],
    }  # fmt: skip


def health_answer(board: Board) -> dict[str, Any]:
    """Whether the index is fresh; archives are not named, since not everybody may know them."""
    archives = board.index.archives()
    return {
        "index": "reading" if board.is_first_reading else "ok",
        "behind": any(archive.behind for archive in archives),
        "archives": len(archives),
        "unreachable": sum(bool(archive.problem) for archive in archives),
        "as_of": board.as_of(),
        "version": __version__,
    }


def _model(model: Mapping[str, Any]) -> dict[str, Any]:
    return {name: model[name] for name in MODEL_FIELDS} | {"stops": bool(model["stops"])}


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    names = ("sequence", "link", "manifest", "name", "run_id", "moment", "outcome", "policy_sha256", "model_sha256")
    return {name: run[name] for name in names} | {"stops": bool(run["stops"]), "latest": bool(run["latest"])}
