"""A check whose policy says `run_on`: submitted as a container job by one try of a task, found again by the next one."""

from __future__ import annotations

import logging
import re
import time
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from model_governance.authoring.check_job import read_result, store_request
from model_governance.errors import CheckError
from model_governance.evidence.trust import trust_file_of
from model_governance.orchestration.job_status import ContainerJob
from model_governance.orchestration.remote_jobs import service_of
from model_governance.orchestration.remote_trigger import RemoteJobTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from airflow.sdk import Context

    from model_governance.contract.run import Run
    from model_governance.contract.subject import Role
    from model_governance.orchestration.stores import AirflowConnections
    from model_governance.policy import DatasetSpec, Policy
    from model_governance.policy.remote import RemoteSpec
    from model_governance.run import CheckRun
    from model_governance.store import ArtifactStore, Stored

log = logging.getLogger(__name__)

PROGRAM = "model-governance"
RESULT = re.compile("[0-9a-f]{64}")
"""The message of a job that stored a result: its digest. Any other message says why there is none."""
LONGEST = timedelta(days=7)
"""How long a job may take whose task has no time limit; `timeout_minutes` of a policy allows as much."""
LONGEST_SLUG = 24
"""Characters of the check in a job's name, of which both services allow 63."""


def request_of(
    context: Context, policy: Policy, check: str, *, run: Run, store: ArtifactStore, connections: AirflowConnections,
    sources: Mapping[Role, DatasetSpec], champion_at: datetime | None,
) -> Stored:  # fmt: skip
    """Store the request of a task; its retries store the same bytes.

    A task that was cleared, or whose run was started anew, may find other data, so that its request is another one: Airflow
    then moves the last try of the task, or the start of the run.

    Raises: as `store_request`.
    """
    task, started = context["ti"], context["dag_run"].start_date
    index = task.map_index if task.map_index is not None else -1
    trust = trust_file_of(policy, connections) if policy.archive.trust is None else None
    return store_request(
        store, policy, check, run=run, sources=sources, champion_at=champion_at,
        trust=None if trust is None else trust.read_text(encoding="utf-8"),
        task={
            "dag_id": task.dag_id, "task_id": task.task_id, "map_index": index, "last_try": task.max_tries,
            "run_started": started.isoformat() if started else None,
        },
    )  # fmt: skip


def submit(
    policy: Policy, check: str, *, request: Stored, store: ArtifactStore, limit: timedelta | None
) -> RemoteJobTrigger:
    """Submit the job of a request, or find the one that an earlier try submitted; returns what waits for it.

    A job that failed stays as it is, for its log, and the next one has the next number.

    Raises: CheckError where the policy says no `run_on`; as the hook of the service.
    """
    spec = _service_in(policy, check)
    jobs = service_of(spec)
    seconds = int((limit or LONGEST).total_seconds())
    for name in names_of(check, request.sha256):
        status = jobs.poll(name)
        if status.state != "failed":
            break
    if status.state == "absent":
        command = (PROGRAM, "job", request.sha256, "--artifacts", store.uri, "--message", jobs.message_file)
        jobs.submit(ContainerJob(name=name, command=command, seconds=seconds))
    log.info("%s job %s: %s", spec.service, name, "submitted" if status.state == "absent" else f"found, {status.state}")
    return RemoteJobTrigger(
        run_on=spec.model_dump(mode="json"), name=name, request=request.sha256, deadline=time.time() + seconds
    )


def names_of(check: str, request_sha256: str) -> Iterator[str]:
    """The names of the jobs of a request, one after the other."""
    slug = check.replace("_", "-")[:LONGEST_SLUG].strip("-")
    return (f"governance-{slug}-{request_sha256[:20]}-{number}" for number in count(1))


def collect(event: Mapping[str, Any], policy: Policy, check: str, *, store: ArtifactStore) -> CheckRun:
    """What the job of an event measured and stored, once its bytes are verified.

    A job that failed has a result where the check could not measure, and no other one is taken from it.

    Raises:
        CheckError: the job failed and left no result, or ended well and left none; the task is tried again.
        EvidenceError, StoreError: as `read_result`.
    """
    told = f"job {event['name']} {event['state']} ({event['reason'] or 'no reason given'})"
    if not RESULT.fullmatch(event["message"]):
        raise CheckError(
            f"{check}: {told} and left no result: {event['message'] or 'it left no message'}; read its log"
        )
    done = read_result(store, event["message"], request_sha256=event["request"], policy=policy, check=check)
    if (event["state"] == "succeeded") != (done.problem is None):
        raise CheckError(f"{check}: {told}, yet its result says {done.verdict.outcome}; it is not used, read its log")
    return done


def discard(policy: Policy, check: str, event: Mapping[str, Any]) -> None:
    """Remove a job that ended well and whose evidence is read; one that cannot be removed costs nobody a verdict."""
    if event["state"] != "succeeded":
        return
    try:
        service_of(_service_in(policy, check)).discard(event["name"])
    except Exception as error:
        log.warning("job %s is not removed: %s", event["name"], error)


def _service_in(policy: Policy, check: str) -> RemoteSpec:
    spec = policy.checks[check].run_on
    if spec is None:
        raise CheckError(
            f"{check}: policy {policy.name} says no run_on for it; clear the task, so that it measures itself"
        )
    return spec
