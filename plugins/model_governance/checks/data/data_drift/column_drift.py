"""Compares columns from their profiles, with what only the rows of both sides can add."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine import ordered_distances
from model_governance.engine.cells import Table, labels_table, pool_neighbours, pool_rare
from model_governance.engine.distances import (
    difference_of_shares,
    jensen_shannon,
    kolmogorov_smirnov,
    normed_wasserstein,
    population_stability,
    total_variation,
)
from model_governance.engine.equal_width import equal_width_psi, equal_width_tables
from model_governance.engine.power import smallest_visible
from model_governance.engine.profiles import table_of, wasserstein_on_grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.engine import Ordered, Relation
    from model_governance.engine.distances import Distance
    from model_governance.engine.profiles import ColumnProfile, Family, Profile

FEWEST_IN_PROFILE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FromRows:
    """What profiles cannot tell of a column: exact distances of numbers; all labels of categories, and rows with unseen ones."""

    equal_width: Table | None = None
    ordered: Ordered | None = None
    labels: Table | None = None
    unseen: int | None = None

    def labels_only(self) -> FromRows:
        """What still holds when other nights stand for the reference: which labels the model has never seen."""
        return FromRows(unseen=self.unseen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One column, the reference beside tonight. Distances of numbers only are None for categories.

    `comparable` is False where the rows fill no two cells with ten rows each, so that no PSI can be told.

    `table` holds the pooled cells behind the PSI; `unseen` is the share of rows with a category that the
    reference never had, None where that is not known; `visible` the smallest PSI that tonight would have shown.
    """

    name: str
    family: Family
    reference: ColumnProfile
    current: ColumnProfile
    table: Table
    comparable: bool
    psi: Distance
    jensenshannon: Distance
    total_variation: Distance
    ks: Distance | None
    wasserstein: float | None
    equal_width_psi: float | None
    missing: Distance
    infinite: Distance
    unseen: float | None
    visible: float

    def effect(self, method: str) -> Distance:
        """The distance of this name."""
        found: Distance = getattr(self, method)
        return found

    @property
    def blinded(self) -> bool:
        """Whether extreme values blind Evidently's equal-width bins: 98% of the reference lie within one of them."""
        low, high = self.reference.quantile(0.01), self.reference.quantile(0.99)
        if low is None or high is None or self.reference.cells.edges == self.reference.cells.inner:
            return False
        ends = [
            one for side in (self.reference, self.current) for one in (side.minimum, side.maximum) if one is not None
        ]
        bins = math.log2(self.reference.held + self.current.held) + 1
        return 0 < high - low < (max(ends) - min(ends)) / bins


def compare_columns(
    reference: Profile, current: Profile, *, rows: Mapping[str, FromRows], seed: int, level: float
) -> tuple[Compared, ...]:
    """Every column of tonight's profile against the reference's, on the same cells.

    Args:
        reference: the fixed reference, or several nights merged.
        current: tonight.
        rows: what the rows of both sides add, by column; empty where the reference is but a profile.
        seed: of the noise behind intervals; each column gets its own from its name.
        level: p-value that counts as evidence, for what tonight could have seen.
    """
    return tuple(
        _compared(name, reference.columns[name], one, rows=rows.get(name), seed=seed, level=level)
        for name, one in current.columns.items()
    )


def from_rows(reference: Relation, current: Relation, families: Mapping[str, Family]) -> dict[str, FromRows]:
    """What only the rows tell, of every column, over all of them.

    Raises:
        CheckError: a column holds no finite value.
    """
    numbers = [name for name, family in families.items() if family == "numbers"]
    categories = [name for name in families if name not in numbers]
    ordered = ordered_distances(reference, current, numbers) if numbers else {}
    widths = equal_width_tables(reference, current, numbers)
    found = {name: FromRows(equal_width=widths[name], ordered=ordered[name]) for name in numbers}
    ours, theirs = current.value_counts(categories), reference.value_counts(categories)
    for name in categories:
        unseen = sum(rows for label, rows in ours[name].items() if label not in theirs[name])
        table = labels_table(theirs[name], ours[name])
        found[name] = FromRows(equal_width=table, labels=table, unseen=unseen)
    return found


def _compared(
    name: str, reference: ColumnProfile, current: ColumnProfile, *, rows: FromRows | None, seed: int, level: float
) -> Compared:
    seed = zlib.crc32(f"{seed}:{name}".encode("utf-8", "surrogatepass"))
    numbers = reference.cells.family == "numbers"
    unseen = None if rows is None else rows.unseen
    whole = _cells(reference, current, rows)
    table = pool_neighbours(whole) if numbers else pool_rare(whole)
    filled = int(((whole.reference + whole.current) > 0).sum())
    return Compared(
        name=name, family=reference.cells.family, reference=reference, current=current, table=table, comparable=table.cells > 1 or filled == 1,
        psi=population_stability(table), jensenshannon=jensen_shannon(table), total_variation=total_variation(table, seed=seed),
        ks=_ks(reference, current, rows, seed) if numbers else None,
        wasserstein=_wasserstein(reference, current, rows) if numbers else None,
        equal_width_psi=None if rows is None or rows.equal_width is None else equal_width_psi(rows.equal_width),
        missing=difference_of_shares((reference.missing, reference.rows), (current.missing, current.rows)),
        infinite=difference_of_shares((reference.infinite, reference.rows), (current.infinite, current.rows)),
        unseen=None if unseen is None else unseen / current.rows,
        visible=smallest_visible(freedom=table.cells - 1, chance=table.chance, level=level) if table.cells > 1 else 0.0,
    )  # fmt: skip


def _cells(reference: ColumnProfile, current: ColumnProfile, rows: FromRows | None) -> Table:
    """The cells behind the PSI, before those that are too rare are pooled.

    Which labels are too rare is judged from both sides: labels chosen by the reference's own counts, or a cell
    for labels that it never had, look changed where nothing is. Where only its profile is there, labels with
    fewer than 100 rows go to the others, which leaves little of that.
    """
    import numpy as np

    if rows is not None and rows.labels is not None:
        return rows.labels
    table = table_of(reference, current)
    if reference.cells.family == "numbers":
        return table
    own = np.append(table.reference[:-1] >= FEWEST_IN_PROFILE, False)
    sides = (np.append(side[own], side[~own].sum()) for side in (table.reference, table.current))
    first, second = sides
    return Table(reference=first, current=second)


def _ks(reference: ColumnProfile, current: ColumnProfile, rows: FromRows | None, seed: int) -> Distance:
    exact = rows.ordered.ks if rows is not None and rows.ordered is not None else None
    return kolmogorov_smirnov(table_of(reference, current, fine=True), seed=seed, exact=exact)


def _wasserstein(reference: ColumnProfile, current: ColumnProfile, rows: FromRows | None) -> float | None:
    exact = rows.ordered.wasserstein if rows is not None and rows.ordered is not None else None
    area = wasserstein_on_grid(reference, current) if exact is None else exact
    low, high = reference.quantile(0.25), reference.quantile(0.75)
    spread = (low, high) if low is not None and high is not None else (0.0, 0.0)
    return normed_wasserstein(area, quartiles=spread, std=reference.std or 0.0)
