"""Silence under a real scheduler: a mistyped pool, data that does not come, a paused DAG and a vanished policy raise alerts."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
import yaml

from model_governance.store.local import LocalStore
from project import CHEAP_CHECKS, small_project
from system.airflow_server import INITDB, AirflowServer
from webhook_receiver import webhook

pytestmark = pytest.mark.system

DEADLINE_MINUTES = 1
WATCH_SECONDS = 15
CHANNEL = {"type": "webhook", "connection": "hook"}
GOVERNED = """
# airflow DAG
from model_governance.orchestration import governance_dags
globals().update(governance_dags({policies!r}))
"""
WATCH = """
# airflow DAG
from model_governance.orchestration import governance_watch_dag
dag = governance_watch_dag({policies!r}, channels=[{channel!r}], schedule="* * * * * */{seconds}")
"""
QUALITY = CHEAP_CHECKS["quality"]


def write_policies(project, folder):
    """Four models; that of `vanished` has evidence, the others have none yet."""
    folder.mkdir()
    schedule = {"cron": None, "retries": 0, "deadline_minutes": DEADLINE_MINUTES}
    kinds = {
        "mistyped": {"checks": {"quality": QUALITY | {"pool": "atacks"}}},
        "waiting": {
            "datasets": project.raw["datasets"] | {"current": {"uri": str(folder / "never.parquet")}},
            "schedule": schedule | {"wait_for_data": {"timeout_minutes": 60}},
        },
        "paused": {},
        "vanished": {},
    }
    for name, changes in kinds.items():
        model = project.raw["model"] | {"name": name, "uri": str(project.folder / "model.skops")}
        datasets = {role: {"uri": str(project.folder / f"{role}.parquet")} for role in project.raw["datasets"]}
        policy = project.raw | {
            "model": model, "datasets": datasets, "checks": {"quality": QUALITY}, "schedule": schedule,
            "artifacts": {"uri": str(project.folder / "archive")}, "notifications": {"channels": [CHANNEL]},
        }  # fmt: skip
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(policy | changes))


@pytest.fixture(scope="module")
def receiver():
    with webhook() as made:
        yield made


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, receiver):
    """Scheduler, DAG processor and API server over the four policies; the model `vanished` has run."""
    folder = tmp_path_factory.mktemp("silence")
    project = small_project(folder, checks={"quality": QUALITY})
    project.change(model=project.raw["model"] | {"name": "vanished"}).run()
    policies = folder / "policies"
    write_policies(project, policies)
    settings = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI": LocalStore(str(folder / "archive")).uri,
        "AIRFLOW_CONN_HOOK": receiver.connection,
    }
    with AirflowServer(folder / "home", settings) as server:
        server.policies = policies
        (server.home / "dags" / "governed.py").write_text(GOVERNED.format(policies=str(policies)))
        server.program(INITDB)
        server.start("api-server", "dag-processor", "scheduler")
        server.wait_until_ready()
        for name in ("mistyped", "waiting", "paused", "vanished"):
            server.wait_for(
                lambda name=name: server.get(f"/api/v2/dags/governance_{name}")[0] == 200, f"a DAG of {name}", 120
            )
        yield server


def alerts_in(receiver):
    """Model and kind of every alert that the watch told about."""
    bodies = [each["body"]["governance"] for each in receiver.got]
    return {(alert["model"], alert["kind"]) for body in bodies if body["kind"] == "watch" for alert in body["alerts"]}


def late_in(receiver):
    """Models of the runs that Airflow itself called late."""
    return {
        each["body"]["governance"]["model"] for each in receiver.got if each["body"]["governance"]["kind"] == "late"
    }


def test_a_mistyped_pool_missing_data_a_paused_dag_and_a_vanished_policy_each_raise_the_alert(airflow, receiver):
    asked = time.monotonic()
    for name in ("mistyped", "waiting"):
        run = {"logical_date": datetime.now(UTC).isoformat()}
        status, text = airflow.send(f"/api/v2/dags/governance_{name}/dagRuns", run)
        assert status == 200, text
    airflow.send("/api/v2/dags/governance_paused?update_mask=is_paused", {"is_paused": True}, method="PATCH")
    (airflow.policies / "vanished.yaml").unlink()
    watch = WATCH.format(policies=str(airflow.policies), channel=CHANNEL, seconds=WATCH_SECONDS)
    (airflow.home / "dags" / "watch.py").write_text(watch)

    at_once = {("paused", "paused"), ("vanished", "vanished")}
    airflow.wait_for(lambda: alerts_in(receiver) >= at_once, f"alerts {at_once}", 180)
    if time.monotonic() - asked < 60 * DEADLINE_MINUTES:
        assert alerts_in(receiver) == at_once, "the runs have time until their deadline"
    stuck = {("mistyped", "stuck"), ("waiting", "stuck")}
    airflow.wait_for(lambda: alerts_in(receiver) >= stuck, f"alerts {stuck}", 180)
    airflow.wait_for(lambda: late_in(receiver) == {"mistyped", "waiting"}, "Airflow's own alert of both runs", 60)

    assert alerts_in(receiver) == at_once | stuck
    runs = json.loads(airflow.get("/api/v2/dags/governance_watch/dagRuns?order_by=-run_after&state=failed")[1])[
        "dag_runs"
    ]
    assert runs, "a watch that found something fails"
    for name in ("mistyped", "waiting"):
        (run,) = json.loads(airflow.get(f"/api/v2/dags/governance_{name}/dagRuns")[1])["dag_runs"]
        assert run["state"] == "running", "nothing else would tell of it"
