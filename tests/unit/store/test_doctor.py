"""The doctor finds what a store does not do: every fault is planted into moto or the file system, and found."""

from __future__ import annotations

import errno
import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto.s3.models import S3Backend

from model_governance.errors import StoreError, StoreUnreachable
from model_governance.store.doctor import examine
from model_governance.store.local import LocalStore
from model_governance.store.s3_bucket import checksums
from model_governance.store.trials import Trial, exit_code
from unit.store.buckets import HTML, Bucket, raise_times, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALWAYS = 10**6


@pytest.fixture
def checking(monkeypatch: pytest.MonkeyPatch) -> Callable[[Bucket], Bucket]:
    """A bucket that refuses wrong checksums, which moto does not."""

    def check(bucket: Bucket) -> Bucket:
        def compare(params: dict[str, Any], **_: Any) -> None:
            headers, body = params["headers"], params["body"]
            sent = {"ChecksumSHA256": "x-amz-checksum-sha256", "ContentMD5": "Content-MD5"}
            right = checksums(body if isinstance(body, bytes) else body.getvalue())
            if any(headers.get(header, right[name]) != right[name] for name, header in sent.items()):
                raise refusal("BadDigest", 400)

        bucket.inject("before-call.s3.PutObject", compare)
        return bucket

    return check


def dropping(header: str) -> Callable[..., None]:
    """What a server does that accepts a header and ignores it."""

    def drop(params: dict[str, Any], **_: Any) -> None:
        for name in [name for name in params["headers"] if name.lower().startswith(header)]:
            del params["headers"][name]

    return drop


def outcomes(trials: list[Trial]) -> dict[str, str]:
    return {trial.name: trial.outcome for trial in trials}


def found(trials: list[Trial], name: str) -> str:
    return next(trial.found for trial in trials if trial.name == name)


def examined(bucket: Bucket, **protection: Any) -> list[Trial]:
    return list(examine(bucket.store(**protection)))


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_a_bucket_that_does_everything_is_fit(locked: Bucket, checking: Callable[[Bucket], Bucket], mode: str) -> None:
    trials = examined(checking(locked), object_lock=mode, encryption="kms", kms_key="k")
    bypass = "warn" if mode == "GOVERNANCE" else "pass"
    assert outcomes(trials) == dict.fromkeys(
        ("versioning", "clock", "overwrite", "race", "parts", "checksum", "encryption", "lock", "marker"), "pass"
    ) | {"deletion": "warn", "locked_deletion": "pass", "shorten": "pass", "hold": "pass", "bypass": bypass}
    assert exit_code(trials) == 0


def test_canaries_are_removed_but_for_the_locked_one(locked: Bucket) -> None:
    examined(locked, object_lock="COMPLIANCE")
    left = locked.client.list_object_versions(Bucket=locked.name)["Versions"]
    (name,) = {entry["Key"] for entry in left}
    assert name.startswith("gov/v1/doctor/")
    assert name.endswith("/lock")


def test_canaries_in_a_bucket_that_locks_everything_are_locked_for_an_hour_and_no_longer(locked: Bucket) -> None:
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 10}}
    locked.client.put_object_lock_configuration(
        Bucket=locked.name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    trials = examined(locked)
    assert outcomes(trials)["deletion"] == "skipped"
    assert (outcomes(trials)["hold"], outcomes(trials)["locked_deletion"]) == ("pass", "pass")
    left = locked.client.list_object_versions(Bucket=locked.name)["Versions"]
    locks = [
        locked.client.head_object(Bucket=locked.name, Key=each["Key"], VersionId=each["VersionId"]) for each in left
    ]
    assert {head["ObjectLockMode"] for head in locks} == {"GOVERNANCE"}
    assert max(head["ObjectLockRetainUntilDate"] for head in locks) < datetime.now(UTC) + timedelta(days=2, minutes=1)


def test_a_bucket_without_versions_and_lock_is_fit_as_long_as_no_lock_is_asked_for(
    plain: Bucket, checking: Callable[[Bucket], Bucket]
) -> None:
    trials = examined(checking(plain))
    assert outcomes(trials)["lock"] == "skipped"
    assert outcomes(trials)["versioning"] == "warn"
    assert exit_code(trials) == 0
    assert list(plain.store().keys("")) == []
    trials = examined(plain, object_lock="GOVERNANCE")
    assert (outcomes(trials)["lock"], exit_code(trials)) == ("fail", 1)
    assert found(trials, "lock") == "refused (InvalidRequest)"


def test_moto_as_it_is_ignores_checksums(plain: Bucket) -> None:
    trials = examined(plain)
    assert (outcomes(trials)["checksum"], exit_code(trials)) == ("fail", 1)
    assert found(trials, "checksum") == "SHA-256 and MD5 are ignored"


def test_a_server_that_checks_only_md5_is_enough(plain: Bucket) -> None:
    def compare(params: dict[str, Any], **_: Any) -> None:
        body = params["body"]
        right = checksums(body if isinstance(body, bytes) else body.getvalue())["ContentMD5"]
        if params["headers"].get("Content-MD5", right) != right:
            raise refusal("BadDigest", 400)

    plain.inject("before-call.s3.PutObject", compare)
    trials = examined(plain)
    assert (outcomes(trials)["checksum"], found(trials, "checksum")) == ("pass", "SHA-256 ignored, MD5 refused")


@pytest.mark.parametrize(("kind", "outcome"), [("plain", "fail"), ("versioned", "warn")])
def test_a_condition_that_is_ignored_costs_evidence_only_without_versions(
    request: pytest.FixtureRequest, kind: str, outcome: str
) -> None:
    bucket: Bucket = request.getfixturevalue(kind)
    for operation in ("PutObject", "CompleteMultipartUpload"):
        bucket.inject(f"before-call.s3.{operation}", dropping("if-none-match"))
    trials = examined(bucket)
    assert {outcomes(trials)[name] for name in ("overwrite", "race", "parts")} == {outcome}
    assert found(trials, "race") == "8 stored"


def test_a_lock_that_is_accepted_and_dropped_is_found(locked: Bucket) -> None:
    locked.inject("before-call.s3.PutObject", dropping("x-amz-object-lock"))
    trials = examined(locked)
    assert (outcomes(trials)["lock"], found(trials, "lock")) == ("fail", "accepted and dropped")
    assert "shorten" not in outcomes(trials)


def test_a_locked_version_that_can_be_deleted_is_found(locked: Bucket) -> None:
    def bypass(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["x-amz-bypass-governance-retention"] = "true"

    locked.inject("before-call.s3.DeleteObject", bypass)
    trials = examined(locked)
    assert (outcomes(trials)["locked_deletion"], found(trials, "locked_deletion")) == ("fail", "done")


def test_a_lock_that_can_be_lowered_is_found(locked: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_less = S3Backend.put_object_retention

    def obey_lowering(backend: S3Backend, bucket: str, name: str, version_id: str, retention: tuple[str, str]) -> None:
        key: Any = backend.get_object(bucket, name, version_id=version_id)
        if retention[0] == "GOVERNANCE":
            key.lock_mode, key.lock_until = retention
        else:
            refuse_less(backend, bucket, name, version_id, retention)

    monkeypatch.setattr(S3Backend, "put_object_retention", obey_lowering)
    assert outcomes(examined(locked, object_lock="COMPLIANCE"))["shorten"] == "fail"


def test_a_hold_without_effect_is_found(locked: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3Backend, "put_object_legal_hold", lambda *_: None)
    assert outcomes(examined(locked))["hold"] == "fail"


@pytest.mark.parametrize(("code", "outcome"), [("AccessDenied", "skipped"), ("NotImplemented", "warn")])
def test_a_hold_that_is_refused_is_no_fault_of_the_role_of_a_writer(locked: Bucket, code: str, outcome: str) -> None:
    locked.inject("before-call.s3.PutObjectLegalHold", raise_times(ALWAYS, refusal(code, 403)))
    assert outcomes(examined(locked))["hold"] == outcome


def test_a_role_that_may_delete_nothing_does_not_prove_the_lock(locked: Bucket) -> None:
    locked.inject("before-call.s3.DeleteObject", raise_times(ALWAYS, refusal("AccessDenied", 403)))
    trials = examined(locked)
    assert (outcomes(trials)["deletion"], outcomes(trials)["locked_deletion"]) == ("pass", "pass")
    meaning = next(trial.meaning for trial in trials if trial.name == "locked_deletion")
    assert "run doctor as an administrator" in meaning


@pytest.mark.parametrize(("required", "outcome"), [({}, "warn"), ({"encryption": "s3"}, "fail")])
def test_an_encryption_that_is_dropped_is_found(plain: Bucket, required: dict[str, str], outcome: str) -> None:
    plain.inject("before-call.s3.PutObject", dropping("x-amz-server-side-encryption"))
    assert outcomes(examined(plain, **required))["encryption"] == outcome


@pytest.mark.parametrize(("required", "outcome"), [({}, "skipped"), ({"encryption": "s3"}, "fail")])
def test_an_encryption_that_is_refused_is_told(plain: Bucket, required: dict[str, str], outcome: str) -> None:
    def refuse(params: dict[str, Any], **_: Any) -> None:
        if "x-amz-server-side-encryption" in params["headers"]:
            raise refusal("NotImplemented", 501)

    plain.inject("before-call.s3.PutObject", refuse)
    assert outcomes(examined(plain, **required))["encryption"] == outcome


def test_an_owner_that_the_server_ignores_is_found(plain: Bucket) -> None:
    trials = examined(plain, bucket_owner="123456789012")  # moto ignores it
    assert (outcomes(trials)["owner"], found(trials, "owner")) == ("fail", "the owner is ignored")
    plain.inject("before-call.s3.GetBucketVersioning", raise_times(ALWAYS, refusal("AccessDenied", 403)))
    assert outcomes(examined(plain, bucket_owner="123456789012"))["owner"] == "pass"
    assert "owner" not in outcomes(examined(plain))


def test_a_clock_that_is_wrong_is_found(plain: Bucket) -> None:
    def old(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        parsed["ResponseMetadata"]["HTTPHeaders"]["date"] = "Mon, 02 Mar 2026 00:00:00 GMT"

    plain.inject("after-call.s3.HeadBucket", old)
    assert outcomes(examined(plain))["clock"] == "warn"


def test_a_role_that_may_not_write_tries_nothing(plain: Bucket) -> None:
    plain.inject("before-call.s3.PutObject", raise_times(ALWAYS, refusal("AccessDenied", 403)))
    with pytest.raises(StoreError, match=r"give the role of the connection s3:PutObject"):
        examined(plain)


def test_a_try_that_is_refused_for_another_reason_is_an_error_and_no_answer(plain: Bucket) -> None:
    plain.inject("before-call.s3.CreateMultipartUpload", raise_times(ALWAYS, refusal("AccessDenied", 403)))
    trials = examined(plain)
    assert outcomes(trials)["parts"] == "error"
    assert "give the role of the connection s3:PutObject" in found(trials, "parts")
    assert exit_code([trial for trial in trials if trial.outcome != "fail"]) == 3


def test_what_was_found_counts_although_the_canaries_cannot_be_listed(versioned: Bucket) -> None:
    versioned.inject("before-call.s3.ListObjectVersions", raise_times(ALWAYS, refusal("AccessDenied", 403)))
    assert outcomes(examined(versioned))["overwrite"] == "pass"


def test_a_bucket_that_is_not_there_or_silent_is_no_outcome(plain: Bucket) -> None:
    plain.inject("before-call.s3.HeadBucket", raise_times(1, refusal("SlowDown", 503)))
    with pytest.raises(StoreUnreachable):
        examined(plain)
    plain.name = "nowhere"
    with pytest.raises(StoreError, match="NoSuchBucket"):
        examined(plain)


def test_a_folder_is_fit_and_says_what_it_cannot_do(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "evidence"))
    trials = list(examine(store))
    assert outcomes(trials) == {
        "overwrite": "pass", "race": "pass", "clock": "pass", "deletion": "warn", "partial": "pass",
    }  # fmt: skip
    assert exit_code(trials) == 0
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_a_file_system_that_replaces_files_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that replaces, as no POSIX system does."""
    monkeypatch.setattr(os, "link", os.replace)
    monkeypatch.setattr("pathlib.Path.exists", lambda *_: False)
    monkeypatch.setattr("model_governance.store.local.require_same", lambda *_, **__: None)
    trials = list(examine(LocalStore(str(tmp_path))))
    assert (outcomes(trials)["overwrite"], outcomes(trials)["race"], exit_code(trials)) == ("fail", "fail", 1)


def test_files_of_killed_writers_are_removed_after_a_day(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path))
    store.put_once("v1/a", b"evidence", media_type=HTML)
    old, young, other = tmp_path / "v1/.x1.partial", tmp_path / "v1/.x2.partial", tmp_path / "v1/.keep"
    for path in (old, young, other):
        path.write_bytes(b"half")
    yesterday = time.time() - 25 * 3600
    for path in (old, other, tmp_path / "v1/a"):
        os.utime(path, (yesterday, yesterday))
    trials = list(examine(store))
    assert found(trials, "partial") == "1 removed, 1 younger than a day"
    assert [path.exists() for path in (old, young, other)] == [False, True, True]
    assert store.get("v1/a") == b"evidence"


def test_a_sweep_of_a_folder_that_was_never_written_to_creates_nothing(tmp_path: Path) -> None:
    assert LocalStore(str(tmp_path / "nothing")).sweep() == (0, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="free space"):
        list(examine(LocalStore(str(tmp_path))))
