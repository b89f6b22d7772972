"""The data engine: exact statistics over all rows of a dataset, wherever they are, in bounded memory.

`open_relation` gives the rows of a dataset, `ordered_distances` compares two of them, `require_same_families` refuses categories
that changed their type. Rows in memory and in files are processed here (`local`, `runs`, `ordered`); rows of a table are
processed by its database, through expressions written once (`expressions`, `pushdown`). Spark, PostgreSQL and DuckDB are
tested to give the numbers of the embedded engine. For Snowflake, BigQuery, Databricks, Trino, ClickHouse, SQL Server and
Athena it is tested that the expressions compile, and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.relation import NumberSummary, Ordered, Relation, require_same_families

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.contract.subject import Dataset

__all__ = ["NumberSummary", "Ordered", "Relation", "open_relation", "ordered_distances", "require_same_families"]


def open_relation(dataset: Dataset) -> Relation:
    """The rows of a dataset: in memory, in a file, or in the database that holds them."""
    from model_governance.engine.files import ParquetRows
    from model_governance.engine.local import LocalRelation
    from model_governance.engine.memory import MemoryRows
    from model_governance.engine.table_copies import open_table_relation
    from model_governance.engine.table_rows import TableRows

    if isinstance(dataset.source, TableRows):
        return open_table_relation(dataset.source, role=dataset.role, uri=dataset.uri)
    pieces = dataset.source if isinstance(dataset.source, ParquetRows) else MemoryRows(dataset.frame, dataset.role)
    return LocalRelation(pieces, role=dataset.role, uri=dataset.uri)


def ordered_distances(reference: Relation, current: Relation, names: Sequence[str]) -> dict[str, Ordered]:
    """Kolmogorov-Smirnov and Wasserstein distances of these columns, exact over all finite values.

    A database compares its own tables; for every other pair the values are transferred, column by column.

    Raises:
        SubjectError: a dataset lacks a column.
        CheckError: a column holds no finite value in a dataset, or something that is no number.
    """
    from model_governance.engine.local import LocalRelation, by_column
    from model_governance.engine.ordered import distances_of_column
    from model_governance.engine.pushdown import PushedRelation

    reference.require(names)
    current.require(names)
    pushed = [relation for relation in (reference, current) if isinstance(relation, PushedRelation)]
    if len(pushed) == 2 and pushed[0].backend == pushed[1].backend:
        return pushed[0].distances_to(pushed[1], names)
    if pushed:
        # A database connection serves one thread at a time.
        return {name: distances_of_column(reference, current, name) for name in names}
    cached = (
        {name: reference.cached_distance(current, name) for name in names}
        if isinstance(reference, LocalRelation)
        else {}
    )
    missing = [name for name in names if cached.get(name) is None]
    computed = by_column(lambda name: distances_of_column(reference, current, name), missing)
    return {name: cached.get(name) or computed[name] for name in names}
