"""Which night a task runs for, from Airflow's context."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from model_governance.run import Run

if TYPE_CHECKING:
    from airflow.sdk import Context


def run_of(context: Context) -> Run:
    """The night of a task: its date is the UTC logical date, the same day as `{{ ds }}`.

    Runs without a logical date (asset events, some manual runs) take the day they were due.
    """
    from airflow import __version__

    run, task = context["dag_run"], context["ti"]
    moment = run.logical_date or run.run_after
    return Run(
        run_id=run.run_id,
        date=moment.astimezone(UTC).date(),
        orchestrator={
            "type": "airflow",
            "version": __version__,
            "dag_id": task.dag_id,
            "run_id": run.run_id,
            "task_id": task.task_id,
            "map_index": task.map_index if task.map_index is not None else -1,
            "try_number": task.try_number,
            "logical_date": run.logical_date.isoformat() if run.logical_date else None,
        },
    )
