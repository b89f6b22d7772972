"""The laws of an artifact store, the same for every place that evidence can lie in."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from atomic_moto import atomic_puts
from model_governance.contract.protection import Protection
from model_governance.errors import ObjectConflict, ObjectMissing, StoreError
from model_governance.store.local import LocalStore
from model_governance.store.s3 import S3Store
from model_governance.store.worm import CANARIES
from strict_moto import enforced_locks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from model_governance.store import ArtifactStore
    from model_governance.store.versions import StoredVersion

    Opener = Callable[[], ArtifactStore]

BINARY = "application/octet-stream"

# Folders have no dot and files have one, since a key that is a file for one key and a folder for another
# is possible in a bucket and impossible on a disk.
_folders = st.text("ab-_ +=:%#é", min_size=1, max_size=4)
_files = st.text("ab-_ +=:%#é", min_size=1, max_size=4).map(lambda stem: f"{stem}.bin")
keys = st.builds(lambda folders, file: "/".join([*folders, file]), st.lists(_folders, max_size=3), _files)
contents = st.binary(max_size=300)

# One set of laws runs in several classes; hypothesis takes that for an accident.
few = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.differing_executors]
)


class StoreLaws:
    """Holds for every store; a subclass gives the fixture `new_store`, which opens an empty one each time."""

    lock_mode: str | None = None

    @given(key=keys, content=contents)
    @few
    def test_what_was_stored_is_read(self, new_store: Opener, key: str, content: bytes) -> None:
        store = new_store()
        assert store.put_once(key, content, media_type=BINARY) == store.locate(key)
        assert store.get(key) == content

    @given(key=keys, content=contents)
    @few
    def test_storing_twice_is_storing_once(self, new_store: Opener, key: str, content: bytes) -> None:
        store = new_store()
        assert store.put_once(key, content, media_type=BINARY) == store.put_once(key, content, media_type="text/html")
        assert list(store.keys("")) == [key]
        assert store.get(key) == content

    @given(key=keys, two=st.lists(contents, min_size=2, max_size=2, unique=True))
    @few
    def test_other_bytes_conflict_and_the_first_stay(self, new_store: Opener, key: str, two: list[bytes]) -> None:
        store, (first, second) = new_store(), two
        store.put_once(key, first, media_type=BINARY)
        with pytest.raises(ObjectConflict):
            store.put_once(key, second, media_type=BINARY)
        assert store.get(key) == first
        store.put_once(key, first, media_type=BINARY)

    @given(stored=st.lists(keys, max_size=6, unique=True), prefix=st.one_of(st.just(""), keys, _folders))
    @few
    def test_keys_are_complete_sorted_and_below_the_prefix(
        self, new_store: Opener, stored: list[str], prefix: str
    ) -> None:
        store = new_store()
        for key in stored:
            store.put_once(key, key.encode(), media_type=BINARY)
        assert list(store.keys("")) == sorted(stored)
        for start in (prefix, *(key[: len(key) // 2].rstrip("/") for key in stored)):
            assert list(store.keys(start)) == sorted(key for key in stored if key.startswith(start))

    @given(stored=st.lists(keys, max_size=4, unique=True))
    @few
    def test_every_key_has_one_version_however_often_it_is_stored(self, new_store: Opener, stored: list[str]) -> None:
        store = new_store()
        for key in stored * 2:
            store.put_once(key, key.encode(), media_type=BINARY)
        versions = store.versions("")
        assert {key: len(listed) for key, listed in versions.items()} == dict.fromkeys(stored, 1)
        assert not any(version.is_delete_marker for listed in versions.values() for version in listed)

    @given(key=keys)
    @few
    def test_a_lock_is_that_of_the_first_write_and_what_is_missing_has_none(self, new_store: Opener, key: str) -> None:
        store = new_store()
        with pytest.raises(ObjectMissing):
            store.lock_of(key)
        store.put_once(key, b"first", media_type=BINARY)
        lock = store.lock_of(key)
        assert (lock.mode, lock.until is not None, lock.hold) == (self.lock_mode, self.lock_mode is not None, False)
        store.put_once(key, b"first", media_type=BINARY)
        with pytest.raises(ObjectConflict):
            store.put_once(key, b"second", media_type=BINARY)
        assert store.lock_of(key) == lock

    @given(key=keys, other=keys)
    @few
    def test_what_was_not_stored_is_missing(self, new_store: Opener, key: str, other: str) -> None:
        store = new_store()
        if other != key:
            store.put_once(other, b"other", media_type=BINARY)
        with pytest.raises(ObjectMissing):
            store.get(key)

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "..", "../a", "a/../b", ".a", "a\\b", "a\nb", "k" * 1025])
    def test_the_same_keys_are_refused_everywhere(self, new_store: Opener, key: str) -> None:
        store = new_store()
        uses = (lambda: store.put_once(key, b"", media_type=BINARY), lambda: store.get(key), lambda: store.locate(key))
        for use in uses:
            with pytest.raises(StoreError, match="expected parts such as"):
                use()
        assert list(store.keys("")) == []

    def test_a_store_sees_only_what_lies_below_it(self, new_store: Opener) -> None:
        store = new_store()
        uri = store.put_once("v1/a.bin", b"a", media_type=BINARY)
        assert uri.startswith(store.uri)
        assert list(new_store().keys("")) == []

    def test_of_sixteen_writers_one_content_wins(self, new_store: Opener) -> None:
        store, start = new_store(), threading.Barrier(16)

        def write(content: bytes) -> bytes | None:
            start.wait(timeout=30)
            try:
                store.put_once("v1/race.bin", content, media_type=BINARY)
            except ObjectConflict:
                return None
            return content

        with ThreadPoolExecutor(16) as pool:
            winners = [content for content in pool.map(write, map(b"writer %d".__mod__, range(16))) if content]
        assert winners == [store.get("v1/race.bin")]
        assert list(store.keys("")) == ["v1/race.bin"]


class TestLocalStore(StoreLaws):
    @pytest.fixture(scope="class")
    @classmethod
    def new_store(cls, tmp_path_factory: pytest.TempPathFactory) -> Opener:
        folder: Path = tmp_path_factory.mktemp("stores")
        numbers = itertools.count()
        return lambda: LocalStore(str(folder / str(next(numbers))))


class TestS3Store(StoreLaws):
    @pytest.fixture(scope="class")
    @classmethod
    def client(cls) -> Iterator[Any]:
        with mock_aws(), atomic_puts():
            yield boto3.client(
                "s3", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
            )

    @pytest.fixture(scope="class")
    @classmethod
    def bucket(cls, client: Any) -> str:
        client.create_bucket(Bucket="plain")
        return "plain"

    @pytest.fixture(scope="class")
    @classmethod
    def new_store(cls, client: Any, bucket: str) -> Opener:
        numbers = itertools.count()
        return lambda: S3Store(f"s3://{bucket}/store-{next(numbers)}", client=client)


class TestS3StoreWithVersions(TestS3Store):
    """Each store in a bucket of its own: moto looks through all versions of a bucket for every list."""

    @pytest.fixture(scope="class")
    @classmethod
    def new_store(cls, client: Any) -> Opener:
        numbers = itertools.count()

        def opened() -> S3Store:
            name = f"versioned-{next(numbers)}"
            client.create_bucket(Bucket=name)
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
            return S3Store(f"s3://{name}/gov", client=client)

        return opened


class TestS3StoreWithObjectLock(TestS3Store):
    lock_mode = "COMPLIANCE"

    @pytest.fixture(scope="class")
    @classmethod
    def new_store(cls, client: Any) -> Iterator[Opener]:
        numbers = itertools.count()

        def opened() -> S3Store:
            name = f"locked-{next(numbers)}"
            client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
            return StoreWithoutCanary(f"s3://{name}/gov", client=client, protection=worm(cls.lock_mode))

        with enforced_locks():
            yield opened


def worm(mode: Any) -> Protection:
    return Protection(object_lock=mode, retention_days=1)


class StoreWithoutCanary(S3Store):
    """A store that starts empty: the canary of its lock is no key of a test."""

    def keys(self, prefix: str) -> Iterator[str]:
        return (key for key in super().keys(prefix) if not key.startswith(CANARIES))

    def versions(self, prefix: str) -> dict[str, list[StoredVersion]]:
        return {key: listed for key, listed in super().versions(prefix).items() if not key.startswith(CANARIES)}
