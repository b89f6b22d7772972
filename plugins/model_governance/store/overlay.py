"""A store in memory on top of another one, which is only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import StoreError
from model_governance.store.rules import require_same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.store import ArtifactStore
    from model_governance.store.versions import LockState, StoredVersion


class OverlayStore:
    """Reads from a store and keeps what is written in memory: nothing below it changes."""

    def __init__(self, below: ArtifactStore) -> None:
        self.uri = below.uri
        self._below = below
        self._written: dict[str, bytes] = {}

    def put_once(self, key: str, content: bytes, *, media_type: str) -> str:  # noqa: ARG002 - part of the protocol
        """Keep the bytes in memory. Raises ObjectConflict where the key was written here with other bytes."""
        uri = self.locate(key)
        require_same(content, self._written.setdefault(key, content), uri=uri)
        return uri

    def get(self, key: str) -> bytes:
        """The bytes that were written here, else those of the store below. Raises as its `get`."""
        return self._written[key] if key in self._written else self._below.get(key)

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys of both, sorted. Raises as `keys` of the store below."""
        here = (key for key in self._written if key.startswith(prefix))
        return iter(sorted({*self._below.keys(prefix), *here}))

    def locate(self, key: str) -> str:
        """The uri that the key has in the store below."""
        return self._below.locate(key)

    def versions(self, prefix: str) -> dict[str, list[StoredVersion]]:
        """Those of the store below: what was written here has none."""
        return self._below.versions(prefix)

    def lock_of(self, key: str) -> LockState:
        """That of the store below."""
        return self._below.lock_of(key)

    def remove(self, key: str) -> None:
        """Refused. Raises StoreError."""
        raise StoreError(f"{self.locate(key)}: this store is only read; nothing is removed")

    def hold(self, key: str, *, on: bool) -> None:  # noqa: ARG002 - part of the protocol
        """Refused. Raises StoreError."""
        raise StoreError(f"{self.locate(key)}: this store is only read; set the hold in the archive itself")
