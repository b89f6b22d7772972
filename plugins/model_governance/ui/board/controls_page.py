"""Control coverage, of one model and over all of them: which controls had fresh evidence, and which had none and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from model_governance.evidence.control_evidence import ARCHIVE, CheckHistory, ModelHistory, Occasion, catalog_coverage
from model_governance.evidence.controls import built_in_controls
from model_governance.evidence.period import Period
from model_governance.report.coverage_page import REASONS
from model_governance.ui.board.portfolio import spelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.ui.board.index import BoardIndex
    from model_governance.ui.board.newest import Newest

FRESH_DAYS = 31
"""Evidence of a run that is older is shown as old."""
MOST_MODELS = 30
"""Models that are columns of the table at most."""
UNREAD = "the newest link cannot be read: run model-governance verify"
UNREAD_CELL = {"state": "none", "text": "none", "why": UNREAD}


def model_coverage(index: BoardIndex, kept: Newest, *, now: float) -> dict[str, Any]:
    """What the page of a model shows of controls: by catalogue of the control map of its newest run, those without evidence first.

    It is what `model-governance coverage` reports, asked of the index instead of verified links.

    Args:
        index: of the board.
        kept: what it keeps of the newest run of the model.
        now: seconds since 1970.
    """
    history = history_of(kept, now=now)
    if history is None:
        return {"catalogs": [], "problem": UNREAD, "fresh_days": FRESH_DAYS}
    controls = index.control_map(kept.controls)
    catalogs = [_absent_first(catalog_coverage(name, controls, history)) for name in controls.catalogs]
    return {
        "catalogs": sorted(catalogs, key=lambda each: each["status"] == "superseded"),
        "without": sum(each["without_evidence"] for each in catalogs),
        "controls": sum(len(each["controls"]) for each in catalogs),
        "problem": "", "fresh_days": FRESH_DAYS, "version": controls.version, "reasons": REASONS,
    }  # fmt: skip


def history_of(kept: Newest, *, now: float) -> ModelHistory | None:
    """What the index keeps of the checks of a model, as the coverage report takes it; None where it could not be read."""
    if kept.evidence is None:
        return None
    until, newest = _moment(now), _occasion(kept.evidence["newest"])
    last = until if newest is None else max(until, newest.logical_date)
    return ModelHistory(
        period=Period(first=_moment(kept.evidence["first"]).date(), last=last.date()), until=until, end="now",
        max_age_days=FRESH_DAYS, runs=kept.evidence["runs"], newest=newest, is_signed=kept.evidence["signed"],
        known=None if newest is None else newest.logical_date, doubted=0,
        checks={
            check["name"]: CheckHistory(
                kind=check["kind"], newest=_occasion(check["newest"]), measured=_occasion(check["measured"]), runs=check["runs"]
            )
            for check in kept.evidence["checks"]
        },
    )  # fmt: skip


def controls_view(
    index: BoardIndex, models: Sequence[Mapping[str, Any]], *, catalog: str, now: float
) -> dict[str, Any]:
    """Controls of a catalogue as rows, models as columns. It never says that a control is satisfied.

    Args:
        index: of the board.
        models: its rows of models that the reader may see.
        catalog: name of the catalogue; the first one where there is none of this name.
        now: seconds since 1970.
    """
    controls = built_in_controls()
    names = list(controls.catalogs)
    catalog = catalog if catalog in controls.catalogs else names[0]
    listed = sorted(models, key=lambda model: (model["model"], model["dag_id"]))
    shown = listed[:MOST_MODELS]
    kept = index.newest(shown)
    columns = [_column(kept[model["id"]], catalog=catalog, now=now) for model in shown]
    rows = [
        {
            "id": name, "title": stated.title, "kinds": controls.kinds_of(name),
            "by_archive": name in controls.evidence_archive, "cells": [column.get(name, UNREAD_CELL) for column in columns],
        }
        for name, stated in controls.controls.items()
        if name.partition(":")[0] == catalog
    ]  # fmt: skip
    return {
        "catalog": catalog, "title": controls.catalogs[catalog].title, "note": controls.catalogs[catalog].note,
        "catalogs": names, "models": [model | {"night": spelled(model["moment"])} for model in map(dict, shown)], "omitted": len(listed) - len(shown), "rows": rows,
        "fresh_days": FRESH_DAYS, "version": controls.version,
    }  # fmt: skip


def _column(kept: Newest, *, catalog: str, now: float) -> dict[str, dict[str, str]]:
    """The cells of a model by control; empty where nothing can be read."""
    history = history_of(kept, now=now)
    if history is None:
        return {}
    return {
        each["id"]: _cell(each, history) for each in catalog_coverage(catalog, built_in_controls(), history)["controls"]
    }


def _cell(control: Mapping[str, Any], history: ModelHistory) -> dict[str, str]:
    if control["evidence"]:
        days = min(piece["age_days"] for piece in control["evidence"])
        return {
            "state": "fresh",
            "text": f"{days} d",
            "why": ", ".join(piece["check"] for piece in control["evidence"]),
        }
    stale = [gap["check"] for gap in control["gaps"] if gap["reason"] == "stale"]
    if stale:
        last = [history.newest if check == ARCHIVE else history.checks[check].newest for check in stale]
        days = min(history.age(occasion) for occasion in last if occasion is not None)
        return {"state": "old", "text": f"{days} d old", "why": ", ".join(stale)}
    gap = control["gaps"][0]
    return {"state": "none", "text": "none", "why": ": ".join(filter(None, (gap["check"], REASONS[gap["reason"]])))}


def _absent_first(catalog: dict[str, Any]) -> dict[str, Any]:
    return catalog | {"controls": sorted(catalog["controls"], key=lambda control: bool(control["evidence"]))}


def _occasion(stored: Mapping[str, Any] | None) -> Occasion | None:
    if stored is None:
        return None
    return Occasion(
        run_id=stored["run_id"], sequence=stored["sequence"], logical_date=_moment(stored["moment"]),
        outcome=stored["outcome"], sentence=stored["sentence"],
    )  # fmt: skip


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
