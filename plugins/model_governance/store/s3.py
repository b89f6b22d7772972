"""An S3 bucket as artifact store, at AWS or at any server that keeps conditional writes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable
from model_governance.store.backoff import Backoff
from model_governance.store.rules import require_key, require_prefix, require_same
from model_governance.store.s3_answers import NOT_ALLOWED, NOT_OFFERED, code_and_status, explain

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHER_WRITER = Backoff(attempts=5, first=0.05, longest=2.0, factor=4.0)  # of the same key
_LOG = logging.getLogger(__name__)


class S3Store:
    """Keeps every key as one object below a prefix of a bucket.

    A write is conditional (`If-None-Match: *`) and carries its SHA-256, which the server checks. On a
    bucket with versioning **the oldest version of a key is its content**: some servers drop the condition
    there, and an overwrite or a delete marker must not change evidence. What can still come
    before the first write is a multipart upload begun earlier, where a server dates it by its begin; digests
    and signatures uncover that.
    Without versioning nothing protects from a server that drops the condition except the look before the
    write; `doctor` finds such servers.

    The client is any boto3 S3 client; its retries come first, and every method may be called from many threads.
    """

    def __init__(self, uri: str, *, client: Any) -> None:
        """Take `s3://bucket` or `s3://bucket/prefix`; nothing is sent.

        Raises:
            StoreError: the uri names no bucket, or a prefix that no key can have.
        """
        scheme, _, rest = uri.partition("://")
        self.bucket, _, path = rest.partition("/")
        if scheme != "s3" or not self.bucket or set(self.bucket) & set("@:?#"):
            raise StoreError("the uri of an S3 store is wrong; expected s3://bucket/prefix, without credentials")
        prefix = path.strip("/")
        self.uri = f"s3://{self.bucket}/{prefix}".rstrip("/")
        self._prefix = f"{require_key(prefix)}/" if prefix else ""
        self._client = client
        self._versioning: bool | None = None

    def put_once(self, key: str, content: bytes, *, media_type: str) -> str:
        """Store under a new key and return its uri; the same bytes again are a success.

        Raises:
            ObjectConflict: the key holds other bytes.
            StoreUnreachable: the server does not answer, or is busy, and the bytes are not there.
            StoreError: it refuses (no permission, no such bucket, wrong checksum).
        """
        uri = self.locate(key)
        stored = _OTHER_WRITER.until(
            lambda: self._stored_or_created(key, content, media_type), done=lambda stored: stored is not None
        )
        if stored is None:
            raise StoreUnreachable(f"cannot store {uri}: another writer keeps it busy without finishing; try later")
        require_same(content, stored, uri=uri)
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
            raise ObjectMissing(f"nothing is stored at {self.locate(key)}; expected an object there")
        return stored

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that start with the prefix, sorted; on a bucket with versions also those behind a delete marker.

        Raises:
            StoreUnreachable: the server does not answer or is busy.
            StoreError: it refuses, or no key can start with this prefix.
        """
        full = self._prefix + require_prefix(prefix)
        pages, part = ("list_object_versions", "Versions") if self._versioned() else ("list_objects_v2", "Contents")
        with self._explaining("list", full, permission=_permission_to(pages)):
            names = {
                entry["Key"]
                for page in self._client.get_paginator(pages).paginate(Bucket=self.bucket, Prefix=full)
                for entry in page.get(part, ())
            }
        # Consoles show an empty folder by an empty object whose name ends with a slash.
        return iter(sorted(name.removeprefix(self._prefix) for name in names if not name.endswith("/")))

    def locate(self, key: str) -> str:
        """The `s3://` uri of a key."""
        return f"s3://{self.bucket}/{self._name(key)}"

    def _name(self, key: str) -> str:
        return self._prefix + require_key(key)

    def _stored_or_created(self, key: str, content: bytes, media_type: str) -> bytes | None:
        stored = self._first_bytes(key)
        return self._create(key, content, media_type) if stored is None else stored

    def _create(self, key: str, content: bytes, media_type: str) -> bytes | None:
        """Put the object; returns the bytes that count from now on, None where another writer was faster."""
        try:
            version = self._put(key, content, media_type)
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
        return content if first == version else self._read(key, version=first)

    def _put(self, key: str, content: bytes, media_type: str) -> str | None:
        name = self._name(key)
        with self._explaining(f"store {len(content)} bytes at", name, permission="s3:PutObject"):
            answer = self._client.put_object(
                Bucket=self.bucket,
                Key=name,
                Body=content,
                ContentType=media_type,
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(hashlib.sha256(content).digest()).decode(),
            )
        version: str | None = answer.get("VersionId")
        return version

    def _first_bytes(self, key: str) -> bytes | None:
        """The bytes of the oldest version; None where there are none."""
        version = None
        if self._versioned():
            version = self._first_version(key)
            if version is None:
                return None
        try:
            return self._read(key, version=version)
        except ObjectMissing:
            return None

    def _read(self, key: str, *, version: str | None) -> bytes:
        name = self._name(key)
        which = {} if version is None else {"VersionId": version}
        permission = "s3:GetObject" if version is None else "s3:GetObjectVersion"
        with self._explaining("read", name, permission=permission):
            content: bytes = self._client.get_object(Bucket=self.bucket, Key=name, **which)["Body"].read()
        return content

    def _first_version(self, key: str) -> str | None:
        """The id of the oldest version of exactly this key; None where there is none."""
        name = self._name(key)
        listing = "list_object_versions"
        with self._explaining("list versions of", name, permission=_permission_to(listing)):
            versions = [
                entry
                for page in self._client.get_paginator(listing).paginate(Bucket=self.bucket, Prefix=name)
                for entry in page.get("Versions", ())
                if entry["Key"] == name
            ]
        if not versions:
            return None
        # S3 lists the newest first, with times cut to seconds; SeaweedFS lists the version `null` last at any age.
        oldest = min(reversed(versions), key=lambda entry: (entry["LastModified"], entry["IsLatest"]))
        version: str = oldest["VersionId"]
        return version

    def _versioned(self) -> bool:
        """Whether the bucket keeps versions, asked once; a suspended one still holds those of before."""
        from botocore.exceptions import ClientError

        if self._versioning is None:
            with self._explaining("ask for the versioning of", "", permission="s3:GetBucketVersioning"):
                try:
                    answer = self._client.get_bucket_versioning(Bucket=self.bucket)
                    self._versioning = answer.get("Status") in ("Enabled", "Suspended")
                except ClientError as error:
                    code, _ = code_and_status(error)
                    if code not in NOT_ALLOWED | NOT_OFFERED:
                        raise
                    _LOG.warning(
                        "bucket %s answers %s when asked for its versioning and is treated as one without; "
                        "give the role s3:GetBucketVersioning, so that the oldest version decides",
                        self.bucket,
                        code,
                    )
                    self._versioning = False
        return self._versioning

    @contextlib.contextmanager
    def _explaining(self, action: str, name: str, *, permission: str) -> Iterator[None]:
        """Turn what botocore raises into an error that says what to do next."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            where = f"s3://{self.bucket}/{name} at {_host(self._client)}"
            raise explain(error, action=action, permission=permission, where=where) from error


def _permission_to(listing: str) -> str:
    return {"list_objects_v2": "s3:ListBucket", "list_object_versions": "s3:ListBucketVersions"}[listing]


def _host(client: Any) -> str:
    """Host and port of the endpoint; an endpoint may carry credentials, a message may not."""
    parts = urlsplit(client.meta.endpoint_url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
