"""An S3 bucket as store, on moto over real HTTP; faults are planted into the real boto3 client."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from moto.server import ThreadedMotoServer

from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable
from model_governance.store import open_store, put_blob
from model_governance.store.s3 import S3Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HTML = "text/html"
KEY_ID = "AKIAPLANTEDKEYID"
SECRET = "planted-secret-of-the-test"


@dataclass
class Bucket:
    """A bucket of its own and a client that faults can be planted into."""

    name: str
    client: Any
    calls: list[str] = field(default_factory=list)

    def store(self, prefix: str = "gov") -> S3Store:
        return S3Store(f"s3://{self.name}/{prefix}", client=self.client)

    def self_test(self, event: str, fault: Callable[..., Any]) -> None:
        self.client.meta.events.register(event, fault)

    def versions(self, name: str) -> list[str]:
        """Ids of all versions of an object, the newest first."""
        answer = self.client.list_object_versions(Bucket=self.name, Prefix=name)
        return [entry["VersionId"] for entry in answer.get("Versions", ()) if entry["Key"] == name]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def connect(endpoint: str) -> Any:
    config = Config(
        s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 3}, max_pool_connections=16
    )
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        config=config,
    )


_numbers = itertools.count()


@pytest.fixture
def plain(endpoint: str) -> Bucket:
    bucket = Bucket(name=f"plain-{next(_numbers)}", client=connect(endpoint))
    bucket.client.create_bucket(Bucket=bucket.name)
    bucket.self_test("before-parameter-build.s3", lambda model, **_: bucket.calls.append(model.name))
    return bucket


@pytest.fixture
def versioned(endpoint: str) -> Bucket:
    bucket = Bucket(name=f"versioned-{next(_numbers)}", client=connect(endpoint))
    bucket.client.create_bucket(Bucket=bucket.name)
    bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    bucket.self_test("before-parameter-build.s3", lambda model, **_: bucket.calls.append(model.name))
    return bucket


@pytest.fixture(params=["plain", "versioned"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    chosen: Bucket = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between tries take no time; returns how long they would have been."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": f"{SECRET} {KEY_ID}"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutObject")


def raise_times(times: int, error: Exception) -> Callable[..., None]:
    """A fault that goes away after so many calls."""
    left = iter(range(times))

    def fault(**_: Any) -> None:
        if next(left, None) is not None:
            raise error

    return fault


def drop_condition(params: dict[str, Any], **_: Any) -> None:
    """What some servers do: the header is accepted and has no effect."""
    params["headers"].pop("If-None-Match", None)


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///prefix", "file:///folder", "s3://key:secret@bucket/x", "bucket/prefix"]
)
def test_what_names_no_bucket_is_refused_without_repeating_it(uri: str) -> None:
    with pytest.raises(StoreError, match="expected s3://bucket/prefix") as caught:
        S3Store(uri, client=None)
    assert "secret" not in str(caught.value)


def test_a_prefix_that_no_key_can_have_is_refused() -> None:
    with pytest.raises(StoreError, match="starts with a dot"):
        S3Store("s3://bucket/../other", client=None)


def test_opening_a_store_sends_nothing(plain: Bucket) -> None:
    store = plain.store()
    assert store.uri == f"s3://{plain.name}/gov"
    assert S3Store(f"s3://{plain.name}/", client=plain.client).uri == f"s3://{plain.name}"
    assert store.locate("v1/a") == f"s3://{plain.name}/gov/v1/a"
    assert plain.calls == []


def test_a_written_object_carries_type_checksum_and_condition(bucket: Bucket) -> None:
    sent: list[dict[str, Any]] = []
    bucket.self_test("before-call.s3.PutObject", lambda params, **_: sent.append(params["headers"]))
    assert bucket.store().put_once("v1/a.html", b"<p>", media_type=HTML) == f"s3://{bucket.name}/gov/v1/a.html"
    assert sent[0]["If-None-Match"] == "*"
    assert (
        sent[0]["x-amz-checksum-sha256"] == "M/J5lGcXcoeikmB4ChB6yY6mPdYWX2f8wNdHZ9CoIJA="
    )  # openssl dgst -sha256 -binary | base64
    assert bucket.client.head_object(Bucket=bucket.name, Key="gov/v1/a.html")["ContentType"] == HTML
    assert bucket.store().get("v1/a.html") == b"<p>"


def test_the_same_bytes_twice_are_a_success_and_are_sent_once(bucket: Bucket) -> None:
    first = bucket.store().put_once("v1/a", b"same", media_type=HTML)
    assert bucket.store().put_once("v1/a", b"same", media_type=HTML) == first
    assert bucket.calls.count("PutObject") == 1


def test_other_bytes_are_a_conflict_and_the_first_stay(bucket: Bucket) -> None:
    bucket.store().put_once("v1/a", b"first", media_type=HTML)
    with pytest.raises(ObjectConflict, match=r"found sha256 a7937b64.*expected 16367aac"):
        bucket.store().put_once("v1/a", b"second", media_type=HTML)
    assert bucket.store().get("v1/a") == b"first"
    assert len(bucket.versions("gov/v1/a")) == 1


def test_nothing_stored_is_missing(bucket: Bucket) -> None:
    with pytest.raises(ObjectMissing, match=f"nothing is stored at s3://{bucket.name}/gov/v1/a"):
        bucket.store().get("v1/a")


def test_a_longer_key_is_another_key(bucket: Bucket) -> None:
    store = bucket.store()
    store.put_once("v1/a.html", b"longer", media_type=HTML)
    with pytest.raises(ObjectMissing):
        store.get("v1/a")
    store.put_once("v1/a", b"shorter", media_type=HTML)
    assert (store.get("v1/a"), store.get("v1/a.html")) == (b"shorter", b"longer")


def test_keys_are_sorted_below_the_prefix_over_many_pages(bucket: Bucket) -> None:
    bucket.self_test("before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.update(MaxKeys=2))
    bucket.self_test("before-parameter-build.s3.ListObjectVersions", lambda params, **_: params.update(MaxKeys=2))
    store = bucket.store()
    keys = ["a b+c=d:e#f%g/é", "v1/a-b", "v1/a/b", "v1/b", "v2/c"]
    for key in reversed(keys):
        store.put_once(key, key.encode(), media_type=HTML)
    bucket.store("other").put_once("v1/elsewhere", b"x", media_type=HTML)
    bucket.client.put_object(Bucket=bucket.name, Key="gov/v1/", Body=b"")
    assert list(store.keys("")) == keys
    assert list(store.keys("v1/a")) == ["v1/a-b", "v1/a/b"]
    assert list(store.keys("nothing/")) == []
    assert store.get(keys[0]) == keys[0].encode()


def test_the_versioning_is_asked_for_once_per_store(bucket: Bucket) -> None:
    store = bucket.store()
    for number in range(3):
        store.put_once(f"v1/{number}", b"x", media_type=HTML)
    assert bucket.calls.count("GetBucketVersioning") == 1


def test_of_sixteen_writers_one_content_wins(versioned: Bucket) -> None:
    store = versioned.store()
    contents = [f"writer {number}".encode() for number in range(16)]
    start = threading.Barrier(len(contents))

    def write(content: bytes) -> bytes | None:
        start.wait(timeout=30)
        try:
            store.put_once("v1/race", content, media_type=HTML)
        except ObjectConflict:
            return None
        return content

    with ThreadPoolExecutor(len(contents)) as pool:
        winners = [content for content in pool.map(write, contents) if content is not None]
    assert winners == [store.get("v1/race")]


def test_sixteen_writers_of_the_same_bytes_all_succeed(bucket: Bucket) -> None:
    store = bucket.store()
    with ThreadPoolExecutor(16) as pool:
        uris = set(pool.map(lambda _: store.put_once("v1/blob", b"same", media_type=HTML), range(16)))
    assert len(uris) == 1
    assert store.get("v1/blob") == b"same"


def test_the_retries_of_boto_carry_a_write_over_two_refusals(bucket: Bucket, no_waiting: list[float]) -> None:
    refusals: list[str] = []

    def refuse_twice(request: Any, **_: Any) -> AWSResponse | None:
        if request.method != "PUT" or len(refusals) == 2:
            return None
        refusals.append(request.url)

        class Raw:
            def stream(self, **_: Any) -> Iterator[bytes]:
                yield b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"

        return AWSResponse(request.url, 503, {"content-type": "application/xml"}, Raw())

    bucket.self_test("before-send.s3.PutObject", refuse_twice)
    bucket.store().put_once("v1/a", b"whole", media_type=HTML)
    assert len(refusals) == len(no_waiting) == 2
    assert bucket.store().get("v1/a") == b"whole"


def test_a_server_busy_beyond_the_retries_is_unreachable_until_it_answers(bucket: Bucket) -> None:
    bucket.self_test("before-call.s3.PutObject", raise_times(2, refusal("SlowDown", 503)))
    store = bucket.store()
    for _ in range(2):
        with pytest.raises(StoreUnreachable, match=r"SlowDown \(503\); it is busy") as caught:
            store.put_once("v1/a", b"whole", media_type=HTML)
        assert caught.value.infrastructure
        assert list(store.keys("")) == []
    store.put_once("v1/a", b"whole", media_type=HTML)
    assert store.get("v1/a") == b"whole"


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="http://x"), refusal("InternalError", 500)], ids=str)
def test_an_answer_lost_after_the_write_is_a_success(bucket: Bucket, error: Exception) -> None:
    bucket.self_test("after-call.s3.PutObject", raise_times(1, error))
    bucket.store().put_once("v1/a", b"whole", media_type=HTML)
    assert bucket.store().get("v1/a") == b"whole"
    assert bucket.calls.count("PutObject") == 1


def test_an_answer_lost_behind_the_write_of_another_is_a_conflict(bucket: Bucket) -> None:
    def other_writer_then_silence(**_: Any) -> None:
        if bucket.calls.count("PutObject") == 1:
            bucket.client.put_object(Bucket=bucket.name, Key="gov/v1/a", Body=b"theirs")
            raise ReadTimeoutError(endpoint_url="http://x")

    bucket.self_test("before-call.s3.PutObject", other_writer_then_silence)
    with pytest.raises(ObjectConflict):
        bucket.store().put_once("v1/a", b"ours", media_type=HTML)
    assert bucket.store().get("v1/a") == b"theirs"


def write_between(bucket: Bucket, content: bytes) -> None:
    """Let somebody else write after our look and before our write."""

    def interfere(**_: Any) -> None:
        if bucket.calls.count("PutObject") == 1:
            bucket.client.put_object(Bucket=bucket.name, Key="gov/v1/a", Body=content)

    bucket.self_test("before-call.s3.PutObject", interfere)


def test_a_writer_between_look_and_write_keeps_the_key(bucket: Bucket) -> None:
    write_between(bucket, b"theirs")
    with pytest.raises(ObjectConflict):
        bucket.store().put_once("v1/a", b"ours", media_type=HTML)
    assert bucket.store().get("v1/a") == b"theirs"


def test_a_writer_of_the_same_bytes_between_look_and_write_is_a_success(bucket: Bucket) -> None:
    write_between(bucket, b"same")
    bucket.store().put_once("v1/a", b"same", media_type=HTML)
    assert len(bucket.versions("gov/v1/a")) == 1


def test_a_server_that_drops_the_condition_still_keeps_the_first_version(versioned: Bucket) -> None:
    write_between(versioned, b"theirs")
    versioned.self_test("before-call.s3.PutObject", drop_condition)
    with pytest.raises(ObjectConflict):
        versioned.store().put_once("v1/a", b"ours", media_type=HTML)
    assert len(versioned.versions("gov/v1/a")) == 2, "the fault was not planted"
    assert versioned.store().get("v1/a") == b"theirs"


def test_a_server_that_drops_the_condition_does_not_replace_what_is_there(bucket: Bucket) -> None:
    bucket.store().put_once("v1/a", b"first", media_type=HTML)
    bucket.self_test("before-call.s3.PutObject", drop_condition)
    with pytest.raises(ObjectConflict):
        bucket.store().put_once("v1/a", b"second", media_type=HTML)
    assert bucket.store().get("v1/a") == b"first"


def test_an_overwrite_from_outside_does_not_change_what_was_stored(versioned: Bucket) -> None:
    store = versioned.store()
    store.put_once("v1/a", b"evidence", media_type=HTML)
    versioned.client.put_object(Bucket=versioned.name, Key="gov/v1/a", Body=b"forged")
    assert versioned.client.get_object(Bucket=versioned.name, Key="gov/v1/a")["Body"].read() == b"forged"
    assert store.get("v1/a") == b"evidence"
    store.put_once("v1/a", b"evidence", media_type=HTML)
    with pytest.raises(ObjectConflict):
        store.put_once("v1/a", b"forged", media_type=HTML)


def test_a_delete_marker_hides_nothing(versioned: Bucket) -> None:
    store = versioned.store()
    store.put_once("v1/a", b"evidence", media_type=HTML)
    versioned.client.delete_object(Bucket=versioned.name, Key="gov/v1/a")
    assert versioned.client.list_objects_v2(Bucket=versioned.name)["KeyCount"] == 0
    assert list(store.keys("v1/")) == ["v1/a"]
    assert store.get("v1/a") == b"evidence"
    with pytest.raises(ObjectConflict):
        store.put_once("v1/a", b"forged", media_type=HTML)


def test_the_oldest_of_very_many_versions_is_found(versioned: Bucket) -> None:
    store = versioned.store()
    store.put_once("v1/a", b"evidence", media_type=HTML)
    store.put_once("v1/a.html", b"longer key", media_type=HTML)
    for number in range(7):
        versioned.client.put_object(Bucket=versioned.name, Key="gov/v1/a", Body=b"forged %d" % number)
    versioned.self_test("before-parameter-build.s3.ListObjectVersions", lambda params, **_: params.update(MaxKeys=2))
    versioned.calls.clear()
    assert store.get("v1/a") == b"evidence"
    assert versioned.calls.count("ListObjectVersions") == 5, "eight versions and the longer key are five pages of two"


def test_a_bucket_whose_versioning_was_suspended_is_still_read_by_its_versions(versioned: Bucket) -> None:
    versioned.store().put_once("v1/a", b"evidence", media_type=HTML)
    versioned.client.put_bucket_versioning(Bucket=versioned.name, VersioningConfiguration={"Status": "Suspended"})
    versioned.calls.clear()
    assert versioned.store().get("v1/a") == b"evidence"
    assert "ListObjectVersions" in versioned.calls
    versioned.store().put_once("v1/b", b"new", media_type=HTML)
    assert versioned.store().get("v1/b") == b"new"


def test_a_role_that_may_not_ask_for_versioning_is_warned_and_works(
    plain: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    plain.self_test("before-call.s3.GetBucketVersioning", raise_times(9, refusal("AccessDenied", 403)))
    store = plain.store()
    store.put_once("v1/a", b"x", media_type=HTML)
    assert store.get("v1/a") == b"x"
    assert caplog.text.count("give the role s3:GetBucketVersioning") == 1


def test_a_key_that_is_always_taken_and_never_there_ends(plain: Bucket, no_waiting: list[float]) -> None:
    plain.self_test("before-call.s3.PutObject", raise_times(99, refusal("ConditionalRequestConflict", 409)))
    with pytest.raises(StoreUnreachable, match="another writer keeps it busy"):
        plain.store().put_once("v1/a", b"x", media_type=HTML)
    assert plain.calls.count("PutObject") == len(no_waiting) + 1 == 5


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("AccessDenied", 403, "s3:PutObject"),
        ("InvalidAccessKeyId", 403, "access key of the connection"),
        ("SignatureDoesNotMatch", 403, "secret key of the connection"),
        ("BadDigest", 400, "changed on the way"),
        ("NotImplemented", 501, "use another one"),
        ("SomethingNew", 400, "documentation of the server"),
    ],
)
def test_a_refusal_names_place_action_code_and_next_step_but_no_credentials(
    plain: Bucket, code: str, status: int, advice: str
) -> None:
    plain.self_test("before-call.s3.PutObject", raise_times(1, refusal(code, status)))
    with pytest.raises(StoreError, match=advice) as caught:
        plain.store().put_once("v1/a", b"x", media_type=HTML)
    told = str(caught.value)
    assert f"cannot store 1 bytes at s3://{plain.name}/gov/v1/a" in told
    assert code in told
    assert not caught.value.infrastructure
    assert isinstance(caught.value.__cause__, ClientError)
    assert SECRET not in told
    assert KEY_ID not in told


@pytest.mark.parametrize(
    ("code", "status"),
    [("RequestTimeout", 400), ("Throttling", 400), ("InternalError", 500), ("ServiceUnavailable", 503), ("502", 502)],
)
def test_trouble_that_may_pass_is_unreachable(plain: Bucket, code: str, status: int) -> None:
    plain.self_test("before-call.s3", raise_times(9, refusal(code, status)))
    for use in (lambda: plain.store().put_once("a", b"x", media_type=HTML), lambda: plain.store().keys("")):
        with pytest.raises(StoreUnreachable, match="later try"):
            use()


def test_a_bucket_that_does_not_exist_is_named(plain: Bucket) -> None:
    store = S3Store("s3://nowhere/gov", client=plain.client)
    for use in (lambda: store.put_once("a", b"x", media_type=HTML), lambda: store.get("a"), lambda: store.keys("")):
        with pytest.raises(StoreError, match=r"s3://nowhere/.*NoSuchBucket.*create the bucket") as caught:
            use()
        assert not isinstance(caught.value, ObjectMissing)


def test_a_404_that_names_no_key_is_not_an_empty_store(plain: Bucket) -> None:
    store = plain.store()
    store.put_once("v1/a", b"x", media_type=HTML)
    plain.self_test("before-call.s3", raise_times(9, refusal("404", 404)))
    for use in (lambda: store.get("v1/a"), lambda: store.keys("")):
        with pytest.raises(StoreError, match=r"answers 404.*endpoint") as caught:
            use()
        assert not isinstance(caught.value, ObjectMissing)


def test_a_server_that_is_not_there_is_unreachable(no_waiting: list[float]) -> None:
    store = S3Store("s3://bucket/gov", client=connect("http://127.0.0.1:1"))
    for use in (lambda: store.put_once("a", b"x", media_type=HTML), lambda: store.get("a"), lambda: store.keys("")):
        with pytest.raises(StoreUnreachable, match=r"at 127.0.0.1:1: EndpointConnectionError"):
            use()


def test_a_server_that_speaks_no_s3_is_not_believed(plain: Bucket, no_waiting: list[float]) -> None:
    class Page:
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield b"<!doctype html><p>Welcome"

    plain.self_test("before-send.s3", lambda request, **_: AWSResponse(request.url, 200, {}, Page()))
    for use in (lambda: plain.store().put_once("a", b"x", media_type=HTML), lambda: plain.store().keys("")):
        with pytest.raises(StoreError, match=f"cannot ask for the versioning of s3://{plain.name}/"):
            use()


def test_missing_credentials_name_the_way_to_give_them(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    client = boto3.session.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1")
    with pytest.raises(StoreError, match="NoCredentialsError; name an aws connection"):
        S3Store("s3://bucket", client=client).keys("")


def test_credentials_inside_an_endpoint_are_not_told(no_waiting: list[float]) -> None:
    store = S3Store("s3://bucket", client=connect("http://user:hidden@127.0.0.1:1"))
    with pytest.raises(StoreError) as caught:
        store.keys("")
    assert "hidden" not in str(caught.value)


def test_a_blob_lands_under_its_digest_through_open_store(plain: Bucket) -> None:
    from model_governance.contract.result import Artifact

    class Connected:
        def s3(self, name: str | None) -> Any:
            assert name == "gov_s3"
            return plain.client

        def engine(self, name: str) -> Any:
            raise AssertionError(name)

    store = open_store(f"s3://{plain.name}/gov", folder=Path("/nowhere"), connections=Connected(), connection="gov_s3")
    artifact = Artifact(name="drift/report.html", content=b"<p>", media_type=HTML)
    stored = put_blob(store, artifact)
    assert stored.key == f"v1/blobs/sha256/{stored.sha256[:2]}/{stored.sha256}.html"
    assert list(store.keys("v1/blobs/")) == [stored.key]
    assert put_blob(store, artifact) == stored
