"""Control coverage over all models: for which controls is there evidence, how old is it, and where is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from model_governance.evidence.controls import built_in_controls
from model_governance.evidence.verified_runs import MEASURED
from model_governance.ui.board.portfolio import DAY, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FRESH_DAYS = 31
"""Evidence of a run that is older is shown as old."""
MOST_MODELS = 30
"""Models that are columns of the table at most."""


def controls_view(
    models: Sequence[Mapping[str, Any]], *, catalog: str, now: float, fresh_days: int = FRESH_DAYS
) -> dict[str, Any]:
    """Controls of a catalogue as rows, models as columns.

    It counts what the newest runs measured, as the index states it; what is verified, and says so, is
    `model-governance coverage`. It never says that a control is satisfied.

    Args:
        models: rows of the index that the reader may see.
        catalog: name of the catalogue; the first one where there is none of this name.
        now: seconds since 1970.
        fresh_days: age from which evidence is old.
    """
    controls = built_in_controls()
    names = list(controls.catalogs)
    catalog = catalog if catalog in controls.catalogs else names[0]
    listed = sorted(models, key=lambda model: (model["model"], model["dag_id"]))
    shown = listed[:MOST_MODELS]
    checks = {model["id"]: json.loads(model["checks"]) for model in shown}
    rows = []
    for control, stated in controls.controls.items():
        if control.partition(":")[0] != catalog:
            continue
        kinds = controls.kinds_of(control)
        by_archive = control in controls.evidence_archive
        rows.append(
            {
                "id": control, "title": stated.title, "kinds": kinds, "by_archive": by_archive,
                "cells": [
                    _cell(model, checks[model["id"]], kinds, by_archive=by_archive, now=now, fresh_days=fresh_days)
                    for model in shown
                ],
            }
        )  # fmt: skip
    return {
        "catalog": catalog, "title": controls.catalogs[catalog].title, "note": controls.catalogs[catalog].note,
        "catalogs": names, "models": [model | {"night": spelled(model["moment"])} for model in map(dict, shown)], "omitted": len(listed) - len(shown), "rows": rows,
        "fresh_days": fresh_days, "version": controls.version,
    }  # fmt: skip


def _cell(
    model: Mapping[str, Any], checks: Sequence[Mapping[str, Any]], kinds: Sequence[str], *, by_archive: bool,
    now: float, fresh_days: int,
) -> dict[str, str]:  # fmt: skip
    named = [check for check in checks if check["kind"] in kinds]
    measured = [check["name"] for check in named if check["outcome"] in MEASURED]
    if by_archive:
        measured.append("archive")
    if not measured:
        why = f"{', '.join(check['name'] for check in named)} did not measure" if named else "no check of the policy"
        return {"state": "none", "text": "none", "why": why}
    days = int(max(0.0, now - model["moment"]) // DAY)
    state = "fresh" if days <= fresh_days else "old"
    return {"state": state, "text": f"{days} d", "why": ", ".join(measured)}
