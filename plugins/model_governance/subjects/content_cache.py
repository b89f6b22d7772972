"""A folder of S3 objects that the checks of a run on one machine share, so that each object is fetched once.

An entry is named after the version of the object (endpoint, uri, ETag, version id and size, from a HEAD request) and after
the SHA-256 of its bytes. **The HEAD is asked for every use**: a replaced object has another ETag and is fetched and compared
with the approved digest, so the cache cannot hide that an object changed, and who may not read an object is refused.
**The digest is checked for every use**: an entry with other bytes is removed and the object fetched again.

Users never read an entry itself but a hard link to it in a spool of their own, so an eviction takes nothing away from them.
Processes that want the same object at the same time wait for one another: the first one fetches it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import stat
import time
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from model_governance.engine.stored import Spool, spools_folder, sweep_spools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from model_governance.contract.connections import CacheSettings

T = TypeVar("T")
ENTRIES, LOCKS = "objects", "locks"
OWNER_ONLY, READ_ONLY = 0o700, 0o400
LOCK_COUNT = 16

log = logging.getLogger(__name__)


def version_key(endpoint: str, uri: str, answer: dict[str, object]) -> str:
    """The name of one version of an object.

    Args:
        endpoint: address of the S3 server; two servers may hold other objects under one uri.
        uri: `s3://bucket/key`.
        answer: what a HEAD or GET request answered.
    """
    parts = [endpoint, uri, *(str(answer.get(name)) for name in ("ETag", "VersionId", "ContentLength"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@lru_cache
def open_cache(settings: CacheSettings) -> ContentCache | None:
    """The cache in a folder, swept once per process; None where the folder cannot be used safely."""
    folder = settings.folder
    try:
        folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        for name in (ENTRIES, LOCKS):
            (folder / name).mkdir(mode=OWNER_ONLY, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
            raise PermissionError(f"{folder} belongs to or can be written by another user")
        for parent in (folder, spools_folder()):
            for stale in sweep_spools(parent):
                log.info("removed %s of a killed task", stale)
    except OSError as error:
        log.warning("no content cache, every check fetches its inputs itself: %s", error)
        return None
    cache = ContentCache(settings)
    cache.evict()
    return cache


class ContentCache:
    """A size-bounded folder of read-only files; one object may be no larger than the bound."""

    def __init__(self, settings: CacheSettings) -> None:
        self._folder = settings.folder
        self._entries = settings.folder / ENTRIES
        self._max_bytes = settings.max_bytes

    def fetch(
        self, key: str, download: Callable[[Path], str], *, digest: Callable[[Path], tuple[T, str]]
    ) -> tuple[Spool, Path, T, str]:
        """A copy of an object in a spool of the caller's own.

        Args:
            key: `version_key` of the object as it is now.
            download: writes the object to a path and returns the `version_key` of what it wrote.
            digest: reads a file and returns anything, and the SHA-256 of what it read, in hex.

        Returns:
            The spool, the path in it, and what `digest` returned for the bytes there.
        """
        spool = Spool(self._folder)
        path = spool.folder / "content"
        with self._locked(key):
            for entry in self._entries.glob(f"{key}-*"):
                if not _link(entry, path):
                    continue
                read, sha256 = digest(path)
                if entry.name == f"{key}-{sha256}":
                    _mark_used(entry)
                    return spool, path, read, sha256
                log.warning("%s holds other bytes than its name says and is fetched again", entry)
                entry.unlink(missing_ok=True)
                path.unlink()
            stored_key = download(path)
            path.chmod(READ_ONLY)
            read, sha256 = digest(path)
            self._add(f"{stored_key}-{sha256}", path)
        return spool, path, read, sha256

    def evict(self) -> None:
        """Remove the entries that were not used for longest, until the others fit."""
        sizes = []
        for entry in self._entries.iterdir():
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat()
                sizes.append((status.st_atime_ns, status.st_size, entry))
        total = sum(size for _, size, _ in sizes)
        for _, size, entry in sorted(sizes):
            if total <= self._max_bytes:
                break
            entry.unlink(missing_ok=True)
            total -= size

    def _add(self, name: str, path: Path) -> None:
        if path.stat().st_size > self._max_bytes:
            return
        if _link(path, self._entries / name):
            _mark_used(self._entries / name)
        self.evict()

    @contextlib.contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """The right to fetch an object; the system gives it back when a process is killed."""
        with (self._folder / LOCKS / str(int(key[:8], 16) % LOCK_COUNT)).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _link(source: Path, target: Path) -> bool:
    """Give a file a second name; False where the first has just gone or the file system has no hard links."""
    try:
        os.link(source, target)
    except FileExistsError:
        return True
    except OSError:
        return False
    return True


def _mark_used(entry: Path) -> None:
    """Note the time of use as access time; the time of change belongs to the bytes and is watched by their readers."""
    with contextlib.suppress(OSError):
        os.utime(entry, ns=(time.time_ns(), entry.stat().st_mtime_ns))
