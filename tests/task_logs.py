"""Runs the tasks of a DAG as an executor does, each in a process of its own with a log file, without any server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import UUID

if TYPE_CHECKING:
    from airflow.sdk import DAG


def run_with_log_files(dag: DAG, *, dags: Path, logs: Path, **test: Any) -> Any:
    """`dag.test()`, but each try of a task is forked and supervised as by an executor; gives the run.

    Args:
        dag: of a DAG file in `dags`.
        dags: the DAGs folder of this Airflow.
        logs: folder of the log files: `TASK.log`, `TASK_MAP.log` of a mapped one; a later try appends.
        test: arguments of `dag.test`.
    """
    from airflow.executors.workloads import BundleInfo
    from airflow.executors.workloads.task import TaskInstanceDTO
    from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor, supervise_task
    from airflow.serialization.serialized_objects import create_scheduler_operator

    def supervised(*, ti: Any, task: Any, **_: Any) -> None:
        ti.set_state("queued")
        described = TaskInstanceDTO(
            id=UUID(str(ti.id)), dag_version_id=UUID(str(ti.dag_version_id)), task_id=ti.task_id, dag_id=ti.dag_id,
            run_id=ti.run_id, try_number=ti.try_number, map_index=ti.map_index, pool_slots=1, queue="default",
            priority_weight=1,
        )  # fmt: skip
        name = ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"
        code = supervise_task(
            ti=described, bundle_info=BundleInfo(name="dags-folder"), dag_rel_path=Path(dag.fileloc).relative_to(dags),
            token="", log_path=str(logs / f"{name}.log"), client=InProcessTestSupervisor._api_client(task.dag),
        )  # fmt: skip
        if code != 0:  # a killed process tells nothing: the scheduler hears of it from the executor
            ti.task = create_scheduler_operator(task)
            ti.handle_failure(f"the process of the task ended with {code}")

    with patch("airflow.sdk.definitions.dag._run_task", supervised):
        return dag.test(**test)
