"""What goes wrong between a worker and its bucket, on real sockets: the plain client, a proxy with faults, moto."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fault_proxy import FaultProxy
from model_governance.contract.connections import PlainConnections
from model_governance.contract.protection import Protection
from model_governance.errors import ObjectConflict, StoreError, StoreUnreachable
from model_governance.store.s3 import S3Store
from unit.store.buckets import HTML, KEY_ID, SECRET, Bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

ALWAYS = 10**6
ATTEMPTS = 3
"""Fewer than without AWS_MAX_ATTEMPTS: adaptive retries pause for real."""


@pytest.fixture
def proxy(endpoint: str, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float]) -> Iterator[FaultProxy]:
    with FaultProxy(endpoint) as started:
        for name, value in {
            "AWS_ENDPOINT_URL": started.endpoint_url, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_MAX_ATTEMPTS": str(ATTEMPTS),
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield started


def store_of(bucket: Bucket, protection: Protection | None = None) -> S3Store:
    return S3Store(f"s3://{bucket.name}/gov", client=PlainConnections().s3(None), protection=protection)


def put(bucket: Bucket, content: bytes = b"evidence") -> None:
    store_of(bucket).put_once("v1/a", content, media_type=HTML)


def assert_stored(bucket: Bucket) -> None:
    assert bucket.store().get("v1/a") == b"evidence"
    if bucket.name.startswith("versioned"):
        assert len(bucket.versions("gov/v1/a")) == 1


def test_a_lost_answer_is_asked_again_and_the_conflict_with_ourselves_is_a_success(
    bucket: Bucket, proxy: FaultProxy
) -> None:
    proxy.lose_answers("PUT", "v1/a")
    put(bucket)
    assert proxy.count("PUT", "v1/a") == 2
    assert_stored(bucket)


def test_answers_that_never_arrive_are_a_success_where_the_object_is_there(bucket: Bucket, proxy: FaultProxy) -> None:
    proxy.lose_answers("PUT", "v1/a", times=ALWAYS)
    put(bucket)
    assert proxy.count("PUT", "v1/a") == ATTEMPTS
    assert_stored(bucket)


def test_a_lost_answer_behind_which_another_writer_came_first_is_a_conflict(bucket: Bucket, proxy: FaultProxy) -> None:
    proxy.lose_requests("PUT", "v1/a")
    original = proxy._faults[0].before

    def other_writer(exchange: object) -> bool:
        bucket.client.put_object(Bucket=bucket.name, Key="gov/v1/a", Body=b"theirs")
        return original(exchange)

    proxy._faults[0].before = other_writer
    with pytest.raises(ObjectConflict):
        put(bucket)
    assert bucket.store().get("v1/a") == b"theirs"


def test_a_lost_request_is_sent_again(bucket: Bucket, proxy: FaultProxy) -> None:
    proxy.lose_requests("PUT", "v1/a", times=2)
    put(bucket)
    assert proxy.count("PUT", "v1/a") == 3
    assert_stored(bucket)


def test_a_server_that_hears_nothing_is_unreachable(bucket: Bucket, proxy: FaultProxy) -> None:
    proxy.lose_requests("PUT", "v1/a", times=ALWAYS)
    with pytest.raises(StoreUnreachable, match="ConnectionClosedError; the server does not answer"):
        put(bucket)
    assert list(bucket.store().keys("")) == []


def test_a_lost_answer_does_not_lose_the_lock(locked: Bucket, proxy: FaultProxy) -> None:
    store = store_of(locked, Protection(object_lock="COMPLIANCE", retention_days=3))
    proxy.lose_answers("PUT", "v1/", times=2)  # of the canary and of the object
    store.put_once("v1/a", b"evidence", media_type=HTML)
    assert store.lock_of("v1/a").mode == "COMPLIANCE"
    assert len(locked.versions("gov/v1/a")) == 1


def test_a_busy_server_is_asked_more_slowly(bucket: Bucket, proxy: FaultProxy, no_waiting: list[float]) -> None:
    proxy.answer("PUT", "v1/a", status=503, code="SlowDown", times=2)
    put(bucket)
    assert proxy.count("PUT", "v1/a") == 3
    assert len(no_waiting) >= 2
    assert_stored(bucket)


def test_a_server_that_stays_busy_is_unreachable(plain: Bucket, proxy: FaultProxy) -> None:
    proxy.answer("PUT", "v1/a", status=503, code="SlowDown", times=ALWAYS)
    with pytest.raises(StoreUnreachable, match=r"SlowDown \(503\); it is busy"):
        put(plain)
    assert proxy.count("PUT", "v1/a") == ATTEMPTS


@pytest.mark.parametrize(
    ("status", "code", "sentence", "infrastructure"),
    [
        (400, "BadDigest", "the bytes changed on the way: look for a proxy that rewrites requests", False),
        (403, "RequestTimeTooSkewed", "set the clock of the worker", False),
        (400, "ExpiredToken", "a new process may renew them", True),
        (403, "ExpiredToken", "a new process may renew them", True),
        (507, "XMinioStorageFull", "the disks of the server are full: free space there", False),
        (403, "QuotaExceeded", "raise the quota of the bucket", False),
        (301, "PermanentRedirect", "set the region or endpoint of the connection to that of the bucket", False),
        (307, "TemporaryRedirect", "until then set the endpoint of the connection to the region of the bucket", True),
    ],
)
def test_an_answer_that_no_repetition_mends_says_what_to_do(
    bucket: Bucket, proxy: FaultProxy, status: int, code: str, sentence: str, infrastructure: bool
) -> None:
    proxy.answer("PUT", "v1/a", status=status, code=code, times=ALWAYS)
    with pytest.raises(StoreError, match=f"cannot store 8 bytes at .*{code}.*{sentence}") as caught:
        put(bucket)
    assert caught.value.infrastructure == infrastructure
    assert proxy.count("PUT", "v1/a") <= 2
    assert SECRET not in str(caught.value)
    assert list(bucket.store().keys("")) == []


@pytest.mark.parametrize("headers", [{}, {"x-amz-bucket-region": "eu-central-1"}], ids=["no region", "a region"])
def test_a_redirect_is_followed_once(bucket: Bucket, proxy: FaultProxy, headers: dict[str, str]) -> None:
    proxy.answer("PUT", "v1/a", status=307, code="TemporaryRedirect", headers=headers)
    put(bucket)
    assert proxy.count("PUT", "v1/a") == 2
    assert_stored(bucket)


@pytest.mark.parametrize(
    ("status", "code"), [(403, "RequestTimeTooSkewed"), (400, "ExpiredToken"), (507, "XMinioStorageFull")]
)
def test_reading_and_listing_say_the_same(bucket: Bucket, proxy: FaultProxy, status: int, code: str) -> None:
    put(bucket)
    proxy.answer("GET", bucket.name, status=status, code=code, times=ALWAYS)
    for use in (lambda: store_of(bucket).get("v1/a"), lambda: store_of(bucket).keys("")):
        with pytest.raises(StoreError, match=code):
            use()


def test_bytes_that_change_on_their_way_back_are_not_taken(bucket: Bucket, proxy: FaultProxy) -> None:
    put(bucket)
    proxy.damage_answers("GET", "v1/a?" if bucket.name.startswith("versioned") else "v1/a")
    with pytest.raises(StoreUnreachable, match=r"Checksum.*the bytes that arrived are not those that were stored"):
        store_of(bucket).get("v1/a")
