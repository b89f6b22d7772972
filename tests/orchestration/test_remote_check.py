"""Checks that a container job carries out: the evidence of the task, one job per request, and no verdict without evidence."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.errors import CheckError, ObjectMissing, PolicyError
from model_governance.orchestration import remote_jobs, remote_trigger
from model_governance.orchestration.dags import governance_dag
from model_governance.orchestration.job_status import ContainerJob
from model_governance.orchestration.operators import GovernanceCheckOperator, read_policy
from model_governance.orchestration.remote_check import collect
from model_governance.orchestration.remote_trigger import RemoteJobTrigger
from model_governance.store import open_store
from remote_service import ProcessService

RUN_ON = {"service": "kubernetes", "image": "registry.example.com/governance:0.1.0"}
QUALITY = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}
REMOTE = {"quality": QUALITY | {"run_on": RUN_ON}}


@pytest.fixture
def service(tmp_path, monkeypatch):
    """The service in the place of Kubernetes; polled often."""
    made = ProcessService(tmp_path)
    monkeypatch.setitem(remote_jobs.SERVICES, "kubernetes", made)
    monkeypatch.setattr(remote_trigger, "POLL_SECONDS", 0.05)
    yield made
    for name in list(made.processes):
        made.discard(name)


def outcome_of(done):
    return done.xcom("archive", "archive")["outcomes"]["quality"]


def test_a_job_gives_the_verdict_of_the_task_and_leaves_its_evidence(
    policy_file, run_dag, scheduled, service, tmp_path
):
    done = run_dag(scheduled(policy_file(checks=REMOTE)))

    assert (done.state, outcome_of(done)) == ("success", "pass")
    (name,) = service.submitted
    assert name.startswith("governance-quality-")
    assert service.removed == [name], "ended well, and its evidence is read"
    told = done.xcom("quality", "verdict")
    assert told["report_url"]

    again = run_dag(scheduled(policy_file(checks=REMOTE)), conf={"governance_dry_run": True})
    here = again.xcom("quality", "verdict")
    assert len(service.submitted) == 1, "a dry run measures in the task"
    assert here["record"] == told["record"], "the same bytes"
    assert here["report"]["sha256"] == told["report"]["sha256"]
    assert here["sentence"] == told["sentence"]


def test_a_violation_in_a_job_is_not_tried_again_and_a_cleared_task_measures_anew(
    policy_file, run_queued, clear_tasks, scheduled, service, trained, tmp_path
):
    from airflow.api.client.local_client import Client

    data = tmp_path / "current.parquet"
    data.write_bytes((trained.folder / "spoiled.parquet").read_bytes())
    datasets = {role: {"uri": str(trained.folder / f"{role}.parquet")} for role in ("train", "reference")}
    datasets["current"] = {"uri": str(data)}
    source = scheduled(policy_file(name="cleared_job", checks=REMOTE, datasets=datasets))
    dag_id = "governance_cleared_job"
    done = run_queued(
        source, lambda _: Client().trigger_dag(dag_id, logical_date=datetime(2025, 6, 1, tzinfo=UTC))["dag_run_id"],
        dag_id=dag_id,
    )  # fmt: skip
    assert (done.state, outcome_of(done)) == ("failed", "fail")
    assert done.task("quality").try_number == 1
    assert len(service.submitted) == 1

    data.write_bytes((trained.folder / "healthy.parquet").read_bytes())
    again = run_queued(source, lambda _: clear_tasks(done.run), dag_id=dag_id)
    assert (again.state, outcome_of(again)) == ("success", "pass")
    assert len(set(service.submitted)) == 2, "another name: SageMaker still has the job of before"


def test_a_job_that_is_killed_is_submitted_again_under_the_next_number(policy_file, run_dag, scheduled, service):
    service.crashes = 1
    done = run_dag(scheduled(policy_file(checks=REMOTE)))

    assert (done.state, outcome_of(done)) == ("success", "pass")
    first, second = service.submitted
    assert (first[-2:], second[-2:]) == ("-1", "-2")
    assert first[:-1] == second[:-1]
    assert service.removed == [second], "a failed job stays, for its log"


def test_a_worker_that_is_lost_after_it_submitted_does_not_submit_again(
    policy_file, run_dag, scheduled, service, monkeypatch
):
    real, lost = GovernanceCheckOperator.defer, []

    def defer(self, **arguments):
        if not lost:
            lost.append(arguments)
            raise ConnectionError("the worker was lost")
        real(self, **arguments)

    monkeypatch.setattr(GovernanceCheckOperator, "defer", defer)
    done = run_dag(scheduled(policy_file(checks=REMOTE)))

    assert (done.state, outcome_of(done)) == ("success", "pass")
    assert done.task("quality").try_number == 2
    assert len(service.submitted) == 1


def test_a_check_that_cannot_measure_in_its_job_is_an_error_with_its_reason_after_all_tries(
    policy_file, run_dag, scheduled, service
):
    schedule = {"cron": None, "retries": 1, "retry_delay_seconds": 0}
    done = run_dag(scheduled(policy_file(checks=REMOTE, run="incomplete", schedule=schedule)))

    assert (done.state, outcome_of(done)) == ("failed", "error")
    assert "debt" in done.xcom("quality", "verdict")["sentence"]
    assert (done.task("quality").try_number, len(service.submitted)) == (2, 2)


@pytest.mark.alters_the_archive
def test_a_job_that_ends_well_with_altered_evidence_is_an_error_and_no_pass(
    policy_file, run_dag, scheduled, service, tmp_path, monkeypatch
):
    real, altered = service.poll, []

    def poll(name):
        status = real(name)
        if status.state == "succeeded":
            for path in (tmp_path / "evidence").rglob("*.json"):
                if b"model-governance/check/v1" in (content := path.read_bytes()):
                    path.chmod(0o644)
                    path.write_bytes(content.replace(b'"outcome":"fail"', b'"outcome":"pass"'))
                    altered.append(path)
        return status

    monkeypatch.setattr(service, "poll", poll)
    schedule = {"cron": None, "retries": 0}
    done = run_dag(scheduled(policy_file(checks=REMOTE, run="spoiled", schedule=schedule)))

    assert altered
    assert (done.state, outcome_of(done)) == ("failed", "error")
    assert done.xcom("quality", "verdict") is None
    assert "altered" in done.xcom("quality", "problem")["sentence"]
    assert len(service.submitted) == 1


@pytest.mark.parametrize(
    ("state", "message", "error"),
    [
        ("succeeded", "", "left no result: it left no message"),
        ("failed", "policy:1 version is missing", "left no result: policy:1 version is missing"),
        ("failed", "", "OOMKilled"),
        ("absent", "", "job one absent"),
        ("succeeded", "0" * 64, "nothing is stored at"),
    ],
)
def test_no_verdict_is_taken_from_a_job_without_a_result(policy_file, tmp_path, state, message, error):
    store = open_store("evidence", folder=tmp_path, connections=PlainConnections())
    event = {"name": "one", "request": "0" * 64, "state": state, "message": message, "reason": "OOMKilled"}
    with pytest.raises((CheckError, ObjectMissing), match=error):
        collect(event, read_policy(policy_file(checks=REMOTE)), "quality", store=store)


def sleeping(service, name="sleeper"):
    service.processes[name] = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    return service.processes[name]


def trigger(name="sleeper", *, seconds=600.0):
    return RemoteJobTrigger(run_on=RUN_ON, name=name, request="0" * 64, deadline=time.time() + seconds)


async def first_event(waiting):
    return (await anext(waiting.run())).payload


def test_a_person_who_clears_or_fails_the_task_stops_the_job(service):
    process = sleeping(service)
    asyncio.run(trigger().on_kill())
    assert process.poll() is not None
    assert service.removed == ["sleeper"]


def test_a_job_whose_time_is_over_is_stopped_and_has_failed(service):
    process = sleeping(service)
    event = asyncio.run(first_event(trigger(seconds=0.2)))
    assert process.poll() is not None
    assert (event["state"], event["message"]) == ("failed", "")
    assert "time limit" in event["reason"]


def test_a_job_that_somebody_removed_is_no_job_that_ended_well(service):
    assert asyncio.run(first_event(trigger("gone")))["state"] == "absent"


def test_polls_that_fail_are_repeated_and_not_for_ever(service, monkeypatch):
    monkeypatch.setattr(remote_trigger, "POLL_SECONDS", 0.0)
    sleeping(service)
    real, failures = service.poll, []

    def flaky(name):
        failures.append(name)
        if len(failures) <= remote_trigger.MOST_FAILURES - 1:
            raise ConnectionError("the API does not answer")
        service.discard(name)
        return real(name)

    monkeypatch.setattr(service, "poll", flaky)
    assert asyncio.run(first_event(trigger()))["state"] == "absent"
    failures.clear()
    monkeypatch.setattr(remote_trigger, "MOST_FAILURES", 3)
    monkeypatch.setattr(service, "poll", lambda name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(first_event(trigger()))


def test_a_trigger_is_the_same_after_another_triggerer_took_it_over(service):
    path, arguments = trigger().serialize()
    assert path == "model_governance.orchestration.remote_trigger.RemoteJobTrigger"
    assert RemoteJobTrigger(**arguments).serialize() == (path, arguments)


def test_a_service_takes_a_name_once(service):
    job = ContainerJob(
        name="one", command=("model-governance", "job", "x", "--message", service.message_file), seconds=1
    )
    service.submit(job)
    service.submit(job)
    assert service.submitted == ["one"]


def test_a_policy_whose_service_has_no_provider_is_refused_with_what_to_install(policy_file, monkeypatch):
    monkeypatch.setattr(remote_jobs, "find_spec", lambda name: None)
    file = policy_file(checks=REMOTE)
    with pytest.raises(PolicyError) as caught:
        governance_dag(read_policy(file), file=Path(file), auto_register=False)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{file}:")
    assert (
        "checks.quality.run_on.service: kubernetes needs the provider apache-airflow-providers-cncf-kubernetes"
        in problem
    )
