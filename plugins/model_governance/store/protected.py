"""What a protection asks S3 for when an object is written, and what is missing of it afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.protection import LockMode, Protection

_ENCRYPTION = {"s3": "AES256", "kms": "aws:kms"}
_CLOCKS_DIFFER = timedelta(hours=1)
"""S3 refuses a request whose clock differs by 15 minutes; a first try may have been some minutes earlier."""


def write_params(protection: Protection, now: datetime) -> dict[str, Any]:
    """Parameters of `put_object` and `create_multipart_upload`."""
    params = encryption_params(protection)
    if protection.object_lock:
        params |= lock_params(protection.object_lock, until=now + timedelta(days=protection.retention_days))
    return params


def encryption_params(protection: Protection) -> dict[str, Any]:
    """The parameters that ask for encryption."""
    params: dict[str, Any] = {}
    if protection.encryption:
        params["ServerSideEncryption"] = _ENCRYPTION[protection.encryption]
    if protection.kms_key:
        params["SSEKMSKeyId"] = protection.kms_key
    return params


def lock_params(mode: LockMode, *, until: datetime) -> dict[str, Any]:
    """The parameters that lock an object until a moment; S3 keeps whole seconds."""
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until.replace(microsecond=0) + timedelta(seconds=1)}


def unprotected(protection: Protection, head: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """What the server does not say about an object although the protection asks for it; one sentence each."""
    if protection.encryption:
        expected, found = _ENCRYPTION[protection.encryption], head.get("ServerSideEncryption")
        if found != expected:
            yield f"expected encryption {expected}, found {found or 'none'}"
    wanted, key = protection.kms_key, str(head.get("SSEKMSKeyId"))
    # The server answers with the ARN of the key, from which the alias that asked for it cannot be told.
    if wanted and "alias/" not in wanted and wanted.rpartition("/")[2] != key.rpartition("/")[2]:
        yield f"expected the KMS key {wanted}, found {key}"
    if protection.object_lock:
        mode, until = head.get("ObjectLockMode"), head.get("ObjectLockRetainUntilDate")
        if mode not in (protection.object_lock, "COMPLIANCE"):
            yield f"expected Object Lock {protection.object_lock}, found {mode or 'none'}"
        elif until is None or until < now + timedelta(days=protection.retention_days) - _CLOCKS_DIFFER:
            yield f"expected a lock of {protection.retention_days} days, found one until {until or 'no date'}"


def utc_now() -> datetime:
    """The moment now."""
    return datetime.now(UTC)
