"""A table of a database, its columns, and what a database does not give."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from model_governance.engine import expressions
from model_governance.engine.answers import read_batches
from model_governance.engine.frames import to_frame
from model_governance.engine.relation import ROWS_PER_FRAME
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import pandas as pd
    from ibis import Table

    from model_governance.engine.counted_values import CountedValues
    from model_governance.engine.files import ParquetRows
    from model_governance.engine.labels import Labels
    from model_governance.engine.relation import NumberSummary

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

    `unreadable` names columns, with their types, whose values the database or its driver does not give. `copy` holds the
    comparable columns of all rows where they were copied here (`table_copies`). `summaries`, `labels`, `merged` and `counted` keep
    by column what was asked before, by whichever relation: the fingerprint asks for all of them first.
    """

    table: Table
    unreadable: Mapping[str, str] = field(default_factory=dict)
    copy: ParquetRows | None = None
    summaries: dict[str, NumberSummary] = field(default_factory=dict)
    labels: dict[str, Labels] = field(default_factory=dict)
    merged: dict[str, int] = field(default_factory=dict)
    counted: dict[str, CountedValues | None] = field(default_factory=dict)

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.table.count().execute()) if self.copy is None else self.copy.rows

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(self.table.columns)

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """These columns of all rows, in memory, in the order of the copy, or of `in_order` where there is none."""
        import pandas as pd
        import pyarrow as pa

        names = list(self.comparable if columns is None else columns)
        if not names:
            return pd.DataFrame(index=pd.RangeIndex(self.rows))
        if self.copy is not None:
            return self.copy.read(names)
        table = self.in_order(names)
        return to_frame(pa.Table.from_batches(read_batches(table, ROWS_PER_FRAME), table.schema().to_pyarrow()))

    @cached_property
    def incomparable(self) -> Mapping[str, str]:
        """The columns that can be neither sorted nor compared nor counted, with their types."""
        nested = {name: str(kind) for name, kind in self.table.schema().items() if not expressions.is_comparable(kind)}
        return {**nested, **self.unreadable}

    @property
    def comparable(self) -> tuple[str, ...]:
        """The other columns, in order."""
        return tuple(name for name in self.names if name not in self.incomparable)

    def require_comparable(self, names: Sequence[str], *, role: str, uri: str) -> None:
        """Refuse columns that are not comparable.

        Raises:
            CheckError: one of them is not; all such are named with their types.
        """
        nested = {name: kind for name, kind in self.incomparable.items() if name in names}
        if nested:
            told = ", ".join(f"{name} ({kind})" for name, kind in nested.items())
            raise CheckError(
                f"{uri}: column(s) {told} of dataset {role!r} are not comparable; cast them in a view, or leave them out"
            )

    def in_order(self, names: Sequence[str]) -> Table:
        """These columns of the rows, sorted by all columns of the table, so that features and labels of separate reads match."""
        return self.table.order_by(*self.comparable).select(*names)


def unreadable_columns(table: Table) -> dict[str, str]:
    """The columns, with their types, of which no value comes here or is computed with, tried on one row."""
    schema = table.schema()
    comparable = [name for name, kind in schema.items() if expressions.is_comparable(kind)]
    first = table.limit(1)

    def works(names: Sequence[str]) -> bool:
        try:
            tried = first.order_by(*names).select(
                *names,
                *(first[name].cast("float64").name(f"{name} as number") for name in names if schema[name].is_numeric()),
            )
            with _savepoint(table):
                list(read_batches(tried, 1))
        except Exception as error:
            if is_lost(error):
                raise
            return False
        return True

    if not comparable or works(comparable):
        return {}
    return {name: str(schema[name]) for name in comparable if not works([name])}


def _savepoint(table: Table) -> AbstractContextManager[Any]:
    """What a statement that fails leaves as it was: of PostgreSQL, where it would end the transaction and its snapshot."""
    backend = table.get_backend()
    return backend.con.transaction(force_rollback=True) if backend.name == "postgres" else nullcontext()


def is_lost(error: Exception) -> bool:
    """Whether a database or its driver raised because the server does not answer, ends, or is busy."""
    return any(kind.__name__ in UNREACHABLE for kind in type(error).__mro__)
