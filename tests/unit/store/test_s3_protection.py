"""What a policy asks of the bucket is sent with every object, read back, and missed when a server drops it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.s3.models import S3Backend

from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable
from model_governance.store import open_store
from model_governance.store.versions import LockState
from unit.store.buckets import HTML, Bucket, raise_times, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORM = {"object_lock": "GOVERNANCE", "retention_days": 10}


def drop(header: str, *, only: str = "") -> Callable[..., None]:
    """What a server does that accepts a header and ignores it."""

    def fault(params: dict[str, Any], **_: Any) -> None:
        if only in params["url_path"]:
            for name in [name for name in params["headers"] if name.lower().startswith(header)]:
                del params["headers"][name]

    return fault


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_an_object_is_locked_from_its_first_write_for_the_days_of_the_policy(locked: Bucket, mode: str) -> None:
    store = locked.store(object_lock=mode, retention_days=10)
    before = datetime.now(UTC)
    store.put_once("v1/a", b"evidence", media_type=HTML)
    lock = store.lock_of("v1/a")
    assert (lock.mode, lock.hold) == (mode, False)
    assert lock.until is not None
    assert before + timedelta(days=10) <= lock.until <= datetime.now(UTC) + timedelta(days=10, seconds=2)


def test_a_second_write_extends_a_lock_and_never_shortens_one(locked: Bucket) -> None:
    locked.store(**WORM).put_once("v1/a", b"evidence", media_type=HTML)
    first = locked.store().lock_of("v1/a")
    locked.store(**WORM | {"retention_days": 1}).put_once("v1/a", b"evidence", media_type=HTML)
    assert locked.store().lock_of("v1/a") == first
    longer = locked.store(**WORM | {"retention_days": 4000})
    with pytest.raises(ObjectConflict):
        longer.put_once("v1/a", b"forged", media_type=HTML)
    assert locked.store().lock_of("v1/a") == first
    longer.put_once("v1/a", b"evidence", media_type=HTML)
    extended = locked.store().lock_of("v1/a")
    assert extended.mode == first.mode
    assert extended.until is not None
    assert extended.until > datetime.now(UTC) + timedelta(days=3999)
    assert len(locked.versions("gov/v1/a")) == 1


def test_what_was_stored_without_a_lock_is_locked_by_the_next_run_that_uses_it(locked: Bucket) -> None:
    locked.store().put_once("v1/a", b"policy", media_type=HTML)
    assert locked.store().lock_of("v1/a").until is None
    locked.store(**WORM).put_once("v1/a", b"policy", media_type=HTML)
    assert locked.store().lock_of("v1/a").mode == WORM["object_lock"]


def test_a_lock_that_the_server_drops_from_an_object_is_an_error(locked: Bucket) -> None:
    locked.inject("before-call.s3.PutObject", drop("x-amz-object-lock", only="v1/a"))
    with pytest.raises(StoreError, match=r"v1/a at 127\.0\.0\.1.*expected Object Lock GOVERNANCE, found none.*doctor"):
        locked.store(**WORM).put_once("v1/a", b"evidence", media_type=HTML)


def test_a_shorter_lock_than_asked_for_is_an_error(locked: Bucket) -> None:
    def shorten(params: dict[str, Any], **_: Any) -> None:
        soon = datetime.now(UTC) + timedelta(days=5)
        params["headers"]["x-amz-object-lock-retain-until-date"] = f"{soon:%Y-%m-%dT%H:%M:%SZ}"

    locked.inject("before-call.s3.PutObject", shorten)
    with pytest.raises(StoreError, match="expected a lock of 10 days, found one until"):
        locked.store(**WORM).put_once("v1/a", b"evidence", media_type=HTML)


def test_a_lost_answer_does_not_hide_that_the_lock_was_dropped(locked: Bucket) -> None:
    store = locked.store(**WORM)
    store.put_once("v1/first", b"x", media_type=HTML)
    locked.inject("before-call.s3.PutObject", drop("x-amz-object-lock"))
    locked.inject("after-call.s3.PutObject", raise_times(1, ReadTimeoutError(endpoint_url="http://x")))
    with pytest.raises(StoreError, match="found none"):
        store.put_once("v1/a", b"evidence", media_type=HTML)


def test_a_conflict_of_our_own_repeated_request_does_not_hide_it_either(locked: Bucket) -> None:
    store = locked.store(**WORM)
    store.put_once("v1/first", b"x", media_type=HTML)

    def store_without_lock(**_: Any) -> None:
        if locked.calls.count("PutObject") == 3:  # the canary, the first and ours
            locked.client.put_object(Bucket=locked.name, Key="gov/v1/a", Body=b"evidence")

    locked.inject("before-call.s3.PutObject", store_without_lock)
    with pytest.raises(StoreError, match="found none"):
        store.put_once("v1/a", b"evidence", media_type=HTML)
    assert locked.calls.count("PutObject") == 4


def test_the_lock_of_the_bucket_is_tried_once_per_process_and_its_canary_shared(
    locked: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        locked.store(**WORM).put_once(f"v1/{number}", b"x", media_type=HTML)
    assert (locked.calls.count("DeleteObject"), locked.calls.count("PutObjectRetention")) == (1, 1)
    monkeypatch.setattr("model_governance.store.worm._enforcing", set())  # as in another process
    locked.store(**WORM).put_once("v1/3", b"x", media_type=HTML)
    assert (locked.calls.count("DeleteObject"), locked.calls.count("PutObject")) == (2, 5)
    (canary,) = locked.store().keys("v1/doctor/")
    assert len(locked.versions(f"gov/{canary}")) == 1


def test_without_object_lock_nothing_is_tried(locked: Bucket) -> None:
    locked.store().put_once("v1/a", b"x", media_type=HTML)
    locked.store(**WORM).keys("")
    assert set(locked.calls) == {"GetBucketVersioning", "ListObjectVersions", "PutObject"}


def test_a_bucket_that_drops_locks_is_refused_before_anything_is_stored(locked: Bucket) -> None:
    locked.inject("before-call.s3.PutObject", drop("x-amz-object-lock"))
    for _ in range(2):
        with pytest.raises(StoreError, match="not enforced: the server accepted the lock of a new object and dropped"):
            locked.store(**WORM).put_once("v1/a", b"evidence", media_type=HTML)
    assert not [key for key in locked.store().keys("") if not key.startswith("v1/doctor/")]


def test_a_bucket_that_lets_a_locked_version_go_is_refused(locked: Bucket) -> None:
    def bypass(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["x-amz-bypass-governance-retention"] = "true"

    locked.inject("before-call.s3.DeleteObject", bypass)
    with pytest.raises(StoreError, match="a locked version could be deleted"):
        locked.store(**WORM).put_once("v1/a", b"evidence", media_type=HTML)


def test_a_bucket_that_shortens_a_lock_is_refused(locked: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def obey(backend: S3Backend, bucket_name: str, key_name: str, version_id: str, retention: tuple[str, str]) -> None:
        key: Any = backend.get_object(bucket_name, key_name, version_id=version_id)
        key.lock_mode, key.lock_until = retention

    monkeypatch.setattr(S3Backend, "put_object_retention", obey)
    with pytest.raises(StoreError, match="a lock in mode COMPLIANCE could be shortened"):
        locked.store(object_lock="COMPLIANCE").put_once("v1/a", b"evidence", media_type=HTML)


def test_a_bucket_without_object_lock_is_refused(bucket: Bucket) -> None:
    with pytest.raises(StoreError, match=r"GOVERNANCE is refused.*InvalidRequest.*a bucket that was created with it"):
        bucket.store(**WORM).put_once("v1/a", b"evidence", media_type=HTML)
    assert list(bucket.store().keys("")) == []


def test_a_server_that_is_busy_while_the_lock_is_tried_decides_nothing(locked: Bucket) -> None:
    locked.inject("before-call.s3.DeleteObject", raise_times(1, refusal("SlowDown", 503)))
    with pytest.raises(StoreUnreachable):
        locked.store(**WORM).put_once("v1/a", b"evidence", media_type=HTML)
    locked.store(**WORM).put_once("v1/a", b"evidence", media_type=HTML)


@pytest.mark.parametrize(
    ("protection", "algorithm"),
    [
        ({"encryption": "s3"}, "AES256"),
        ({"encryption": "kms"}, "aws:kms"),
        ({"encryption": "kms", "kms_key": "k"}, "aws:kms"),
    ],
)
def test_encryption_is_asked_for_and_read_back(bucket: Bucket, protection: dict[str, str], algorithm: str) -> None:
    bucket.store(**protection).put_once("v1/a", b"evidence", media_type=HTML)
    head = bucket.client.head_object(Bucket=bucket.name, Key="gov/v1/a")
    assert head["ServerSideEncryption"] == algorithm
    assert head.get("SSEKMSKeyId") == protection.get("kms_key")


def test_an_encryption_that_the_server_drops_is_an_error(bucket: Bucket) -> None:
    bucket.inject("before-call.s3.PutObject", drop("x-amz-server-side-encryption"))
    with pytest.raises(StoreError, match="expected encryption aws:kms, found none; expected the KMS key k, found None"):
        bucket.store(encryption="kms", kms_key="k").put_once("v1/a", b"evidence", media_type=HTML)


def test_every_request_names_the_owner_that_the_bucket_must_have(locked: Bucket) -> None:
    seen: list[tuple[str, Any]] = []
    locked.inject(
        "before-parameter-build.s3",
        lambda params, model, **_: seen.append((model.name, params.get("ExpectedBucketOwner"))),
    )
    store = locked.store(**WORM, bucket_owner="123456789012")
    store.put_once("v1/a", b"evidence", media_type=HTML)
    store.get("v1/a")
    store.hold("v1/a", on=True)
    assert {owner for _, owner in seen} == {"123456789012"}
    assert {name for name, _ in seen} >= {"PutObject", "GetObject", "HeadObject", "DeleteObject", "PutObjectLegalHold"}


def test_a_legal_hold_is_set_and_lifted(locked: Bucket) -> None:
    store = locked.store()
    store.put_once("v1/a", b"evidence", media_type=HTML)
    store.hold("v1/a", on=True)
    assert store.lock_of("v1/a") == LockState(hold=True)
    store.hold("v1/a", on=False)
    assert store.lock_of("v1/a") == LockState()


def test_a_hold_that_the_server_drops_is_an_error(locked: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3Backend, "put_object_legal_hold", lambda *_: None)
    store = locked.store()
    store.put_once("v1/a", b"evidence", media_type=HTML)
    with pytest.raises(StoreError, match="accepted the legal hold and dropped it"):
        store.hold("v1/a", on=True)


def test_what_is_not_there_has_no_lock_and_cannot_be_held(versioned: Bucket) -> None:
    store = versioned.store()
    for use in (lambda: store.hold("v1/a", on=True), lambda: store.lock_of("v1/a")):
        with pytest.raises(ObjectMissing, match="nothing is stored at"):
            use()


def test_a_bucket_without_versions_holds_nothing(plain: Bucket) -> None:
    plain.store().put_once("v1/a", b"x", media_type=HTML)
    with pytest.raises(StoreError, match="only a version in a bucket with Object Lock can be held"):
        plain.store().hold("v1/a", on=True)


def test_versions_and_delete_markers_of_keys_are_listed_oldest_first(versioned: Bucket) -> None:
    store = versioned.store()
    store.put_once("v1/a", b"evidence", media_type=HTML)
    store.put_once("v1/ab", b"untouched", media_type=HTML)
    first = versioned.versions("gov/v1/a")
    versioned.client.put_object(Bucket=versioned.name, Key="gov/v1/a", Body=b"forged")
    versioned.client.delete_object(Bucket=versioned.name, Key="gov/v1/a")
    found = store.versions("v1/")
    assert {key: len(versions) for key, versions in found.items()} == {"v1/a": 3, "v1/ab": 1}
    assert [each.id for each in found["v1/a"]][:1] == first
    assert sum(each.is_delete_marker for each in found["v1/a"]) == 1


def test_a_bucket_without_versions_has_one_of_each_key(plain: Bucket) -> None:
    plain.store().put_once("v1/a", b"x", media_type=HTML)
    assert {key: len(versions) for key, versions in plain.store().versions("v1/").items()} == {"v1/a": 1}


def test_a_folder_is_refused_where_the_policy_asks_for_what_only_a_bucket_does(tmp_path: Path, locked: Bucket) -> None:
    protection = locked.store(**WORM, encryption="s3").protection
    for uri in ("evidence", f"file://{tmp_path}/evidence"):
        with pytest.raises(StoreError, match=r"is a folder.*artifacts\.encryption, archive\.object_lock"):
            open_store(uri, folder=tmp_path, connections=None, protection=protection)
