from __future__ import annotations

import errno
import hashlib
import socket
from pathlib import Path

import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable
from model_governance.subjects.sources import read_source

BUCKET, CONTENT = "models", b"the very bytes"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def read(tmp_path):
    def read_uri(uri, *, connections=None, expected=None):
        made = connections or PlainConnections()
        return read_source(uri, folder=tmp_path, connections=made, connection=None, expected=expected)

    return read_uri


@pytest.fixture(scope="module")
def client():
    import boto3
    from moto import mock_aws

    with mock_aws():
        made = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )  # fmt: skip
        made.create_bucket(Bucket=BUCKET)
        yield made


def test_a_plain_path_starts_at_the_folder_of_the_policy(read, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.bin").write_bytes(CONTENT)
    assert read("data/rows.bin") == (CONTENT, DIGEST)


@pytest.mark.parametrize("prefix", ["", "file://", "file://localhost"])
def test_an_absolute_path_is_read_as_it_is(read, tmp_path, prefix):
    path = tmp_path / "with blank.bin"
    path.write_bytes(CONTENT)
    spelled = str(path).replace(" ", "%20") if prefix else str(path)
    assert read(prefix + spelled) == (CONTENT, DIGEST)


def test_an_s3_object_is_read_whatever_its_key_looks_like(read, client, reachable):
    key = "run=2026-01-01T00:00:00+00:00/a b#c?d%20.bin"
    client.put_object(Bucket=BUCKET, Key=key, Body=CONTENT)
    assert read(f"s3://{BUCKET}/{key}", connections=reachable(client=client)) == (CONTENT, DIGEST)


def test_other_bytes_than_the_approved_ones_are_refused_with_both_digests(read, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"replaced")
    with pytest.raises(DigestMismatch) as caught:
        read("model.bin", expected=DIGEST)
    found = hashlib.sha256(b"replaced").hexdigest()
    assert all(part in str(caught.value) for part in ("model.bin", DIGEST, found, "review it"))


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("absent.bin", "No such file"),
        ("folder", "is a folder"),
        ("empty.bin", "0 bytes"),
        ("pipe", "device or pipe"),
        ("ftp://bucket/key", "unknown scheme ftp://"),
        ("s3a://bucket/key", "unknown scheme s3a://"),
        ("file://server/share.bin", "three slashes"),
        ("nul\0.bin", "cannot be read"),
        ("s3://bucket", "names no object"),
        ("s3://bucket/folder/", "names no object"),
    ],
)
def test_what_is_no_file_with_bytes_is_a_subject_error(read, tmp_path, uri, told):
    import os

    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.bin").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SubjectError, match=told) as caught:
        read(uri)
    assert uri in str(caught.value)
    assert not caught.value.infrastructure


@pytest.mark.parametrize(
    ("number", "infrastructure"), [(errno.EACCES, False), (errno.ESTALE, True), (errno.EIO, True), (errno.EMFILE, True)]
)
def test_a_broken_mount_may_heal_and_a_missing_permission_may_not(read, tmp_path, monkeypatch, number, infrastructure):
    (tmp_path / "rows.bin").write_bytes(CONTENT)

    def fail(self):
        raise OSError(number, "planted")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(SubjectError) as caught:
        read("rows.bin")
    assert caught.value.infrastructure is infrastructure


@pytest.mark.parametrize("uri", [f"s3://{BUCKET}/absent", "s3://no-such-bucket/key"])
def test_a_missing_object_is_not_worth_a_retry(read, client, reachable, uri):
    with pytest.raises(SubjectError, match="nothing is stored there") as caught:
        read(uri, connections=reachable(client=client))
    assert not caught.value.infrastructure


def test_an_empty_object_is_refused(read, client, reachable):
    client.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    with pytest.raises(SubjectError, match="0 bytes"):
        read(f"s3://{BUCKET}/empty", connections=reachable(client=client))


@pytest.mark.parametrize(
    ("code", "status", "infrastructure"),
    [
        ("SlowDown", 503, True),
        ("InternalError", 500, True),
        ("ExpiredToken", 400, True),
        ("TooManyRequests", 429, True),
        ("AccessDenied", 403, False),
        ("InvalidAccessKeyId", 403, False),
        ("NoSuchKey", 404, False),
    ],
)
def test_the_answer_of_the_store_decides_whether_a_retry_may_help(
    read, client, reachable, code, status, infrastructure
):
    from botocore.stub import Stubber

    with Stubber(client) as stub:
        stub.add_client_error("get_object", code, "planted", status)
        with pytest.raises(SubjectError, match=code) as caught:
            read(f"s3://{BUCKET}/key", connections=reachable(client=client))
    assert isinstance(caught.value, SubjectUnreachable) is infrastructure


def test_a_store_that_does_not_listen_is_unreachable(read, reachable):
    import boto3
    from botocore.config import Config

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=1),
        )  # fmt: skip
        with pytest.raises(SubjectUnreachable, match="does not answer"):
            read("s3://bucket/key", connections=reachable(client=client))


def test_missing_credentials_are_no_outage(read, reachable, monkeypatch):
    import boto3
    from botocore.exceptions import NoCredentialsError

    class Anonymous:
        def get_object(self, **_):
            raise NoCredentialsError

    with pytest.raises(SubjectError, match="check credentials") as caught:
        read("s3://bucket/key", connections=reachable(client=Anonymous()))
    assert not caught.value.infrastructure
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(SubjectError, match="no-such-profile"):
        read("s3://bucket/key")


def test_a_named_connection_needs_airflow(tmp_path):
    with pytest.raises(SubjectError, match="outside Airflow"):
        read_source(
            "s3://bucket/key", folder=tmp_path, connections=PlainConnections(), connection="gov_s3", expected=None
        )
