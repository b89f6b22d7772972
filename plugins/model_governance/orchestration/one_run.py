"""What a check of a run owes to the other checks and to the runs before: one policy for all of them, and the order of the runs."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRescheduleException

from model_governance.orchestration.between_tasks import VERDICT, GovernanceViolation, pull_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow.sdk import Context

    from model_governance.policy import Policy

log = logging.getLogger(__name__)

ENDED = ("success", "failed")
IN_ORDER = ("scheduled", "backfill")
"""Types of runs that have a place in the series of runs."""
LOOK_AGAIN = timedelta(seconds=30)


def require_one_policy(context: Context, policy: Policy, check_task_ids: Iterable[str]) -> None:
    """Nothing, where the checks of this run that ended were judged under the policy as this task read it.

    The first verdict of a run pins its policy. There is no task that does it: it would cost each run the start of one more
    process before any check. Only tasks that ended count: after the whole run is cleared, verdicts of its earlier tries
    are still on record until each task starts again.

    Raises:
        GovernanceViolation: the file was edited in between; names both digests. Not retried: the file stays edited.
    """
    ended = _ended(context, sorted(check_task_ids))
    for verdict in pull_all(context, ended, VERDICT):
        other = verdict.get("policy", {"model": None})
        if other["model"] == policy.name and other["sha256"] != policy.file_sha256:
            raise GovernanceViolation(
                f"the policy of {policy.name} was edited during the run: check {verdict['name']} was judged under sha256 "
                f"{other['sha256']}, this task reads sha256 {policy.file_sha256}; clear the whole run to judge it under the "
                "policy as it is now, or restore the policy and clear this task"
            )


def wait_for_earlier_runs(context: Context) -> None:
    """Nothing, where no earlier run of this DAG is running: verdicts rest on the runs before, so their order counts.

    Runs of a schedule follow one another (`max_active_runs`), those of a backfill do not: Airflow gives a backfill a
    limit of its own. The earliest running run never waits, and a run that a person starts waits for nothing.

    Raises:
        AirflowRescheduleException: one is running; Airflow starts the task again later, without using up a try.
    """
    if context["dag_run"].run_type not in IN_ORDER:
        return
    earlier = context["ti"].get_previous_dagrun(state="running")
    if earlier is not None:
        log.info("waits until the earlier run %s has ended", earlier.run_id)
        raise AirflowRescheduleException(datetime.now(UTC) + LOOK_AGAIN)


def pinned(policy: Policy) -> dict[str, Any]:
    """What a verdict says of its policy, for `require_one_policy`."""
    return {"policy": {"model": policy.name, "sha256": policy.file_sha256}}


def _ended(context: Context, task_ids: list[str]) -> list[str]:
    """Those of the tasks of which every instance ended."""
    task, run_id = context["ti"], context["dag_run"].run_id
    found = task.get_task_states(dag_id=task.dag_id, task_ids=task_ids, run_ids=[run_id]) if task_ids else {}
    states: Mapping[str, str] = found.get(run_id, {})
    return [task_id for task_id in task_ids if (own := _states_of(task_id, states)) and all(s in ENDED for s in own)]


def _states_of(task_id: str, states: Mapping[str, str]) -> list[str]:
    """The states of a task, or of the instances of a mapped one, which Airflow calls `task_0`, `task_1` and so on."""
    mapped = f"{task_id}_"
    return [
        state
        for name, state in states.items()
        if name == task_id or (name.startswith(mapped) and name.removeprefix(mapped).isdigit())
    ]
