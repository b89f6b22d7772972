"""Whether a bucket enforces Object Lock, found out by trying to break the lock of a canary object.

Seven of eleven S3 servers that were measured accept a header that an archive relies on and ignore it, so an answer of
success proves nothing. The canary of a day is shared by all writers of a prefix: a writer adds no object of its own.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable
from model_governance.store.protected import encryption_params, lock_params, utc_now
from model_governance.store.s3_answers import NOT_OFFERED
from model_governance.store.s3_bucket import code_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from model_governance.contract.protection import LockMode, Protection
    from model_governance.store.s3_bucket import Bucket

CANARIES = "v1/doctor/"
"""Keys below it are tries of this package and no evidence; a lifecycle rule may expire them."""
CANARY = b"an object of model-governance that tries what this store enforces; it is no evidence\n"
LOCKED_FOR = timedelta(days=2)
SHORTER = timedelta(hours=1)

_enforcing: set[tuple[str, str, str, str]] = set()
_one_at_a_time = threading.Lock()


def require_worm(bucket: Bucket, prefix: str, *, protection: Protection) -> None:
    """Refuse a bucket that does not enforce the Object Lock of the protection; tried once per process and prefix.

    Raises:
        StoreError: the lock is refused, dropped, or does not keep a version from being deleted or a lock from being
            shortened.
        StoreUnreachable: the server does not answer or is busy.
    """
    mode = protection.object_lock
    if mode is None:
        return
    asked = (bucket.endpoint, bucket.name, prefix, mode)
    with _one_at_a_time:
        if asked not in _enforcing:
            name = f"{prefix}{CANARIES}object_lock/{utc_now():%Y-%m-%d}-{mode}.txt"
            _require(bucket, name, protection=protection, mode=mode)
            _enforcing.add(asked)


def _require(bucket: Bucket, name: str, *, protection: Protection, mode: LockMode) -> None:
    where = f"s3://{bucket.name}/{name} at {bucket.endpoint}"
    version = _canary(bucket, name, protection=protection, mode=mode)
    found = None if version is None else locked_until(bucket, name, version, mode=mode)
    if version is None or found is None:
        fault = "the server accepted the lock of a new object and dropped it, or the role lacks s3:GetObjectRetention"
    elif not is_refused(lambda: delete_version(bucket, name, version)):
        fault = "a locked version could be deleted"
    elif not is_refused(lambda: set_lock(bucket, name, version, mode=mode, until=utc_now() + SHORTER)):
        fault = f"a lock in mode {mode} could be shortened"
    else:
        return
    raise StoreError(
        f"archive.object_lock: {mode} is not enforced: {fault} (tried on {where}). Run `model-governance doctor` on this "
        "store; use a bucket that enforces Object Lock, or remove archive.object_lock from the policy"
    )


def _canary(bucket: Bucket, name: str, *, protection: Protection, mode: LockMode) -> str | None:
    """The oldest version of the canary, created where there is none; None where the bucket keeps no versions."""
    for _ in range(2):
        version = _oldest(bucket, name)
        if version is not None:
            return version
        try:
            put_locked(bucket, name, protection=protection, mode=mode)
        except ObjectConflict:
            continue
        except StoreUnreachable:
            raise
        except StoreError as error:
            raise StoreError(
                f"archive.object_lock: {mode} is refused: {error}. Object Lock needs a bucket that was created with it, and "
                "a role with s3:PutObjectRetention; or remove archive.object_lock from the policy"
            ) from error
    return None


def _oldest(bucket: Bucket, name: str) -> str | None:
    try:
        versions = bucket.versions(name)
    except StoreUnreachable:
        raise
    except StoreError as error:
        if code_of(error) not in NOT_OFFERED:
            raise
        versions = []
    return next((each.id for each in versions if each.name == name and not each.is_delete_marker), None)


def put_locked(bucket: Bucket, name: str, *, protection: Protection, mode: LockMode) -> str | None:
    """Create a canary that is locked for two days. Raises as `Bucket.put`."""
    params = encryption_params(protection) | lock_params(mode, until=utc_now() + LOCKED_FOR)
    return bucket.put(name, CANARY, media_type="text/plain", **params)


def locked_until(bucket: Bucket, name: str, version: str | None, *, mode: LockMode) -> datetime | None:
    """Until when the server says that a version is locked in this mode; None where it says nothing of the kind."""
    head = bucket.head(name, version=version)
    until: datetime | None = head.get("ObjectLockRetainUntilDate") if head.get("ObjectLockMode") == mode else None
    return until


def delete_version(bucket: Bucket, name: str, version: str, *, bypass: bool = False) -> None:
    """Delete a version for good; with `bypass` as a role that may lift GOVERNANCE."""
    bucket.call(
        "delete_object", name, action="delete", permission="s3:DeleteObjectVersion", VersionId=version,
        **({"BypassGovernanceRetention": True} if bypass else {}),
    )  # fmt: skip


def set_lock(bucket: Bucket, name: str, version: str, *, mode: LockMode, until: datetime) -> None:
    """Replace the lock of a version."""
    bucket.call(
        "put_object_retention", name, action="set the lock of", permission="s3:PutObjectRetention", VersionId=version,
        Retention={"Mode": mode, "RetainUntilDate": until.replace(microsecond=0)},
    )  # fmt: skip


def is_refused(request: Callable[[], object]) -> bool:
    """Whether the server answers a request with a refusal.

    Raises:
        StoreUnreachable: it does not answer, which is no refusal.
    """
    try:
        request()
    except (StoreUnreachable, ObjectMissing):
        raise
    except StoreError:
        return True
    return False
