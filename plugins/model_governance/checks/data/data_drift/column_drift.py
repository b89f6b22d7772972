"""Compares single columns from their profiles, with the statistics that only the rows of both datasets give."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.category_shares import largest_factor
from model_governance.checks.data.data_drift.row_dependence import RowDependence
from model_governance.engine import ordered_distances
from model_governance.engine.cells import Table, are_all_thin, as_counts, pool_neighbours, pool_rare, thin_cells
from model_governance.engine.dependence import INDEPENDENT
from model_governance.engine.distances import (
    chance_distance,
    difference_of_shares,
    jensen_shannon,
    kolmogorov_smirnov,
    normed_wasserstein,
    population_stability,
    total_variation,
)
from model_governance.engine.equal_width import equal_width_psi, equal_width_tables
from model_governance.engine.labels import aligned
from model_governance.engine.profiles import table_of, wasserstein_on_grid
from model_governance.engine.witnesses import RowEffects, with_witnesses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.engine import Ordered, Relation
    from model_governance.engine.dependence import Dependence
    from model_governance.engine.distances import Distance, Wasserstein
    from model_governance.engine.profiles import ColumnProfile, Family, Profile

NO_DEPENDENCE = RowDependence()
MIN_PROFILE_ROWS = 100
"""Rows from which a label of a profile keeps a cell of its own when the rows behind it are not available."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStatistics:
    """Statistics of one column that need rows, not only profiles.

    `equal_width` holds Evidently's bins and `ordered` the exact distances of numbers; `labels` counts every label of a
    category. `unseen_rows` counts the current rows whose label does not occur in the reference, or whose number is beyond
    its smallest or largest; `singletons` the labels, or the two ends of the range, that occur in one row of the reference.
    """

    equal_width: Table | None = None
    ordered: Ordered | None = None
    labels: Table | None = None
    unseen_rows: int | None = None
    singletons: int = 0

    def unseen_only(self) -> RowStatistics:
        """The part that stays valid when profiles of other runs replace the reference: rows with unseen values."""
        return RowStatistics(unseen_rows=self.unseen_rows, singletons=self.singletons)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """One column of the current data compared with the reference. Distances of numbers only are None for categories.

    `table` holds the pooled cells behind the PSI, and `pooled` says that all labels are so rare that they became one,
    which equals itself: the distances of cells say nothing then. `unseen` is the share of current rows with a category that the reference
    never had, or a number beyond its range, less the share that its singletons predict; None where that is not known.
    `category_factor` is the largest factor by which the share of a category changed.
    """

    name: str
    family: Family
    reference: ColumnProfile
    current: ColumnProfile
    table: Table
    psi: Distance
    jensenshannon: Distance
    total_variation: Distance
    ks: Distance | None
    wasserstein: Wasserstein | None
    equal_width_psi: float | None
    missing: Distance
    infinite: Distance
    unseen: Distance | None
    category_factor: Distance | None
    pooled: bool = False

    def effect(self, method: str) -> Distance:
        """The distance of this name, for instance `psi`."""
        distance: Distance = getattr(self, method)
        return distance

    @property
    def blinded(self) -> bool:
        """Whether extreme values blind Evidently's equal-width bins: one bin holds 98% of the reference."""
        low, high = self.reference.quantile(0.01), self.reference.quantile(0.99)
        if low is None or high is None or self.reference.cells.edges == self.reference.cells.inner:
            return False
        ends = [
            end
            for profile in (self.reference, self.current)
            for end in (profile.minimum, profile.maximum)
            if end is not None
        ]
        bins = math.log2(self.reference.held + self.current.held) + 1
        return 0 < high - low < (max(ends) - min(ends)) / bins


def compare_columns(
    reference: Profile,
    current: Profile,
    *,
    statistics: Mapping[str, RowStatistics],
    dependence: RowDependence = NO_DEPENDENCE,
) -> tuple[ColumnDrift, ...]:
    """Compare every column of the current profile with the reference's, on the same cells.

    Args:
        reference: the fixed reference, or the merged profiles of several runs.
        current: the profile of the current data.
        statistics: what only the rows of both datasets give, by column; empty where a profile replaces the reference.
        dependence: what dependent rows and noise between runs add to the variance of independent rows.

    Returns:
        One comparison per column, in the order of the current profile.
    """
    return tuple(
        _compare_column(
            name, reference.columns[name], column, rows=statistics.get(name),
            effects=effects_of(dependence, name), missing_dependence=dependence.missing.get(name, INDEPENDENT),
        )
        for name, column in current.columns.items()
    )  # fmt: skip


def effects_of(dependence: RowDependence, name: str) -> RowEffects:
    """The part of one column; with clusters unknown, what is known of all directions."""
    own = dependence.values.get(name, INDEPENDENT)
    return RowEffects(
        all_directions=own, clusters=dependence.clusters.get(name, own), runs=dependence.runs.get(name, ())
    )


def row_statistics(reference: Relation, current: Relation, families: Mapping[str, Family]) -> dict[str, RowStatistics]:
    """The statistics of every column that need the rows of both datasets, over all of them.

    Raises:
        CheckError: a column holds no finite value.
    """
    numbers = [name for name, family in families.items() if family == "numbers"]
    categories = [name for name, family in families.items() if family != "numbers"]
    ordered = ordered_distances(reference, current, numbers) if numbers else {}
    widths = equal_width_tables(reference, current, numbers)
    statistics = {
        name: RowStatistics(
            equal_width=widths[name], ordered=ordered[name], unseen_rows=ordered[name].outside,
            singletons=ordered[name].ends,
        )
        for name in numbers
    }  # fmt: skip
    current_labels, reference_labels = current.labels(categories), reference.labels(categories)
    for name in categories:
        before, after = aligned(reference_labels[name], current_labels[name])
        table = Table(reference=before, current=after)
        statistics[name] = RowStatistics(
            equal_width=table, labels=table, unseen_rows=int(after[before == 0].sum()),
            singletons=int((before == 1).sum()),
        )  # fmt: skip
    return statistics


def _compare_column(
    name: str,
    reference: ColumnProfile,
    current: ColumnProfile,
    *,
    rows: RowStatistics | None,
    effects: RowEffects,
    missing_dependence: Dependence,
) -> ColumnDrift:
    dependence = effects.all_directions
    numbers = reference.cells.family == "numbers"
    whole = _cells(reference, current, rows)
    seed = _seed(name, whole)
    table, thin = pool_neighbours(whole) if numbers else pool_rare(whole), thin_cells(whole, ordered=numbers)
    shown = table if thin is None else thin.whole
    return ColumnDrift(
        name=name, family=reference.cells.family, reference=reference, current=current, table=shown,
        psi=population_stability(table, thin=thin, dependence=dependence),
        jensenshannon=jensen_shannon(table, thin=thin, dependence=dependence),
        total_variation=total_variation(shown, seed=seed, dependence=dependence),
        ks=_ks(reference, current, rows, seed=seed, dependence=dependence) if numbers else None,
        wasserstein=_wasserstein(reference, current, rows, effects=effects) if numbers else None,
        equal_width_psi=None if rows is None or rows.equal_width is None else equal_width_psi(rows.equal_width),
        missing=difference_of_shares(
            (reference.missing, reference.rows), (current.missing, current.rows), dependence=missing_dependence
        ),
        infinite=difference_of_shares((reference.infinite, reference.rows), (current.infinite, current.rows)),
        # What the bulk of the values does from run to run says nothing of those that the reference never had.
        unseen=_unseen(reference, current, rows, dependence=effects.clusters),
        category_factor=None if numbers else largest_factor(whole, dependence=dependence),
        pooled=not numbers and are_all_thin(whole),
    )  # fmt: skip


def _seed(name: str, table: Table) -> int:
    """The seed of the noise behind intervals, from what is compared: the same rows in another file have the same numbers."""
    counts = b"".join(side.astype("<i8").tobytes() for side in (table.reference, table.current))
    return zlib.crc32(counts, zlib.crc32(name.encode("utf-8", "surrogatepass")))


def _unseen(
    reference: ColumnProfile, current: ColumnProfile, rows: RowStatistics | None, *, dependence: Dependence
) -> Distance | None:
    """Rows with unseen labels against the share that the labels seen once predict (Good, 1953).

    A number beyond the range of the reference is its counterpart: of n + 1 independent values of one distribution, the last
    is the smallest or the largest with probability 2 / (n + 1), and it is 0 where many rows hold the ends.
    """
    if rows is None or rows.unseen_rows is None or reference.held == 0:
        return None
    return difference_of_shares(
        (rows.singletons, reference.held), (rows.unseen_rows, current.rows), dependence=dependence
    )


def _cells(reference: ColumnProfile, current: ColumnProfile, rows: RowStatistics | None) -> Table:
    """The cells behind the PSI, before rare ones are pooled.

    Both datasets together decide which labels are rare: labels chosen by the reference's own counts, or a cell for
    labels that it never had, would show a change where there is none. Where only the reference's profile is
    available, labels with fewer than 100 rows are pooled with the others, which nearly removes that bias.
    """
    import numpy as np

    if rows is not None and rows.labels is not None:
        return rows.labels
    table = table_of(reference, current)
    if reference.cells.family == "numbers":
        return table
    own = np.append(table.reference[:-1] >= MIN_PROFILE_ROWS, False)
    pooled_reference, pooled_current = (
        np.append(counts[own], counts[~own].sum()) for counts in (table.reference, table.current)
    )
    return Table(reference=pooled_reference, current=pooled_current)


def _ks(
    reference: ColumnProfile, current: ColumnProfile, rows: RowStatistics | None, *, seed: int, dependence: Dependence
) -> Distance:
    exact = rows.ordered.ks if rows is not None and rows.ordered is not None else None
    table = table_of(reference, current, fine=True)
    return kolmogorov_smirnov(table, seed=seed, exact=exact, dependence=dependence)


def _wasserstein(
    reference: ColumnProfile, current: ColumnProfile, rows: RowStatistics | None, *, effects: RowEffects
) -> Wasserstein | None:
    import numpy as np

    exact = rows.ordered.wasserstein if rows is not None and rows.ordered is not None else None
    area = wasserstein_on_grid(reference, current) if exact is None else exact
    quartiles, deciles = (
        (reference.quantile(tail) or 0.0, reference.quantile(1 - tail) or 0.0) for tail in (0.25, 0.1)
    )
    moments = [(column.std or 0.0, column.held) for column in (reference, current)]
    chance = chance_distance(np.array(reference.cells.edges), as_counts(reference.counts))
    plain = normed_wasserstein(
        area,
        quartiles=quartiles,
        deciles=deciles,
        moments=(moments[0], moments[1]),
        chance=chance,
        dependence=effects.all_directions,
    )
    return None if plain is None else with_witnesses(plain, reference, current, effects=effects)
