"""Tables whose rows are copied here once, in one statement, and measured as those of a file are.

A database computes one statistic after another, each with a scan of its own, and for numbers that mostly differ a grouped pass
transfers every value anyway. So up to a size the rows come here, and the numbers are those of the same rows in a Parquet file,
to the byte. Larger tables, other databases, and tables with values that have no Arrow type stay where they are (`pushdown`).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from model_governance.engine.answers import read_batches
from model_governance.engine.binary_copy import copy_batches
from model_governance.engine.binary_values import NotCopied
from model_governance.engine.expressions import may_merge
from model_governance.engine.files import ParquetRows
from model_governance.engine.local import LocalRelation
from model_governance.engine.packed_pages import estimated_rows
from model_governance.engine.pushdown import PushedRelation
from model_governance.engine.readers import is_text_or_bytes
from model_governance.engine.relation import ROWS_PER_FRAME
from model_governance.engine.stored import Spool, Stamp, StoredFile
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from ibis import Table
    from pyarrow.parquet import ParquetWriter

    from model_governance.engine.column_kinds import Kind
    from model_governance.engine.labels import Labels
    from model_governance.engine.table_rows import TableRows

MAX_CELLS = 100_000_000
"""Rows times columns of a table that is copied: about a minute of processor time, the database's included."""
MAX_BYTES = 2 << 30
"""Bytes of these cells, so that long texts do not fill the disk."""
READERS: dict[str, Callable[[Table], Any]] = {
    "postgres": copy_batches,
    "duckdb": partial(read_batches, rows=ROWS_PER_FRAME),
    "sqlite": partial(read_batches, rows=ROWS_PER_FRAME),
}


def with_copy(source: TableRows, *, role: str, uri: str) -> TableRows:
    """The table with its rows copied here, or as it is where they stay in the database.

    A column with a value that has no place in its Arrow type is not comparable in the table that is returned.

    Raises:
        Exception: what the driver raises.
    """
    import pyarrow as pa

    read = READERS.get(source.table.get_backend().name)
    names = source.comparable
    if read is None or not names or not _is_small(source, len(names)):
        return source
    spool = Spool()
    path = spool.folder / "rows.parquet"
    try:
        with closing(read(source.table.select(*names))) as batches:
            copied = _write(batches, path)
    except NotCopied as found:
        spool.close()
        aside = {**source.unreadable, found.column: found.holding}
        return with_copy(replace(source, unreadable=aside), role=role, uri=uri)
    except pa.ArrowException:
        copied = False
    if not copied:
        spool.close()
        return source
    stored = StoredFile(uri=uri, path=path, sha256="", stamp=Stamp.from_stat(path.stat()), spool=spool)
    return replace(source, copy=ParquetRows(stored, role))


def _is_small(source: TableRows, columns: int) -> bool:
    """Whether the table is expected to be copied. Counting its rows costs as much as a tenth of copying them."""
    backend = source.table.get_backend()
    rows = estimated_rows(backend.con, source.table) if backend.name == "postgres" else None
    return (rows is not None and rows * columns <= MAX_CELLS) or 0 < source.rows * columns <= MAX_CELLS


def _write(batches: Iterator[pa.RecordBatch], path: Path) -> bool:
    """Whether all rows were written; false where there are none, or too many of them, or of their bytes."""
    writer = None
    held: list[pa.RecordBatch] = []
    size = cells = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        cells += batch.num_rows * batch.num_columns
        if size > MAX_BYTES or cells > MAX_CELLS:
            break
        if sum(map(len, held)) >= ROWS_PER_FRAME:
            writer = _write_group(writer, held, path)
            held = []
    is_small = 0 < size <= MAX_BYTES and cells <= MAX_CELLS
    if held and is_small:
        writer = _write_group(writer, held, path)
    if writer is not None:
        writer.close()
    return is_small


def _write_group(writer: ParquetWriter | None, batches: Sequence[pa.RecordBatch], path: Path) -> ParquetWriter:
    """Write rows as one row group, since small ones would make every later pass slower."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    table = pa.Table.from_batches(batches)
    if writer is None:
        # Numbers seldom repeat: looking for a dictionary of them costs more than it saves. So do the smallest and the largest
        # text, which nothing reads, and compression of a file that is read for some seconds.
        texts = [field.name for field in table.schema if is_text_or_bytes(field.type)]
        others = [name for name in table.schema.names if name not in texts]
        writer = ParquetWriter(path, table.schema, compression="none", use_dictionary=texts, write_statistics=others)
    writer.write_table(table)
    return writer


def open_table_relation(source: TableRows, *, role: str, uri: str) -> PushedRelation | CopiedRelation:
    """The rows of a table, from their copy or in their database."""
    if source.copy is None:
        return PushedRelation(source, role=role, uri=uri)
    return CopiedRelation(source, source.copy, role=role, uri=uri)


class CopiedRelation(LocalRelation):
    """The rows of a table that were copied here; only nulls of columns that are not comparable are asked of the database."""

    def __init__(self, source: TableRows, copy: ParquetRows, *, role: str, uri: str) -> None:
        super().__init__(_CopiedRows(source, copy, role=role, uri=uri), role=role, uri=uri)
        self.source, self._copy = source, copy
        self._summaries, self._cached_labels = source.summaries, source.labels

    def _count_missing(self, names: Sequence[str]) -> dict[str, int]:
        aside = [name for name in names if name in self.source.incomparable]
        pushed = PushedRelation(self.source, role=self.role, uri=self.uri).missing(aside) if aside else {}
        return pushed | super()._count_missing([name for name in names if name not in pushed])

    def merging(self, names: Sequence[str]) -> frozenset[str]:
        """The columns of these with integers or decimals that float64 merges with their neighbours."""
        schema = self.source.table.schema()
        return frozenset(name for name in names if may_merge(schema[name]) and not self._is_exact(name))

    def _is_exact(self, name: str) -> bool:
        try:
            self.summaries([name])
        except CheckError:
            return False
        return True

    def count_distinct(self, name: str, *, most: int) -> int:
        """Number of different values of a column, a null among them, up to `most`."""
        found: set[Any] = set()
        for piece in self._copy.pieces(name, encoded=True):
            found.update(piece.unique().to_pylist())
            if len(found) >= most:
                break
        return min(len(found), most)

    def exact_range(self, name: str) -> tuple[Any, Any]:
        """The smallest and the largest value of a column as the database holds them; None where there is none."""
        import pyarrow.compute as pc

        ends = [
            end for piece in self._copy.pieces(name) for end in pc.min_max(piece).as_py().values() if end is not None
        ]
        return (min(ends), max(ends)) if ends else (None, None)


@dataclass(frozen=True)
class _CopiedRows:
    """The columns of a table, from a copy that lacks those that are not comparable."""

    source: TableRows
    copy: ParquetRows
    role: str
    uri: str

    @property
    def rows(self) -> int:
        return self.copy.rows

    @property
    def names(self) -> tuple[str, ...]:
        return self.source.names

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        return self._holding([name]).numbers(name)

    def labels(self, name: str) -> Labels:
        return self._holding([name]).labels(name)

    def missing(self, name: str) -> int:
        return self._holding([name]).missing(name)

    def integers(self, names: Sequence[str]) -> frozenset[str]:
        return self._holding(names).integers(names)

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        aside = [name for name in names if name in self.source.incomparable]
        pushed = PushedRelation(self.source, role=self.role, uri=self.uri).kinds(aside)
        return pushed | self.copy.kinds([name for name in names if name not in pushed])

    def frames(self, names: Sequence[str], *, rows: int) -> Iterator[pd.DataFrame]:
        return self._holding(names).frames(names, rows=rows)

    def picked(self, names: Sequence[str], places: np.ndarray) -> pd.DataFrame:
        return self._holding(names).picked(names, places)

    def picked_frames(self, names: Sequence[str], places: np.ndarray) -> Iterator[pd.DataFrame]:
        return self._holding(names).picked_frames(names, places)

    def _holding(self, names: Sequence[str]) -> ParquetRows:
        self.source.require_comparable(names, role=self.role, uri=self.uri)
        return self.copy
