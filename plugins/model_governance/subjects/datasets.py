"""Datasets: files parsed from the bytes whose digest was taken. Queries live in `queries`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.contract.subject import Dataset
from model_governance.contract.text import library_words
from model_governance.engine.files import ParquetRows, flat, is_plain
from model_governance.engine.frames import is_index, to_frame
from model_governance.engine.stored import Spool, Stamp, StoredFile, StoredFiles
from model_governance.errors import SubjectError
from model_governance.policy import CsvSpec
from model_governance.policy.subject_spec import LAKE_FORMATS
from model_governance.subjects.arrow_files import arrow_as_parquet
from model_governance.subjects.csv_rows import CsvRows
from model_governance.subjects.delta_tables import open_delta
from model_governance.subjects.file_sets import is_many, store_many, without_stored_keys
from model_governance.subjects.iceberg_tables import open_iceberg
from model_governance.subjects.limits import check_limits
from model_governance.subjects.queries import run_query
from model_governance.subjects.sources import store_source
from model_governance.subjects.tables import open_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    import pandas as pd

    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Role
    from model_governance.policy import DatasetSpec

ENDINGS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".feather": "arrow",
    ".arrow": "arrow",
    ".ipc": "arrow",
}
MAX_IN_MEMORY = 32 << 20  # bytes of a CSV or Arrow file


def load_dataset(
    role: Role, spec: DatasetSpec, *, folder: Path, connections: Connections, labels: Collection[str] = ()
) -> Dataset:
    """The rows of one role. Column names are text and unique; rows keep the order of the source.

    The digest is that of the file's bytes, of the query's result as `queries.run_query` says, or the fingerprint of a
    table as `tables.open_table` says. A Parquet file
    is opened, not read: its rows come when they are asked for. Small CSV and Arrow files are read at once, larger
    ones are rewritten as a temporary Parquet file. `labels` names text and categories, whose numerals in a CSV file
    stay text where a number would not be written so.

    Raises:
        SubjectError: nothing there, unreadable, of unknown format, without rows, or with a column name twice.
        DigestMismatch: the policy pins a sha256 and the data is other data.
        SubjectUnreachable: the place does not answer.
    """
    if spec.query is not None:
        uri, stored = run_query(spec, folder=folder, connections=connections)
        fetched = ParquetRows(stored, role)
        _check_shape(fetched.rows, fetched.names, uri=uri, role=role)
        return Dataset(role=role, uri=uri, sha256=stored.sha256, source=fetched)
    if spec.table is not None:
        uri, sha256, source = open_table(role, spec, folder=folder, connections=connections)
        _check_shape(source.rows, source.names, uri=uri, role=role)
        aside = {"incomparable": dict(source.incomparable)} if source.incomparable else {}
        return Dataset(role=role, uri=uri, sha256=sha256, source=source, origin=aside)
    if spec.format in LAKE_FORMATS:
        return _load_lake(role, spec, folder=folder, connections=connections)
    uri = spec.uri or ""
    manifest = None
    if is_many(uri, folder):
        stored, kind, manifest = store_many(
            spec, folder=folder, connections=connections, kind_of=kind_of_ending, as_parquet=arrow_as_parquet
        )
    else:
        kind = _format(spec, uri)
        stored = store_source(
            uri, folder=folder, connections=connections, connection=spec.connection, expected=spec.sha256
        )
    origin = {} if manifest is None else {"files": len(json.loads(manifest))}
    try:
        check_limits(stored, kind)
        more = (spec, labels) if kind == "csv" else ()
        rows = OPENERS[kind](stored, role, *more)
    except SubjectError:
        raise
    except Exception as error:
        raise SubjectError(
            f"{uri}: dataset {role!r} cannot be read as {kind}: {library_words(error)}; correct `format`, or have the file written again"
        ) from error
    stored.verify()
    if isinstance(rows, ParquetRows):
        _check_shape(rows.rows, rows.names, uri=uri, role=role)
        return Dataset(role=role, uri=uri, sha256=stored.sha256, source=rows, manifest=manifest, origin=origin)
    frame = _checked(rows, uri=uri, role=role)
    return Dataset(role=role, uri=uri, sha256=stored.sha256, frame=frame, manifest=manifest, origin=origin)


def _load_lake(role: Role, spec: DatasetSpec, *, folder: Path, connections: Connections) -> Dataset:
    stored: StoredFile
    if spec.format == "delta":
        table = open_delta(spec, folder=folder, connections=connections)
        stored, manifest, origin = table.files, table.manifest, table.origin
    else:
        stored, manifest, origin = open_iceberg(spec, folder=folder)
    check_limits(stored, "parquet")
    rows = ParquetRows(stored, role)
    _check_shape(rows.rows, rows.names, uri=stored.uri, role=role)
    return Dataset(role=role, uri=stored.uri, sha256=stored.sha256, source=rows, manifest=manifest, origin=origin)


def _format(spec: DatasetSpec, uri: str) -> str:
    if spec.format is not None and spec.format != "sql":
        return spec.format
    kind = kind_of_ending(uri)
    if kind is None:
        raise SubjectError(
            f"{uri}: the ending says no format; rename the file to one of {', '.join(ENDINGS)} "
            "or set `format` to parquet, csv or arrow"
        )
    return kind


def kind_of_ending(name: str) -> str | None:
    """The format that the ending of a file says; None where it says none."""
    return next((kind for ending, kind in ENDINGS.items() if name.lower().endswith(ending)), None)


def _checked(frame: pd.DataFrame, *, uri: str, role: Role) -> pd.DataFrame:
    frame.columns = frame.columns.map(str)
    _check_shape(len(frame), tuple(frame.columns), uri=uri, role=role)
    return frame


def _check_shape(rows: int, names: Sequence[str], *, uri: str, role: Role) -> None:
    if rows == 0:
        raise SubjectError(f"{uri}: dataset {role!r} has no rows; an empty dataset is never a pass")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise SubjectError(f"{uri}: column(s) {', '.join(twice)} of dataset {role!r} occur more than once; rename them")


def _open_parquet(stored: StoredFile, role: Role) -> ParquetRows | pd.DataFrame:
    from pyarrow.parquet import ParquetFile, read_table

    if isinstance(stored, StoredFiles):
        return _open_many(stored, role)
    with ParquetFile(stored.path) as opened:
        if is_plain(opened.schema_arrow):
            # The first rows show at once what their description only promises.
            next(opened.iter_batches(batch_size=1), None)
            return ParquetRows(stored, role)
    with stored.path.open("rb") as content:
        return flat(read_table(content).to_pandas())


def _open_many(files: StoredFiles, role: Role) -> ParquetRows:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(files.path) as opened:
        files = without_stored_keys(files, opened.schema_arrow.names)
    rows = ParquetRows(files, role)
    rows.schema  # noqa: B018 - files that do not fit together are told before anything is measured
    return rows


def _open_arrow(stored: StoredFile, role: Role) -> ParquetRows | pd.DataFrame:
    return _open_parquet(arrow_as_parquet(stored), role)


def _open_csv(stored: StoredFile, role: Role, spec: DatasetSpec, labels: Collection[str]) -> ParquetRows | pd.DataFrame:
    """The rows of a small file in memory; those of a large one in a temporary Parquet file."""
    import pyarrow as pa

    rows = CsvRows(stored.path, spec.csv or CsvSpec(), labels=labels)
    schema = rows.schema
    if stored.stamp.size <= MAX_IN_MEMORY:
        table = pa.Table.from_batches(rows.batches(), schema)
        return to_frame(table.select([place for place, name in enumerate(schema.names) if not is_index(name)]))
    from pyarrow.parquet import ParquetWriter

    spool = stored.spool or Spool()
    path = spool.folder / "rows.parquet"
    with ParquetWriter(path, schema, compression="lz4") as writer:
        for batch in rows.batches():
            writer.write_batch(batch)
    stamp = Stamp.from_stat(path.stat())
    return ParquetRows(replace(stored, path=path, stamp=stamp, spool=spool), role)


OPENERS: dict[str, Callable[..., ParquetRows | pd.DataFrame]] = {
    "csv": _open_csv,
    "parquet": _open_parquet,
    "arrow": _open_arrow,
}
