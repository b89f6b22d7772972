"""An S3 bucket as store, on moto over real HTTP; faults are planted into the real boto3 client."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable
from model_governance.store import open_store, put_blob
from model_governance.store.s3 import S3Store

if TYPE_CHECKING:
    from collections.abc import Iterator

from unit.store.buckets import HTML, Bucket, raise_times, refusal


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
    bucket.inject("before-call.s3.PutObject", lambda params, **_: sent.append(params["headers"]))
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
    bucket.inject("before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.update(MaxKeys=2))
    bucket.inject("before-parameter-build.s3.ListObjectVersions", lambda params, **_: params.update(MaxKeys=2))
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

    bucket.inject("before-send.s3.PutObject", refuse_twice)
    bucket.store().put_once("v1/a", b"whole", media_type=HTML)
    assert len(refusals) == len(no_waiting) == 2
    assert bucket.store().get("v1/a") == b"whole"


def test_a_server_busy_beyond_the_retries_is_unreachable_until_it_answers(bucket: Bucket) -> None:
    bucket.inject("before-call.s3.PutObject", raise_times(2, refusal("SlowDown", 503)))
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
    bucket.inject("after-call.s3.PutObject", raise_times(1, error))
    bucket.store().put_once("v1/a", b"whole", media_type=HTML)
    assert bucket.store().get("v1/a") == b"whole"
    assert bucket.calls.count("PutObject") == 1


def test_an_answer_lost_behind_the_write_of_another_is_a_conflict(bucket: Bucket) -> None:
    def other_writer_then_silence(**_: Any) -> None:
        if bucket.calls.count("PutObject") == 1:
            bucket.client.put_object(Bucket=bucket.name, Key="gov/v1/a", Body=b"theirs")
            raise ReadTimeoutError(endpoint_url="http://x")

    bucket.inject("before-call.s3.PutObject", other_writer_then_silence)
    with pytest.raises(ObjectConflict):
        bucket.store().put_once("v1/a", b"ours", media_type=HTML)
    assert bucket.store().get("v1/a") == b"theirs"


def write_between(bucket: Bucket, content: bytes) -> None:
    """Let somebody else write after our look and before our write."""

    def interfere(**_: Any) -> None:
        if bucket.calls.count("PutObject") == 1:
            bucket.client.put_object(Bucket=bucket.name, Key="gov/v1/a", Body=content)

    bucket.inject("before-call.s3.PutObject", interfere)


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
    versioned.inject("before-call.s3.PutObject", drop_condition)
    with pytest.raises(ObjectConflict):
        versioned.store().put_once("v1/a", b"ours", media_type=HTML)
    assert len(versioned.versions("gov/v1/a")) == 2, "the fault was not planted"
    assert versioned.store().get("v1/a") == b"theirs"


def test_a_server_that_drops_the_condition_does_not_replace_what_is_there(bucket: Bucket) -> None:
    bucket.store().put_once("v1/a", b"first", media_type=HTML)
    bucket.inject("before-call.s3.PutObject", drop_condition)
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
    versioned.inject("before-parameter-build.s3.ListObjectVersions", lambda params, **_: params.update(MaxKeys=2))
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
    plain.inject("before-call.s3.GetBucketVersioning", raise_times(9, refusal("AccessDenied", 403)))
    store = plain.store()
    store.put_once("v1/a", b"x", media_type=HTML)
    assert store.get("v1/a") == b"x"
    assert caplog.text.count("give the role s3:GetBucketVersioning") == 1


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
