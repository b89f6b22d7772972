"""A run whose policy asks for Object Lock: all of its evidence is locked, or there is no run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from model_governance.cli import main
from model_governance.store.s3 import S3Store
from project import Project, small_project
from system.rclone import RcloneServer

if TYPE_CHECKING:
    from pathlib import Path

    from system.seaweed import SeaweedServer

pytestmark = pytest.mark.system


def reach(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.surroundings().items():
        monkeypatch.setenv(name, value)


def governed(folder: Path, bucket: str) -> Project:
    project = small_project(folder)
    artifacts = {"uri": f"s3://{bucket}/prod", "encryption": "s3"}
    return project.change(artifacts=artifacts, archive={"object_lock": "COMPLIANCE", "retention_days": 400})


def test_everything_that_a_run_stores_is_locked_and_encrypted(
    seaweed: SeaweedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = seaweed.new_bucket(locked=True)
    reach(seaweed, monkeypatch)
    project = governed(tmp_path, bucket)
    for _ in range(2):  # the second time is a repeated run, which shares blobs with the first
        assert main(["run", str(project.policy_file), "--date", "2026-03-01"]) == 0
    store = S3Store(f"s3://{bucket}/prod", client=seaweed.client())
    evidence = [key for key in store.keys("") if not key.startswith("v1/doctor/")]
    assert len(evidence) > 5
    assert {store.lock_of(key).mode for key in evidence} == {"COMPLIANCE"}
    heads = [seaweed.client().head_object(Bucket=bucket, Key=f"prod/{key}") for key in evidence]
    assert {head.get("ServerSideEncryption") for head in heads} == {"AES256"}
    assert {len(versions) for key, versions in store.versions("").items() if key in evidence} == {1}


def test_a_run_on_a_store_that_pretends_stores_nothing_and_ends_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with RcloneServer() as server:
        server.client().create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True)
        reach(server, monkeypatch)
        project = governed(tmp_path, "evidence")
        assert main(["run", str(project.policy_file), "--date", "2026-03-01"]) == 3
        assert "archive.object_lock: COMPLIANCE is not enforced" in capsys.readouterr().err
        stored = list(S3Store("s3://evidence/prod", client=server.client()).keys(""))
    assert [key for key in stored if not key.startswith("v1/doctor/")] == []
