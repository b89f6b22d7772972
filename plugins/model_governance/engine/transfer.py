"""Columns of a table brought here as a Parquet file, piece by piece, for what a database cannot evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.subject import Dataset
from model_governance.engine.files import ParquetRows
from model_governance.engine.pushdown import PushedRelation
from model_governance.engine.relation import ROWS_PER_FRAME
from model_governance.engine.stored import Spool, Stamp, StoredFile
from model_governance.engine.table_rows import TableRows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def fetch_table(dataset: Dataset, *, wanted: Collection[str] | None) -> tuple[Dataset, str]:
    """The dataset with its rows in a file here, and a sentence that says what was fetched; one that is here already is given back.

    Args:
        dataset: the rows.
        wanted: the columns to fetch, None for all. Of a column that is not comparable only the name comes, and no value.

    Raises:
        CheckError: a wanted column is not comparable.
        SubjectError: the table lacks a column, or changed meanwhile.
    """
    if not isinstance(dataset.source, TableRows):
        return dataset, ""
    source = dataset.source
    aside = source.incomparable if wanted is None else {}
    names = [name for name in source.names if name not in aside and (wanted is None or name in wanted)]
    source.require_comparable(names, role=dataset.role, uri=dataset.uri)
    rows = source.copy if source.copy is not None and not aside else _written(dataset, source, names, aside)
    fetched = Dataset(
        role=dataset.role, uri=dataset.uri, sha256=dataset.sha256, source=rows, origin=dataset.origin
    )  # fmt: skip
    return (
        fetched,
        f"{dataset.rows:,} rows of {len(names)} columns of the table were fetched from its database and evaluated here.",
    )


def _written(dataset: Dataset, source: TableRows, names: Sequence[str], aside: Collection[str]) -> ParquetRows:
    """These columns in a file, with those aside as columns of nulls."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    if source.copy is not None:
        batches = source.copy.batches(names, rows=ROWS_PER_FRAME)
    else:
        batches = PushedRelation(source, role=dataset.role, uri=dataset.uri).batches(names)
    spool = Spool()
    path = spool.folder / "rows.parquet"
    writer = None
    for batch in batches:
        table = pa.Table.from_batches([batch])
        for name in aside:
            table = table.append_column(name, pa.nulls(len(table), pa.string()))
        table = table.select([name for name in source.names if name in table.column_names])
        writer = writer or ParquetWriter(path, table.schema, compression="lz4")
        writer.write_table(table)
    if writer is not None:
        writer.close()
    stored = StoredFile(
        uri=dataset.uri, path=path, sha256=dataset.sha256, stamp=Stamp.from_stat(path.stat()), spool=spool
    )
    return ParquetRows(stored, dataset.role)
