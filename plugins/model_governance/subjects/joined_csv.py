"""CSV files of one dataset as one file with one header, so that types are decided over all of their rows."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from model_governance.contract.text import library_words
from model_governance.engine.stored import Spool, Stamp, StoredFile
from model_governance.errors import SubjectError
from model_governance.subjects.limits import UnpackingLimit, open_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from gzip import GzipFile

    from model_governance.engine.stored import PartFile

MARK = b"\xef\xbb\xbf"
PIECE = 1 << 20


def join_csv(uri: str, parts: Sequence[PartFile], *, sha256: str) -> StoredFile:
    """The rows of all files below the header of the first, in a spool.

    Raises:
        SubjectError: a file has another header, or does not unpack.
    """
    spool = Spool()
    path = spool.folder / "rows.csv"
    header = b""
    limit = UnpackingLimit(uri, packed=sum(part.file.stamp.size for part in parts))
    with path.open("wb") as joined:
        for part in parts:
            try:
                with open_text(part.file.path) as content:
                    first = content.readline(PIECE).removeprefix(MARK)
                    found = first.rstrip(b"\r\n")
                    if not header:
                        header = found
                        joined.write(header + b"\n")
                    elif found != header:
                        raise SubjectError(
                            f"{uri}: the header of {part.name} is another one than that of {parts[0].name}"
                        )
                    _copy(content, joined, limit)
            except (OSError, EOFError, ValueError) as error:
                raise SubjectError(
                    f"{uri}: {part.name} cannot be unpacked: {library_words(error)}; have it written again"
                ) from error
            part.file.verify()
    stamp = Stamp.from_stat(path.stat())
    return StoredFile(uri=uri, path=path, sha256=sha256, stamp=stamp, spool=spool)


def _copy(content: IO[bytes] | GzipFile, joined: IO[bytes], limit: UnpackingLimit) -> None:
    last = b"\n"
    while piece := content.read(PIECE):
        limit.add(len(piece))
        joined.write(piece)
        last = piece[-1:]
    if last != b"\n":
        joined.write(b"\n")
