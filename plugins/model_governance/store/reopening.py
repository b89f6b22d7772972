"""A store that is only read and opened again where it refuses: its credentials may have been corrected meanwhile."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from model_governance.errors import ObjectMissing, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_governance.store import ArtifactStore
    from model_governance.store.versions import LockState, StoredVersion

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class ReopeningStore:
    """Reads through a store for as long as it answers; where it does not, it is opened once more and asked again.

    A process that lives for months, such as an api-server, would otherwise keep the credentials of its first request.

    Args:
        opened: opens the store with the credentials of now.
    """

    def __init__(self, opened: Callable[[], ArtifactStore]) -> None:
        self._opened = opened
        self._store = opened()
        self.uri = self._store.uri

    def get(self, key: str) -> bytes:
        """The bytes under a key. Raises as `ArtifactStore.get`."""
        return self._asked(lambda store: store.get(key))

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that start with the prefix, sorted, all of them read before the first is given."""
        return iter(self._asked(lambda store: list(store.keys(prefix))))

    def locate(self, key: str) -> str:
        """The uri of a key."""
        return self._store.locate(key)

    def versions(self, prefix: str) -> dict[str, list[StoredVersion]]:
        """The versions of the keys that start with the prefix."""
        return self._asked(lambda store: store.versions(prefix))

    def lock_of(self, key: str) -> LockState:
        """What protects a key. Raises as `ArtifactStore.lock_of`."""
        return self._asked(lambda store: store.lock_of(key))

    def put_once(self, key: str, content: bytes, *, media_type: str) -> str:  # noqa: ARG002 - part of the protocol
        """Refused. Raises StoreError."""
        raise StoreError(f"{self.locate(key)}: this store is only read; nothing is written")

    def hold(self, key: str, *, on: bool) -> None:  # noqa: ARG002 - part of the protocol
        """Refused. Raises StoreError."""
        raise StoreError(f"{self.locate(key)}: this store is only read; set the hold in the archive itself")

    def remove(self, key: str) -> None:
        """Refused. Raises StoreError."""
        raise StoreError(f"{self.locate(key)}: this store is only read; nothing is removed")

    def _asked(self, ask: Callable[[ArtifactStore], Answer]) -> Answer:
        try:
            return ask(self._store)
        except ObjectMissing:
            raise
        except StoreError as error:
            log.info("%s is opened again, because it did not answer: %s", self.uri, error)
            self._store = self._opened()
            return ask(self._store)
