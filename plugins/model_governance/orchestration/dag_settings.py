"""What a DAG file sets for the DAGs of all policies of a folder, beside what each policy says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from model_governance.policy import CheckSpec, Policy

    Callback = Callable[[Any], Any]

OF_THE_SCHEDULE = {
    "retries": "retries", "retry_delay": "retry_delay_seconds", "execution_timeout": "timeout_minutes", "pool": "pool",
}  # fmt: skip
"""Arguments of a task, and the key of a policy's `schedule` that sets each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DagSettings:
    """Settings of Airflow for every DAG.

    Attributes:
        default_args: arguments of the tasks; what a policy sets itself goes before them.
        tags: tags of the DAGs, beside those of the policies.
        access_control: permissions of roles on the DAGs, as Airflow's.
        queue, executor: of the tasks.
        on_warning: called with the context of the gate for a run that is not stopped and ends as `warn` or `uncertain`, or
            as `fail` under `fail_on: never`; its `governance` holds outcome, sentence and addresses.
        on_failure_callback, on_success_callback: of the DAGs, as Airflow's.
    """

    default_args: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()
    access_control: Mapping[str, Any] | None = None
    queue: str | None = None
    executor: str | None = None
    on_warning: Sequence[Callback] = ()
    on_failure_callback: Callback | Sequence[Callback] | None = None
    on_success_callback: Callback | Sequence[Callback] | None = None

    def of_dag(self) -> dict[str, Any]:
        """Arguments of a DAG that no policy sets."""
        given = {
            "access_control": self.access_control,
            "on_failure_callback": self.on_failure_callback,
            "on_success_callback": self.on_success_callback,
        }
        return {name: value for name, value in given.items() if value is not None}

    def of_tasks(self, policy: Policy) -> dict[str, Any]:
        """Arguments of the tasks of a policy: owner, retries, time limit, pool, queue, executor."""
        schedule = policy.schedule
        ours = {
            "retries": schedule.retries,
            "retry_delay": timedelta(seconds=schedule.retry_delay_seconds),
            "execution_timeout": timedelta(minutes=schedule.timeout_minutes),
            "pool": schedule.pool,
        }
        theirs = {
            name for name, key in OF_THE_SCHEDULE.items()
            if self.default_args.get(name) is not None and key not in schedule.model_fields_set
        }  # fmt: skip
        given = {"owner": policy.owner, "queue": self.queue, "executor": self.executor}
        return {
            **self.default_args,
            **{name: value for name, value in ours.items() if name not in theirs and value is not None},
            **{name: value for name, value in given.items() if value is not None},
        }


NO_SETTINGS = DagSettings()


def of_check(spec: CheckSpec) -> dict[str, Any]:
    """What a check of a policy sets for its task alone."""
    settings: dict[str, Any] = {"pool": spec.pool, "queue": spec.queue, "executor_config": spec.executor_config or None}
    if spec.timeout_minutes is not None:
        settings["execution_timeout"] = timedelta(minutes=spec.timeout_minutes)
    return {name: value for name, value in settings.items() if value is not None}
