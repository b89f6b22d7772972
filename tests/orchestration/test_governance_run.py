"""One run of a policy under `dag.test()`: what fails, what is retried, what is on record."""

from __future__ import annotations

import hashlib
import json
import re

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from model_governance.orchestration.stores import AirflowConnections


def test_a_violation_fails_at_the_first_try_with_all_evidence_stored(policy_file, run_dag, scheduled, read_uri):
    done = run_dag(scheduled(policy_file(run="spoiled", name="violated")))

    assert done.state == "failed"
    assert done.states() == {"quality": "failed", "calibration": "success", "archive": "success", "gate": "failed"}
    quality = done.task("quality")
    assert (quality.try_number, quality.max_tries) == (1, 2)  # two retries were left and not taken
    verdict = done.xcom("quality", "verdict")
    assert (verdict["outcome"], verdict["stops"]) == ("fail", True)
    for uri in [verdict["report"]["uri"], *verdict["artifacts"]]:
        assert hashlib.sha256(read_uri(uri)).hexdigest() in uri
    archived = done.xcom("archive", "archive")
    assert archived["outcomes"]["quality"] == "fail"
    manifest = read_uri(archived["manifest"]["uri"])
    assert hashlib.sha256(manifest).hexdigest() == archived["manifest"]["sha256"]
    orchestrator = json.loads(manifest)["run"]["orchestrator"]
    assert (orchestrator["dag_id"], orchestrator["logical_date"]) == (
        "governance_violated",
        "2025-06-01T02:00:00+00:00",
    )


def test_a_healthy_run_is_green_and_archived(policy_file, run_dag, scheduled):
    done = run_dag(scheduled(policy_file(name="healthy")))

    assert done.state == "success"
    assert set(done.states().values()) == {"success"}
    assert done.xcom("archive", "archive")["stops"] is False


def test_the_gate_says_every_finding_and_where_the_page_is(policy_file, run_dag, scheduled, capfd):
    checks = {
        "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.9}]},
        "ranking-power": {"kind": "model_quality", "thresholds": [{"metric": "roc_auc", "geq_to": 0.9}]},
    }
    done = run_dag(scheduled(policy_file(name="grouped", run="spoiled", checks=checks)))

    said = capfd.readouterr()
    message = (said.out + said.err).rsplit("GovernanceViolation: grouped: FAIL", 1)[1]
    assert re.search(r"quality: accuracy is \d\d(\.\d)?% .*must be at least 90%: fail", message)
    assert re.search(r"ranking-power: roc_auc is 0\.\d+ .*must be at least 0\.9: fail", message)
    assert f"page of the run: {done.xcom('archive', 'archive')['report']['uri']}" in message


def test_what_cannot_be_measured_is_recorded_retried_and_never_a_pass(policy_file, run_dag, scheduled, read_uri):
    done = run_dag(scheduled(policy_file(name="incomplete", run="incomplete")))

    assert done.state == "failed"
    assert (done.task("quality").state, done.task("quality").try_number) == ("failed", 3)
    assert done.xcom("archive", "archive")["outcomes"]["quality"] == "error"
    verdict = done.xcom("quality", "verdict")
    record = json.loads(
        read_uri(f"{done.xcom('archive', 'archive')['manifest']['uri'].split('/v1/')[0]}/{verdict['record']['key']}")
    )
    assert record["result"] is None
    assert "debt" in record["problem"]


def test_a_check_that_never_reported_is_archived_as_an_error(policy_file, run_dag):
    policy = policy_file(name="absent")
    done = run_dag(f"""
# airflow
from airflow.sdk import DAG
from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.operators import GovernanceCheckOperator

with DAG("absent"):
    check = GovernanceCheckOperator(task_id="quality", policy={str(policy)!r}, check="quality")
    check >> ArchiveEvidenceOperator(task_id="archive", policy={str(policy)!r}) >> GovernanceGateOperator(task_id="gate")
""")

    assert done.states() == {"quality": "success", "archive": "success", "gate": "failed"}
    assert done.xcom("archive", "archive")["outcomes"]["calibration"] == "error"


def test_a_gate_without_an_archive_fails(run_dag):
    done = run_dag("""
# airflow
from airflow.sdk import DAG
from model_governance.orchestration.gate import GovernanceGateOperator

with DAG("gate_alone"):
    GovernanceGateOperator(task_id="gate")
""")

    assert done.state == "failed"


def test_an_archive_that_cannot_be_written_fails_the_run(policy_file, run_dag, scheduled, tmp_path):
    (tmp_path / "evidence").write_text("a file where the folder of the archive should be")
    done = run_dag(scheduled(policy_file(name="unwritable", schedule={"cron": None, "retries": 0})))

    assert done.states() == dict.fromkeys(("quality", "calibration", "archive", "gate"), "failed")


class Faulty:
    """An S3 client that refuses its first writes as a busy or unreachable server does."""

    def __init__(self, client, refusals):
        self._client, self._refusals = client, refusals

    def __getattr__(self, name):
        return getattr(self._client, name)

    def put_object(self, **kwargs):
        if self._refusals:
            raise self._refusals.pop()
        return self._client.put_object(**kwargs)


@pytest.fixture
def bucket(monkeypatch):
    from moto import mock_aws

    monkeypatch.setenv(
        "AIRFLOW_CONN_EVIDENCE",
        json.dumps(
            {"conn_type": "aws", "login": "access-key", "password": "secret-key", "extra": {"region_name": "us-east-1"}}
        ),
    )
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="evidence")
        yield "s3://evidence/prod"


def test_trouble_with_the_store_is_retried_and_gives_the_same_record(
    policy_file, run_dag, scheduled, bucket, monkeypatch
):
    checks = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}}
    policy = policy_file(name="busy", checks=checks, artifacts={"uri": bucket, "connection": "evidence"})
    slow = ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "PutObject")
    refusals = [EndpointConnectionError(endpoint_url="http://store"), slow]
    real = AirflowConnections.s3
    monkeypatch.setattr(AirflowConnections, "s3", lambda self, name: Faulty(real(self, name), refusals))

    disturbed = run_dag(scheduled(policy), logical_date="2025-06-01T02:00:00+00:00")
    undisturbed = run_dag(scheduled(policy), logical_date="2025-06-02T02:00:00+00:00")

    assert (disturbed.state, undisturbed.state) == ("success", "success")
    assert [one.task("quality").try_number for one in (disturbed, undisturbed)] == [3, 1]
    keys = [one.xcom("quality", "verdict")["record"]["key"] for one in (disturbed, undisturbed)]
    client = boto3.client("s3", region_name="us-east-1")
    records = [json.loads(client.get_object(Bucket="evidence", Key=f"prod/{key}")["Body"].read()) for key in keys]
    # The second run names the first one as what its verdict rests on.
    assert [len(record.pop("judged")["earlier"]) for record in records] == [0, 1]
    assert records[0] == records[1]
