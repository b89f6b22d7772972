"""A table of a database, its columns, and what a database does not give."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from model_governance.engine import expressions
from model_governance.engine.answers import read_batches
from model_governance.engine.frames import to_frame
from model_governance.engine.relation import ROWS_PER_FRAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from ibis import Table

# Names of exceptions that drivers raise when the server does not answer, ends, or is busy.
UNREACHABLE = frozenset(
    {
        "OperationalError", "InterfaceError", "OSError", "IOException", "TimeoutError", "Py4JNetworkError",
        "ServiceUnavailable", "TooManyRequests", "InternalServerError", "HttpError", "ConnectionError",
    }
)  # fmt: skip


@dataclass(frozen=True)
class TableRows:
    """A table of a database, as an ibis expression bound to its connection.

    `unreadable` names columns, with their types, whose values the database or its driver does not give.
    """

    table: Table
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.table.count().execute())

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(self.table.columns)

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """These columns of all rows, in memory, in the order of `in_order`, because a table has no order of its own."""
        import pandas as pd
        import pyarrow as pa

        names = [name for name in self.names if name not in self.incomparable] if columns is None else list(columns)
        if not names:
            return pd.DataFrame(index=pd.RangeIndex(self.rows))
        table = self.in_order(names)
        return to_frame(pa.Table.from_batches(read_batches(table, ROWS_PER_FRAME), table.schema().to_pyarrow()))

    @cached_property
    def incomparable(self) -> Mapping[str, str]:
        """The columns that can be neither sorted nor compared nor counted, with their types."""
        nested = {name: str(kind) for name, kind in self.table.schema().items() if not expressions.is_comparable(kind)}
        return {**nested, **self.unreadable}

    def in_order(self, names: Sequence[str]) -> Table:
        """These columns of the rows, sorted by all columns of the table, so that features and labels of separate reads match."""
        return self.table.order_by(*(name for name in self.names if name not in self.incomparable)).select(*names)


def unreadable_columns(table: Table) -> dict[str, str]:
    """The columns, with their types, of which no value comes here or is computed with, tried on one row."""
    schema = table.schema()
    comparable = [name for name, kind in schema.items() if expressions.is_comparable(kind)]
    first = table.limit(1)

    def works(names: Sequence[str]) -> bool:
        try:
            first.order_by(*names).select(
                *names,
                *(first[name].cast("float64").name(f"{name} as number") for name in names if schema[name].is_numeric()),
            ).to_pyarrow()
        except Exception as error:
            if is_lost(error):
                raise
            return False
        return True

    if not comparable or works(comparable):
        return {}
    return {name: str(schema[name]) for name in comparable if not works([name])}


def is_lost(error: Exception) -> bool:
    """Whether a database or its driver raised because the server does not answer, ends, or is busy."""
    return any(kind.__name__ in UNREACHABLE for kind in type(error).__mro__)
