"""Rows that stay in a database: it computes the expressions, and only aggregates are transferred."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import canonical_json
from model_governance.engine import expressions
from model_governance.engine.column_kinds import kind_of_type
from model_governance.engine.frames import to_frame
from model_governance.engine.labels import FewLabels
from model_governance.engine.ordered import rank_of
from model_governance.engine.relation import FEW_VALUES, ROWS_PER_FRAME, NumberSummary, Ordered, Relation
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from ibis import Table
    from ibis.expr.types import Value

    from model_governance.engine.column_kinds import Kind
    from model_governance.engine.labels import Labels

MAX_AGGREGATES = 800  # of one query: PostgreSQL takes 1,664 columns, others fewer
WITHOUT_NAN = frozenset({"mssql"})
FINGERPRINT_CELLS = 32
FEW_CATEGORIES = 1000


@dataclass(frozen=True)
class TableRows:
    """A table of a database, as an ibis expression bound to its connection."""

    table: Table

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
        names = list(self.names if columns is None else columns)
        return in_order(self.table, names).to_pyarrow().to_pandas()


def in_order(table: Table, names: Sequence[str]) -> Table:
    """These columns of the rows, sorted by all columns of the table, so that features and labels of separate reads match."""
    sortable = [name for name, kind in table.schema().items() if not kind.is_nested()]
    return table.order_by(*sortable).select(*names)


class PushedRelation(Relation):
    """Rows of a table, computed by its database.

    A table has no order of its own: rows are always read sorted by all its columns.
    """

    def __init__(self, source: TableRows, *, role: str, uri: str) -> None:
        super().__init__(role=role, uri=uri, rows=source.rows, names=source.names)
        self.source = source
        self.table = source.table

    @property
    def backend(self) -> Any:
        """The ibis backend that holds the table."""
        return self.table.get_backend()

    @property
    def _special(self) -> bool:
        return self.backend.name not in WITHOUT_NAN

    def _summarise(self, numbers: Sequence[str]) -> dict[str, NumberSummary]:
        """Standard deviations take a second scan."""
        answers = self._aggregate(
            {
                (name, key): value
                for name in numbers
                for key, value in expressions.summary(self.table, name, role=self.role, special=self._special).items()
            }
        )
        answers |= self._aggregate(
            {
                (name, key): value
                for name in numbers
                for key, value in expressions.spread(
                    self.table, name, float(answers[name, "mean"] or 0.0), role=self.role
                ).items()
            }
        )
        return {name: self._summary(name, answers) for name in numbers}

    def _summary(self, name: str, answers: Mapping[tuple[str, Any], Any]) -> NumberSummary:
        def whole(key: str) -> int:
            return int(answers[name, key] or 0)

        def number(key: str) -> float | None:
            return float(answers[name, key]) + 0.0 if whole("finite") else None

        off, square = number("off"), number("square")
        distinct = expressions.few_values(self.table, name, most=FEW_VALUES + 1, role=self.role).execute()
        return NumberSummary(
            rows=self.rows, missing=self.rows - whole("nan") - whole("infinite") - whole("finite"), nan=whole("nan"), infinite=whole("infinite"), finite=whole("finite"),
            minimum=number("minimum"), maximum=number("maximum"), mean=number("mean"),
            std=None if off is None or square is None else math.sqrt(max(square - off * off, 0.0)), distinct=int(distinct),
        )  # fmt: skip

    def counts(self, edges: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Finite values per cell."""
        import numpy as np

        self.require(list(edges))
        parts = {
            (name, place): value
            for name, cuts in edges.items()
            for place, value in enumerate(expressions.below(self.table, name, cuts, role=self.role))
        }
        answers = self._aggregate(parts)
        return {
            name: np.diff([0, *(int(answers[name, place] or 0) for place in range(len(cuts) + 1))]).astype("int64")
            for name, cuts in edges.items()
        }

    def _count_missing(self, names: Sequence[str]) -> dict[str, int]:
        parts = {(name, 0): expressions.missing(self.table, name, special=self._special) for name in names}
        return {name: int(count or 0) for (name, _), count in self._aggregate(parts).items()}

    def quantiles(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Order statistics of the finite values."""
        import numpy as np

        quantiles = {}
        for name, count in self._finite(names).items():
            ranks = [rank_of(probability, count) + 1 for probability in probabilities]
            row = _single_row(expressions.order_statistics(self.table, name, ranks, role=self.role))
            quantiles[name] = np.array([row[f"q{place}"] for place in range(len(ranks))], dtype="float64") + 0.0
        return quantiles

    def distances_to(self, current: PushedRelation, names: Sequence[str]) -> dict[str, Ordered]:
        """Distances to a table of the same database."""
        reference_counts, current_counts = self._finite(names), current._finite(names)
        outside, ends = self._beyond_ends(current, names)
        distances = {}
        for name in names:
            n, m = reference_counts[name], current_counts[name]
            row = _single_row(expressions.distances(self.table, current.table, name, n=n, m=m))
            distances[name] = Ordered(
                n=n, m=m, ks=int(row["gap"]) / (n * m), place=float(row["place"]) + 0.0,
                wasserstein=float(row["area"]) / (n * m), outside=outside[name], ends=ends[name],
            )  # fmt: skip
        return distances

    def _beyond_ends(self, current: PushedRelation, names: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
        """Values of current beyond this table's smallest and largest, and how many of these two a single row holds."""
        import numpy as np

        inner, outer = {}, {}
        for name, each in self.ranges(names).items():
            # A column without a finite value was refused before.
            low, high = float(each.minimum or 0), float(each.maximum or 0)
            inner[name] = np.array([math.nextafter(low, math.inf), high])
            outer[name] = np.array([low, math.nextafter(high, math.inf)])
        own, others = self.counts(inner), current.counts(outer)
        return (
            {name: int(others[name][0] + others[name][2]) for name in names},
            {name: int(own[name][0] == 1) + int(own[name][2] == 1) for name in names},
        )

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values of one column that are not null, piece by piece, sorted."""
        from model_governance.engine.arrow import as_numbers

        self.require([name])
        values = self.table.select(value=expressions.floats(self.table, name, role=self.role))
        not_null = values.filter(values.value.notnull())
        for batch in _batches(not_null, ROWS_PER_FRAME):
            yield as_numbers(batch.column(0), name=name, role=self.role)

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        """What each of these columns holds, by its type in the database."""
        self.require(names)
        schema = self.table.schema()
        return {name: kind_of_type(schema[name].to_pyarrow()) for name in names}

    def frames(self, names: Sequence[str], *, rows: int = ROWS_PER_FRAME) -> Iterator[pd.DataFrame]:
        """The rows of these columns, sorted by all columns of the table, `rows` at a time."""
        import pandas as pd

        self.require(names)
        start = 0
        for batch in _batches(in_order(self.table, names), rows):
            frame = to_frame(batch)
            frame.index = pd.RangeIndex(start, start + len(frame))
            yield frame
            start += len(frame)

    def sample(self, count: int, *, seed: int, names: Sequence[str]) -> pd.DataFrame:
        """A seeded sample without replacement, sorted by all columns of the table."""
        import numpy as np
        import pandas as pd

        places = np.arange(self.rows)
        if count < self.rows:
            places = np.sort(np.random.default_rng(seed).choice(self.rows, size=count, replace=False, shuffle=False))
        parts = []
        for frame in self.frames(names):
            low, high = places.searchsorted([frame.index[0], frame.index[-1] + 1])
            parts.append(frame.loc[places[low:high]])
        return pd.concat(parts, ignore_index=True)

    def _tally(self, names: Sequence[str]) -> dict[str, Labels]:
        tallies: dict[str, Labels] = {}
        for name in names:
            rows = expressions.values_with_counts(self.table, name).to_pyarrow().to_pylist()
            valid = [row for row in rows if row["value"] is not None and row["value"] == row["value"]]
            tallies[name] = FewLabels.from_tally(Counter({row["value"]: row["rows"] for row in valid}))
        return tallies

    def _finite(self, names: Sequence[str]) -> dict[str, int]:
        self.require(names)
        parts = {(name, 0): expressions.below(self.table, name, [], role=self.role)[0] for name in names}
        counts = {name: int(count or 0) for (name, _), count in self._aggregate(parts).items()}
        for name, count in counts.items():
            if count == 0:
                raise CheckError(
                    f"column {name!r} of dataset {self.role!r} holds no finite number in any of {self.rows:,} rows"
                )
        return counts

    def _aggregate(self, parts: Mapping[tuple[str, Any], Value]) -> dict[tuple[str, Any], Any]:
        """The results of many aggregates, in as few scans as the number of columns of a query allows."""
        keys = list(parts)
        answers: dict[tuple[str, Any], Any] = {}
        for start in range(0, len(keys), MAX_AGGREGATES):
            batch = keys[start : start + MAX_AGGREGATES]
            row = _single_row(self.table.aggregate(**{f"a{place}": parts[key] for place, key in enumerate(batch)}))
            answers |= {key: row[f"a{place}"] for place, key in enumerate(batch)}
        return answers


def fingerprint(relation: PushedRelation) -> str:
    """The sha256 of a table's canonical aggregates, since its bytes cannot be read.

    It covers names, types and rows; per number the counts of missing, NaN, infinite and distinct values, the range,
    and the counts of 32 cells of equal width in it; per other column what is missing and, of up to 1,000
    categories, how often each occurs. Tables that agree in all of this have the same fingerprint.
    """
    import numpy as np

    schema = relation.table.schema()
    numbers = [name for name, kind in schema.items() if kind.is_numeric()]
    others = [name for name in relation.names if name not in numbers]
    summaries = relation.summaries(numbers)
    edges = {
        name: np.linspace(summary.minimum, summary.maximum, FINGERPRINT_CELLS + 1)[1:-1]
        for name, summary in summaries.items()
        if summary.minimum is not None and summary.maximum is not None
    }
    counts = relation.counts(edges)
    distinct = {name: _count_distinct(relation.table, name) for name in others}
    categories = relation.value_counts([name for name, count in distinct.items() if count <= FEW_CATEGORIES])
    aggregates = {
        "types": {name: str(kind) for name, kind in schema.items()},
        "rows": relation.rows,
        # Mean and standard deviation are excluded: their last digits depend on the order in which a database adds.
        "numbers": {name: {k: v for k, v in asdict(summary).items() if k not in ("mean", "std")} for name, summary in summaries.items()},
        "cells": {name: cells.tolist() for name, cells in counts.items()},
        "missing": relation.missing(others),
        "different": distinct,
        "categories": categories,
    }  # fmt: skip
    return hashlib.sha256(canonical_json(aggregates)).hexdigest()


def _count_distinct(table: Table, name: str) -> int:
    """Number of distinct values of a column, up to one more than `FEW_CATEGORIES`."""
    return int(table.select(value=table[name]).distinct().limit(FEW_CATEGORIES + 1).count().execute())


def _batches(table: Table, rows: int) -> Iterator[pa.RecordBatch]:
    backend = table.get_backend()
    if backend.name == "duckdb":
        # ibis 12 calls a method that DuckDB 2 has renamed.
        yield from backend.con.sql(backend.compile(table)).to_arrow_reader(rows)
    else:
        yield from table.to_pyarrow_batches(chunk_size=rows)


def _single_row(table: Table) -> dict[str, Any]:
    (row,) = table.to_pyarrow().to_pylist()
    return row
