"""An S3 bucket as artifact store, at AWS or at any server that keeps conditional writes."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from model_governance.contract.protection import Protection
from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable
from model_governance.store.backoff import Backoff
from model_governance.store.protected import unprotected, utc_now, write_params
from model_governance.store.rules import require_key, require_prefix, require_same
from model_governance.store.s3_answers import NOT_ALLOWED, NOT_OFFERED
from model_governance.store.s3_bucket import Bucket, code_of
from model_governance.store.versions import LockState, StoredVersion
from model_governance.store.worm import require_worm, set_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.contract.protection import LockMode

_CLOSE = timedelta(hours=1)
"""Locks that end so close to one another are not extended."""
_OTHER_WRITER = Backoff(attempts=5, first=0.05, longest=2.0, factor=4.0)  # of the same key
_LOG = logging.getLogger(__name__)


class S3Store:
    """Keeps every key as one object below a prefix of a bucket.

    A write is conditional (`If-None-Match: *`) and carries its SHA-256 and MD5, which the server checks. On a
    bucket with versioning **the oldest version of a key is its content**: some servers drop the condition
    there, and an overwrite or a delete marker must not change evidence. What can still come
    before the first write is a multipart upload begun earlier, where a server dates it by its begin; digests
    and signatures uncover that.
    Without versioning nothing protects from a server that drops the condition except the look before the
    write; `doctor` finds such servers.

    What `protection` asks for is sent with every new object and read back: an object that is stored without its
    lock or encryption is a StoreError. With Object Lock the first write of a process also tries to delete a locked
    object and to shorten its lock, and refuses a bucket that lets it (`worm`). An object that exists is compared; where
    its lock ends before that of a new object would, it is extended: a policy that many runs share is kept as long as the
    last of them. No lock is ever shortened.

    The client is any boto3 S3 client; its retries come first, and every method may be called from many threads.
    """

    def __init__(self, uri: str, *, client: Any, protection: Protection | None = None) -> None:
        """Take `s3://bucket` or `s3://bucket/prefix`; nothing is sent.

        Raises:
            StoreError: the uri names no bucket, or a prefix that no key can have.
        """
        scheme, _, rest = uri.partition("://")
        bucket, _, path = rest.partition("/")
        if scheme != "s3" or not bucket or set(bucket) & set("@:?#"):
            raise StoreError("the uri of an S3 store is wrong; expected s3://bucket/prefix, without credentials")
        prefix = path.strip("/")
        self.uri = f"s3://{bucket}/{prefix}".rstrip("/")
        self.prefix = f"{require_key(prefix)}/" if prefix else ""
        self.protection = protection or Protection()
        self.bucket = Bucket(bucket, client=client, owner=self.protection.bucket_owner)
        self._versioning: bool | None = None

    def put_once(self, key: str, content: bytes, *, media_type: str) -> str:
        """Store under a new key and return its uri; the same bytes again are a success.

        Raises:
            ObjectConflict: the key holds other bytes.
            StoreUnreachable: the server does not answer, or is busy, and the bytes are not there.
            StoreError: it refuses (no permission, no such bucket, wrong checksum), or does not protect the object.
        """
        uri, created = self.locate(key), False

        def stored_or_created() -> bytes | None:
            nonlocal created
            stored = self._first_bytes(key)
            if stored is not None:
                return stored
            created = True
            return self._create(key, content, media_type)

        stored = _OTHER_WRITER.until(stored_or_created, done=lambda stored: stored is not None)
        if stored is None:
            raise StoreUnreachable(f"cannot store {uri}: another writer keeps it busy without finishing; try later")
        require_same(content, stored, uri=uri)
        if created:
            self._require_protected(key)
        elif self.protection.object_lock:
            self._extend_lock(key, self.protection.object_lock)
        return uri

    def get(self, key: str) -> bytes:
        """The bytes under a key, of its oldest version where the bucket has versions.

        Raises:
            ObjectMissing: there are none.
            StoreUnreachable: the server does not answer or is busy.
            StoreError: it refuses (no permission, no such bucket).
        """
        stored = self._first_bytes(key)
        if stored is None:
            raise self._missing(key)
        return stored

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that start with the prefix, sorted; on a bucket with versions also those behind a delete marker.

        Raises:
            StoreUnreachable: the server does not answer or is busy.
            StoreError: it refuses, or no key can start with this prefix.
        """
        full = self.prefix + require_prefix(prefix)
        if self._versioned():
            names = {version.name for version in self.bucket.versions(full) if not version.is_delete_marker}
        else:
            names = self.bucket.names(full)
        # Consoles show an empty folder by an empty object whose name ends with a slash.
        return iter(sorted(name.removeprefix(self.prefix) for name in names if not name.endswith("/")))

    def locate(self, key: str) -> str:
        """The `s3://` uri of a key."""
        return f"s3://{self.bucket.name}/{self.name(key)}"

    def versions(self, prefix: str) -> dict[str, list[StoredVersion]]:
        """Versions and delete markers of every key that starts with the prefix, the oldest first.

        A key with more than one was overwritten or deleted by somebody else; the oldest version is its content.
        One listing serves a whole chain. Raises as `keys`.
        """
        if not self._versioned():
            return {key: [StoredVersion()] for key in self.keys(prefix)}
        found: dict[str, list[StoredVersion]] = {}
        for version in self.bucket.versions(self.prefix + require_prefix(prefix)):
            if not version.name.endswith("/"):
                found.setdefault(version.name.removeprefix(self.prefix), []).append(
                    StoredVersion(id=version.id, stored_at=version.stored_at, is_delete_marker=version.is_delete_marker)
                )
        return found

    def lock_of(self, key: str) -> LockState:
        """What protects the content of a key from deletion.

        Raises:
            ObjectMissing: nothing is stored there.
            StoreUnreachable, StoreError: as `get`.
        """
        if not self._versioned():  # S3 locks versions only
            if self.name(key) not in self.bucket.names(self.name(key)):
                raise self._missing(key)
            return LockState()
        head = self._head(key)
        return LockState(
            mode=head.get("ObjectLockMode"), until=head.get("ObjectLockRetainUntilDate"),
            hold=head.get("ObjectLockLegalHoldStatus") == "ON",
        )  # fmt: skip

    def hold(self, key: str, *, on: bool) -> None:
        """Set or lift the legal hold of a key's content: while it is on, nobody deletes it, whatever its lock says.

        Raises:
            ObjectMissing: nothing is stored there.
            StoreError: the role may not (s3:PutObjectLegalHold), the bucket has no Object Lock, or dropped the hold.
            StoreUnreachable: the server does not answer or is busy.
        """
        if not self._versioned():
            raise StoreError(f"{self.locate(key)}: only a version in a bucket with Object Lock can be held")
        version = self._first_version(key)
        if version is None:
            raise self._missing(key)
        self.bucket.call(
            "put_object_legal_hold", self.name(key), action="set the legal hold of", permission="s3:PutObjectLegalHold",
            LegalHold={"Status": "ON" if on else "OFF"}, VersionId=version,
        )  # fmt: skip
        if self.lock_of(key).hold != on:
            raise StoreError(
                f"{self.locate(key)}: the server accepted the legal hold and dropped it; it is not the server for an "
                "archive that must be held, see `model-governance doctor`"
            )

    def remove(self, key: str) -> None:
        """Remove an object, all of its versions. Raises as `ArtifactStore.remove`."""
        name = self.name(key)
        found = self.versions(key).get(key, [])
        for version in reversed(found):  # the oldest counts, so it goes last
            which = {} if version.id is None else {"VersionId": version.id}
            permission = "s3:DeleteObject" if version.id is None else "s3:DeleteObjectVersion"
            self.bucket.call("delete_object", name, action="remove", permission=permission, **which)

    def name(self, key: str) -> str:
        """The name of a key's object in the bucket."""
        return self.prefix + require_key(key)

    def _create(self, key: str, content: bytes, media_type: str) -> bytes | None:
        """Put the object; returns the bytes that count from now on, None where another writer was faster."""
        require_worm(self.bucket, self.prefix, protection=self.protection)
        try:
            params = write_params(self.protection, utc_now())
            version = self.bucket.put(self.name(key), content, media_type=media_type, **params)
        except ObjectConflict:
            return None
        except StoreUnreachable:
            stored = self._first_bytes(key)
            if stored is None:
                raise
            return stored
        if not self._versioned():
            return content
        first = self._first_version(key)
        if first is None:
            raise StoreUnreachable(f"{self.locate(key)} was stored and is not listed; try later")
        return content if first == version else self.bucket.read(self.name(key), version=first)

    def _extend_lock(self, key: str, mode: LockMode) -> None:
        """Lock an object that exists for as long as a new one; what is locked longer stays so."""
        until = utc_now() + timedelta(days=self.protection.retention_days)
        lock = self.lock_of(key)
        if lock.until is not None and lock.until >= until - _CLOSE:
            return
        version = self._first_version(key)
        if version is None:
            raise self._missing(key)
        set_lock(self.bucket, self.name(key), version, mode=lock.mode or mode, until=until)

    def _require_protected(self, key: str) -> None:
        """Read back what protects the object that was just written, because a server may accept and ignore a header."""
        if not (self.protection.object_lock or self.protection.encryption):
            return
        lacking = list(unprotected(self.protection, self._head(key), utc_now()))
        if lacking:
            raise StoreError(
                f"{self.locate(key)} at {self.bucket.endpoint} is stored without the protection that the policy asks "
                f"for: {'; '.join(lacking)}. Give the role s3:GetObjectRetention, run `model-governance doctor` on this "
                "store, and use one that keeps it"
            )

    def _head(self, key: str) -> dict[str, Any]:
        version = self._first_version(key) if self._versioned() else None
        if self._versioned() and version is None:
            raise self._missing(key)
        return self.bucket.head(self.name(key), version=version)

    def _missing(self, key: str) -> ObjectMissing:
        return ObjectMissing(f"nothing is stored at {self.locate(key)}; expected an object there")

    def _first_bytes(self, key: str) -> bytes | None:
        """The bytes of the oldest version; None where there are none."""
        version = None
        if self._versioned():
            version = self._first_version(key)
            if version is None:
                return None
        try:
            return self.bucket.read(self.name(key), version=version)
        except ObjectMissing:
            return None

    def _first_version(self, key: str) -> str | None:
        """The id of the oldest version of exactly this key; None where there is none."""
        name = self.name(key)
        versions = self.bucket.versions(name)
        return next((each.id for each in versions if each.name == name and not each.is_delete_marker), None)

    def _versioned(self) -> bool:
        """Whether the bucket keeps versions, asked once; a suspended one still holds those of before."""
        if self._versioning is None:
            try:
                self._versioning = self.bucket.versioning() in ("Enabled", "Suspended")
            except StoreUnreachable:
                raise
            except StoreError as error:
                code = code_of(error)
                if code not in NOT_ALLOWED | NOT_OFFERED:
                    raise
                _LOG.warning(
                    "bucket %s answers %s when asked for its versioning and is treated as one without; "
                    "give the role s3:GetBucketVersioning, so that the oldest version decides",
                    self.bucket.name,
                    code,
                )
                self._versioning = False
        return self._versioning
