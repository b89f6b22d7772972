"""The artifact store: create-only objects under keys derived from their digests."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from model_governance.errors import EvidenceError, ObjectConflict, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.connections import Connections
    from model_governance.contract.protection import Protection
    from model_governance.contract.result import Artifact
    from model_governance.store.versions import LockState, StoredVersion


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object as stored: `key` within the store, `uri` for readers and other tools."""

    name: str
    key: str
    uri: str
    sha256: str
    size: int
    media_type: str

    def record(self) -> dict[str, Any]:
        """As JSON types, without the uri: a record must not depend on where the store is mounted."""
        return {name: value for name, value in asdict(self).items() if name != "uri"}


class ArtifactStore(Protocol):
    """Stores bytes under keys; a key keeps its first bytes."""

    uri: str

    def put_once(self, key: str, content: bytes, *, media_type: str) -> str:
        """Store under a new key and return its uri; the same bytes again are a success.

        Raises:
            ObjectConflict: the key holds other bytes.
            StoreUnreachable: the store does not answer or is busy.
            StoreError: it refuses (no permission, no such bucket, wrong checksum).
        """

    def get(self, key: str) -> bytes:
        """The bytes under a key.

        Raises:
            ObjectMissing: there are none.
            StoreUnreachable: the store does not answer or is busy.
        """

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that start with the prefix, sorted."""

    def locate(self, key: str) -> str:
        """The uri of a key."""

    def versions(self, prefix: str) -> dict[str, list[StoredVersion]]:
        """Versions and delete markers of every key that starts with the prefix, the oldest first.

        A key with more than one was overwritten or deleted by somebody else; its oldest version is what `get` returns.
        """

    def lock_of(self, key: str) -> LockState:
        """What protects the content of a key from deletion, and until when.

        Raises:
            ObjectMissing: nothing is stored there.
        """

    def hold(self, key: str, *, on: bool) -> None:
        """Set or lift the legal hold of a key's content.

        Raises:
            ObjectMissing: nothing is stored there.
            StoreError: this store or this role cannot.
        """

    def remove(self, key: str) -> None:
        """Remove an object, all of its versions; only pruning does. Nothing happens where there is none.

        Raises:
            StoreError: a lock or the role forbids it.
            StoreUnreachable: the store does not answer or is busy.
        """


COPIES = 9
"""Further copies of an artifact at most, each stored because those before it were damaged."""


def blob_key(sha256: str, name: str, *, copy: int = 0) -> str:
    """The content address of an artifact; it keeps the ending of the name, so that a browser knows the media type."""
    number = f".{copy}" if copy else ""
    return f"v1/blobs/sha256/{sha256[:2]}/{sha256}{number}{_ending(name)}"


@lru_cache(maxsize=1024)
def _ending(name: str) -> str:
    return PurePosixPath(name).suffix


def is_blob_key(key: str, sha256: str, name: str) -> bool:
    """Whether a key is the content address of an artifact, or that of a further copy."""
    return key == blob_key(sha256, name) or any(
        key == blob_key(sha256, name, copy=copy) for copy in range(1, COPIES + 1)
    )


def put_blob(store: ArtifactStore, artifact: Artifact) -> Stored:
    """Store an artifact under its digest.

    Where the object there was damaged, a further copy is stored beside it: what many runs share, such as the policy, must
    not cost all later runs.

    Raises: as `ArtifactStore.put_once`; ObjectConflict where all copies are damaged.
    """
    sha256 = hashlib.sha256(artifact.content).hexdigest()
    for copy in range(COPIES + 1):
        key = blob_key(sha256, artifact.name, copy=copy)
        try:
            uri = store.put_once(key, artifact.content, media_type=artifact.media_type)
        except ObjectConflict:
            if copy == COPIES:
                raise
            log.error("%s is damaged; the same bytes are stored once more beside it", store.locate(key))
            continue
        break
    return Stored(
        name=artifact.name, key=key, uri=uri, sha256=sha256, size=len(artifact.content), media_type=artifact.media_type
    )


def stored_at(store: ArtifactStore, key: str, content: bytes, *, media_type: str) -> Stored:
    """An object under its key, whose last part is its name; nothing is written."""
    return Stored(
        name=PurePosixPath(key).name, key=key, uri=store.locate(key), sha256=hashlib.sha256(content).hexdigest(),
        size=len(content), media_type=media_type,
    )  # fmt: skip


def read_verified(store: ArtifactStore, stored: Mapping[str, Any]) -> bytes:
    """The bytes under `stored["key"]`, once they are shown to have the digest `stored["sha256"]`.

    Raises:
        EvidenceError: they have another digest.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    content = store.get(stored["key"])
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != stored["sha256"]:
        raise EvidenceError(
            f"{store.locate(stored['key'])}: stored with sha256 {stored['sha256']}, now has {sha256}; "
            "it was altered afterwards and is not used. Restore it from its oldest version"
        )
    return content


def open_store(
    uri: str, *, folder: Path, connections: Connections, connection: str | None = None,
    protection: Protection | None = None,
) -> ArtifactStore:  # fmt: skip
    """The store at `file:///folder`, a plain path (relative to `folder`), or `s3://bucket/prefix`.

    Args:
        uri: where the store is.
        folder: start of a relative path.
        connections: gives the S3 client.
        connection: name of the connection of the bucket.
        protection: what the store must enforce for every object; nothing by default.

    Raises:
        StoreError: the scheme is unknown, or a folder is asked for what only a bucket can enforce.
    """
    from model_governance.store.local import LocalStore
    from model_governance.store.s3 import S3Store

    if uri.startswith("s3://"):
        return S3Store(uri, client=connections.s3(connection), protection=protection)
    if "://" in uri and not uri.startswith("file://"):
        raise StoreError(f"{uri}: artifacts go to file:///folder, a plain path or s3://bucket/prefix")
    if protection is not None and (keys := protection.needs_bucket()):
        raise StoreError(
            f"{uri} is a folder, and the policy sets {', '.join(keys)}: a folder protects nothing from who may write to "
            "it; use s3://bucket/prefix, or remove the key"
        )
    if "://" in uri:
        return LocalStore(uri)
    return LocalStore(str((folder / uri).resolve()))
