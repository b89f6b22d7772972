"""Whether Airflow takes a DAG: asked before the DAG file hands it over, because a refusal there concerns the whole file."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from model_governance.contract.secret_text import without_secrets
from model_governance.errors import PolicyError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from airflow.sdk import DAG

UNSTORABLE = "\\u0000"
"""NUL as JSON spells it: PostgreSQL stores it neither in text nor in JSON."""
OF_ANY_TYPE = {"default_args", "access_control"}
"""Fields of a DAG that Airflow serializes together with their types."""


def require_valid(dag: DAG, file: Path) -> None:
    """Nothing, where Airflow can validate, serialize, store and schedule a DAG.

    What a policy says is in the DAG itself and the same in all of its tasks, so that one task is serialized for all, and those
    with a configuration of their own for the executor.

    Raises:
        PolicyError: it cannot; says what Airflow said.
    """
    # Only a process that parses DAG files needs the serialization, which imports the models of the core.
    from airflow.serialization.serialized_objects import DagSerialization, OperatorSerialization

    try:
        dag.validate()
        dag.check_cycle()
        fields = DagSerialization.serialize_to_json(dag, OF_ANY_TYPE)
        tasks = [dag.tasks[0], *(task for task in dag.tasks[1:] if task.executor_config)]
        text = json.dumps([fields, *map(OperatorSerialization.serialize_operator, tasks)])
        text.encode()
        if UNSTORABLE in text:
            raise ValueError("a text holds the character NUL, which no database stores; remove it")
        _require_a_run(json.dumps(fields["timetable"]), dag.start_date, catchup=dag.catchup)
    except Exception as error:
        raise PolicyError(
            [
                f"{file}: Airflow refuses the DAG of this policy: {type(error).__name__}: {without_secrets(str(error)[:500])}"
            ]
        ) from error


@lru_cache(maxsize=1024)  # the policies of a folder share few schedules
def _require_a_run(encoded: str, start: datetime | None, *, catchup: bool) -> None:
    """Raises ValueError where the timetable has no next run, or whatever Airflow raises while it looks for one."""
    from airflow.serialization.decoders import decode_timetable
    from airflow.timetables.base import TimeRestriction
    from airflow.timetables.simple import AssetTriggeredTimetable
    from pendulum import instance

    timetable = decode_timetable(json.loads(encoded))
    # A schedule by time or by assets is an AssetTriggeredTimetable too, and has runs.
    if not timetable.can_be_scheduled or type(timetable) is AssetTriggeredTimetable:
        return
    earliest = None if start is None else instance(start)
    restriction = TimeRestriction(earliest=earliest, latest=None, catchup=catchup)
    if timetable.next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction) is None:
        raise ValueError("its schedule has no run; correct schedule.cron and schedule.start_date")
