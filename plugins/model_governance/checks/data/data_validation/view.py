"""The current rows as a DuckDB view over a file, so that none of them is held in memory.

The view converts values as pandas would: NaN is missing, a boolean is 0 or 1, a decimal a float, a date its
midnight, a time with a zone its UTC time.
"""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_validation.columns import Column, is_nested_in_duckdb, kind_in_duckdb, of_frame
from model_governance.engine.column_kinds import kind_of_type
from model_governance.engine.files import INT64_DIGITS, ParquetRows
from model_governance.engine.frames import EXACT, UNIQUE_DIGITS
from model_governance.engine.stored import Spool, StoredFiles, link_parts
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from model_governance.contract.subject import Dataset

NAME = "current_rows"
ROWS_PER_PIECE = 100_000
COLUMNS_AT_ONCE = 4
MIB = 1 << 20
FLOATS = ("FLOAT", "DOUBLE")
SETTINGS = {
    "threads": 1,  # a sum of floats depends on the order of adding
    # A file's statistics ignore NaN: DuckDB would answer `isnan(x)` and `x > 5` from them, and wrongly.
    "disabled_optimizers": "statistics_propagation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A database file with the view `current_rows`, its columns, and the settings of a connection to it."""

    database: Path
    rows: int
    columns: Mapping[str, Column]

    def config(self, *, columns: int, quantiles: int = 0) -> dict[str, Any]:
        """DuckDB's settings for a connection that reads `columns` columns and `quantiles` quantiles of a column at once.

        Groups and sorted rows spill to disk where memory ends; the values of a quantile cannot.
        """
        memory = 96 * MIB + 2 * MIB * columns + 32 * self.rows * quantiles
        return SETTINGS | {
            "memory_limit": f"{memory // MIB}MiB",
            "temp_directory": str(self.database.parent / "spill"),
            "preserve_insertion_order": False,
            "access_mode": "read_only",
        }

    def frame(self, names: Sequence[str]) -> pd.DataFrame:
        """Some columns in memory, for what only pandas can evaluate."""
        import duckdb

        with closing(duckdb.connect(self.database, config=self.config(columns=len(names)))) as connection:
            return connection.execute(f"SELECT {', '.join(map(_quoted, names))} FROM {NAME}").df()  # noqa: S608


@contextmanager
def open_view(dataset: Dataset, *, used: Collection[str]) -> Iterator[View]:
    """The rows of a dataset behind a view; a Parquet file is used in place, anything else is written to one.

    Args:
        dataset: the rows.
        used: the columns that expectations read; only their values are counted completely and freed of NaN.

    Raises:
        CheckError: a column mixes types, or two names differ only in their capitals.
        SubjectError: the file changed meanwhile.
    """
    import duckdb

    with Spool() as folder:
        path = _parquet(dataset, folder)
        database = folder / "current.duckdb"
        with closing(duckdb.connect(database, config=SETTINGS)) as connection:
            source = _source(dataset, path, folder)
            described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
            types = {str(name): str(type_) for name, type_, *_ in described}
            _check_names(dataset, path, types)
            types = {name: types[name] for name in dataset.names}
            nulls = _nulls(dataset, path, types)
            missing, unclean = _missing(connection, source, types, used, rows=dataset.rows, nulls=nulls)
            ends = {} if _files_of(dataset) is not None else _ends(path)
            inexact = _inexact(connection, source, {name: types[name] for name in types if name in used}, ends=ends)
            cleaned = {
                name: None if name in inexact else _cleaned(name, type_, unclean) for name, type_ in types.items()
            }
            parts = [_quoted(name) if sql is None else f"{sql} AS {_quoted(name)}" for name, sql in cleaned.items()]
            connection.execute(f"CREATE VIEW {NAME} AS SELECT {', '.join(parts)} FROM {source}")  # noqa: S608
        columns = {
            name: Column(
                name=name,
                kind=kind_in_duckdb(type_),
                values=dataset.rows - missing[name],
                missing=missing[name],
                zoned=_is_zoned(type_),
                nested=is_nested_in_duckdb(type_),
                exact=name not in inexact,
            )
            for name, type_ in types.items()
        }
        yield View(database=database, rows=dataset.rows, columns=columns)
        if isinstance(dataset.source, ParquetRows):
            dataset.source.file.verify()


def _missing(
    connection: Any,
    source: str,
    types: Mapping[str, str],
    used: Collection[str],
    *,
    rows: int,
    nulls: Mapping[str, int | None],
) -> tuple[dict[str, int], set[str]]:
    """Rows without a value per column, and the columns of floats that hold NaN.

    The file's metadata count nulls but not NaN, so used floats are read once. For the other floats it suffices that
    there is a value, which the first rows show.
    """
    floats = [name for name, type_ in types.items() if type_ in FLOATS]
    counted = _counts(connection, source, {name: f"count({_quoted(name)})" for name in types if nulls[name] is None})
    missing = {name: rows - counted[name] if known is None else known for name, known in nulls.items()}
    is_nan = {name: f"count(CASE WHEN isnan({_quoted(name)}) THEN 1 END)" for name in floats if name in used}
    nans = _counts(connection, source, is_nan)
    for name in set(floats) - nans.keys():
        has_value = f"SELECT 1 FROM {source} WHERE NOT isnan({_quoted(name)}) LIMIT 1"  # noqa: S608
        nans[name] = 0 if connection.execute(has_value).fetchone() else rows - missing[name]
    return {name: rows + nans.get(name, 0) for name, rows in missing.items()}, {name for name in nans if nans[name]}


def _counts(connection: Any, source: str, aggregates: Mapping[str, str]) -> dict[str, int]:
    """Counts by column, a few columns at a time, because DuckDB holds a row group of every column that it reads."""
    counts: dict[str, int] = {}
    for start in range(0, len(aggregates), COLUMNS_AT_ONCE):
        names = list(aggregates)[start : start + COLUMNS_AT_ONCE]
        selected = ", ".join(aggregates[name] for name in names)
        row = connection.execute(f"SELECT {selected} FROM {source}").fetchone()  # noqa: S608
        counts |= dict(zip(names, map(int, row), strict=True))
    return counts


def _nulls(dataset: Dataset, path: Path, types: Mapping[str, str]) -> dict[str, int | None]:
    """Nulls per column from the file's metadata; None where they do not count them."""
    import pyarrow.parquet as pq

    nulls: dict[str, int | None] = dict.fromkeys(types)
    if _files_of(dataset) is not None:
        return nulls
    metadata = pq.read_metadata(path)
    places = {metadata.schema.column(place).path: place for place in range(metadata.num_columns)}
    for name in types.keys() & places.keys():
        statistics = [
            metadata.row_group(group).column(places[name]).statistics for group in range(metadata.num_row_groups)
        ]
        if all(group is not None and group.has_null_count for group in statistics):
            nulls[name] = sum(int(group.null_count) for group in statistics)
    return nulls


def _cleaned(name: str, type_: str, unclean: set[str]) -> str | None:
    """SQL that converts a column to what pandas would hold; None where no conversion is needed."""
    column = _quoted(name)
    if type_ in FLOATS:
        # By its text, 0.3 of single precision is 0.3; a cast makes 0.30000001192092896 of it.
        wide = column if type_ == "DOUBLE" else f"CAST(CAST({column} AS VARCHAR) AS DOUBLE)"
        # Testing every float for NaN would cost half as much again as the whole suite.
        return f"CASE WHEN isnan({column}) THEN NULL ELSE {wide} END" if name in unclean else _unless(wide, column)
    if type_ == "BOOLEAN":
        return f"CAST({column} AS TINYINT)"
    if type_.endswith("HUGEINT"):
        return f"CAST({column} AS DOUBLE)"
    if type_.startswith("DECIMAL"):
        return _number(column, *map(int, re.findall(r"\d+", type_)))
    if type_ == "DATE":
        return f"CAST({column} AS TIMESTAMP)"
    if _is_zoned(type_):
        return f"make_timestamp(epoch_us(CAST({column} AS TIMESTAMPTZ)))"
    if type_.startswith("TIMESTAMP_"):
        return f"CAST({column} AS TIMESTAMP)"
    return f"CAST({column} AS VARCHAR)" if type_ == "UUID" or type_.startswith("ENUM") else None


def _number(column: str, digits: int, places: int) -> str | None:
    """A decimal as the number that holds it; None where only the decimal does."""
    if places == 0:
        return f"CAST({column} AS BIGINT)" if digits <= INT64_DIGITS else None
    return f"CAST({column} AS DOUBLE)"


def _inexact(
    connection: Any, source: str, types: Mapping[str, str], *, ends: Mapping[str, tuple[int, ...]]
) -> set[str]:
    """The columns of integers or decimals of which float64 does not hold every number."""
    suspects = {
        name: type_
        for name, type_ in types.items()
        if (type_ in ("BIGINT", "UBIGINT") and max(map(abs, ends.get(name, (EXACT + 1,)))) > EXACT)
        or (type_.startswith("DECIMAL") and int(re.findall(r"\d+", type_)[0]) > UNIQUE_DIGITS)
    }
    changed = {}
    for name, type_ in suspects.items():
        column = _quoted(name)
        as_float = f"CAST({column} AS DOUBLE)"
        # The shortest text of a float is the decimal that it stands for.
        shown = f"CAST({as_float} AS VARCHAR)" if kind_in_duckdb(type_) == "number" else as_float
        back = f"TRY_CAST({shown} AS {type_})"
        changed[name] = f"count(CASE WHEN {back} IS DISTINCT FROM {column} THEN 1 END)"
    return {name for name, rows in _counts(connection, source, changed).items() if rows}


def _ends(path: Path) -> dict[str, tuple[int, ...]]:
    """Smallest and largest integers of the column chunks, of columns for which the file's metadata say them all."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)
    ends: dict[str, tuple[int, ...]] = {}
    for place in range(metadata.num_columns):
        chunks = [metadata.row_group(group).column(place).statistics for group in range(metadata.num_row_groups)]
        known = [end for chunk in chunks if chunk is not None and chunk.has_min_max for end in (chunk.min, chunk.max)]
        if len(known) == 2 * len(chunks) and all(isinstance(end, int) for end in known):
            ends[metadata.schema.column(place).path] = tuple(known)
    return ends


def _is_zoned(type_: str) -> bool:
    return "TIME ZONE" in type_ or type_.startswith("TIMESTAMPTZ")


def _unless(sql: str, same: str) -> str | None:
    return None if sql == same else sql


def integer_columns(dataset: Dataset) -> frozenset[str]:
    """Integer columns in the Parquet file of a dataset, which pandas holds as floats where values are missing."""
    if not isinstance(dataset.source, ParquetRows):
        return frozenset()
    return frozenset(field.name for field in dataset.source.schema if kind_of_type(field.type) == "integer")


def _parquet(dataset: Dataset, folder: Path) -> Path:
    path = folder / "current.parquet"
    if isinstance(dataset.source, ParquetRows):
        return dataset.source.write(path) if _is_table_of_files(dataset) else dataset.source.file.path
    _write(dataset.frame, path, uri=dataset.uri)
    return path


def _write(frame: pd.DataFrame, path: Path, *, uri: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pa.Schema.from_pandas(frame, preserve_index=False)
        with pq.ParquetWriter(path, schema) as writer:
            for start in range(0, len(frame), ROWS_PER_PIECE):
                piece = frame.iloc[start : start + ROWS_PER_PIECE]
                writer.write_table(pa.Table.from_pandas(piece, schema=schema, preserve_index=False))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        mixed = ", ".join(column.name for column in of_frame(frame).values() if column.kind == "mixed")
        reason = f"column(s) {mixed} hold values of several types" if mixed else " ".join(str(error.args[-1]).split())
        raise CheckError(
            f"{uri}: the rows cannot be read by SQL: {reason}; write the column as one type, "
            "or set params.engine to pandas"
        ) from error


def _check_names(dataset: Dataset, path: Path, types: Mapping[str, str]) -> None:
    files = _files_of(dataset)
    names = [*_names_in(path), *(files.partition_types if files else ())]
    folded = [name.casefold() for name in names]
    ambiguous = sorted(name for name, low in zip(names, folded, strict=True) if folded.count(low) > 1)
    if ambiguous or list(types) != names:
        raise CheckError(
            f"{dataset.uri}: SQL cannot distinguish columns {', '.join(ambiguous) or ', '.join(names)}, whose names differ "
            "only in capitals; rename them, or set params.engine to pandas"
        )


def _names_in(path: Path) -> list[str]:
    """The columns of a Parquet file."""
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def _files_of(dataset: Dataset) -> StoredFiles | None:
    """The files of a dataset of many; None for one file and for rows in memory."""
    source = dataset.source
    files = source.file if isinstance(source, ParquetRows) else None
    return files if isinstance(files, StoredFiles) and files.schema is None else None


def _is_table_of_files(dataset: Dataset) -> bool:
    """Whether the files are those of a table with a schema of its own, which SQL would not know."""
    source = dataset.source
    files = source.file if isinstance(source, ParquetRows) else None
    return isinstance(files, StoredFiles) and files.schema is not None


def _source(dataset: Dataset, path: Path, folder: Path) -> str:
    """SQL that reads the rows; without it DuckDB would take folders called key=value for columns that it guesses the type of."""
    files = _files_of(dataset)
    if files is None:
        return f"read_parquet({_text(str(path))}, hive_partitioning=false)"
    links = ", ".join(_text(str(link)) for link in link_parts(files, folder / "parts"))
    kinds = {"int64": "BIGINT", "string": "VARCHAR"}
    types = ", ".join(f"{_text(key)}: {kinds[kind]}" for key, kind in files.partition_types.items())
    hive = f"hive_partitioning=true, hive_types={{{types}}}" if types else "hive_partitioning=false"
    # DuckDB sorts the columns of folders by name.
    columns = ", ".join(map(_quoted, [*_names_in(path), *files.partition_types]))
    return f"(SELECT {columns} FROM read_parquet([{links}], union_by_name=true, {hive}))"  # noqa: S608


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
