"""Answers of an S3 server that are no success, on moto over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from model_governance.errors import ObjectMissing, StoreError, StoreUnreachable
from model_governance.store.s3 import S3Store

if TYPE_CHECKING:
    from collections.abc import Iterator

from unit.store.buckets import HTML, KEY_ID, SECRET, Bucket, connect, raise_times, refusal


def test_a_key_that_is_always_taken_and_never_there_ends(plain: Bucket, no_waiting: list[float]) -> None:
    plain.inject("before-call.s3.PutObject", raise_times(99, refusal("ConditionalRequestConflict", 409)))
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
    plain.inject("before-call.s3.PutObject", raise_times(1, refusal(code, status)))
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
    plain.inject("before-call.s3", raise_times(9, refusal(code, status)))
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
    plain.inject("before-call.s3", raise_times(9, refusal("404", 404)))
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

    plain.inject("before-send.s3", lambda request, **_: AWSResponse(request.url, 200, {}, Page()))
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
