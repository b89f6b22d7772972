"""Open readers of one Parquet file, used again: opening a file parses the footer, which describes every column."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from pyarrow.parquet import FileMetaData, ParquetFile

READ_AHEAD = 1 << 20  # bytes; without a buffer a whole column chunk would be read at once
MAX_READ_AHEAD = 1 << 25  # bytes of the buffers of all columns that are read together
LEAST_READ_AHEAD = 1 << 14


class Readers:
    """Readers of a file that are lent to one pass at a time.

    Opening costs time in proportion to the columns of the file; reading n columns one by one, each with a reader of
    its own, would cost n squared.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._metadata: FileMetaData | None = None
        self._texts: list[str] = []
        self._idle: dict[tuple[bool, int], list[ParquetFile]] = {}

    @contextmanager
    def lend(self, *, columns: int = 1, encoded: bool = False) -> Iterator[ParquetFile]:
        """An open reader, which goes back after a pass that ended.

        Args:
            columns: number of columns of the pass; the more there are, the smaller is the buffer of each.
            encoded: texts arrive as dictionaries.
        """
        buffer = max(LEAST_READ_AHEAD, min(READ_AHEAD, MAX_READ_AHEAD // max(columns, 1)))
        idle = self._idle.setdefault((encoded, buffer), [])
        try:
            reader = idle.pop()
        except IndexError:
            reader = self._open(buffer, encoded=encoded)
        try:
            yield reader
        except BaseException:
            reader.close()
            raise
        idle.append(reader)

    def _open(self, buffer: int, *, encoded: bool) -> ParquetFile:
        from pyarrow.parquet import ParquetFile

        if self._metadata is None:
            with ParquetFile(self._path, pre_buffer=False, memory_map=False) as first:
                self._texts = [field.name for field in first.schema_arrow if is_text_or_bytes(field.type)]
                self._metadata = first.metadata
        return ParquetFile(
            self._path, metadata=self._metadata, read_dictionary=self._texts if encoded else None, pre_buffer=False,
            buffer_size=buffer, memory_map=False,
        )  # fmt: skip


def is_text_or_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are texts or bytes of any length."""
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
