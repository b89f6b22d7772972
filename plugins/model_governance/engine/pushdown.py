"""Rows that stay in a database: it computes the expressions, and only aggregates are transferred."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from model_governance.engine import expressions, value_ranges
from model_governance.engine.answers import read_batches, read_row, read_rows
from model_governance.engine.column_kinds import kind_of_type
from model_governance.engine.counted_values import CountedValues, count_values, distances_of_counted
from model_governance.engine.frames import to_frame
from model_governance.engine.labels import FewLabels
from model_governance.engine.ordered import rank_of
from model_governance.engine.relation import (
    FEW_VALUES,
    FIRST_ROWS,
    ROWS_PER_FRAME,
    NumberSummary,
    Ordered,
    Relation,
    inexact,
)
from model_governance.engine.rounding import WINDOW
from model_governance.errors import CheckError, SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from ibis.expr.types import Value

    from model_governance.engine.column_kinds import Kind
    from model_governance.engine.labels import Labels
    from model_governance.engine.table_rows import TableRows

MAX_AGGREGATES = 800  # of one query: PostgreSQL takes 1,664 columns, others fewer
WITHOUT_NAN = frozenset({"mssql", "sqlite"})
FEW_EDGES = 8  # of a column, up to which conditional sums of all columns in one pass are cheaper than a pass each


class PushedRelation(Relation):
    """Rows of a table, computed by its database.

    A table has no order of its own: rows are always read sorted by all its columns.
    """

    def __init__(self, source: TableRows, *, role: str, uri: str) -> None:
        super().__init__(role=role, uri=uri, rows=source.rows, names=source.names)
        self.source = source
        self.table = source.table
        self._finite_counts: dict[str, int] = {}
        self._merged_counts = source.merged
        self._summaries, self._cached_labels = source.summaries, source.labels
        self._counted = source.counted

    @property
    def backend(self) -> Any:
        """The ibis backend that holds the table."""
        return self.table.get_backend()

    @property
    def _special(self) -> bool:
        return self.backend.name not in WITHOUT_NAN

    @property
    def _arrays(self) -> bool:
        return self.backend.name == "postgres"

    @property
    def _sorts_on_one_core(self) -> bool:
        """Whether the engine sorts all rows of a table on one core of one machine; it estimates different values in one scan."""
        return self.backend.name == "pyspark"

    def _summarise(self, numbers: Sequence[str]) -> dict[str, NumberSummary]:
        """Standard deviations take a second scan."""
        self._require_exact(numbers)
        counted = self.repeating(numbers)
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
        return {name: self._summary(name, answers, counted.get(name)) for name in numbers}

    def _summary(
        self, name: str, answers: Mapping[tuple[str, Any], Any], counted: CountedValues | None
    ) -> NumberSummary:
        def whole(key: str) -> int:
            return int(answers[name, key] or 0)

        def number(key: str) -> float | None:
            return float(answers[name, key]) + 0.0 if whole("finite") else None

        off, square = number("off"), number("square")
        if counted is not None and counted.count != whole("finite"):
            raise self._moved(whole("finite"), counted.count, f"finite values of {name!r}")
        distinct = self._few_values(name) if counted is None else min(len(counted.values), FEW_VALUES + 1)
        return NumberSummary(
            rows=self.rows, missing=self.rows - whole("nan") - whole("infinite") - whole("finite"), nan=whole("nan"), infinite=whole("infinite"), finite=whole("finite"),
            minimum=number("minimum"), maximum=number("maximum"), mean=number("mean"),
            std=None if off is None or square is None else math.sqrt(max(square - off * off, 0.0)), distinct=distinct,
        )  # fmt: skip

    def _few_values(self, name: str) -> int:
        """Number of distinct finite values, up to one more than `FEW_VALUES`; the first rows decide where they hold so many."""
        distinct = 0
        for table in (self.table.select(name).limit(FIRST_ROWS), self.table):
            found = expressions.few_values(table, name, most=FEW_VALUES + 1, role=self.role).execute()
            distinct = int(found)
            if distinct > FEW_VALUES:
                break
        return distinct

    def counts(self, edges: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Finite values per cell."""
        import numpy as np

        self.require(list(edges))
        self._require_exact(list(edges))
        known = {name: values.between(edges[name]) for name, values in self.repeating(list(edges)).items()}
        few = {name: cuts for name, cuts in edges.items() if len(cuts) <= FEW_EDGES and name not in known}
        parts = {
            (name, place): value
            for name, cuts in few.items()
            for place, value in enumerate(expressions.below(self.table, name, cuts, role=self.role))
        }
        answers = self._aggregate(parts)
        known |= {
            name: np.diff([0, *(int(answers[name, place] or 0) for place in range(len(cuts) + 1))]).astype("int64")
            for name, cuts in few.items()
        }
        return {name: known[name] if name in known else self._cells(name, cuts) for name, cuts in edges.items()}

    def _cells(self, name: str, edges: np.ndarray) -> np.ndarray:
        import numpy as np

        counts = np.zeros(len(edges) + 1, dtype="int64")
        for row in read_rows(expressions.cells(self.table, name, edges, role=self.role, arrays=self._arrays)):
            counts[int(row["cell"])] = int(row["rows"])
        if int(counts.sum()) != self._finite_rows(name):
            raise self._moved(int(counts.sum()), self._finite_rows(name), f"finite values of {name!r}")
        return counts

    def _count_missing(self, names: Sequence[str]) -> dict[str, int]:
        parts = {(name, 0): expressions.missing(self.table, name, special=self._special) for name in names}
        return {name: int(count or 0) for (name, _), count in self._aggregate(parts).items()}

    def quantiles(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Order statistics of the finite values."""
        import numpy as np

        finite = self._finite(names)
        quantiles = {name: values.quantiles(probabilities) for name, values in self.repeating(names).items()}
        for name in [name for name in finite if name not in quantiles]:
            count = finite[name]
            ranks = [rank_of(probability, count) + 1 for probability in probabilities]
            different = sorted(set(ranks))
            found = read_rows(
                expressions.order_statistics(self.table, name, different, role=self.role, arrays=self._arrays)
            )
            values = dict(zip(different, expressions.value_at_ranks(found, len(different)), strict=True))
            quantiles[name] = np.array([values[rank] for rank in ranks], dtype="float64") + 0.0
        return quantiles

    def quantile_windows(self, probabilities: Sequence[float], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Order statistics of the finite values, with the different values of the rows up to them."""
        import numpy as np

        finite = self._finite(names)
        windows = {name: values.windows(probabilities) for name, values in self.repeating(names).items()}
        for name in [name for name in finite if name not in windows]:
            last = np.array([rank_of(probability, finite[name]) + 1 for probability in probabilities])
            first = np.maximum(last - WINDOW + 1, 1)
            different = sorted({*last.tolist(), *first.tolist()})
            found = read_rows(
                expressions.order_windows(self.table, name, different, rows=WINDOW, role=self.role, arrays=self._arrays)
            )
            at_rank = dict(zip(different, expressions.windows_at_ranks(found, len(different)), strict=True))
            values = np.array([at_rank[rank] for rank in last.tolist()]) + 0.0
            lowest = np.array([at_rank[rank][-1] for rank in first.tolist()]) + 0.0
            values = np.maximum(values, lowest[:, None])
            values[:, 0] = np.where(last < WINDOW, -np.inf, values[:, 0])
            windows[name] = values
        return windows

    def distances_to(self, current: PushedRelation, names: Sequence[str]) -> dict[str, Ordered]:
        """Distances to a table of the same database."""
        reference_counts, current_counts = self._finite(names), current._finite(names)
        outside, ends = self._beyond_ends(current, names)
        distances = {}
        for name in names:
            n, m = reference_counts[name], current_counts[name]
            row = self._distance_to(current, name, n=n, m=m)
            distances[name] = Ordered(
                n=n, m=m, ks=int(row["gap"]) / (n * m), place=float(row["place"]) + 0.0,
                wasserstein=float(row["area"]) / (n * m), outside=outside[name], ends=ends[name],
            )  # fmt: skip
        return distances

    def repeating(self, names: Sequence[str]) -> dict[str, CountedValues]:
        """The counted values of those of these columns that repeat them, where the engine has no faster way to each answer."""
        new = [name for name in dict.fromkeys(names) if name not in self._counted]
        if new and self._sorts_on_one_core:
            found = count_values(self.table, new, rows=self.rows, role=self.role)
            self._counted.update({name: found.get(name) for name in new})
        known = {name: self._counted.get(name) for name in names}
        return {name: counted for name, counted in known.items() if counted is not None}

    def _distance_to(self, current: PushedRelation, name: str, *, n: int, m: int) -> Mapping[str, Any]:
        import numpy as np

        counted = [relation.repeating([name]).get(name) for relation in (self, current)]
        if counted[0] is not None and counted[1] is not None:
            return distances_of_counted(counted[0], counted[1])
        if not self._sorts_on_one_core:
            return read_row(expressions.distances(self.table, current.table, name, n=n, m=m))
        larger = self if n >= m else current
        edges = np.array(value_ranges.range_edges(larger.table, name, rows=larger.rows, role=larger.role))
        return value_ranges.distances(
            self.table, current.table, name, edges=edges.tolist(), repeated=any(each is not None for each in counted),
            counts=(self.counts({name: edges})[name], current.counts({name: edges})[name]),
        )  # fmt: skip

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
        self._require_exact([name])
        values = self.table.select(value=expressions.floats(self.table, name, role=self.role))
        not_null = values.filter(values.value.notnull())
        for batch in read_batches(not_null, ROWS_PER_FRAME):
            yield as_numbers(batch.column(0), name=name, role=self.role)

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        """What each of these columns holds, by its type in the database."""
        self.require(names)
        schema = self.table.schema()
        return {name: kind_of_type(schema[name].to_pyarrow()) for name in names}

    def frames(self, names: Sequence[str], *, rows: int = ROWS_PER_FRAME) -> Iterator[pd.DataFrame]:
        """The rows of these columns, sorted by all columns of the table, `rows` at a time."""
        import pandas as pd

        start = 0
        for batch in self.batches(names, rows=rows):
            frame = to_frame(batch)
            frame.index = pd.RangeIndex(start, start + len(frame))
            yield frame
            start += len(frame)

    def batches(self, names: Sequence[str], *, rows: int = ROWS_PER_FRAME) -> Iterator[pa.RecordBatch]:
        """The rows of these columns in the order of `frames`, as Arrow.

        Raises:
            CheckError: a column is not comparable.
            SubjectError: the table lacks a column, or changed meanwhile.
        """
        self.require(names)
        self.source.require_comparable(names, role=self.role, uri=self.uri)
        start = 0
        for batch in read_batches(self.source.in_order(names), rows):
            yield batch
            start += len(batch)
        if start != self.rows:
            raise self._moved(start, self.rows, "rows")

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

    def merging(self, names: Sequence[str]) -> frozenset[str]:
        """The columns of these with integers or decimals that float64 merges with their neighbours."""
        schema = self.table.schema()
        new = [
            name
            for name in dict.fromkeys(names)
            if name not in self._merged_counts and expressions.may_merge(schema[name])
        ]
        answers = self._aggregate({(name, 0): expressions.merged(self.table, name) for name in new})
        self._merged_counts |= {name: int(count or 0) for (name, _), count in answers.items()}
        return frozenset(name for name in names if self._merged_counts.get(name))

    def count_distinct(self, name: str, *, most: int) -> int:
        """Number of different values of a column, a null among them, up to `most`."""
        return int(self.table.select(value=self.table[name]).distinct().limit(most).count().execute())

    def exact_range(self, name: str) -> tuple[Any, Any]:
        """The smallest and the largest value of a column as the database holds them; None where there is none."""
        row = read_row(self.table.aggregate(low=self.table[name].min(), high=self.table[name].max()))
        return row["low"], row["high"]

    def _require_exact(self, names: Sequence[str]) -> None:
        for name in sorted(self.merging(names)):
            kind = self.table.schema()[name]
            holding = f"{kind} of more digits than float64 holds" if kind.is_decimal() else f"{kind} beyond 2^53"
            raise inexact(name, self.role, holding=holding)

    def _finite_rows(self, name: str) -> int:
        """Finite values of a column when it was summarised or counted first."""
        if name not in self._finite_counts:
            known = self._summaries.get(name)
            self._finite_counts[name] = self._count_finite([name])[name] if known is None else known.finite
        return self._finite_counts[name]

    def _moved(self, found: int, expected: int, what: str) -> SubjectError:
        return SubjectError(
            f"{self.uri}: the table changed while it was measured: {expected:,} {what} at first, {found:,} later, so its fingerprint "
            "describes other rows; measure a snapshot or a table that nobody writes meanwhile, then run again"
        )

    def _tally(self, names: Sequence[str]) -> dict[str, Labels]:
        self.source.require_comparable(names, role=self.role, uri=self.uri)
        tallies: dict[str, Labels] = {}
        for name in names:
            rows = read_rows(expressions.values_with_counts(self.table, name))
            valid = [row for row in rows if row["value"] is not None and row["value"] == row["value"]]
            tallies[name] = FewLabels.from_tally(Counter({row["value"]: row["rows"] for row in valid}))
        return tallies

    def _count_finite(self, names: Sequence[str]) -> dict[str, int]:
        known = {name: values.count for name, values in self.repeating(names).items()}
        parts = {
            (name, 0): expressions.below(self.table, name, [], role=self.role)[0] for name in names if name not in known
        }
        counts = known | {name: int(count or 0) for (name, _), count in self._aggregate(parts).items()}
        return {name: counts[name] for name in names}

    def _finite(self, names: Sequence[str]) -> dict[str, int]:
        self.require(names)
        self._require_exact(names)
        counts = self._count_finite(names)
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
            aggregates = {f"a{place}": parts[key] for place, key in enumerate(batch)}
            row = read_row(self.table.aggregate(rows=self.table.count(), **aggregates))
            if int(row["rows"]) != self.rows:
                raise self._moved(int(row["rows"]), self.rows, "rows")
            answers |= {key: row[f"a{place}"] for place, key in enumerate(batch)}
        return answers
