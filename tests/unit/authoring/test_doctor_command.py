"""`model-governance doctor` on a folder, a bucket and a policy: the table, the JSON and the exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from model_governance.cli import main
from strict_moto import enforced_locks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = {
    "version": 1,
    "owner": "team@example.com",
    "model": {"name": "loans", "task": "binary_classification", "uri": "m.skops", "sha256": "0" * 64},
    "columns": {"features": {"a": {"kind": "numeric"}}, "target": "y"},
    "datasets": {"current": {"uri": "c.parquet"}},
    "checks": {"model_quality": {"thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}},
}


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS_* of a bucket `evidence` with Object Lock and a bucket `plain`, at moto with locks as on a real server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with enforced_locks():
        server.start()
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True)
        client.create_bucket(Bucket="plain")
        yield
        server.stop()


def test_a_folder_gets_a_table_and_its_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    assert main(["doctor", str(tmp_path)]) == 0
    table = capsys.readouterr().out
    assert "fit for evidence; read the warnings: deletion" in table
    for word in ("tried", "expected", "found", "outcome", "meaning", "create a key that exists", "refused"):
        assert word in table


def test_a_bucket_that_is_not_fit_is_exit_1_and_names_what_is_missing(
    surroundings: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "s3://plain/gov", "--json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert (record["exit_code"], record["store"]) == (1, "s3://plain/gov")
    assert {trial["name"] for trial in record["trials"] if trial["outcome"] == "fail"} == {"checksum"}
    assert main(["doctor", "s3://plain/gov", "--object-lock", "GOVERNANCE"]) == 1
    assert "not fit for evidence: checksum, lock" in capsys.readouterr().out


def test_a_bucket_that_is_not_there_is_exit_3(surroundings: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "s3://nowhere/gov"]) == 3
    assert "NoSuchBucket" in capsys.readouterr().err


def test_a_policy_says_where_and_what_is_required(
    surroundings: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "loans.yaml"
    file.write_text(
        yaml.safe_dump(
            POLICY
            | {
                "artifacts": {"uri": "s3://evidence/gov", "encryption": "kms", "kms_key": "k"},
                "archive": {"object_lock": "COMPLIANCE", "retention_days": 30},
            }
        )
    )
    main(["doctor", str(file), "--json"])
    found = {trial["name"]: trial for trial in json.loads(capsys.readouterr().out)["trials"]}
    assert found["lock"]["tried"].endswith("COMPLIANCE")
    assert (found["lock"]["outcome"], found["shorten"]["outcome"], found["bypass"]["outcome"]) == ("pass",) * 3
    assert found["encryption"]["found"] == "aws:kms"


def test_a_policy_without_a_place_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "loans.yaml"
    file.write_text(yaml.safe_dump(POLICY))
    assert main(["doctor", str(file)]) == 2
    assert "no artifacts.uri" in capsys.readouterr().err


def test_a_folder_cannot_be_asked_for_a_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(tmp_path), "--object-lock", "COMPLIANCE"]) == 3
    assert "is a folder" in capsys.readouterr().err
