"""Where bytes come from: files and S3 objects, read whole and once, with the digest taken of those very bytes."""

from __future__ import annotations

import errno
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, urlsplit

from model_governance.errors import DigestMismatch, SubjectError, SubjectUnreachable

if TYPE_CHECKING:
    from model_governance.connections import Connections

SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
# Answers that another try may change: the server is busy or broken, or the credentials have just run out.
PASSING_CODES = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestTimeout", "ServiceUnavailable",
     "InternalError", "BadDigest", "ExpiredToken", "429", "500", "502", "503", "504"}
)  # fmt: skip
# Of all that open() may answer, these say something about the path; the rest (a stale mount, a full table) passes.
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
    """The bytes at a uri and their sha256 in hex. Relative paths start at `folder`.

    Raises:
        SubjectError: nothing to read there (missing, not permitted, a folder, 0 bytes), or an unknown scheme.
        DigestMismatch: `expected` is given and the bytes are others.
        SubjectUnreachable: the place does not answer or is busy.
    """
    match = SCHEME.match(uri)
    scheme = match.group(1).lower() if match else None
    if scheme == "s3":
        content = _read_s3(uri, connections, connection)
    elif scheme in (None, "file"):
        content = _read_file(uri, _path(uri, folder))
    else:
        raise SubjectError(f"{uri}: unknown scheme {scheme}://; a uri is a path, file:///path or s3://bucket/key")
    if not content:
        raise SubjectError(f"{uri}: the file is empty (0 bytes); check what wrote it")
    found = hashlib.sha256(content).hexdigest()
    if expected is not None and found != expected:
        raise DigestMismatch(
            f"{uri}: these are not the approved bytes: expected sha256 {expected}, found {found}. Nothing was loaded. "
            "If the change is intended, review it and put the new sha256 into the policy; otherwise find who replaced it"
        )
    return content, found


def _path(uri: str, folder: Path) -> Path:
    if not SCHEME.match(uri):
        return folder / uri
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise SubjectError(f"{uri}: file:// names a host ({parts.netloc}); write file:///path with three slashes")
    return Path(unquote(uri[len("file://") + len(parts.netloc) :]))


def _read_file(uri: str, path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SubjectError(f"{uri}: is a folder; name one file in it, or read many files through a query")
        if path.exists() and not path.is_file():
            raise SubjectError(f"{uri}: is a device or pipe, not a file")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        where = "" if str(path) == uri else f" (looked at {path})"
        if isinstance(error, OSError) and error.errno not in PATH_ERRORS:
            raise SubjectUnreachable(f"{uri}: cannot be read: {reason}{where}; try again") from error
        raise SubjectError(f"{uri}: cannot be read: {reason}{where}; correct the uri or the permissions") from error


def _read_s3(uri: str, connections: Connections, connection: str | None) -> bytes:
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = uri[len("s3://") :].partition("/")
    if not bucket or not key or key.endswith("/"):
        raise SubjectError(f"{uri}: names no object; write s3://bucket/key of one file")
    try:
        client = connections.s3(connection)
        content: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        _refuse_answer(uri, error)
    except BotoCoreError as error:
        _refuse_failure(uri, error)
    return content


def _refuse_answer(uri: str, error: Any) -> NoReturn:
    answer = error.response.get("Error", {})
    code = str(answer.get("Code", "unknown"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    told = f"{code}: {answer.get('Message', '')}".rstrip(": ")
    if code in PASSING_CODES or status >= 500 or status == 429:
        raise SubjectUnreachable(f"{uri}: the store answered {told}; try again") from error
    if code in ("NoSuchKey", "NoSuchBucket", "404", "NoSuchVersion"):
        raise SubjectError(f"{uri}: nothing is stored there ({told}); correct the uri or run what writes it") from error
    raise SubjectError(
        f"{uri}: the store refused ({told}); check the credentials of `connection` and its right to s3:GetObject"
    ) from error


def _refuse_failure(uri: str, error: Exception) -> NoReturn:
    from botocore import exceptions

    passing = (
        exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.IncompleteReadError,
        exceptions.FlexibleChecksumError, exceptions.CredentialRetrievalError, exceptions.MetadataRetrievalError,
    )  # fmt: skip
    if isinstance(error, passing):
        raise SubjectUnreachable(f"{uri}: the store does not answer: {error}; try again") from error
    raise SubjectError(f"{uri}: cannot be asked for: {error}; check credentials, region and the uri") from error
