"""A server of S3, a bucket without and one with versions, and pauses that take no time."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import pytest
from moto.server import ThreadedMotoServer

from atomic_moto import atomic_puts
from strict_moto import enforced_locks

if TYPE_CHECKING:
    from collections.abc import Iterator

from unit.store.buckets import Bucket, connect

_numbers = itertools.count()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with atomic_puts():
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def plain(endpoint: str) -> Bucket:
    bucket = Bucket(name=f"plain-{next(_numbers)}", client=connect(endpoint))
    bucket.client.create_bucket(Bucket=bucket.name)
    bucket.inject("before-parameter-build.s3", lambda model, **_: bucket.calls.append(model.name))
    return bucket


@pytest.fixture
def versioned(endpoint: str) -> Bucket:
    bucket = Bucket(name=f"versioned-{next(_numbers)}", client=connect(endpoint))
    bucket.client.create_bucket(Bucket=bucket.name)
    bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    bucket.inject("before-parameter-build.s3", lambda model, **_: bucket.calls.append(model.name))
    return bucket


@pytest.fixture
def locked(endpoint: str) -> Iterator[Bucket]:
    """A bucket with Object Lock that enforces it."""
    bucket = Bucket(name=f"locked-{next(_numbers)}", client=connect(endpoint))
    bucket.client.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=True)
    bucket.inject("before-parameter-build.s3", lambda model, **_: bucket.calls.append(model.name))
    with enforced_locks():
        yield bucket


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
