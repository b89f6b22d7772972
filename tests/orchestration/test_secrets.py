"""Must-show: secrets planted in eight places appear in nothing that is stored, logged, pushed, serialized or rendered."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from moto import mock_aws

from model_governance.orchestration.stores import AirflowConnections

HOME = Path(os.environ["AIRFLOW_HOME"])
PLANTED = "Pl4nted-S3cret-{}"
UNUSED = {
    "uri": lambda secret: {"datasets": {"current": {"uri": f"postgresql://scores:{secret}@host/db", "table": "t"}}},
    "argument": lambda secret: {"datasets": {"current": {"uri": f"https://host/a.parquet?sig={secret}"}}},
    "artifacts": lambda secret: {"artifacts": {"uri": f"s3://key:{secret}@bucket/prefix"}},
    "description": lambda secret: {"description": f"see https://user:{secret}@wiki/page"},
}


@pytest.fixture
def folder(tmp_path, policy_file):
    """Four policies with a secret each, and the DAG file of their folder."""
    folder = tmp_path / "policies"
    for place, change in UNUSED.items():
        policy_file(place, folder=folder, **change(PLANTED.format(place)))
    return folder


def assert_nothing_planted(text: str) -> None:
    assert "Pl4nted" not in text


def test_a_secret_in_a_policy_reaches_no_dag_no_import_error_and_no_log(folder, tmp_path, run_dag, caplog, capfd):
    """P8, must-show 9: four places in policies; each policy is refused, and what reports that repeats no secret."""
    source = f"# airflow\nfrom model_governance.orchestration import governance_dags\nglobals().update(governance_dags({str(folder)!r}))\n"
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "all.py").write_text(source)
    bag = DagBag(tmp_path / "dags")
    assert len(bag.dags) == len(bag.import_errors) == len(UNUSED)
    for dag in bag.dags.values():
        assert dag.task_ids == ["policy_refused"]
        assert_nothing_planted(json.dumps(DagSerialization.to_dict(dag)))
        assert_nothing_planted("\n".join(dag.get_task("policy_refused").problems))
    assert_nothing_planted(json.dumps(bag.import_errors))
    done = run_dag(source, dag_id="governance_uri")
    assert done.states() == {"policy_refused": "failed"}
    said = capfd.readouterr()
    assert "is archived with the policy for ever" in said.out + said.err
    assert_nothing_planted(said.out + said.err + caplog.text)


@pytest.fixture
def connections(monkeypatch, trained, tmp_path):
    """Secrets where they belong: password and extra of a database, password and session token of a bucket."""
    secrets = [PLANTED.format(place) for place in ("database", "extra", "bucket", "session")]
    database = tmp_path / "warehouse.db"
    with sqlite3.connect(database) as opened:
        pd.read_parquet(trained.folder / "healthy.parquet").to_sql("scores", opened, index=False)
    warehouse = {
        "conn_type": "postgresql", "host": "127.0.0.1", "port": 1, "schema": "scores", "login": "scores",
        "password": secrets[0], "extra": {"application_name": secrets[1]},
    }  # fmt: skip
    evidence = {
        "conn_type": "aws", "login": "access-key", "password": secrets[2],
        "extra": {"region_name": "us-east-1", "aws_session_token": secrets[3]},
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(warehouse))
    monkeypatch.setenv("AIRFLOW_CONN_EVIDENCE", json.dumps(evidence))
    return database


@pytest.mark.parametrize("query", ["select * from scores", None])
def test_a_secret_of_a_connection_reaches_nothing_that_a_run_leaves(
    policy_file, trained, run_dag, scheduled, connections, monkeypatch, caplog, capfd, query
):
    """P8, must-show 9: four places in connections; objects, logs, XComs, serialized DAG and rendered fields are searched."""
    import boto3
    from sqlalchemy import create_engine

    if query is not None:  # else the database of the connection is asked, and does not answer
        real = AirflowConnections.engine

        def engine(self, name):
            real(self, name)
            return create_engine(f"sqlite:///{connections}")

        monkeypatch.setattr(AirflowConnections, "engine", engine)
    datasets = {
        "train": {"uri": str(trained.folder / "train.parquet")},
        "reference": {"uri": str(trained.folder / "reference.parquet")},
        "current": {"query": query or "select 1", "connection": "warehouse"},
    }
    checks = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}}
    policy = policy_file(
        "secretive", datasets=datasets, checks=checks, artifacts={"uri": "s3://evidence/prod", "connection": "evidence"},
        schedule={"cron": None, "retries": 0},
    )  # fmt: skip
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="evidence")
        done = run_dag(scheduled(policy))
        assert done.state == ("success" if query == "select * from scores" else "failed")
        keys = [entry["Key"] for entry in client.list_objects_v2(Bucket="evidence")["Contents"]]
        assert any(key.endswith("run_manifest.json") for key in keys)
        for key in keys:
            assert_nothing_planted(key)
            assert_nothing_planted(
                client.get_object(Bucket="evidence", Key=key)["Body"].read().decode(errors="replace")
            )
    assert_nothing_planted((HOME / "airflow.db").read_bytes().decode(errors="replace"))
    for log in HOME.rglob("*.log"):
        assert_nothing_planted(log.read_text(errors="replace"))
    said = capfd.readouterr()
    assert_nothing_planted(said.out + said.err + caplog.text)
