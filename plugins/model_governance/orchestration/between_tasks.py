"""What the tasks of a run tell one another, and how one of them fails without being tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

VERDICT = "verdict"
"""XCom key of a check's verdict; a list of them where one task runs all checks."""
PROBLEM = "problem"
"""XCom key of why a check gave none: `name` and `sentence`."""
PREPARED = "prepared"
"""XCom key of what a mapped task did of a check's work: the address of the stored object."""
ARCHIVE = "archive"
"""XCom key of the archived run."""


class GovernanceViolation(AirflowFailException):
    """A verdict that stops the run. Airflow does not retry it: the same evidence gives the same verdict.

    Cause: a check raised `ThresholdViolation`; its evidence is stored.
    Cure: as for `ThresholdViolation`; clear the task only after data, model or policy have changed.
    """


def preparation_id(check_task_id: str) -> str:
    """The task id of the mapped tasks that share the work of a check's task; no check has a dot in its name."""
    return f"{check_task_id}.prepare"


def pull_all(context: Context, task_ids: Sequence[str], key: str) -> list[Mapping[str, Any]]:
    """What tasks pushed under an XCom key, every map index of each; tasks that pushed nothing are absent.

    Of a task that pushed a list, each entry counts.
    """
    values: list[Mapping[str, Any]] = []
    for task_id in task_ids:
        for pulled in context["ti"].xcom_pull(task_ids=[task_id], key=key):
            if pulled is not None:
                values += pulled if isinstance(pulled, list) else [pulled]
    return values


def is_mapped(context: Context) -> bool:
    """Whether the task is an instance of a mapped one."""
    index = context["ti"].map_index
    return index is not None and index >= 0
