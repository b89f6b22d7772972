"""How evidence is protected where it is stored: encryption, the owner of the bucket, Object Lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LockMode = Literal["GOVERNANCE", "COMPLIANCE"]
Encryption = Literal["s3", "kms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What every stored object must have; the words are those of S3.

    `encryption` is SSE-S3 (`s3`) or SSE-KMS (`kms`, with `kms_key` or the default key of the bucket). `bucket_owner` is
    the account id that the bucket must belong to. With `object_lock` every object is locked in that mode for
    `retention_days` days from its first write (write once, read many).
    """

    encryption: Encryption | None = None
    kms_key: str | None = None
    bucket_owner: str | None = None
    object_lock: LockMode | None = None
    retention_days: int = 3650

    def needs_bucket(self) -> list[str]:
        """The policy keys that are set and that only a bucket can fulfil."""
        named = {
            "artifacts.encryption": self.encryption,
            "artifacts.bucket_owner": self.bucket_owner,
            "archive.object_lock": self.object_lock,
        }
        return [key for key, value in named.items() if value is not None]
