"""Waiting for a container job in the triggerer, where a thousand of them hold no slot of a worker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from model_governance.orchestration.job_status import JobStatus
from model_governance.orchestration.remote_jobs import service_of
from model_governance.policy.remote import RemoteSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

POLL_SECONDS = 30.0
MOST_FAILURES = 10
"""Polls in a row that may fail before the task is tried again; it then finds the job by its name."""


class RemoteJobTrigger(BaseTrigger):
    """Polls a job until it has ended or its time is over; a job whose time is over is discarded.

    :param run_on: the service, as the policy says it (JSON types)
    :param name: of the job
    :param request: digest of the request that the job carries out
    :param deadline: seconds since 1970 after which it is discarded; a job may wait long before the service starts it
    """

    def __init__(self, *, run_on: Mapping[str, Any], name: str, request: str, deadline: float) -> None:
        super().__init__()
        self.run_on = dict(run_on)
        self.name = name
        self.request = request
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class and arguments."""
        arguments = {"run_on": self.run_on, "name": self.name, "request": self.request, "deadline": self.deadline}
        return f"{__name__}.{type(self).__name__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll, and hand over how the job ended."""
        failures = 0
        status = JobStatus(state="running")
        while status.state == "running":
            try:
                status = await sync_to_async(self._jobs().poll)(self.name)
                failures = 0
            except Exception as error:
                failures += 1
                if failures == MOST_FAILURES:
                    raise
                self.log.warning("job %s: poll %d failed: %s", self.name, failures, error)
            if status.state == "running":
                if time.time() >= self.deadline:
                    await self.on_kill()
                    status = JobStatus(state="failed", reason=f"time limit reached ({status.reason or 'running'})")
                else:
                    await asyncio.sleep(POLL_SECONDS)
        yield TriggerEvent(
            {
                "name": self.name, "request": self.request, "state": status.state, "message": status.message,
                "reason": status.reason,
            }
        )  # fmt: skip

    async def on_kill(self) -> None:
        """Discard the job: a person cleared the task, or said how it ended."""
        await sync_to_async(self._jobs().discard)(self.name)

    def _jobs(self) -> Any:
        return service_of(RemoteSpec.model_validate(self.run_on))
