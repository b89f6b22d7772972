"""The roles of include/deploy/s3 under AWS's rules: moto checks signatures and policies of every request."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws, settings
from moto.iam.access_control import IAMPolicy, PermissionResult

from atomic_moto import atomic_puts
from model_governance.contract.protection import Protection
from model_governance.errors import StoreError
from model_governance.store.doctor import examine
from model_governance.store.s3 import S3Store
from strict_moto import enforced_locks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Connect = Callable[[str], Any]

DEPLOY = Path(__file__).resolve().parents[3] / "include" / "deploy" / "s3"
HTML = "text/html"
BUCKET, PREFIX, KMS_KEY = "evidence", "prod", "arn:aws:kms:us-east-1:123456789012:key/0123"
OBJECT = f"arn:aws:s3:::{BUCKET}/{PREFIX}/v1/chain/loans/0000000001.json"
ELSEWHERE = f"arn:aws:s3:::{BUCKET}/other/v1/a"
WORM = Protection(object_lock="GOVERNANCE", retention_days=30)
ADMIN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def document(role: str) -> dict[str, Any]:
    text = Template((DEPLOY / f"{role}.json").read_text())
    parsed: dict[str, Any] = json.loads(text.substitute(bucket=BUCKET, prefix=PREFIX, kms_key=KMS_KEY))
    return parsed


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Clients by role; the bucket and the users exist before signatures and policies count."""
    with mock_aws(), atomic_puts(), enforced_locks():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        iam, keys = boto3.client("iam", region_name="us-east-1"), {}
        for role, policy in {
            "admin": ADMIN,
            **{role: document(role) for role in ("writer", "reader", "auditor")},
        }.items():
            iam.create_user(UserName=role)
            iam.put_user_policy(UserName=role, PolicyName=role, PolicyDocument=json.dumps(policy))
            keys[role] = iam.create_access_key(UserName=role)["AccessKey"]
        monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
        yield lambda role: boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id=keys[role]["AccessKeyId"],
            aws_secret_access_key=keys[role]["SecretAccessKey"],
        )  # fmt: skip


def store_of(client: Any, protection: Protection | None = None, prefix: str = PREFIX) -> S3Store:
    return S3Store(f"s3://{BUCKET}/{prefix}", client=client, protection=protection)


def test_signatures_count(connect: Connect) -> None:
    wrong = boto3.client("s3", region_name="us-east-1", aws_access_key_id="AKIA0", aws_secret_access_key="wrong")
    with pytest.raises(StoreError, match="InvalidAccessKeyId"):
        store_of(wrong).keys("")


def test_the_writer_does_all_that_a_run_needs(connect: Connect) -> None:
    store = store_of(connect("writer"), WORM)
    store.put_once("v1/a", b"evidence", media_type=HTML)
    store.put_once("v1/a", b"evidence", media_type=HTML)
    assert store.get("v1/a") == b"evidence"
    assert [key for key in store.keys("v1/") if not key.startswith("v1/doctor/")] == ["v1/a"]
    assert len(store.versions("v1/a")["v1/a"]) == 1
    assert store.lock_of("v1/a").mode == "GOVERNANCE"


def test_the_writer_writes_only_below_its_prefix(connect: Connect) -> None:
    with pytest.raises(StoreError, match="AccessDenied"):
        store_of(connect("writer"), prefix="other").put_once("v1/a", b"x", media_type=HTML)


def test_the_writer_removes_and_unlocks_nothing(connect: Connect) -> None:
    client = connect("writer")
    store = store_of(client, WORM)
    store.put_once("v1/a", b"evidence", media_type=HTML)
    (version,) = store.versions("v1/a")["v1/a"]
    name = {"Bucket": BUCKET, "Key": f"{PREFIX}/v1/a"}
    for operation, params in [
        ("delete_object", name),
        ("delete_object", name | {"VersionId": version.id}),
        ("delete_object", name | {"VersionId": version.id, "BypassGovernanceRetention": True}),
        ("put_bucket_policy", {"Bucket": BUCKET, "Policy": "{}"}),
        ("put_bucket_versioning", {"Bucket": BUCKET, "VersioningConfiguration": {"Status": "Suspended"}}),
        ("put_bucket_lifecycle_configuration", {"Bucket": BUCKET, "LifecycleConfiguration": {"Rules": []}}),
        ("delete_bucket", {"Bucket": BUCKET}),
    ]:
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            getattr(client, operation)(**params)
    assert store.get("v1/a") == b"evidence"
    assert len(store.versions("v1/a")["v1/a"]) == 1


@pytest.mark.parametrize("role", ["reader", "auditor"])
def test_readers_read_and_write_nothing(connect: Connect, role: str) -> None:
    store_of(connect("writer"), WORM).put_once("v1/a", b"evidence", media_type=HTML)
    store = store_of(connect(role))
    assert store.get("v1/a") == b"evidence"
    assert "v1/a" in list(store.keys("v1/"))
    assert len(store.versions("v1/a")["v1/a"]) == 1
    with pytest.raises(StoreError, match="AccessDenied"):
        store.put_once("v1/b", b"forged", media_type=HTML)
    with pytest.raises(StoreError, match="AccessDenied"):
        store.hold("v1/a", on=True)
    assert store.lock_of("v1/a").mode == "GOVERNANCE"


def test_the_doctor_of_the_writer_proves_what_the_role_can_and_says_the_rest(connect: Connect) -> None:
    trials = {trial.name: trial for trial in examine(store_of(connect("writer"), WORM))}
    outcomes = {name: trial.outcome for name, trial in trials.items()}
    assert outcomes["deletion"] == outcomes["locked_deletion"] == outcomes["bypass"] == outcomes["shorten"] == "pass"
    assert "run doctor as an administrator" in trials["locked_deletion"].meaning


# AWS evaluates more actions than moto maps requests to, so that the documents are asked themselves, too.
GRANTS = {
    "s3:ListBucketVersions": {"writer", "reader", "auditor"},
    "s3:PutObject": {"writer"},
    "s3:PutObjectRetention": {"writer"},
    "s3:AbortMultipartUpload": {"writer"},
    "s3:GetObject": {"writer", "reader", "auditor"},
    "s3:GetObjectVersion": {"writer", "reader", "auditor"},
    "s3:GetObjectRetention": {"writer", "auditor"},
    "s3:GetObjectLegalHold": {"writer", "auditor"},
    "kms:Decrypt": {"writer", "reader", "auditor"},
    "kms:GenerateDataKey": {"writer"},
    "s3:GetBucketPolicy": {"auditor"},
    "s3:PutObjectLegalHold": set(),
    "s3:BypassGovernanceRetention": set(),
    "s3:DeleteObject": set(),
    "s3:DeleteObjectVersion": set(),
    "s3:PutBucketPolicy": set(),
    "s3:PutBucketObjectLockConfiguration": set(),
    "s3:PutLifecycleConfiguration": set(),
    "s3:PutBucketVersioning": set(),
    "s3:PutEncryptionConfiguration": set(),
    "kms:ScheduleKeyDeletion": set(),
}


@pytest.mark.parametrize("action", GRANTS)
@pytest.mark.parametrize("role", ["writer", "reader", "auditor"])
def test_a_role_may_what_it_needs_and_no_more(role: str, action: str) -> None:
    policy = IAMPolicy(json.dumps(document(role)))
    about_bucket = "Bucket" in action or "Configuration" in action
    resource = KMS_KEY if action.startswith("kms:") else f"arn:aws:s3:::{BUCKET}" if about_bucket else OBJECT
    permitted = policy.is_action_permitted(action, resource) == PermissionResult.PERMITTED
    assert permitted == (role in GRANTS[action])
    if action == "s3:PutObject":
        assert policy.is_action_permitted(action, ELSEWHERE) != PermissionResult.PERMITTED


@pytest.mark.parametrize("action", [action for action, roles in GRANTS.items() if not roles and action[:2] == "s3"])
def test_no_other_policy_gives_the_writer_what_it_must_not_do(action: str) -> None:
    """A denial stands above whatever else is attached to the role."""
    for resource in (f"arn:aws:s3:::{BUCKET}", OBJECT, ELSEWHERE):
        assert (
            IAMPolicy(json.dumps(document("writer"))).is_action_permitted(action, resource) == PermissionResult.DENIED
        )
