"""Which run a task belongs to, from Airflow's context."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from model_governance.contract.run import Run

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context
    from airflow.sdk.types import DagRunProtocol as DagRun


def run_of(context: Context) -> Run:
    """The run of a task: its moment is the logical date in UTC, the same as `{{ ts }}`.

    Runs without a logical date (asset events, some manual runs) take the moment from which they could start.
    """
    from airflow import __version__

    run, task = context["dag_run"], context["ti"]
    moment = run.logical_date or run.run_after
    return Run(
        run_id=run.run_id,
        logical_date=moment.astimezone(UTC),
        data_interval=_data_interval(run),
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


def _data_interval(run: DagRun) -> tuple[datetime, datetime] | None:
    start, end = run.data_interval_start, run.data_interval_end
    return None if start is None or end is None else (start.astimezone(UTC), end.astimezone(UTC))
