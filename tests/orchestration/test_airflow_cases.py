"""Situations that Airflow brings about, each with the right end (numbers as in the acceptance cases)."""

from __future__ import annotations

import json
import logging
import os
import shutil
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from model_governance.errors import PolicyError
from model_governance.orchestration import gate
from model_governance.orchestration.dag_validation import require_valid
from model_governance.orchestration.dags import governance_dag, governance_dags
from model_governance.orchestration.operators import read_policy
from model_governance.orchestration.pools import known_pools
from task_logs import run_with_log_files

HOME = Path(os.environ["AIRFLOW_HOME"])

MOMENT = "2025-06-03T04:05:06+00:00"


def post_to_the_rest_api(dag_id, _):
    """A client of Airflow's REST API starts a run without a logical date."""
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient

    with TestClient(create_app(apps="core"), base_url="http://localhost") as client:
        token = client.get("/auth/token").json()["access_token"]
        answer = client.post(
            f"/api/v2/dags/{dag_id}/dagRuns",
            json={"logical_date": None, "run_after": MOMENT},
            headers={"Authorization": f"Bearer {token}"},
        )
    assert answer.status_code == 200, answer.text
    return answer.json()["dag_run_id"]


def trigger_on_the_command_line(dag_id, _):
    """What `airflow dags trigger` calls."""
    from airflow.api.client.local_client import Client

    return Client().trigger_dag(dag_id)["dag_run_id"]


def trigger_by_another_dag(dag_id, bag):
    """A task of another DAG with TriggerDagRunOperator."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    assert str(bag.dags[f"{dag_id}_trigger"].test().state) == "success"
    with create_session() as session:
        return session.scalars(select(DagRun.run_id).where(DagRun.dag_id == dag_id)).one()


def emit_an_asset_event(dag_id, _):
    """The run that the scheduler creates for a DAG that is scheduled by an asset."""
    from airflow.models.dagbag import DBDagBag
    from airflow.models.dagrun import DagRun
    from airflow.sdk import timezone
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    moment = timezone.parse(MOMENT)
    with create_session() as session:
        dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
        run_id = DagRun.generate_run_id(run_type=DagRunType.ASSET_TRIGGERED, logical_date=None, run_after=moment)
        dag.create_dagrun(
            run_id=run_id, logical_date=None, data_interval=None, run_after=moment,
            run_type=DagRunType.ASSET_TRIGGERED, triggered_by=DagRunTriggeredByType.ASSET,
            state="queued", session=session,
        )  # fmt: skip
    return run_id


STARTS = (post_to_the_rest_api, trigger_on_the_command_line, trigger_by_another_dag, emit_an_asset_event)


@pytest.mark.parametrize("start", STARTS)
def test_a7_a_run_without_a_logical_date_runs_for_its_run_after(
    policy_file, trained, run_queued, read_uri, tmp_path, monkeypatch, start
):
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "of-this-test-only-" * 4)
    name = f"any_{start.__name__}"
    day = "{{ ds_nodash }}-{{ data_interval_start | ts_nodash }}-{{ data_interval_end | ts_nodash }}-{{ logical_date | ds }}-{{ ts }}"
    policy = policy_file(
        name=name, artifacts=None,
        datasets={"train": {"uri": str(trained.folder / "train.parquet")}, "current": {"uri": f"{tmp_path}/{day}.parquet"}},
    )  # fmt: skip
    source = f"""
# airflow
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG
from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.operators import GovernanceCheckOperator

shared = {{"policy": {str(policy)!r}, "artifacts_uri": {str(tmp_path)!r} + "/{{{{ ds }}}}"}}
with DAG({name!r}, schedule=None):
    alone = GovernanceCheckOperator(task_id="alone", check="{{{{ 'quality' if ts_nodash else '' }}}}", **shared)
    mapped = GovernanceCheckOperator.partial(task_id="mapped", **shared).expand(check=["calibration"])
    [alone, mapped] >> ArchiveEvidenceOperator(task_id="archive", **shared) >> GovernanceGateOperator(task_id="gate")
with DAG({name + "_trigger"!r}, schedule=None):
    TriggerDagRunOperator(task_id="trigger", trigger_dag_id={name!r}, logical_date=None)
"""
    moments = []

    def deliver(run):
        assert (run.logical_date, run.data_interval_start) == (None, None)
        moment = run.run_after.astimezone(UTC)
        spelled = f"{moment:%Y%m%dT%H%M%S}"
        moments.append(moment)
        shutil.copy(
            trained.folder / "healthy.parquet",
            tmp_path / f"{moment:%Y%m%d}-{spelled}-{spelled}-{moment:%Y-%m-%d}-{moment.isoformat()}.parquet",
        )

    done = run_queued(source, lambda bag: start(name, bag), dag_id=name, before=deliver)

    assert (done.state, set(done.states().values())) == ("success", {"success"})
    archived = done.xcom("archive", "archive")
    (moment,) = moments
    assert f"/{moment:%Y-%m-%d}/v1/" in archived["manifest"]["uri"]
    run = json.loads(read_uri(archived["manifest"]["uri"]))["run"]
    assert run["logical_date"] == moment.isoformat()
    assert run["data_interval"] == [moment.isoformat(), moment.isoformat()]
    assert run["orchestrator"]["logical_date"] is None


def test_a6_a_pool_that_does_not_exist_is_a_refused_policy_that_says_so(policy_file, tmp_path, add_pool):
    add_pool("attacks")
    folder = tmp_path / "policies"
    policy_file("wrong-pool", folder=folder, schedule={"cron": None, "pool": "atacks"})
    policy_file("right-pool", folder=folder, schedule={"cron": None, "pool": "attacks"})
    dags = governance_dags(folder)

    assert dags["governance_wrong_pool"].task_ids == ["policy_refused"]
    (problem,) = dags["governance_wrong_pool"].get_task("policy_refused").problems
    where = next(
        n for n, line in enumerate((folder / "wrong-pool.yaml").read_text().splitlines(), 1) if "atacks" in line
    )
    assert problem == (
        f"{folder}/wrong-pool.yaml:{where} schedule.pool: this Airflow has no pool 'atacks', so the task would wait for ever; "
        "did you mean 'attacks'?; correct the name, or add the pool (airflow pools set 'atacks' SLOTS DESCRIPTION)"
    )
    assert {task.pool for task in dags["governance_right_pool"].tasks} == {"attacks"}


def test_a6_the_pool_of_one_check_is_looked_up_too(policy_file, tmp_path, airflow_db):
    checks = {
        "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.5}], "pool": "gpus"}
    }
    policy_file("check-pool", folder=tmp_path / "policies", checks=checks)
    (dag,) = governance_dags(tmp_path / "policies").values()

    (problem,) = dag.get_task("policy_refused").problems
    assert "checks.quality.pool: this Airflow has no pool 'gpus'" in problem
    assert "there are default_pool" in problem


def test_a6_where_the_database_is_out_of_reach_the_list_of_the_configuration_counts(
    policy_file, airflow_db, monkeypatch
):
    from airflow import settings

    policy = read_policy(policy_file(schedule={"cron": None, "pool": "nope"}))
    monkeypatch.delattr(settings, "NonScopedSession")  # as Airflow does in its DAG processor and in tasks
    assert known_pools() is None
    assert governance_dag(policy, auto_register=False).get_task("gate").pool == "nope"
    monkeypatch.setenv("AIRFLOW__MODEL_GOVERNANCE__POOLS", "attacks, training")
    with pytest.raises(PolicyError, match=r"no pool 'nope', .*; there are attacks, default_pool, training; correct"):
        governance_dag(policy, auto_register=False)


@pytest.mark.parametrize(
    ("schedule", "retraining", "minutes"),
    [
        ({"retries": 0, "timeout_minutes": 10}, None, 30),  # a check, archive, gate
        ({"retries": 2, "timeout_minutes": 10, "retry_delay_seconds": 60}, {}, 4 * (3 * 10 + 2)),
        ({"run_timeout_minutes": 45}, {}, 45),
    ],
)
def test_a6_a_run_that_waits_for_ever_is_ended(policy_file, schedule, retraining, minutes):
    policy = read_policy(policy_file(schedule={"cron": None, **schedule}, retraining=retraining))

    assert governance_dag(policy, auto_register=False).dagrun_timeout == timedelta(minutes=minutes)


def test_a6_scans_and_checks_of_their_own_length_count_in_the_timeout(policy_file):
    quality = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.5}]}
    scan = {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]}
    checks = {"quality": quality | {"timeout_minutes": 300}, "other": quality, "file": scan | {"timeout_minutes": 5}}
    schedule = {"cron": None, "retries": 0, "timeout_minutes": 60}
    dag = governance_dag(read_policy(policy_file(checks=checks, schedule=schedule)), auto_register=False)

    assert dag.dagrun_timeout == timedelta(minutes=5 + 300 + 60 + 60)
    assert dag.get_task("quality").execution_timeout == timedelta(minutes=300)
    assert dag.get_task("other").execution_timeout == dag.get_task("gate").execution_timeout == timedelta(minutes=60)


def test_a6_a_run_that_is_late_raises_an_alert_by_the_path_that_airflow_calls(policy_file, caplog):
    from airflow.sdk.execution_time.callback_supervisor import execute_callback

    schedule = {"cron": "0 2 * * *", "deadline_minutes": 90}
    dag = governance_dag(read_policy(policy_file(name="late", schedule=schedule)), auto_register=False)
    require_valid(dag, "late.yaml")
    (alert,) = dag.deadline
    assert alert.interval == timedelta(minutes=90)
    given = alert.callback.kwargs | {"context": {"dag_run": {"dag_id": "governance_late", "dag_run_id": "r1"}}}
    done, problem = execute_callback(alert.callback.path, given, "", None, logging.getLogger("airflow"))

    assert (done, problem) == (True, None)
    (said,) = caplog.messages
    assert said == (
        "late: run r1 of DAG governance_late has not ended 90 minutes after it was queued (owner: team@example.com); "
        "look for tasks that wait for a pool, a worker or data"
    )


def test_a6_the_channels_of_the_policy_hear_of_a_run_that_is_late_and_a_dead_one_keeps_none_from_it(
    policy_file, receiver, caplog
):
    from airflow.sdk.execution_time.callback_supervisor import execute_callback

    channels = [
        {"type": "webhook", "connection": "missing"},
        {"type": "webhook", "connection": "hook", "severity": "warn", "owner": "checker"},
    ]
    quality = {"kind": "model_quality", "owner": "checker", "thresholds": [{"metric": "accuracy", "geq_to": 0.5}]}
    policy = policy_file(
        name="late", schedule={"cron": "0 2 * * *", "deadline_minutes": 90}, checks={"quality": quality},
        notifications={"channels": channels},
    )  # fmt: skip
    dag = governance_dag(read_policy(policy), auto_register=False)
    require_valid(dag, "late.yaml")
    (alert,) = dag.deadline
    given = alert.callback.kwargs | {"context": {"dag_run": {"dag_id": "governance_late", "dag_run_id": "r/1"}}}
    assert execute_callback(alert.callback.path, given, "", None, logging.getLogger("airflow")) == (True, None)
    (got,) = receiver.got
    assert "late: run is late" in got["body"]["text"]
    assert "Run r/1 of DAG governance_late has not ended 90 minutes after it was queued" in got["body"]["text"]
    assert got["body"]["governance"]["kind"] == "late"
    assert any("webhook (missing) was not told" in said for said in caplog.messages)


@pytest.mark.parametrize(
    ("retries", "retraining", "minutes"),
    [
        (0, None, 3 * 10 + 15),
        (0, {}, 3 * 10 + 15),  # of the two tasks side by side the notifications take longer
        (2, {}, 4 * (3 * 10 + 2)),  # and here the request with its tries
    ],
)
def test_a6_the_longer_of_notifications_and_retraining_request_counts_in_the_timeout(
    policy_file, retries, retraining, minutes
):
    policy = policy_file(
        schedule={"cron": None, "retries": retries, "timeout_minutes": 10, "retry_delay_seconds": 60},
        retraining=retraining, notifications={"channels": [{"type": "webhook", "connection": "hook"}]},
    )  # fmt: skip

    assert governance_dag(read_policy(policy), auto_register=False).dagrun_timeout == timedelta(minutes=minutes)


def test_a6_a_deadline_after_the_end_of_every_run_is_refused(policy_file):
    with pytest.raises(PolicyError, match=r"deadline_minutes 60 is never reached: .* run_timeout_minutes 60"):
        read_policy(policy_file(schedule={"deadline_minutes": 60, "run_timeout_minutes": 60}))


def test_a8_a_gate_that_cannot_ask_is_tried_again_and_a_finding_is_not(policy_file, run_dag, scheduled, monkeypatch):
    asked = []
    real = gate.pull_all

    def pull_all(*args):
        asked.append(args)
        if len(asked) == 1:
            raise ConnectionError("the API server does not answer")
        return real(*args)

    monkeypatch.setattr(gate, "pull_all", pull_all)
    done = run_dag(scheduled(policy_file(name="gate_again")))
    assert (done.state, done.task("gate").try_number) == ("success", 2)

    failed = run_dag(scheduled(policy_file(name="gate_finding", run="spoiled")))
    assert (failed.state, failed.task("gate").try_number, failed.task("gate").max_tries) == ("failed", 1, 2)


# Airflow leaves the sockets of a process that it supervised to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a8_a_gate_that_is_killed_on_a_green_run_is_tried_again(policy_file, airflow_db, tmp_path, monkeypatch):
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import timezone

    # This process reads the DAG file too, and later tests need the gate as it is.
    monkeypatch.setattr(gate.GovernanceGateOperator, "execute", gate.GovernanceGateOperator.execute)
    checks = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}}
    path = HOME / "dags" / "killed_gate.py"
    path.write_text(f"""
# airflow DAG
import os, signal
from model_governance.orchestration.dags import governance_dag
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.operators import read_policy

decide = GovernanceGateOperator.execute

def execute(self, context):
    if context["ti"].try_number == 1 and os.getpid() != {os.getpid()}:
        os.kill(os.getpid(), signal.SIGKILL)
    decide(self, context)

GovernanceGateOperator.execute = execute if os.environ.get("KILL_THE_GATE") else decide
dag = governance_dag(read_policy({str(policy_file(name="killed", checks=checks))!r}))
""")
    moment = timezone.parse("2025-06-01T02:00:00+00:00")
    (dag,) = DagBag(path).dags.values()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KILL_THE_GATE", "1")  # read by the processes of the tasks
        run = run_with_log_files(dag, dags=HOME / "dags", logs=tmp_path, run_after=moment, logical_date=moment)
    path.unlink()

    ended = run.get_task_instance("gate")
    assert (str(run.state), str(ended.state), ended.try_number) == ("success", "success", 2)
