"""The data engine: exact answers over all rows of a dataset, wherever they are, in bounded memory.

`open_relation` gives the rows of a dataset, `distances` compares two of them, `require_same_families` refuses categories
that changed their type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.relation import NumberSummary, Ordered, Relation, require_same_families

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.subject import Dataset

__all__ = ["NumberSummary", "Ordered", "Relation", "distances", "open_relation", "require_same_families"]


def open_relation(dataset: Dataset) -> Relation:
    """The rows of a dataset: in memory, in a file, or in the database that holds them."""
    from model_governance.engine.files import ParquetRows
    from model_governance.engine.local import LocalRelation
    from model_governance.engine.memory import MemoryRows

    if isinstance(dataset.source, ParquetRows):
        return LocalRelation(dataset.source, role=dataset.role, uri=dataset.uri)
    return LocalRelation(MemoryRows(dataset.frame, dataset.role), role=dataset.role, uri=dataset.uri)


def distances(reference: Relation, current: Relation, names: Sequence[str]) -> dict[str, Ordered]:
    """Kolmogorov-Smirnov and Wasserstein distances of these columns, exact over all finite values.

    Raises:
        SubjectError: a side lacks a column.
        CheckError: a column holds no finite value on a side, or something that is no number.
    """
    from model_governance.engine.local import by_column
    from model_governance.engine.ordered import ordered_distances

    reference.require(names)
    current.require(names)
    return by_column(lambda name: ordered_distances(reference, current, name), names)
