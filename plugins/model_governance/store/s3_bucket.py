"""The requests to one S3 bucket: for the owner that is expected, and with every error explained."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from model_governance.store.s3_answers import code_and_status, explain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LARGEST_PUT = 64 << 20
"""Bytes; what is longer is sent in parts."""
PART_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectVersion:
    """A version of an object, or a delete marker; `id` is `null` where the bucket had no versioning."""

    name: str
    id: str
    stored_at: datetime
    is_latest: bool
    is_delete_marker: bool


class Bucket:
    """A bucket behind any boto3 S3 client; every request names the owner that is expected, if one is.

    Raises, in every method: StoreUnreachable, ObjectMissing, ObjectConflict, StoreError as `s3_answers.explain` says.
    """

    def __init__(self, name: str, *, client: Any, owner: str | None = None) -> None:
        self.name = name
        self.client = client
        self._address = {"Bucket": name} | ({"ExpectedBucketOwner": owner} if owner else {})

    @property
    def endpoint(self) -> str:
        """Host and port; an endpoint may carry credentials, a message may not."""
        parts = urlsplit(self.client.meta.endpoint_url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    def call(self, operation: str, name: str | None = None, *, action: str, permission: str, **params: Any) -> Any:
        """Send one request and return the answer of boto3.

        Args:
            operation: method of the boto3 client.
            name: of the object; None for a request about the bucket.
            action: what is tried, as in "cannot `read` s3://...".
            permission: S3 permission that the request needs.
            params: further parameters of the operation.
        """
        key = {} if name is None else {"Key": name}
        with self.explaining(action, name or "", permission=permission):
            return getattr(self.client, operation)(**self._address, **key, **params)

    def put(self, name: str, content: bytes, *, media_type: str, **params: Any) -> str | None:
        """Create the object unless it exists; returns the id of its version, None without versioning.

        The server is asked to check SHA-256 and MD5 of what arrives: some servers know only one of them.

        Raises:
            ObjectConflict: the object exists, or another writer is creating it.
        """
        params = {"ContentType": media_type, **params}
        if len(content) > LARGEST_PUT:
            return self.put_parts(name, content, **params)
        answer = self.call(
            "put_object", name, action=_storing(content), permission="s3:PutObject", Body=content, IfNoneMatch="*",
            ChecksumAlgorithm="SHA256", **checksums(content), **params,
        )  # fmt: skip
        version: str | None = answer.get("VersionId")
        return version

    def put_parts(self, name: str, content: bytes, **params: Any) -> str | None:
        """The same in parts, each with its checksums, that become an object all at once or not at all."""
        action = _storing(content)
        started = self.call(
            "create_multipart_upload", name, action=action, permission="s3:PutObject", ChecksumAlgorithm="SHA256",
            **params,
        )  # fmt: skip
        upload = {"UploadId": started["UploadId"]}
        try:
            parts = []
            for number, start in enumerate(range(0, len(content), PART_BYTES), start=1):
                part = content[start : start + PART_BYTES]
                sums = checksums(part)
                answer = self.call(
                    "upload_part", name, action=action, permission="s3:PutObject", PartNumber=number, Body=part,
                    ChecksumAlgorithm="SHA256", **sums, **upload,
                )  # fmt: skip
                parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": sums["ChecksumSHA256"]})
            done = self.call(
                "complete_multipart_upload", name, action=action, permission="s3:PutObject", IfNoneMatch="*",
                MultipartUpload={"Parts": parts}, **upload,
            )  # fmt: skip
        except BaseException:
            self._abort(name, upload)
            raise
        version: str | None = done.get("VersionId")
        return version

    def _abort(self, name: str, upload: dict[str, str]) -> None:
        """Give the parts back; whatever answers, the error that led here counts. Lifecycle rules remove the rest."""
        from botocore.exceptions import BotoCoreError, ClientError

        with contextlib.suppress(BotoCoreError, ClientError):
            self.client.abort_multipart_upload(**self._address, Key=name, **upload)

    def read(self, name: str, *, version: str | None = None) -> bytes:
        """The bytes of an object, of its latest version unless one is named."""
        permission = "s3:GetObject" if version is None else "s3:GetObjectVersion"
        with self.explaining("read", name, permission=permission):
            content: bytes = self.client.get_object(**self._address, Key=name, **_which(version))["Body"].read()
        return content

    def head(self, name: str, *, version: str | None = None) -> dict[str, Any]:
        """What the server says about an object: encryption, lock, hold."""
        answer: dict[str, Any] = self.call(
            "head_object", name, action="ask about", permission="s3:GetObject, s3:GetObjectRetention and "
            "s3:GetObjectLegalHold", **_which(version),
        )  # fmt: skip
        return answer

    def names(self, prefix: str) -> set[str]:
        """Names of the objects that start with the prefix and are not hidden by a delete marker."""
        with self.explaining("list", prefix, permission="s3:ListBucket"):
            pages = self.client.get_paginator("list_objects_v2").paginate(**self._address, Prefix=prefix)
            return {entry["Key"] for page in pages for entry in page.get("Contents", ())}

    def versions(self, prefix: str) -> list[ObjectVersion]:
        """All versions and delete markers of the objects that start with the prefix, the oldest first.

        S3 lists the newest first, with times cut to seconds; SeaweedFS lists the version `null` last at any age.
        """
        with self.explaining("list versions of", prefix, permission="s3:ListBucketVersions"):
            pages = self.client.get_paginator("list_object_versions").paginate(**self._address, Prefix=prefix)
            listed = [
                ObjectVersion(
                    name=entry["Key"], id=entry["VersionId"], stored_at=entry["LastModified"],
                    is_latest=entry["IsLatest"], is_delete_marker=part == "DeleteMarkers",
                )
                for page in pages for part in ("Versions", "DeleteMarkers") for entry in page.get(part, ())
            ]  # fmt: skip
        listed.reverse()
        return sorted(listed, key=lambda version: (version.stored_at, version.is_latest))

    def versioning(self) -> str:
        """`Enabled`, `Suspended` or an empty text."""
        action = "ask for the versioning of"
        answer = self.call("get_bucket_versioning", action=action, permission="s3:GetBucketVersioning")
        return str(answer.get("Status", ""))

    @contextlib.contextmanager
    def explaining(self, action: str, name: str, *, permission: str) -> Iterator[None]:
        """Turn what botocore raises into an error that says what to do next."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            where = f"s3://{self.name}/{name} at {self.endpoint}"
            raise explain(error, action=action, permission=permission, where=where) from error


def checksums(content: bytes) -> dict[str, str]:
    """The digests that a server compares with what arrives, as boto3 names them."""
    return {
        "ChecksumSHA256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
        "ContentMD5": base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode(),
    }


def code_of(error: BaseException) -> str:
    """The code of the answer that an explained error comes from; empty when there was no answer."""
    from botocore.exceptions import ClientError

    return code_and_status(error.__cause__)[0] if isinstance(error.__cause__, ClientError) else ""


def _storing(content: bytes) -> str:
    return f"store {len(content)} bytes at"


def _which(version: str | None) -> dict[str, str]:
    return {} if version is None else {"VersionId": version}
