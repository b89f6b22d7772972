"""Where bytes come from: files and S3 objects, with the digest taken of those very bytes."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

from model_governance.engine.stored import Spool, StoredFile
from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable
from model_governance.store.s3_answers import classify
from model_governance.subjects.content_cache import open_cache, version_key
from model_governance.subjects.digests import digest_bytes, digest_file
from model_governance.subjects.object_stores import OBJECT_STORES, fetch_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_governance.contract.connections import Connections
    from model_governance.store.s3_answers import Answer

T = TypeVar("T")
PIECE = 1 << 20  # bytes of an object in memory at a time
SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
FILE_SCHEMES = ("file", "s3", *OBJECT_STORES)
# Errors of open() that are about the path; all others (a stale mount, a full table of files) may go away.
PATH_ERRORS = frozenset(
    {
        errno.ENOENT,
        errno.EACCES,
        errno.EPERM,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.EINVAL,
    }
)


def read_source(
    uri: str, *, folder: Path, connections: Connections, connection: str | None, expected: str | None
) -> tuple[bytes, str]:
    """Read the bytes at a uri into memory.

    Args:
        uri: a path, `file:///path`, `s3://bucket/key`, or an object of a store that fsspec reaches.
        folder: where relative paths start.
        connections: gives S3 clients and the content cache.
        connection: name of the connection, None for the environment.
        expected: the approved sha256 in hex, None where the policy pins none.

    Returns:
        The bytes and their sha256 in hex.

    Raises:
        SubjectError: nothing to read there (missing, not permitted, a folder, 0 bytes), or an unknown scheme.
        DigestMismatch: `expected` is given and the bytes are others.
        SubjectUnreachable: the place does not answer or is busy.
    """
    scheme = scheme_of(uri)
    if scheme == "s3":
        _, _, content, sha256 = _fetch(uri, _read_and_digest, connections=connections, connection=connection)
    elif scheme in OBJECT_STORES:
        spool, path = fetch_object(uri, connection=connection)
        content, sha256 = _read_and_digest(path)
        spool.close()
    else:
        content = _read_file(uri, local_path(uri, folder))
        sha256 = digest_bytes(content)
    _approve(uri, size=len(content), sha256=sha256, expected=expected)
    return content, sha256


def store_source(
    uri: str, *, folder: Path, connections: Connections, connection: str | None, expected: str | None
) -> StoredFile:
    """The bytes at a uri as a local file, with their sha256; they are never in memory as a whole.

    The arguments are those of `read_source`. A local file stays where it is. An S3 object is copied into a temporary folder first; the folder
    goes when the last reader of the file does.

    Raises:
        SubjectError: as `read_source`, or the file was written while it was digested.
        DigestMismatch: `expected` is given and the bytes are others.
        SubjectUnreachable: the place does not answer or is busy.
    """
    scheme, spool = scheme_of(uri), None
    if scheme == "s3":
        spool, path, stamp, sha256 = _fetch(uri, digest_file, connections=connections, connection=connection)
    else:
        if scheme in OBJECT_STORES:
            spool, path = fetch_object(uri, connection=connection)
        else:
            path = local_path(uri, folder)
        _refuse_what_is_no_file(uri, path)
        try:
            stamp, sha256 = digest_file(path)
        except (OSError, ValueError) as error:
            _refuse_path(uri, path, error)
    _approve(uri, size=stamp.size, sha256=sha256, expected=expected)
    stored = StoredFile(uri=uri, path=path, sha256=sha256, stamp=stamp, spool=spool)
    stored.verify()
    return stored


def names_file(uri: str) -> bool:
    """Whether a uri is that of files rather than of a database."""
    match = SCHEME.match(uri)
    return match is None or match.group(1).lower() in FILE_SCHEMES


def scheme_of(uri: str) -> str:
    """`file`, `s3`, or the scheme of another object store.

    Raises:
        SubjectError: nothing here reads that scheme.
    """
    match = SCHEME.match(uri)
    scheme = match.group(1).lower() if match else "file"
    if scheme not in FILE_SCHEMES:
        raise SubjectError(
            f"{uri}: unknown scheme {scheme}://; a uri is a path, file:///path, s3://bucket/key or "
            f"{', '.join(f'{known}://' for known in OBJECT_STORES)}"
        )
    return scheme


def _approve(uri: str, *, size: int, sha256: str, expected: str | None) -> None:
    if not size:
        raise SubjectError(f"{uri}: the file is empty (0 bytes); check what wrote it")
    if expected is not None and sha256 != expected:
        raise DigestMismatch(
            f"{uri}: these are not the approved bytes: expected sha256 {expected}, found {sha256}. Nothing was loaded. "
            "If the change is intended, review it and put the new sha256 into the policy; otherwise find who replaced it"
        )


def local_path(uri: str, folder: Path) -> Path:
    """The path of a uri without scheme or of file://; relative ones start in `folder`."""
    if not SCHEME.match(uri):
        return folder / uri
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise SubjectError(f"{uri}: file:// names a host ({parts.netloc}); write file:///path with three slashes")
    return Path(unquote(uri[len("file://") + len(parts.netloc) :]))


def _read_file(uri: str, path: Path) -> bytes:
    _refuse_what_is_no_file(uri, path)
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        _refuse_path(uri, path, error)


def _refuse_what_is_no_file(uri: str, path: Path) -> None:
    try:
        if path.is_dir():
            raise SubjectError(f"{uri}: is a folder, and one file is needed here")
        if path.exists() and not path.is_file():
            raise SubjectError(f"{uri}: is a device or pipe, not a file")
    except (OSError, ValueError) as error:
        _refuse_path(uri, path, error)


def _refuse_path(uri: str, path: Path, error: Exception) -> NoReturn:
    reason = getattr(error, "strerror", None) or str(error)
    where = "" if str(path) == uri else f" (looked at {path})"
    if isinstance(error, OSError) and error.errno not in PATH_ERRORS:
        raise SubjectUnreachable(f"{uri}: cannot be read: {reason}{where}; try again") from error
    raise SubjectError(f"{uri}: cannot be read: {reason}{where}; correct the uri or the permissions") from error


def _read_and_digest(path: Path) -> tuple[bytes, str]:
    content = path.read_bytes()
    return content, digest_bytes(content)


def _fetch(
    uri: str, digest: Callable[[Path], tuple[T, str]], *, connections: Connections, connection: str | None
) -> tuple[Spool, Path, T, str]:
    """An S3 object as a file in a spool, with what `digest` returns for it; through the content cache where there is one."""
    bucket, _, key = uri[len("s3://") :].partition("/")
    if not bucket or not key or key.endswith("/"):
        raise SubjectError(f"{uri}: names no object; write s3://bucket/key of one file")
    with _explaining(uri):
        client = connections.s3(connection)

        def download(path: Path) -> str:
            answer = client.get_object(Bucket=bucket, Key=key)
            with path.open("wb") as copy:
                while piece := answer["Body"].read(PIECE):
                    copy.write(piece)
            return version_key(_endpoint(client), uri, answer)

        cache = None if connections.cache is None else open_cache(connections.cache)
        version = None if cache is None else _current_version(client, uri, bucket=bucket, key=key)
        if cache is not None and version is not None:
            return cache.fetch(version, download, digest=digest)
        spool = Spool()
        path = spool.folder / "content"
        download(path)
        read, sha256 = digest(path)
        return spool, path, read, sha256


def _current_version(client: Any, uri: str, *, bucket: str, key: str) -> str | None:
    """The version that a HEAD request names; None where it is refused, because a GET says better why."""
    from botocore.exceptions import ClientError

    try:
        return version_key(_endpoint(client), uri, client.head_object(Bucket=bucket, Key=key))
    except ClientError:
        return None


def _endpoint(client: Any) -> str:
    meta = getattr(client, "meta", None)
    return str(getattr(meta, "endpoint_url", ""))


def list_objects(uri: str, *, connections: Connections, connection: str | None) -> list[str]:
    """The keys below `s3://bucket/prefix`, without the prefix.

    Raises:
        SubjectError: no such bucket, or it may not be listed.
        SubjectUnreachable: the server does not answer.
    """
    bucket, _, prefix = uri[len("s3://") :].partition("/")
    if not bucket:
        raise SubjectError(f"{uri}: names no bucket; write s3://bucket/folder/")
    with _explaining(uri, permission="s3:ListBucket"):
        pages = connections.s3(connection).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"][len(prefix) :] for page in pages for entry in page.get("Contents", ())]


@contextmanager
def _explaining(uri: str, *, permission: str = "s3:GetObject") -> Iterator[None]:
    """Turn what botocore raises into an error that says what to do next; the server's own words are not reported."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise _subject_error(uri, classify(error), permission) from error


def _subject_error(uri: str, answer: Answer, permission: str) -> SubjectError:
    match answer.kind:
        case "unreachable":
            return SubjectUnreachable(f"{uri}: cannot be read: {answer.reason}; {answer.next_step}; try again")
        case "missing" | "no_bucket":
            return SubjectError(
                f"{uri}: nothing is stored there ({answer.reason}); correct the uri or run what writes it"
            )
        case "not_allowed":
            return SubjectError(
                f"{uri}: cannot be read: {answer.reason}; give the role of `connection` {permission} there"
            )
        case _:
            step = answer.next_step or "check the endpoint of `connection`"
            return SubjectError(f"{uri}: cannot be read: {answer.reason}; {step}")
