"""Situations that Airflow brings about, each with the right end (numbers as in the acceptance cases)."""

from __future__ import annotations

import json
import shutil
from datetime import UTC

import pytest

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
