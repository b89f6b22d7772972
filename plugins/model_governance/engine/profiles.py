"""The profile of a dataset: counts per frozen cell, moments and labels of every column, and no rows.

A run that stores its profile can be compared with later runs, and merged with others, without its rows. Cells are frozen
once, with the reference; profiles on the same cells merge by adding. Where rows have left those cells, each column adds a
rank sketch of its own, from which `rebin` makes cells that fit several runs.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from model_governance.contract.result import canonical_json
from model_governance.engine.cells import TENTHS, Table, as_counts, ascending_edges, at_edges, few_value_edges, repeated
from model_governance.engine.relation import FEW_VALUES
from model_governance.engine.rounding import rounded_outward
from model_governance.engine.sketches import LEAST_ROWS, MAX_LABELS, Sketch, label_sketch, rank_sketches

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from model_governance.engine.labels import Labels
    from model_governance.engine.relation import NumberSummary, Relation
    from model_governance.engine.rounding import RoundedQuantiles

Family = Literal["numbers", "categories"]

SCHEMA = "model-governance/profile/v2"
OLDER_SCHEMAS = ("model-governance/profile/v1",)
"""Still read; their columns have no sketch."""
GRID = tuple(place / 500 for place in range(1, 500))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The cells of a column, frozen with the reference.

    Numbers: `edges` of a fine grid, ascending, and `inner`, the subset that bounds the cells of PSI; cells are [a, b),
    the outermost open. Categories: `labels` with a cell of their own, sorted; all others share one more.
    """

    family: Family
    edges: tuple[float, ...] = ()
    inner: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of counts that a profile of the column holds."""
        return (len(self.edges) if self.family == "numbers" else len(self.labels)) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column: rows per cell (the last cell of categories holds all other labels), and rows without a value.

    `missing` counts null and NaN, `infinite` both infinities. Numbers have `minimum`, `maximum`, `mean` and
    `std` (ddof 0) of the finite values; None where there are none. `sketch` is None in merged profiles and in those of
    release 0.1.0.
    """

    cells: Cells
    rows: int
    missing: int
    counts: tuple[int, ...]
    infinite: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    sketch: Sketch | None = None

    @property
    def held(self) -> int:
        """Rows that hold a finite value or a category."""
        return self.rows - self.missing - self.infinite

    @property
    def cell_counts(self) -> np.ndarray:
        """Rows per cell of PSI, int64: between the `inner` edges, or per label and for the rest."""
        counts = as_counts(self.counts)
        if self.cells.family == "categories":
            return counts
        import numpy as np

        return at_edges(counts, np.array(self.cells.edges), np.array(self.cells.inner))

    def quantile(self, probability: float) -> float | None:
        """The first edge with at least this share of the values below it; None without a grid."""
        import numpy as np

        if not self.cells.edges or self.held == 0:
            return None
        below = np.cumsum(self.counts[:-1]) / self.held
        place = min(int(np.searchsorted(below, probability - 1e-12)), len(below) - 1)
        return self.cells.edges[place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Columns of one dataset, or of several merged ones, and the predictions of a model on a sample of its rows, if there are any.

    `model` is the digest of that model.
    """

    columns: Mapping[str, ColumnProfile]
    predictions: ColumnProfile | None = None
    model: str = ""
    rows: int = 0
    runs: int = field(default=1)

    @property
    def cells(self) -> dict[str, Cells]:
        """The frozen cells by column."""
        return {name: column.cells for name, column in self.columns.items()}

    def to_bytes(self) -> bytes:
        """Canonical JSON with the digest of its content: the same profile gives the same bytes."""
        document = {
            "schema": SCHEMA, "rows": self.rows, "runs": self.runs, "model": self.model,
            "columns": {name: _record(column) for name, column in self.columns.items()},
        }  # fmt: skip
        if self.predictions is not None:
            document["predictions"] = _record(self.predictions)
        return canonical_json(document | {"sha256": digest_of(document)})


def digest_of(document: Mapping[str, Any]) -> str:
    """The digest of everything in the document of a profile but the digest itself."""
    return hashlib.sha256(canonical_json({**document, "sha256": None})).hexdigest()


def freeze(relation: Relation, families: Mapping[str, Family]) -> dict[str, Cells]:
    """Cells of these columns from this dataset: at most 500 by quantiles (and 10 for PSI), one per value where they are few.

    Labels with fewer than 10 rows, or beyond the 1,000 most frequent, get no cell of their own: a profile must not
    identify a person.

    Raises:
        CheckError: a column holds no finite value.
    """
    numbers = [name for name, family in families.items() if family == "numbers"]
    summaries = relation.summaries(numbers)
    few = [name for name in numbers if 0 < summaries[name].distinct <= FEW_VALUES]
    many = [name for name in numbers if not 0 < summaries[name].distinct <= FEW_VALUES]
    cells = {name: _point_cells(counts) for name, counts in relation.value_counts(few).items()} if few else {}
    if many:
        cells |= {name: quantile_cells(found) for name, found in relation.rounded_quantiles(GRID, many).items()}
    categories = [name for name in families if name not in cells]
    if categories:
        cells |= {name: _label_cells(labels) for name, labels in relation.labels(categories).items()}
    return {name: cells[name] for name in families}


def profile_of(
    relation: Relation,
    families: Mapping[str, Family],
    *,
    cells: Mapping[str, Cells] | None = None,
    sketched: bool = True,
) -> Profile:
    """The profile of these columns, on given frozen cells, or on cells frozen with these rows.

    Args:
        relation: the rows.
        families: the columns, by what they hold.
        cells: frozen cells by column.
        sketched: whether columns get a sketch, which a profile that is stored needs.

    Raises:
        SubjectError: a column is missing.
        CheckError: a column holds something else than its family says, or no value to freeze cells with.
    """
    import numpy as np

    cells = freeze(relation, families) if cells is None else cells
    numbers = [name for name, family in families.items() if family == "numbers"]
    categories = [name for name, family in families.items() if family != "numbers"]
    summaries = relation.summaries(numbers)
    counts = relation.counts({name: np.array(cells[name].edges) for name in numbers})
    labels, missing = relation.labels(categories), relation.missing(categories)
    sketches: dict[str, Sketch] = {}
    if sketched:
        sketches = {name: label_sketch(labels[name], cells[name].labels) for name in categories}
        sketches |= rank_sketches(relation, {name: np.array(cells[name].edges) for name in numbers}, counts)
    columns = {}
    for name in families:
        if name in counts:
            column = _numbers(cells[name], summaries[name], counts[name])
        else:
            column = _labelled(cells[name], labels[name], rows=relation.rows, missing=missing[name])
        columns[name] = replace(column, sketch=sketches.get(name))
    return Profile(columns=columns, rows=relation.rows)


def merge_columns(first: ColumnProfile, second: ColumnProfile) -> ColumnProfile:
    """The column of both datasets together, without a sketch. Counts add exactly; moments combine as Chan, Golub and LeVeque (1983).

    Raises:
        ValueError: the columns are on different cells.
    """
    if first.cells != second.cells:
        raise ValueError("columns merge only on the same cells")
    merged = replace(
        first, rows=first.rows + second.rows, missing=first.missing + second.missing, infinite=first.infinite + second.infinite,
        counts=tuple(a + b for a, b in zip(first.counts, second.counts, strict=True)), sketch=None,
    )  # fmt: skip
    if second.mean is None:
        return merged
    if first.mean is None:
        return replace(merged, minimum=second.minimum, maximum=second.maximum, mean=second.mean, std=second.std)
    return replace(merged, **_moments(first, second))


def table_of(reference: ColumnProfile, current: ColumnProfile, *, fine: bool = False) -> Table:
    """Both datasets cell by cell: the cells of PSI, or the `fine` grid."""
    if fine:
        return Table(reference=as_counts(reference.counts), current=as_counts(current.counts))
    return Table(reference=reference.cell_counts, current=current.cell_counts)


def wasserstein_on_grid(reference: ColumnProfile, current: ColumnProfile) -> float:
    """The integral of |F - G| from the grid: exact at its edges, linear between them and to the extremes."""
    import numpy as np

    edges = np.array(reference.cells.edges)
    table = table_of(reference, current, fine=True)
    gaps = np.abs(np.cumsum(table.reference)[:-1] / table.n - np.cumsum(table.current)[:-1] / table.m)
    ends = [end for column in (reference, current) for end in (column.minimum, column.maximum) if end is not None]
    places = np.concatenate([[min([*ends, edges[0]])], edges, [max([*ends, edges[-1]])]])
    heights = np.concatenate([[0.0], gaps, [0.0]])
    return float(((heights[1:] + heights[:-1]) / 2 * np.diff(places)).sum())


def _record(column: ColumnProfile) -> dict[str, Any]:
    sketch = None if column.sketch is None else _fields(column.sketch)
    return _fields(column) | {"cells": _fields(column.cells), "sketch": sketch}


def _fields(item: ColumnProfile | Cells | Sketch) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__}


def _point_cells(counts: Mapping[str, int]) -> Cells:
    import numpy as np

    rows = {float(label): count for label, count in counts.items() if math.isfinite(float(label))}
    values = np.array(sorted(rows))
    found = few_value_edges(values, np.array([rows[value] for value in values.tolist()]), least=LEAST_ROWS)
    edges = tuple(found.tolist())
    return Cells(family="numbers", edges=edges, inner=edges)


def quantile_cells(quantiles: RoundedQuantiles) -> Cells:
    """The cells of a column of numbers from its quantiles at `GRID`.

    A value that several quantiles share gets a cell of its own.
    """
    import numpy as np

    tenths = [round(tenth * (len(GRID) + 1)) - 1 for tenth in TENTHS]
    values, edges, shared = quantiles.values, quantiles.edges, quantiles.shared
    grid, inner = (
        ascending_edges(edges[chosen], own=np.intersect1d(repeated(values[chosen]), shared))
        for chosen in (np.arange(len(GRID)), tenths)
    )
    if len(grid) == 0:  # no number lies between the values
        grid = inner = np.array(rounded_outward(float(values[0]), float(values[-1])))
    return Cells(family="numbers", edges=tuple(grid.tolist()), inner=tuple(np.intersect1d(grid, inner).tolist()))


def _label_cells(labels: Labels) -> Cells:
    return Cells(family="categories", labels=tuple(sorted(labels.most_frequent(MAX_LABELS, least=LEAST_ROWS))))


def _numbers(cells: Cells, summary: NumberSummary, counts: np.ndarray) -> ColumnProfile:
    return ColumnProfile(
        cells=cells, rows=summary.rows, missing=summary.absent, infinite=summary.infinite, counts=tuple(counts.tolist()),
        minimum=summary.minimum, maximum=summary.maximum, mean=summary.mean, std=summary.std,
    )  # fmt: skip


def _labelled(cells: Cells, labels: Labels, *, rows: int, missing: int) -> ColumnProfile:
    counts = labels.select(cells.labels)
    own = [counts.get(label, 0) for label in cells.labels]
    return ColumnProfile(cells=cells, rows=rows, missing=missing, counts=(*own, rows - missing - sum(own)))


def _moments(first: ColumnProfile, second: ColumnProfile) -> dict[str, Any]:
    moments = [(column.held, column.mean or 0.0, column.std or 0.0) for column in (first, second)]
    total = sum(held for held, _, _ in moments)
    mean = math.fsum(held / total * own_mean for held, own_mean, _ in moments)
    variance = math.fsum(held / total * (std**2 + (own_mean - mean) ** 2) for held, own_mean, std in moments)
    minima = [column.minimum for column in (first, second) if column.minimum is not None]
    maxima = [column.maximum for column in (first, second) if column.maximum is not None]
    return {"minimum": min(minima), "maximum": max(maxima), "mean": mean, "std": math.sqrt(variance)}
