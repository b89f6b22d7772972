"""Objects above the size of one PUT: parts with checksums that become an object all at once or not at all."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from model_governance.errors import ObjectConflict, StoreError, StoreUnreachable
from model_governance.store import s3_bucket
from model_governance.store.s3_bucket import checksums
from unit.store.buckets import HTML, Bucket, raise_times, refusal

CONTENT = hashlib.shake_256(b"parts").digest((12 << 20) + 5)


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 refuses parts below 5 MiB, but for the last."""
    monkeypatch.setattr(s3_bucket, "LARGEST_PUT", 1 << 20)
    monkeypatch.setattr(s3_bucket, "PART_BYTES", 5 << 20)


def test_a_large_object_travels_in_parts_with_checksums_and_a_condition(bucket: Bucket) -> None:
    parts: list[dict[str, Any]] = []
    done: list[dict[str, Any]] = []
    bucket.inject("before-parameter-build.s3.UploadPart", lambda params, **_: parts.append(dict(params)))
    bucket.inject("before-parameter-build.s3.CompleteMultipartUpload", lambda params, **_: done.append(dict(params)))
    store = bucket.store()
    store.put_once("v1/big", CONTENT, media_type=HTML)
    assert store.get("v1/big") == CONTENT
    assert [len(part["Body"]) for part in parts] == [5 << 20, 5 << 20, (2 << 20) + 5]
    assert all(checksums(part["Body"]).items() <= part.items() for part in parts)
    assert done[0]["IfNoneMatch"] == "*"
    assert [each["ChecksumSHA256"] for each in done[0]["MultipartUpload"]["Parts"]] == [
        part["ChecksumSHA256"] for part in parts
    ]
    assert "PutObject" not in bucket.calls


def test_a_writer_that_is_faster_keeps_the_key_and_our_parts_are_given_back(bucket: Bucket) -> None:
    def interfere(**_: Any) -> None:
        bucket.client.put_object(Bucket=bucket.name, Key="gov/v1/big", Body=b"theirs")

    bucket.inject("before-call.s3.CompleteMultipartUpload", interfere)
    with pytest.raises(ObjectConflict):
        bucket.store().put_once("v1/big", CONTENT, media_type=HTML)
    assert bucket.store().get("v1/big") == b"theirs"
    assert bucket.calls.count("AbortMultipartUpload") == 1
    assert "Uploads" not in bucket.client.list_multipart_uploads(Bucket=bucket.name)


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
def test_a_refused_step_is_told_and_leaves_no_parts(bucket: Bucket, operation: str) -> None:
    bucket.inject(f"before-call.s3.{operation}", raise_times(1, refusal("AccessDenied", 403)))
    with pytest.raises(StoreError, match=r"cannot store 12582917 bytes at .*v1/big.*give the role .*s3:PutObject"):
        bucket.store().put_once("v1/big", CONTENT, media_type=HTML)
    assert "Uploads" not in bucket.client.list_multipart_uploads(Bucket=bucket.name)
    bucket.store().put_once("v1/big", CONTENT, media_type=HTML)


def test_an_error_while_parts_are_given_back_does_not_hide_the_first(bucket: Bucket) -> None:
    bucket.inject("before-call.s3.UploadPart", raise_times(1, refusal("BadDigest", 400)))
    bucket.inject("before-call.s3.AbortMultipartUpload", raise_times(1, refusal("AccessDenied", 403)))
    with pytest.raises(StoreError, match=r"BadDigest.*changed on the way"):
        bucket.store().put_once("v1/big", CONTENT, media_type=HTML)


def test_an_answer_lost_after_the_last_step_is_a_success(bucket: Bucket) -> None:
    bucket.inject("after-call.s3.CompleteMultipartUpload", raise_times(1, ReadTimeoutError(endpoint_url="http://x")))
    bucket.store().put_once("v1/big", CONTENT, media_type=HTML)
    assert bucket.calls.count("CompleteMultipartUpload") == 1


def test_an_answer_lost_before_the_last_step_is_trouble_that_may_pass(bucket: Bucket) -> None:
    bucket.inject("before-call.s3.CompleteMultipartUpload", raise_times(1, ReadTimeoutError(endpoint_url="http://x")))
    with pytest.raises(StoreUnreachable):
        bucket.store().put_once("v1/big", CONTENT, media_type=HTML)
    assert list(bucket.store().keys("")) == []


def test_the_lock_is_asked_for_with_the_parts_and_missed_when_the_server_drops_it(locked: Bucket) -> None:
    """Moto drops it: there, only the reading back tells."""
    started: list[dict[str, Any]] = []
    locked.inject("before-parameter-build.s3.CreateMultipartUpload", lambda params, **_: started.append(dict(params)))
    with pytest.raises(StoreError, match="expected Object Lock COMPLIANCE, found none"):
        locked.store(object_lock="COMPLIANCE").put_once("v1/big", CONTENT, media_type=HTML)
    assert started[0]["ObjectLockMode"] == "COMPLIANCE"
    assert "ObjectLockRetainUntilDate" in started[0]
