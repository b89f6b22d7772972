"""Limits of a data file, checked before a library reads it: bytes unpacked and columns."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from model_governance.engine.stored import StoredFiles
from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from model_governance.engine.stored import StoredFile

MAX_COLUMNS = 20_000
MAX_UNPACKED = 32 << 30  # bytes of one dataset
SMALL = 256 << 20  # bytes up to which any ratio is taken
MAX_RATIO = 100  # bytes unpacked per byte packed beyond that; text of real tables reaches 20
PIECE = 1 << 20
MAX_HEADER = 64 << 20  # bytes of the first line of a CSV file that are searched for columns
GZIP = b"\x1f\x8b"
FOOTER_END = 8  # bytes of its length and the mark PAR1
VERSION_FIELD, SCHEMA_FIELD, LONG_LIST = b"\x15", b"\x19", 15


class UnpackingLimit:
    """Counts the bytes that a dataset unpacks to.

    Args:
        uri: the dataset, for an error.
        packed: bytes of its files.
    """

    def __init__(self, uri: str, *, packed: int) -> None:
        self._uri = uri
        self._packed = packed
        self._limit = most_unpacked(packed)
        self._unpacked = 0

    def add(self, count: int) -> None:
        """Count bytes.

        Raises:
            SubjectError: there are more than a table of that size unpacks to.
        """
        self._unpacked += count
        if self._unpacked > self._limit:
            raise SubjectError(
                f"{self._uri}: unpacks to more than {self._limit >> 20:,} MiB from {self._packed:,} bytes, which is taken for a "
                "compressed bomb; write the rows as Parquet if they are real"
            )


def most_unpacked(packed: int) -> int:
    """Bytes that a file of `packed` bytes may unpack to."""
    return min(MAX_UNPACKED, max(SMALL, MAX_RATIO * packed))


def check_limits(stored: StoredFile, kind: str) -> None:
    """Refuse a file that is beyond the limits, before a library takes it in.

    Raises:
        SubjectError: it has too many columns, or unpacks to more than a table of its size does.
        OSError, EOFError: it is damaged.
    """
    if isinstance(stored, StoredFiles):
        for part in stored.parts:
            check_limits(part.file, kind)
    elif kind == "csv":
        _check_csv(stored)
    elif kind == "parquet":
        _require_columns(stored.uri, _parquet_columns(stored.path))


def _check_csv(stored: StoredFile) -> None:
    with open_text(stored.path) as content:
        # A quoted name may hold commas and lines: an upper bound of the columns, which no real table reaches.
        header = content.readline(MAX_HEADER)
        _require_columns(stored.uri, max(map(header.count, (b",", b";", b"\t", b"|"))) + 1)
        if isinstance(content, gzip.GzipFile):
            limit = UnpackingLimit(stored.uri, packed=stored.stamp.size)
            while piece := content.read(PIECE):
                limit.add(len(piece))


@contextmanager
def open_text(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """The bytes of a file, unpacked where it begins as gzip does."""
    with path.open("rb") as content:
        packed = content.read(len(GZIP)) == GZIP
        content.seek(0)
        if not packed:
            yield content
            return
        with gzip.GzipFile(fileobj=content) as unpacked:
            yield unpacked


def _require_columns(uri: str, columns: int) -> None:
    if columns > MAX_COLUMNS:
        raise SubjectError(
            f"{uri}: has {columns:,} columns, and at most {MAX_COLUMNS:,} are read; write only those that the policy names"
        )


def _parquet_columns(path: Path) -> int:
    """Columns, and parts of nested ones, that the footer announces, read from its first bytes; 0 where they are no footer, which the reader then tells.

    The footer is a Thrift structure (compact protocol): field 1 is the version, field 2 the list of schema elements, the
    root among them.
    """
    with path.open("rb") as opened:
        size = opened.seek(0, 2)
        if size < FOOTER_END:
            return 0
        opened.seek(-FOOTER_END, 2)
        length = int.from_bytes(opened.read(4), "little")
        if length + FOOTER_END > size:
            return 0
        opened.seek(-FOOTER_END - length, 2)
        start = opened.read(24)
    if start[:1] != VERSION_FIELD:
        return 0
    _, place = _varint(start, 1)
    if start[place : place + 1] != SCHEMA_FIELD or len(start) < place + 2:
        return 0
    short = start[place + 1] >> 4
    elements = _varint(start, place + 2)[0] if short == LONG_LIST else short
    return max(elements - 1, 0)


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte from a place on, and the place behind it."""
    value = 0
    for shift, byte in enumerate(content[place:]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:  # the high bit says that more follow
            return value, place + shift + 1
    return 0, len(content)
