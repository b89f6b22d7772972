"""Alerts about a run that no task of the run can give."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)


def run_is_late(*, model: str, owner: str, minutes: int, context: Mapping[str, Any] | None = None) -> None:
    """What Airflow calls when a run has not ended at its deadline (`schedule.deadline_minutes`), by its path.

    The executor runs it outside of the run, so that a run whose tasks wait for a pool that does not exist is reported too.

    Args:
        model: the model that the run governs.
        owner: who is responsible for the model.
        minutes: the deadline, counted from the moment at which the run was queued.
        context: what Airflow knows of the run, under `dag_run`.
    """
    run = (context or {}).get("dag_run") or {}
    log.error(
        "%s: run %s of DAG %s has not ended %d minutes after it was queued (owner: %s); look for tasks that wait for a pool, "
        "a worker or data",
        model, run.get("dag_run_id"), run.get("dag_id"), minutes, owner,
    )  # fmt: skip
