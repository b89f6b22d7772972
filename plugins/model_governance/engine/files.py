"""Rows in a Parquet file: read column by column and piece by piece, never as a whole."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from model_governance.contract.text import library_words
from model_governance.engine.arrow import as_numbers, count_missing
from model_governance.engine.column_kinds import kind_of_type
from model_governance.engine.frames import EXACT, is_exact_as_float, is_index, prepared, to_frame
from model_governance.engine.many_files import ManyReaders
from model_governance.engine.readers import Readers
from model_governance.engine.stored import StoredFiles
from model_governance.engine.tallies import tally_pieces
from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from model_governance.engine.column_kinds import Kind
    from model_governance.engine.labels import Labels
    from model_governance.engine.stored import StoredFile

ROWS_PER_PIECE = 131_072
CELLS_PER_PIECE = 1 << 20  # values of all columns of a piece of whole rows
INT64_DIGITS = 18  # decimal digits that every 64-bit integer has room for


@dataclass(frozen=True)
class ParquetRows:
    """The columns of a Parquet file, or of many as one, in the names and order that pandas gives them.

    Every pass ends with a check of the file: rows of other bytes than those digested are refused.
    """

    file: StoredFile
    role: str

    @cached_property
    def _readers(self) -> Readers | ManyReaders:
        return ManyReaders(self.file) if isinstance(self.file, StoredFiles) else Readers(self.file.path)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns with their Arrow types, in the order of the file."""
        with self._reading(), self._readers.lend() as opened:
            return opened.schema_arrow

    @cached_property
    def _shape(self) -> tuple[int, tuple[str, ...]]:
        with self._reading(), self._readers.lend() as opened:
            return opened.metadata.num_rows, _names(opened.schema_arrow)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self._shape[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self._shape[1]

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """These columns (all when None) of all rows, in memory."""
        wanted = self.names if columns is None else tuple(columns)
        if not wanted:
            import pandas as pd

            return pd.DataFrame(index=pd.RangeIndex(self.rows))
        with self._reading(), self._readers.lend(columns=len(wanted)) as opened:
            table = opened.read(columns=list(wanted), use_threads=True)
        return to_frame(table.select(list(wanted)))

    def write(self, path: Path) -> Path:
        """Write all rows to one Parquet file, piece by piece; returns its path."""
        from pyarrow.parquet import ParquetWriter

        with ParquetWriter(path, self.schema, compression="lz4") as writer:
            for batch in self.batches(self.schema.names, rows=ROWS_PER_PIECE):
                writer.write_batch(batch)
        return path

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values that are not null, float64."""
        return (as_numbers(piece, name=name, role=self.role) for piece in self.pieces(name))

    def labels(self, name: str) -> Labels:
        """Rows per label."""
        return tally_pieces(partial(self.pieces, name))

    def missing(self, name: str) -> int:
        """Rows without a value: null or NaN."""
        return sum(count_missing(piece) for piece in self.pieces(name))

    def integers(self, names: Sequence[str]) -> frozenset[str]:
        """The columns of these that are integers without a missing value."""
        gaps = self._gaps(names)
        return frozenset(name for name in names if name in self._integers and name not in gaps)

    def frames(self, names: Sequence[str], *, rows: int) -> Iterator[pd.DataFrame]:
        """The rows in order, `rows` at a time; a column has one type, whichever of the pieces holds its gaps."""
        start = 0
        for batch in self.batches(names, rows=rows):
            frame = self._frame(batch, names)
            frame.index = frame.index + start
            yield frame
            start += len(frame)

    def picked(self, names: Sequence[str], places: np.ndarray) -> pd.DataFrame:
        """The rows at these ascending places."""
        import pyarrow as pa

        return self._frame(pa.Table.from_batches(self._picked(names, places)), names)

    def picked_frames(self, names: Sequence[str], places: np.ndarray) -> Iterator[pd.DataFrame]:
        """The rows at these ascending places, piece by piece; types as those of `frames`."""
        for batch in self._picked(names, places):
            if len(batch):
                yield self._frame(batch, names)

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        """What these columns hold."""
        return {name: kind_of_type(self.schema.field(name).type) for name in names}

    def _frame(self, batch: pa.RecordBatch | pa.Table, names: Sequence[str]) -> pd.DataFrame:
        gaps = self._gaps(names)
        nullable = [name for name, exact in gaps.items() if not exact]
        return to_frame(batch.select(list(names)), nullable=nullable, floats=[name for name in gaps if gaps[name]])

    def _gaps(self, names: Sequence[str]) -> dict[str, bool]:
        """The integer columns of these with a missing value, and whether float64 holds all their integers."""
        for name in names:
            if name in self._integers and name not in self._known_gaps:
                self._known_gaps[name] = self._look_for_gaps(name)
        known = {name: self._known_gaps.get(name) for name in names}
        return {name: exact for name, exact in known.items() if exact is not None}

    def _look_for_gaps(self, name: str) -> bool | None:
        """None where the column is complete; the rows decide where the file's statistics do not."""
        gaps, exact = self._statistics.get(name, (None, False))
        if gaps is not None and (exact or not gaps):
            return True if gaps else None
        missing, exact = 0, True
        for piece in self.pieces(name):
            missing += piece.null_count
            exact = exact and is_exact_as_float(prepared(piece))
        return exact if missing else None

    @cached_property
    def _statistics(self) -> dict[str, tuple[bool | None, bool]]:
        """Whether each column has gaps (None: not known), and whether its integers are known to be exact as float64."""
        with self._reading(), self._readers.lend() as opened:
            groups = [opened.metadata.row_group(number) for number in range(opened.metadata.num_row_groups)]
            columns = [group.column(place) for group in groups for place in range(group.num_columns)]
            known: dict[str, list[tuple[bool | None, bool]]] = {}
            for column in columns:
                if column.path_in_schema in self._integers:
                    known.setdefault(column.path_in_schema, []).append(_of_chunk(column.statistics))
        return {
            name: (
                None if any(gap is None for gap, _ in chunks) else any(gap for gap, _ in chunks),
                all(exact for _, exact in chunks),
            )
            for name, chunks in known.items()
        }

    def _picked(self, names: Sequence[str], places: np.ndarray) -> Iterator[pa.RecordBatch]:
        import numpy as np
        import pyarrow as pa

        start = 0
        rows = max(1, min(ROWS_PER_PIECE, CELLS_PER_PIECE // max(len(names), 1)))
        for batch in self.batches(names, rows=rows):
            low, high = np.searchsorted(places, [start, start + len(batch)])
            yield batch.take(pa.array(places[low:high] - start))
            start += len(batch)

    @cached_property
    def _integers(self) -> frozenset[str]:
        """Columns that a frame holds as 64-bit integers or less."""
        import pyarrow as pa

        return frozenset(
            field.name
            for field in self.schema
            if pa.types.is_integer(field.type)
            or (pa.types.is_decimal(field.type) and field.type.scale <= 0 and field.type.precision <= INT64_DIGITS)
        )

    @cached_property
    def _known_gaps(self) -> dict[str, bool | None]:
        return {}

    def pieces(self, name: str, *, encoded: bool = False) -> Iterator[pa.Array]:
        """The values of a column, piece by piece; texts as dictionaries where asked for."""
        for batch in self.batches([name], rows=ROWS_PER_PIECE, encoded=encoded):
            yield batch.column(batch.schema.get_field_index(name))

    def batches(self, names: Sequence[str], *, rows: int, encoded: bool = False) -> Iterator[pa.RecordBatch]:
        """The rows of these columns in order, at most `rows` at a time."""
        with self._reading(), self._readers.lend(columns=len(names), encoded=encoded) as opened:
            yield from opened.iter_batches(batch_size=rows, columns=list(names), use_threads=False)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (pa.ArrowException, OSError, ValueError) as error:
            self.file.verify()
            raise SubjectError(
                f"{self.file.uri}: dataset {self.role!r} cannot be read as parquet: {library_words(error)}; "
                "correct `format`, or have the file written again"
            ) from error
        self.file.verify()


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn an index that pandas stored with the data back into columns; an unnamed one is dropped."""
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(drop=not named)


def is_plain(schema: pa.Schema) -> bool:
    """Whether the columns of the file are the columns of the frame; false for an index that exists only in the metadata."""
    described = (schema.pandas_metadata or {}).get("index_columns", [])
    return not any(isinstance(index, dict) and index.get("name") is not None for index in described)


def _names(schema: pa.Schema) -> tuple[str, ...]:
    """The names of the columns: named index columns first; unnamed ones are not columns."""
    metadata = schema.pandas_metadata or {}
    stored = [index for index in metadata.get("index_columns", []) if isinstance(index, str)]
    unnamed = {column["field_name"] for column in metadata.get("columns", []) if column.get("name") is None}
    named = [index for index in stored if index not in unnamed]
    return (*named, *(name for name in schema.names if name not in stored and not is_index(name)))


def _of_chunk(statistics: Any) -> tuple[bool | None, bool]:
    """Whether a column chunk has gaps (None: not known), and whether its integers are known to be exact as float64."""
    if statistics is None:
        return None, False
    gaps = bool(statistics.null_count) if statistics.has_null_count else None
    ends = (statistics.min, statistics.max) if statistics.has_min_max else (None, None)
    return gaps, all(isinstance(end, int) and abs(end) <= EXACT for end in ends)
