"""Whether Airflow takes a DAG: asked before the DAG file hands it over, because a refusal there concerns the whole file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from model_governance.contract.secret_text import without_secrets
from model_governance.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG
    from airflow.timetables.base import Timetable

UNSTORABLE = "\\u0000"
"""NUL as JSON spells it: PostgreSQL stores it neither in text nor in JSON."""


def require_valid(dag: DAG, file: Path) -> None:
    """Nothing, where Airflow can validate, serialize, store and schedule a DAG.

    Raises:
        PolicyError: it cannot; says what Airflow said.
    """
    # Only a process that parses DAG files needs the serialization, which imports the models of the core.
    from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG

    try:
        dag.validate()
        dag.check_cycle()
        data = {"__version": DagSerialization.SERIALIZER_VERSION, "dag": DagSerialization.serialize_dag(dag)}
        text = json.dumps(data)
        text.encode()
        if UNSTORABLE in text:
            raise ValueError("a text holds the character NUL, which no database stores; remove it")
        _require_a_run(dag, LazyDeserializedDAG(data=data).timetable)
    except Exception as error:
        raise PolicyError(
            [
                f"{file}: Airflow refuses the DAG of this policy: {type(error).__name__}: {without_secrets(str(error)[:500])}"
            ]
        ) from error


def _require_a_run(dag: DAG, timetable: Timetable) -> None:
    from airflow.timetables.base import TimeRestriction
    from pendulum import instance

    if not timetable.can_be_scheduled:
        return
    start = None if dag.start_date is None else instance(dag.start_date)
    restriction = TimeRestriction(earliest=start, latest=None, catchup=dag.catchup)
    if timetable.next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction) is None:
        raise ValueError("its schedule has no run; correct schedule.cron and schedule.start_date")
