"""A night under Airflow with data and evidence on a real S3 server, reached through an aws connection."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import skops.io
import yaml

import synthetic

pytestmark = pytest.mark.system

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import json
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.sdk import timezone
from airflow.utils.session import create_session
from sqlalchemy import select

bag = DagBag()
assert bag.import_errors == {}, bag.import_errors
moment = timezone.parse("2025-06-01T02:00:00+00:00")
run = bag.dags["governance_on_s3"].test(run_after=moment, logical_date=moment)
with create_session() as session:
    pulled = {key: XComModel.deserialize_value(session.scalars(
        XComModel.get_many(run_id=run.run_id, dag_ids=run.dag_id, task_ids=task, key=key)).one())
        for task, key in (("quality", "verdict"), ("archive", "archive"))}
    # The run tells of its evidence too; these are the requests for a new model.
    events = [one.extra for one in session.scalars(select(AssetEvent)) if one.source_task_id == "request_retraining"]
print(json.dumps({"state": str(run.state), "states": {one.task_id: str(one.state) for one in run.get_task_instances()},
                  "events": events, **pulled}))
"""


@pytest.fixture
def night(seaweed, tmp_path):
    """Runs the nightly DAG in a process of its own; the bucket holds model, data and evidence."""
    bucket = seaweed.new_bucket(versioned=True)
    client = seaweed.client()
    train, current = synthetic.rows(300, seed=1), synthetic.rows(300, seed=3)
    current["label"] = 1 - current["label"]
    model = skops.io.dumps(synthetic.pipeline(train))
    client.put_object(Bucket=bucket, Key="models/model.skops", Body=model)
    client.put_object(Bucket=bucket, Key="nights/2025-06-01.parquet", Body=current.to_parquet(index=False))
    policy = {
        "version": 1,
        "owner": "team@example.com",
        "model": {
            "name": "on-s3",
            "task": "binary_classification",
            "uri": f"s3://{bucket}/models/model.skops",
            "sha256": hashlib.sha256(model).hexdigest(),
            "connection": "governance_s3",
        },
        "columns": synthetic.COLUMNS.model_dump(exclude_none=True),
        "datasets": {"current": {"uri": f"s3://{bucket}/nights/{{{{ ds }}}}.parquet", "connection": "governance_s3"}},
        "checks": {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}},
        "retraining": {"when": ["fail"]},
        "schedule": {"cron": None, "retries": 1, "retry_delay_seconds": 0},
    }
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "on_s3.yaml").write_text(yaml.safe_dump(policy))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS"))} | {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__MODEL_GOVERNANCE__POLICIES": str(tmp_path / "policies"),
        "AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI": f"s3://{bucket}/evidence",
        "AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_CONNECTION": "governance_s3",
        "AIRFLOW_CONN_GOVERNANCE_S3": seaweed.connection_json(),
    }

    def run():
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert seaweed.secret not in done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    run.client, run.bucket = client, bucket
    return run


def test_a_violated_night_leaves_its_evidence_in_the_bucket(night):
    found = night()

    assert found["state"] == "failed"
    assert found["states"] == {
        "quality": "failed",
        "archive": "success",
        "request_retraining": "success",
        "gate": "failed",
    }
    for stored in (found["verdict"]["record"], found["verdict"]["report"], found["archive"]["manifest"]):
        content = night.client.get_object(Bucket=night.bucket, Key=f"evidence/{stored['key']}")["Body"].read()
        assert hashlib.sha256(content).hexdigest() == stored["sha256"]
    (event,) = found["events"]
    assert event["store"] == {"uri": f"s3://{night.bucket}/evidence", "connection": "governance_s3"}


def test_a_repeated_night_adds_no_second_version_of_any_object(night):
    first, again = night(), night()

    assert first["verdict"]["record"] == again["verdict"]["record"]
    assert len(again["events"]) == 1
    versions = night.client.list_object_versions(Bucket=night.bucket, Prefix="evidence/")["Versions"]
    keys = [one["Key"] for one in versions]
    assert len(keys) == len(set(keys))
