"""Identities of a real server: who writes adds evidence and unlocks nothing, who reads writes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from model_governance.contract.protection import Protection
from model_governance.errors import StoreError
from model_governance.store.doctor import examine
from model_governance.store.s3 import S3Store
from system.seaweed import SeaweedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.system

HTML = "text/html"
WRITER = ["Read", "List", "Write", "PutObjectRetention", "GetObjectRetention", "GetObjectLegalHold"]
DENIED = (
    "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutObjectLegalHold",
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[SeaweedServer]:
    with SeaweedServer(roles={"writer": WRITER, "reader": ["Read", "List"]}) as started:
        yield started


@pytest.fixture(scope="module")
def bucket(server: SeaweedServer) -> str:
    """A bucket whose policy denies everybody what include/deploy/s3/writer.json denies the writer: identities of this
    server have no denials of their own."""
    name = server.new_bucket(locked=True)
    denial = {
        "Sid": "NeverRemoveOrUnlock", "Effect": "Deny", "Principal": "*",
        "Action": list(DENIED), "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }  # fmt: skip
    server.client().put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [denial]}))
    return name


def store_of(client: Any, bucket: str, prefix: str, **protection: Any) -> S3Store:
    return S3Store(f"s3://{bucket}/{prefix}", client=client, protection=Protection(**protection))


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_the_writer_adds_locked_evidence_and_removes_and_unlocks_nothing(
    server: SeaweedServer, bucket: str, mode: Any
) -> None:
    client = server.client_of("writer")
    store = store_of(client, bucket, mode.lower(), object_lock=mode, retention_days=2)
    store.put_once("v1/a", b"evidence", media_type=HTML)
    store.put_once("v1/a", b"evidence", media_type=HTML)
    assert store.get("v1/a") == b"evidence"
    assert store.lock_of("v1/a").mode == mode
    (version,) = store.versions("v1/a")["v1/a"]
    name = {"Bucket": bucket, "Key": f"{mode.lower()}/v1/a"}
    for operation, params in [
        ("delete_object", name | {"VersionId": version.id}),
        ("delete_object", name | {"VersionId": version.id, "BypassGovernanceRetention": True}),
        ("delete_object", name),
        ("put_bucket_policy", {"Bucket": bucket, "Policy": "{}"}),
        ("put_bucket_versioning", {"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}}),
    ]:
        with pytest.raises(ClientError, match=r"AccessDenied|InvalidBucketState"):
            getattr(client, operation)(**params)
    with pytest.raises(StoreError, match="AccessDenied"):
        store.hold("v1/a", on=True)
    assert len(store.versions("v1/a")["v1/a"]) == 1


def test_the_reader_reads_and_writes_nothing(server: SeaweedServer, bucket: str) -> None:
    store_of(server.client_of("writer"), bucket, "read").put_once("v1/a", b"evidence", media_type=HTML)
    store = store_of(server.client_of("reader"), bucket, "read")
    assert store.get("v1/a") == b"evidence"
    assert list(store.keys("")) == ["v1/a"]
    assert len(store.versions("v1/a")["v1/a"]) == 1
    with pytest.raises(StoreError, match="AccessDenied"):
        store.put_once("v1/b", b"forged", media_type=HTML)


def test_the_doctor_of_the_writer_finds_nothing_that_it_could_undo(server: SeaweedServer, bucket: str) -> None:
    store = store_of(server.client_of("writer"), bucket, "doctor", object_lock="GOVERNANCE")
    outcomes = {trial.name: trial.outcome for trial in examine(store)}
    assert {name for name, outcome in outcomes.items() if outcome != "pass"} == {"hold"}
    assert outcomes["hold"] == "skipped"


@pytest.mark.parametrize("encryption", ["s3", "kms"])
def test_evidence_is_encrypted_with_either_kind_of_key(server: SeaweedServer, encryption: Any) -> None:
    name = server.new_bucket(locked=True)
    protection = {"encryption": encryption, "kms_key": "evidence" if encryption == "kms" else None}
    store = store_of(server.client(), name, "gov", **protection, object_lock="COMPLIANCE")
    store.put_once("v1/a", b"evidence", media_type=HTML)
    head = server.client().head_object(Bucket=name, Key="gov/v1/a")
    assert head["ServerSideEncryption"] == {"s3": "AES256", "kms": "aws:kms"}[encryption]
    assert store.get("v1/a") == b"evidence"
