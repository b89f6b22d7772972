"""A folder as artifact store: a laptop's disk, or a file system that all workers mount."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from model_governance.errors import ObjectMissing, StoreError, StoreUnreachable
from model_governance.store.backoff import Backoff
from model_governance.store.rules import require_key, require_prefix, require_same
from model_governance.store.versions import LockState, StoredVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

READ_ONLY = 0o444
_UNQUOTED = re.compile(r"[\w./=+,@~-]*", re.ASCII)
_PARTIAL = ".partial"
_LEFT_BEHIND = 24 * 3600.0  # seconds
_OTHER_WRITER = Backoff(attempts=6, first=0.01, longest=1.0, factor=4.0)  # of the same key

_NO_HARD_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL, errno.EXDEV}
)
_NO_FOLDER_FLUSH = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF})
_NETWORK_ERRORS = frozenset(
    {errno.ESTALE, errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNREFUSED, errno.ECONNRESET}
    | {errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ESHUTDOWN}
)
_NEXT_STEP = {
    errno.EFBIG: "raise the limit of file sizes (ulimit -f) of the user that runs the worker, or store a summary instead",
    errno.ENOSPC: "free space on this file system, or point the policy's artifacts at another one",
    errno.EDQUOT: "raise the quota of the user that runs the worker, or point the policy's artifacts elsewhere",
    errno.EACCES: "let the user that runs the worker read and write this folder",
    errno.EPERM: "let the user that runs the worker read and write this folder",
    errno.EROFS: "the file system is mounted read-only: mount it writable, or point the policy's artifacts elsewhere",
    errno.ENAMETOOLONG: "shorten the key or the folder of the store",
    errno.ENOTDIR: "a part of this path is a file: choose another folder or key",
    errno.EEXIST: "a part of this path is a file: choose another folder or key",
    errno.EISDIR: "this key is a folder, because longer keys go through it: choose another key",
}


class LocalStore:
    """Keeps every key as one read-only file below a folder.

    A file appears under its key whole or not at all: it is written beside it under a hidden name,
    flushed, and then linked, which fails where the key exists (POSIX `link`). The folder is created
    by the first write, not by this object.
    """

    def __init__(self, uri: str) -> None:
        """Take `file:///folder` or a plain path; a relative one is below the working directory of now.

        Raises:
            StoreError: another scheme or another host.
        """
        self.root = _folder(uri)
        self.uri = _uri(self.root)

    def put_once(self, key: str, content: bytes, *, media_type: str) -> str:  # noqa: ARG002 - part of the protocol
        """Store under a new key and return its uri; the same bytes again are a success.

        The media type is not stored: files have endings for that.

        Raises:
            ObjectConflict: the key holds other bytes.
            StoreUnreachable: the file system does not answer, or another writer never finished.
            StoreError: no space, no permission, a read-only file system.
        """
        path = self._path(key)
        with _explaining(f"store {len(content)} bytes at", path):
            if not path.exists():
                _make_folders(path.parent)
                _publish(path, content)
            require_same(content, path.read_bytes(), uri=_uri(path))
        return _uri(path)

    def get(self, key: str) -> bytes:
        """The bytes under a key.

        Raises:
            ObjectMissing: there are none.
            StoreUnreachable: the file system does not answer.
            StoreError: no permission.
        """
        path = f"{self.root}/{require_key(key)}"
        with _explaining("read", path):
            try:
                with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a path object costs as much as the reading
                    return file.readall()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise ObjectMissing(f"nothing is stored at {_uri(Path(path))}; expected a file there") from error

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that start with the prefix, sorted; unfinished and other hidden files are no keys.

        Raises:
            StoreUnreachable: the file system does not answer.
            StoreError: no permission, or a prefix that no key can have.
        """
        folder, _, beginning = require_prefix(prefix).rpartition("/")
        start = self.root / folder
        with _explaining("list", start):
            if self.root.is_file():
                raise NotADirectoryError(errno.ENOTDIR, "the folder of the store is a file")
            return iter(sorted(self._walk(start, beginning)))

    def locate(self, key: str) -> str:
        """The `file://` uri of a key."""
        return f"{self.uri.rstrip('/')}/{_quoted(require_key(key))}"

    def versions(self, prefix: str) -> dict[str, list[StoredVersion]]:
        """Every key that starts with the prefix, with the single version that a folder keeps. Raises as `keys`."""
        return {key: [StoredVersion()] for key in self.keys(prefix)}

    def lock_of(self, key: str) -> LockState:
        """Nothing protects a file from who may write to its folder.

        Raises:
            ObjectMissing: there is no such file.
        """
        self.get(key)
        return LockState()

    def hold(self, key: str, *, on: bool) -> None:  # noqa: ARG002 - part of the protocol
        """Never possible. Raises StoreError."""
        raise StoreError(f"{self.locate(key)}: a folder has no legal hold; keep evidence that must be held in a bucket")

    def remove(self, key: str) -> None:
        """Remove a file. Raises as `ArtifactStore.remove`."""
        path = self._path(key)
        with _explaining("remove", path):
            path.unlink(missing_ok=True)

    def sweep(self) -> tuple[int, int]:
        """Remove unfinished files of writers that were killed; returns how many, and how many are too young for it.

        A file counts as left behind after a day, by the clock of the file system: no write lasts as long, and a younger
        one may be that of a writer at work. Only `doctor` calls this: walking through a whole archive would cost every
        run more than the files do, which no reader takes for evidence.

        Raises:
            StoreUnreachable, StoreError: as `keys`.
        """
        removed = young = 0
        with _explaining("sweep", self.root):
            if not self.root.is_dir():
                return 0, 0
            with tempfile.NamedTemporaryFile(dir=self.root, prefix=".", suffix=".clock") as file:
                now = os.fstat(file.fileno()).st_mtime
            for folder, _, names in os.walk(self.root, onerror=_raise_unless_missing):
                for path in (Path(folder, name) for name in names if _is_partial(name)):
                    with contextlib.suppress(FileNotFoundError):  # its writer has finished
                        if now - path.stat().st_mtime > _LEFT_BEHIND:
                            path.unlink()
                            removed += 1
                        else:
                            young += 1
        return removed, young

    def _path(self, key: str) -> Path:
        return self.root / require_key(key)

    def _walk(self, start: Path | str, beginning: str) -> Iterator[str]:
        """Keys below a folder; `beginning` is that of the names in the folder itself, the others are not gone into."""
        if beginning:
            # Names alone: asking for the type of each of ten thousand folders takes longer than all the rest.
            for name in _names(start):
                if name.startswith(beginning) and not name.startswith("."):
                    path = f"{start}/{name}"
                    yield from self._walk(path, "") if os.path.isdir(path) else (self._key(str(start), name),)  # noqa: PTH112 - as above
            return
        folders = [str(start)]
        while folders:
            folder = folders.pop()
            # A link to a folder is neither a key nor gone into.
            for entry in _entries(folder):
                if not entry.is_dir():
                    yield self._key(folder, entry.name)
                elif not entry.is_symlink():
                    folders.append(entry.path)

    def _key(self, parent: str, name: str) -> str:
        above = parent[len(str(self.root)) :].lstrip("/")
        return f"{above}/{name}" if above else name


def _names(folder: Path | str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - paths of ten thousand names take as long as listing them
    except OSError as error:
        _raise_unless_missing(error)
        return []


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What a folder holds but for hidden names; asked once for a whole folder, their types cost nothing."""
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if not entry.name.startswith(".")]
    except OSError as error:
        _raise_unless_missing(error)
        return []


def _is_partial(name: str) -> bool:
    return name.startswith(".") and name.endswith(_PARTIAL)


def _uri(path: Path) -> str:
    """A file uri in which the `=` of folder names stays readable (RFC 3986 allows it in a path)."""
    return "file://" + _quoted(str(path))


def _quoted(path: str) -> str:
    # Nearly all keys need no quoting, and verification asks for many.
    return path if _UNQUOTED.fullmatch(path) else quote(path, safe="/=+,@")


def _folder(uri: str) -> Path:
    expected = "expected a folder, file:///folder or s3://bucket/prefix"
    if not uri or "\0" in uri:
        raise StoreError(f"{uri!r} is no store; {expected}")
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return Path(uri).resolve()
    host, slash, path = rest.partition("/")
    if scheme != "file":
        raise StoreError(f"a store has scheme {scheme!r}; {expected}")
    if host not in ("", "localhost") or not slash:
        raise StoreError(f"store {uri!r} names host {host!r}; expected three slashes, as in file:///var/evidence")
    return Path(f"/{unquote(path)}").resolve()


def _publish(path: Path, content: bytes) -> None:
    """Put a whole file at the path unless one is there already; the caller compares."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=_PARTIAL)
    partial = Path(name)
    try:
        _fill(handle, content)
        try:
            os.link(partial, path)
        except FileExistsError:
            return
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            _publish_without_links(path, content)
        _flush_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _publish_without_links(path: Path, content: bytes) -> None:
    """The same where the file system has no hard links (FAT, some FUSE and SMB mounts).

    The partial file has one name per key and is created exclusively, so it is the lock too: whoever
    holds it is the only writer, and the rename that publishes it gives it back. A writer that was
    killed leaves it behind; that is reported and never guessed away.
    """
    partial = path.with_name(f".{path.name}{_PARTIAL}")
    handle = _OTHER_WRITER.until(lambda: _lock(partial), done=lambda handle: handle is not None or path.exists())
    if handle is None:
        if path.exists():
            return
        raise StoreUnreachable(
            f"{partial} shows another writer of {path.name} that did not finish in {_OTHER_WRITER.attempts} tries; "
            "try again, and remove that file if no task is running"
        )
    try:
        _fill(handle, content)
        if not path.exists():
            partial.rename(path)
            return  # the name is free again, and may already be the partial file of the next writer
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.unlink()


def _lock(partial: Path) -> int | None:
    """A handle of the partial file; None where another writer holds it."""
    try:
        return os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None


def _fill(handle: int, content: bytes) -> None:
    """Write, flush to the disk, close. The mode is a courtesy, so a file system may decline it."""
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        with contextlib.suppress(PermissionError):
            os.fchmod(handle, READ_ONLY)
        file.flush()
        os.fsync(handle)


def _make_folders(folder: Path) -> None:
    """Create what is missing and flush each parent, so that a power cut does not take the names away."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # writable and searchable is enough to store, opening needs readable too
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_FLUSH:
            raise
    finally:
        os.close(handle)


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


@contextlib.contextmanager
def _explaining(action: str, path: Path | str) -> Iterator[None]:
    """Turn what the operating system answers into an error that says what to do next."""
    try:
        yield
    except OSError as error:
        sentence = f"cannot {action} {path}: {os.strerror(error.errno) if error.errno else error}"
        if error.errno in _NETWORK_ERRORS:
            raise StoreUnreachable(f"{sentence}; the file system does not answer, a later try may succeed") from error
        step = _NEXT_STEP.get(error.errno or 0, "look at this path as the user that runs the worker")
        raise StoreError(f"{sentence}; {step}") from error
