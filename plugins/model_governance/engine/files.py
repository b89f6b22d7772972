"""Rows in a Parquet file: read column by column and piece by piece, never as a whole."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from model_governance.engine.arrow import as_numbers, count_missing
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

    from model_governance.engine.labels import Labels
    from model_governance.engine.stored import StoredFile

ROWS_PER_PIECE = 131_072
CELLS_PER_PIECE = 1 << 20  # values of all columns of a piece of whole rows


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

    @property
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
        """These columns (all when None) of all rows, in memory, with the types that pandas stored."""
        import pandas as pd

        if isinstance(self.file, StoredFiles):
            names = self.names if columns is None else columns
            if not names:
                return pd.DataFrame(index=pd.RangeIndex(self.rows))
            return _with_types(list(self._batches(names, rows=ROWS_PER_PIECE)), self.schema, names)
        wanted = None if columns is None else list(columns)
        # An open file, not its path: pandas would make columns of folders called key=value.
        with self._reading(), self.file.path.open("rb") as opened:
            frame = pd.read_parquet(opened, engine="pyarrow", columns=wanted)
        frame = flat(frame)
        frame.columns = frame.columns.map(str)
        return frame if columns is None else frame[list(columns)]

    def write(self, path: Path) -> Path:
        """Write all rows to one Parquet file, piece by piece; returns its path."""
        from pyarrow.parquet import ParquetWriter

        with ParquetWriter(path, self.schema, compression="lz4") as writer:
            for batch in self._batches(self.schema.names, rows=ROWS_PER_PIECE):
                writer.write_batch(batch)
        return path

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values that are not null, float64."""
        return (as_numbers(piece, name=name, role=self.role) for piece in self._pieces(name))

    def labels(self, name: str) -> Labels:
        """Rows per label."""
        return tally_pieces(partial(self._pieces, name))

    def missing(self, name: str) -> int:
        """Rows without a value: null or NaN."""
        return sum(count_missing(piece) for piece in self._pieces(name))

    def integers(self, names: Sequence[str]) -> frozenset[str]:
        """The columns of these that are integers without a missing value."""
        return frozenset(name for name in names if name in self._integers and name not in self._incomplete_integers)

    def frames(self, names: Sequence[str], *, rows: int) -> Iterator[pd.DataFrame]:
        """The rows in order, `rows` at a time; integer columns with a missing value anywhere are floats everywhere."""
        start = 0
        floats = {name: "float64" for name in names if name in self._incomplete_integers}
        for batch in self._batches(names, rows=rows):
            frame = _frame(batch, names).astype(floats)
            frame.index = frame.index + start
            yield frame
            start += len(frame)

    def picked(self, names: Sequence[str], places: np.ndarray) -> pd.DataFrame:
        """The rows at these ascending places."""
        import pyarrow as pa

        return _frame(pa.Table.from_batches(self._picked(names, places)), names)

    def picked_frames(self, names: Sequence[str], places: np.ndarray) -> Iterator[pd.DataFrame]:
        """The rows at these ascending places, piece by piece; types as those of `frames`."""
        floats = {name: "float64" for name in names if name in self._incomplete_integers}
        for batch in self._picked(names, places):
            if len(batch):
                yield _frame(batch, names).astype(floats)

    def _picked(self, names: Sequence[str], places: np.ndarray) -> Iterator[pa.RecordBatch]:
        import numpy as np
        import pyarrow as pa

        start = 0
        rows = max(1, min(ROWS_PER_PIECE, CELLS_PER_PIECE // max(len(names), 1)))
        for batch in self._batches(names, rows=rows):
            low, high = np.searchsorted(places, [start, start + len(batch)])
            yield batch.take(pa.array(places[low:high] - start))
            start += len(batch)

    @cached_property
    def _integers(self) -> frozenset[str]:
        import pyarrow as pa

        with self._reading(), self._readers.lend() as opened:
            return frozenset(field.name for field in opened.schema_arrow if pa.types.is_integer(field.type))

    @cached_property
    def _incomplete_integers(self) -> frozenset[str]:
        """Integer columns with a missing value, or for which the file's metadata do not exclude one."""
        integers = self._integers
        with self._reading(), self._readers.lend() as opened:
            groups = [opened.metadata.row_group(number) for number in range(opened.metadata.num_row_groups)]
            columns = [group.column(place) for group in groups for place in range(group.num_columns)]
            return frozenset(
                column.path_in_schema
                for column in columns
                if column.path_in_schema in integers
                and (column.statistics is None or not column.statistics.has_null_count or column.statistics.null_count)
            )

    def _pieces(self, name: str, *, encoded: bool = False) -> Iterator[pa.Array]:
        for batch in self._batches([name], rows=ROWS_PER_PIECE, encoded=encoded):
            yield batch.column(batch.schema.get_field_index(name))

    def _batches(self, names: Sequence[str], *, rows: int, encoded: bool = False) -> Iterator[pa.RecordBatch]:
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
                f"{self.file.uri}: dataset {self.role!r} cannot be read as parquet: {error}; "
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
    return (*named, *(name for name in schema.names if name not in stored))


def _frame(batch: pa.RecordBatch | pa.Table, names: Sequence[str]) -> pd.DataFrame:
    return batch.select(list(names)).to_pandas(ignore_metadata=True)


def _with_types(batches: list[pa.RecordBatch], schema: pa.Schema, names: Sequence[str]) -> pd.DataFrame:
    """Rows of many files as one frame, with the types that pandas stored in the first."""
    import pyarrow as pa

    table = pa.Table.from_batches(batches)
    kept = pa.schema([schema.field(name).with_type(table.schema.field(name).type) for name in names])
    frame = table.cast(kept).replace_schema_metadata(schema.metadata).to_pandas(ignore_metadata=False)
    frame = flat(frame)
    frame.columns = frame.columns.map(str)
    return frame[list(names)]
