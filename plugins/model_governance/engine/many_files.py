"""Many Parquet files read as one: what `ParquetFile` offers, over all of them, with the values of their folders as columns."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from model_governance.contract.text import library_words
from model_governance.engine.readers import Readers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyarrow.parquet import ParquetFile, RowGroupMetaData

    from model_governance.engine.stored import PartFile, StoredFiles

ROWS_AT_ONCE = 1 << 17


class ManyReaders:
    """Readers of many files, opened one after the other; `lend` is that of `Readers`."""

    def __init__(self, files: StoredFiles) -> None:
        self._files = files
        self._readers = [Readers(part.file.path) for part in files.parts]

    @contextmanager
    def lend(self, *, columns: int = 1, encoded: bool = False) -> Iterator[ManyFiles]:
        """All files as one.

        Args:
            columns: number of columns of the pass.
            encoded: texts arrive as dictionaries.
        """
        yield ManyFiles(self, columns=columns, encoded=encoded)

    @property
    def files(self) -> StoredFiles:
        """The files."""
        return self._files

    def of_part(self, place: int) -> Readers:
        """The readers of one file."""
        return self._readers[place]

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of all files, of types that hold the values of each exactly, then the columns that folders name.

        Raises:
            ValueError: a file lacks a column or holds it as another kind; the file, the column and both types are named.
        """
        import pyarrow as pa

        if self._files.schema is not None:
            return self._files.schema
        schemas = []
        for place in range(len(self._readers)):
            with self.of_part(place).lend() as opened:
                schemas.append(opened.schema_arrow)
        first = schemas[0]
        fields = {field.name: field.type for field in first}
        for part, schema in zip(self._files.parts[1:], schemas[1:], strict=True):
            if schema.equals(first):
                continue
            _require_columns(self._files.parts[0], first, part, schema)
            for name in fields:
                fields[name] = _wider(fields[name], schema.field(name).type, name, part)
        doubled = sorted(set(self._files.partition_types) & set(fields))
        if doubled:
            raise ValueError(f"column(s) {', '.join(doubled)} stand in the files and in the names of their folders")
        columns = [pa.field(name, kind) for name, kind in fields.items()]
        columns += [pa.field(name, pa.type_for_alias(kind)) for name, kind in self._files.partition_types.items()]
        return pa.schema(columns, metadata=first.metadata)

    @cached_property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(group.num_rows for group in self.row_groups)

    @cached_property
    def row_groups(self) -> list[RowGroupMetaData]:
        """What the files say about their row groups."""
        groups = []
        for place in range(len(self._readers)):
            with self.of_part(place).lend() as opened:
                groups += [opened.metadata.row_group(number) for number in range(opened.metadata.num_row_groups)]
        return groups


class ManyFiles:
    """All files of a dataset with the interface of one open `ParquetFile`."""

    def __init__(self, readers: ManyReaders, *, columns: int, encoded: bool) -> None:
        self._readers = readers
        self._columns = columns
        self._encoded = encoded

    @property
    def schema_arrow(self) -> pa.Schema:
        """The columns of all files."""
        return self._readers.schema

    @property
    def metadata(self) -> _Metadata:
        """What the files say about their rows."""
        return _Metadata(self._readers)

    def iter_batches(
        self, *, batch_size: int, columns: Sequence[str], use_threads: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """The rows of these columns, file after file, `batch_size` at a time whatever the sizes of the files."""
        import pyarrow as pa

        held: list[pa.RecordBatch] = []
        for batch in self._batches(batch_size, columns, use_threads=use_threads):
            held.append(batch)
            while sum(map(len, held)) >= batch_size:
                whole = _joined(held)
                yield whole.slice(0, batch_size)
                held = [whole.slice(batch_size)] if len(whole) > batch_size else []
        if held:
            yield _joined(held)
        elif not self._readers.rows:
            yield pa.RecordBatch.from_pylist([], schema=pa.schema([self.schema_arrow.field(name) for name in columns]))

    def read(self, *, columns: Sequence[str], use_threads: bool = False) -> pa.Table:
        """All rows of these columns."""
        import pyarrow as pa

        return pa.Table.from_batches(
            self.iter_batches(batch_size=ROWS_AT_ONCE, columns=columns, use_threads=use_threads)
        )

    def _batches(self, batch_size: int, columns: Sequence[str], *, use_threads: bool) -> Iterator[pa.RecordBatch]:
        files = self._readers.files
        stored = [name for name in columns if name not in files.partition_types]
        for place, part in enumerate(files.parts):
            with ExitStack() as stack:
                lent = self._readers.of_part(place).lend(columns=self._columns, encoded=self._encoded)
                opened = stack.enter_context(lent)
                held = stored if files.schema is None else _held(opened, stored)
                for batch in self._read(opened, held, batch_size, use_threads=use_threads):
                    yield self._completed(batch, columns, part)

    def _read(
        self, opened: ParquetFile, stored: Sequence[str], batch_size: int, *, use_threads: bool
    ) -> Iterator[pa.RecordBatch | int]:
        """The stored columns of a file; only numbers of rows where none of them is asked for."""
        if stored:
            yield from opened.iter_batches(batch_size=batch_size, columns=list(stored), use_threads=use_threads)
            return
        rows = opened.metadata.num_rows
        for start in range(0, rows, batch_size):
            yield min(batch_size, rows - start)

    def _completed(self, batch: pa.RecordBatch | int, columns: Sequence[str], part: PartFile) -> pa.RecordBatch:
        """The columns in order, in the types of the whole dataset."""
        import pyarrow as pa

        rows = batch if isinstance(batch, int) else len(batch)
        arrays = []
        for name in columns:
            kind = self.schema_arrow.field(name).type
            if name in part.partition:
                text = pa.scalar(part.partition[name], pa.string())
                arrays.append(pa.repeat(text.cast(kind), rows))
            elif isinstance(batch, int) or name not in batch.schema.names:
                arrays.append(pa.nulls(rows, kind))
            else:
                arrays.append(_as_type(batch.column(name), kind, name, part))
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _held(opened: ParquetFile, names: Sequence[str]) -> list[str]:
    """Those of the columns of a table that a file holds; the others were added after it was written."""
    own = set(opened.schema_arrow.names)
    return [name for name in names if name in own]


class _Metadata:
    """The part of `FileMetaData` that readers of rows ask for."""

    def __init__(self, readers: ManyReaders) -> None:
        self._readers = readers

    @property
    def num_rows(self) -> int:
        return self._readers.rows

    @property
    def num_row_groups(self) -> int:
        return len(self._readers.row_groups)

    def row_group(self, place: int) -> RowGroupMetaData:
        return self._readers.row_groups[place]


def _require_columns(first: PartFile, expected: pa.Schema, part: PartFile, found: pa.Schema) -> None:
    lacking = sorted(set(expected.names) - set(found.names))
    added = sorted(set(found.names) - set(expected.names))
    if lacking or added:
        what = [f"lacks column(s) {', '.join(lacking)}"] if lacking else []
        what += [f"holds column(s) {', '.join(added)} besides"] if added else []
        raise ValueError(
            f"{part.name} {' and '.join(what)}, compared with {first.name}; write all files with the same columns, or "
            "name only those of one kind in the uri"
        )


def _wider(first: pa.DataType, second: pa.DataType, name: str, part: PartFile) -> pa.DataType:
    """The type that holds values of both; numbers stay numbers and text stays text."""
    import pyarrow as pa

    first, second = _values(first), _values(second)
    if first == second:
        return first
    try:
        both = pa.unify_schemas(
            [pa.schema([("x", first)]), pa.schema([("x", second)])], promote_options="permissive"
        ).field("x")
    except pa.ArrowException:
        both = None
    if both is None or not _alike(first, second):
        raise ValueError(f"{part.name} holds column {name!r} as {second}, other files as {first}; write it as one type")
    return both.type


def _alike(first: pa.DataType, second: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    kinds = (types.is_integer, types.is_floating, types.is_decimal), (types.is_string, types.is_large_string)
    if types.is_null(first) or types.is_null(second):
        return True
    for family in (*kinds, (types.is_timestamp,), (types.is_nested,), (types.is_time,)):
        if any(test(first) for test in family):
            return any(test(second) for test in family)
    return False


def _values(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _as_type(array: pa.Array, kind: pa.DataType, name: str, part: PartFile) -> pa.Array:
    """The array in a type that holds the same values; a dictionary of the right values stays one.

    Raises:
        ValueError: a value has no exact form in that type.
    """
    import pyarrow as pa

    if array.type == kind or (pa.types.is_dictionary(array.type) and array.type.value_type == kind):
        return array
    try:
        return array.cast(kind, safe=True)
    except pa.ArrowException as error:
        raise ValueError(
            f"{part.name}: column {name!r} is {array.type} there and {kind} in other files, and a value has no exact form as {kind} "
            f"({library_words(error)}); write it as one type"
        ) from error


def _joined(batches: list[Any]) -> pa.RecordBatch:
    import pyarrow as pa

    if len(batches) == 1:
        return batches[0]
    schemas = [batch.schema for batch in batches]
    if any(schema != schemas[0] for schema in schemas):
        # A dictionary of one file and the plain values of another.
        batches = [_decoded(batch) for batch in batches]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
