"""Alerts about a run that no task of the run can give."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from model_governance.notify import late_note
from model_governance.orchestration.channels import ChannelFailed, send
from model_governance.orchestration.stores import absolute
from model_governance.policy.notifications import ChannelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)


def run_is_late(
    *, model: str, owner: str, minutes: int, channels: Sequence[Mapping[str, Any]] = (),
    context: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """What Airflow calls when a run has not ended at its deadline (`schedule.deadline_minutes`), by its path.

    The executor runs it outside of the run, so that a run whose tasks wait for a pool that does not exist is reported too.
    The log has an error line, and each channel a message; one that fails is logged and keeps none of the others.

    Args:
        model: the model that the run governs.
        owner: who is responsible for the model.
        minutes: the deadline, counted from the moment at which the run was queued.
        channels: who hears of it, as `ChannelSpec` with its recipients.
        context: what Airflow knows of the run, under `dag_run`.
    """
    run = (context or {}).get("dag_run") or {}
    dag_id, run_id = str(run.get("dag_id")), str(run.get("dag_run_id"))
    log.error(
        "%s: run %s of DAG %s has not ended %d minutes after it was queued (owner: %s); look for tasks that wait for a pool, "
        "a worker or data",
        model, run_id, dag_id, minutes, owner,
    )  # fmt: skip
    link = absolute(f"/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}")
    note = late_note(model, owner=owner, dag_id=dag_id, run_id=run_id, minutes=minutes, link=link)
    for given in channels:
        channel = ChannelSpec.model_validate(given)
        try:
            send(note, channel, to=channel.to)
        except ChannelFailed as failure:
            log.warning("%s (%s) was not told: %s", channel.type, channel.connection, failure)
