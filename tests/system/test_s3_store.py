"""The S3 store on a real server: signatures, checksums, conditions, versions and locks are really enforced."""

from __future__ import annotations

import hashlib
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from fault_proxy import FaultProxy
from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable
from model_governance.store.s3 import S3Store
from properties.test_store_laws import StoreLaws, StoreWithoutCanary, worm

if TYPE_CHECKING:
    from properties.test_store_laws import Opener
    from system.seaweed import SeaweedServer

pytestmark = pytest.mark.system

HTML = "text/html"


class TestSeaweedStore(StoreLaws):
    @pytest.fixture(scope="class")
    @classmethod
    def new_store(cls, seaweed: SeaweedServer) -> Opener:
        client, bucket, numbers = seaweed.client(), seaweed.new_bucket(), itertools.count()
        return lambda: S3Store(f"s3://{bucket}/store-{next(numbers)}", client=client)


class TestSeaweedStoreWithVersions(StoreLaws):
    @pytest.fixture(scope="class")
    @classmethod
    def new_store(cls, seaweed: SeaweedServer) -> Opener:
        client, bucket, numbers = seaweed.client(), seaweed.new_bucket(versioned=True), itertools.count()
        return lambda: S3Store(f"s3://{bucket}/store-{next(numbers)}", client=client)


class TestSeaweedStoreWithObjectLock(StoreLaws):
    lock_mode = "COMPLIANCE"

    @pytest.fixture(scope="class")
    @classmethod
    def new_store(cls, seaweed: SeaweedServer) -> Opener:
        client, bucket, numbers = seaweed.client(), seaweed.new_bucket(locked=True), itertools.count()
        return lambda: StoreWithoutCanary(
            f"s3://{bucket}/store-{next(numbers)}", client=client, protection=worm(cls.lock_mode)
        )


def test_the_server_is_ready_fast_and_only_knows_its_own_credentials(seaweed: SeaweedServer) -> None:
    assert 0 < seaweed.seconds_to_ready < 30
    assert seaweed.endpoint_url.startswith("http://127.0.0.1:")
    assert seaweed.secret not in repr(seaweed)
    assert seaweed.secret not in seaweed.log()


def test_the_server_checks_the_digest_we_send(seaweed: SeaweedServer) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket()

    def damage(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["x-amz-checksum-sha256"] = "M/J5lGcXcoeikmB4ChB6yY6mPdYWX2f8wNdHZ9CoIJA="

    client.meta.events.register("before-call.s3.PutObject", damage)
    store = S3Store(f"s3://{bucket}/gov", client=client)
    with pytest.raises(StoreError, match=r"BadDigest.*changed on the way"):
        store.put_once("v1/a", b"whole", media_type=HTML)
    with pytest.raises(ObjectMissing):
        store.get("v1/a")


@pytest.mark.parametrize(
    ("wrong", "code", "advice"),
    [
        ({"secret": "not-the-secret-of-this-server"}, "SignatureDoesNotMatch", "secret key of the connection"),
        ({"key": "NOBODYKNOWSTHISKEY"}, "InvalidAccessKeyId", "access key of the connection"),
    ],
)
def test_wrong_credentials_are_told_without_telling_them(
    seaweed: SeaweedServer, wrong: dict[str, str], code: str, advice: str
) -> None:
    store = S3Store(f"s3://{seaweed.new_bucket()}/gov", client=seaweed.client(**wrong))
    for use in (lambda: store.put_once("a", b"x", media_type=HTML), lambda: store.get("a"), lambda: store.keys("")):
        with pytest.raises(StoreError, match=f"{code}.*{advice}") as caught:
            use()
        assert not caught.value.infrastructure
        for value in (*wrong.values(), seaweed.key, seaweed.secret):
            assert value not in str(caught.value)


def test_a_bucket_that_does_not_exist_is_named_and_not_created(seaweed: SeaweedServer) -> None:
    store = S3Store("s3://nowhere-at-all/gov", client=seaweed.client())
    with pytest.raises(StoreError, match=r"s3://nowhere-at-all/.*NoSuchBucket"):
        store.put_once("a", b"x", media_type=HTML)
    names = [bucket["Name"] for bucket in seaweed.client().list_buckets()["Buckets"]]
    assert "nowhere-at-all" not in names


@pytest.mark.parametrize("versioned", [False, True])
def test_the_server_enforces_the_condition_itself(seaweed: SeaweedServer, versioned: bool) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket(versioned=versioned)
    answers: list[int] = []

    def interfere(**_: Any) -> None:
        if not answers:
            answers.append(0)
            client.put_object(Bucket=bucket, Key="gov/v1/a", Body=b"theirs")

    client.meta.events.register("before-call.s3.PutObject", interfere)
    client.meta.events.register(
        "after-call.s3.PutObject", lambda http_response, **_: answers.append(http_response.status_code)
    )
    with pytest.raises(ObjectConflict):
        S3Store(f"s3://{bucket}/gov", client=client).put_once("v1/a", b"ours", media_type=HTML)
    assert answers == [0, 200, 412]


def test_the_oldest_version_counts_behind_overwrites_and_delete_markers(seaweed: SeaweedServer) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket(versioned=True)
    store = S3Store(f"s3://{bucket}/gov", client=client)
    store.put_once("v1/a", b"evidence", media_type=HTML)
    for number in range(5):
        client.put_object(Bucket=bucket, Key="gov/v1/a", Body=b"forged %d" % number)
    client.put_object(Bucket=bucket, Key="gov/v1/a.html", Body=b"longer key")
    client.meta.events.register(
        "before-parameter-build.s3.ListObjectVersions", lambda params, **_: params.update(MaxKeys=2)
    )
    assert store.get("v1/a") == b"evidence"
    client.delete_object(Bucket=bucket, Key="gov/v1/a")
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["gov/v1/a.html"]
    assert list(store.keys("v1/")) == ["v1/a", "v1/a.html"]
    assert store.get("v1/a") == b"evidence"
    store.put_once("v1/a", b"evidence", media_type=HTML)
    with pytest.raises(ObjectConflict):
        store.put_once("v1/a", b"forged 4", media_type=HTML)


def test_a_suspended_versioning_does_not_lose_the_first_version(seaweed: SeaweedServer) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket(versioned=True)
    S3Store(f"s3://{bucket}/gov", client=client).put_once("v1/a", b"evidence", media_type=HTML)
    for status in ("Suspended", "Enabled"):
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        time.sleep(1.1)  # the server dates versions by whole seconds
        client.put_object(Bucket=bucket, Key="gov/v1/a", Body=b"forged")
        store = S3Store(f"s3://{bucket}/gov", client=client)
        assert store.get("v1/a") == b"evidence"
        store.put_once(f"v1/{status}", b"new", media_type=HTML)
        assert store.get(f"v1/{status}") == b"new"


def test_evidence_in_a_bucket_with_default_retention_cannot_be_taken_away(seaweed: SeaweedServer) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket(locked=True)
    retention = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    client.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention}
    )
    store = S3Store(f"s3://{bucket}/gov", client=client)
    store.put_once("v1/a", b"evidence", media_type=HTML)
    head = client.head_object(Bucket=bucket, Key="gov/v1/a")
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(hours=23)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket=bucket, Key="gov/v1/a", VersionId=head["VersionId"])
    assert store.get("v1/a") == b"evidence"


@pytest.mark.parametrize("size", [9, (64 << 20) + 9], ids=["one request", "parts"])
def test_a_locked_object_survives_every_call_of_an_administrator(seaweed: SeaweedServer, size: int) -> None:
    """The owner of the server's keys tries; only time can end a COMPLIANCE lock."""
    client, bucket = seaweed.client(), seaweed.new_bucket(locked=True)
    store = S3Store(f"s3://{bucket}/gov", client=client, protection=worm("COMPLIANCE"))
    content = hashlib.shake_256(b"evidence").digest(size)
    store.put_once("v1/a", content, media_type=HTML)
    lock = store.lock_of("v1/a")
    assert lock.mode == "COMPLIANCE"
    (version,) = store.versions("v1/a")["v1/a"]
    object_version = {"Bucket": bucket, "Key": "gov/v1/a", "VersionId": version.id}
    soon = {"RetainUntilDate": datetime.now(UTC) + timedelta(minutes=5)}
    entry = {"Key": "gov/v1/a", "VersionId": version.id}
    for name, params in {
        "delete_object": object_version,
        "delete_object ": object_version | {"BypassGovernanceRetention": True},
        "put_object_retention": object_version | {"Retention": {"Mode": "COMPLIANCE", **soon}},
        "put_object_retention ": object_version
        | {"Retention": {"Mode": "GOVERNANCE", **soon}, "BypassGovernanceRetention": True},
        "put_bucket_versioning": {"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}},
        "delete_bucket": {"Bucket": bucket},
    }.items():
        with pytest.raises(ClientError):
            getattr(client, name.strip())(**params)
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": [entry]}, BypassGovernanceRetention=True)
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    client.put_object(Bucket=bucket, Key="gov/v1/a", Body=b"forged")
    client.delete_object(Bucket=bucket, Key="gov/v1/a")
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [{"ID": "all", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 1}}]
        },
    )
    assert store.get("v1/a") == content
    assert store.lock_of("v1/a") == lock


def test_a_legal_hold_keeps_a_version_until_it_is_lifted(seaweed: SeaweedServer) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket(locked=True)
    store = S3Store(f"s3://{bucket}/gov", client=client)
    store.put_once("v1/a", b"evidence", media_type=HTML)
    (version,) = store.versions("v1/a")["v1/a"]
    store.hold("v1/a", on=True)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket=bucket, Key="gov/v1/a", VersionId=version.id)
    store.hold("v1/a", on=False)
    client.delete_object(Bucket=bucket, Key="gov/v1/a", VersionId=version.id)
    assert store.versions("v1/a") == {}


@pytest.mark.parametrize("versioned", [False, True])
def test_parts_with_a_wrong_checksum_or_a_taken_key_leave_nothing(seaweed: SeaweedServer, versioned: bool) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket(versioned=versioned)
    store = S3Store(f"s3://{bucket}/gov", client=client)
    content = hashlib.shake_256(b"parts").digest((64 << 20) + 1)
    damaged: list[str] = []

    def damage(params: dict[str, Any], **_: Any) -> None:
        if not damaged:
            damaged.append(params["url_path"])
            params["headers"]["x-amz-checksum-sha256"] = "M/J5lGcXcoeikmB4ChB6yY6mPdYWX2f8wNdHZ9CoIJA="

    client.meta.events.register("before-call.s3.UploadPart", damage)
    with pytest.raises(StoreError, match=r"BadDigest.*changed on the way"):
        store.put_once("v1/big", content, media_type=HTML)
    client.meta.events.register_first(
        "before-call.s3.CompleteMultipartUpload",
        lambda **_: seaweed.client().put_object(Bucket=bucket, Key="gov/v1/big", Body=b"theirs") and None,
    )
    with pytest.raises(ObjectConflict):
        store.put_once("v1/big", content, media_type=HTML)
    assert store.get("v1/big") == b"theirs"
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_an_object_of_many_chunks_comes_back_whole(seaweed: SeaweedServer) -> None:
    content = hashlib.shake_256(b"seed").digest(20 * 1024 * 1024)
    store = S3Store(f"s3://{seaweed.new_bucket(versioned=True)}/gov", client=seaweed.client())
    store.put_once("v1/big.bin", content, media_type="application/octet-stream")
    assert hashlib.sha256(store.get("v1/big.bin")).digest() == hashlib.sha256(content).digest()


def test_the_server_refuses_what_changed_on_the_way_and_a_lost_answer_is_no_second_object(
    seaweed: SeaweedServer,
) -> None:
    bucket = seaweed.new_bucket(locked=True)
    with FaultProxy(seaweed.endpoint_url) as proxy:
        client = seaweed.client(through=proxy.endpoint_url)
        store = S3Store(f"s3://{bucket}/gov", client=client, protection=worm("COMPLIANCE"))
        proxy.damage_requests("PUT", "v1/a")
        with pytest.raises(StoreError, match=r"Digest|Mismatch") as caught:
            store.put_once("v1/a", b"evidence", media_type=HTML)
        assert "changed on the way" in str(caught.value)
        proxy.lose_answers("PUT", "v1/a")
        store.put_once("v1/a", b"evidence", media_type=HTML)
        assert proxy.count("PUT", "v1/a") == 3
        proxy.damage_answers("GET", "versionId")
        with pytest.raises(StoreUnreachable, match="Checksum"):
            store.get("v1/a")
        assert store.get("v1/a") == b"evidence"
    assert len(store.versions("v1/a")["v1/a"]) == 1


def test_a_server_that_was_stopped_is_unreachable() -> None:
    from system.seaweed import SeaweedServer

    with SeaweedServer() as server:
        store = S3Store(f"s3://{server.new_bucket()}/gov", client=server.client())
        store.put_once("v1/a", b"x", media_type=HTML)
    with pytest.raises(StoreUnreachable, match="EndpointConnectionError"):
        store.get("v1/a")
