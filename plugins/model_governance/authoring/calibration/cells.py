"""Runs drawn from the counts of the reference's cells, and measured by the engine's own distances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

from model_governance.checks.data.data_drift.aggregation import drifted_columns
from model_governance.checks.data.data_drift.comparison import choose_features
from model_governance.checks.data.data_drift.metrics import METRICS
from model_governance.contract.result import CheckResult, Estimate, declared
from model_governance.engine import open_relation
from model_governance.engine.cells import Table, pool_neighbours, pool_rare, thin_cells
from model_governance.engine.distances import difference_of_shares, jensen_shannon, population_stability
from model_governance.engine.profiles import profile_of
from model_governance.stats.limits import PartialConjunction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from model_governance.authoring.calibration.windows import WindowPlan
    from model_governance.checks.data.data_drift.column_drift import ColumnDrift
    from model_governance.checks.data.data_drift.params import DriftParams
    from model_governance.contract.subject import Subject
    from model_governance.engine.cells import ThinCells
    from model_governance.engine.distances import Distance
    from model_governance.engine.profiles import Family

CHUNK = 100
SHARES = ("drift_share", "drifted_columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawableColumn:
    """One column of the reference: rows per cell, rows without a value and rows with an infinite one."""

    name: str
    family: Family
    counts: np.ndarray
    missing: int
    infinite: int

    def draw(self, plan: WindowPlan, *, draws: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Counts of the half that plays the reference and of runs of other rows, (draws, cells + 2) each."""
        import numpy as np

        whole = np.append(self.counts, [self.missing, self.infinite])
        reference = _dealt(np.broadcast_to(whole, (draws, len(whole))), plan.half, draw)
        return reference, _dealt(whole - reference, plan.rows, draw)


class DrawnColumn:
    """One column of a drawn run beside its drawn reference, as `ColumnDrift` compares real ones.

    Args:
        column: what was drawn from.
        reference: counts per cell, then missing and infinite, shape (cells + 2,).
        current: the same of the run.
    """

    def __init__(self, column: DrawableColumn, reference: np.ndarray, current: np.ndarray) -> None:
        self.name, self.family = column.name, column.family
        self._reference, self._current = reference, current

    @property
    def rows(self) -> int:
        """Rows of the smaller dataset."""
        return int(min(self._reference.sum(), self._current.sum()))

    def effect(self, method: str) -> Distance:
        """The distance of this name, `psi` or `jensenshannon`."""
        return self._psi if method == "psi" else self._jensenshannon

    @property
    def missing(self) -> Distance:
        """Increase of the share of missing values."""
        first, second = ((int(counts[-2]), int(counts.sum())) for counts in (self._reference, self._current))
        return difference_of_shares(first, second)

    @property
    def new_categories(self) -> Distance | None:
        """Rows with unseen labels against the share that labels seen once predict; None for numbers."""
        if self.family == "numbers":
            return None
        labels, run = self._reference[:-2], self._current[:-2]
        singletons, new = int((labels == 1).sum()), int(run[labels == 0].sum())
        return difference_of_shares((singletons, int(labels.sum())), (new, int(self._current.sum())))

    @cached_property
    def _psi(self) -> Distance:
        table, thin = self._tables
        return population_stability(table, thin=thin)

    @cached_property
    def _jensenshannon(self) -> Distance:
        table, thin = self._tables
        return jensen_shannon(table, thin=thin)

    @cached_property
    def _tables(self) -> tuple[Table, ThinCells | None]:
        reference, current = self._reference[:-2], self._current[:-2]
        numbers = self.family == "numbers"
        if not numbers:  # labels that neither holds have no cell
            held = reference + current > 0
            reference, current = reference[held], current[held]
        whole = Table(reference=reference, current=current)
        return pool_neighbours(whole) if numbers else pool_rare(whole), thin_cells(whole, ordered=numbers)


def drawable_columns(subject: Subject, params: DriftParams) -> list[DrawableColumn]:
    """The columns that the check compares, counted over the whole reference.

    Raises:
        SubjectError, CheckError: the reference lacks a column, or it cannot be cut into cells.
    """
    import numpy as np

    families, _ = choose_features(subject, params)
    relation = open_relation(subject.datasets["reference"])
    profile = profile_of(relation, families)
    labels = relation.value_counts([name for name, family in families.items() if family == "categories"])
    return [
        DrawableColumn(
            name=name, family=family, missing=profile.columns[name].missing, infinite=profile.columns[name].infinite,
            counts=np.array(list(labels[name].values())) if name in labels else profile.columns[name].cell_counts,
        )
        for name, family in families.items()
    ]  # fmt: skip


def measure_cells(
    columns: Sequence[DrawableColumn],
    params: DriftParams,
    *,
    plan: WindowPlan,
    windows: int,
    seed: int,
    wanted: frozenset[str],
) -> Iterator[CheckResult]:
    """The `wanted` metrics of drawn runs, each beside a reference dealt anew."""
    import numpy as np

    for number, start in enumerate(range(0, windows, CHUNK)):
        count = min(CHUNK, windows - start)
        drawn = [
            column.draw(plan, draws=count, draw=np.random.default_rng([seed, number, place]))
            for place, column in enumerate(columns)
        ]
        for run in range(count):
            compared = [
                DrawnColumn(column, reference[run], current[run])
                for column, (reference, current) in zip(columns, drawn, strict=True)
            ]
            metrics = (declared(METRICS, estimate) for estimate in cell_estimates(compared, params, wanted))
            yield CheckResult(kind="data_drift", seed=seed, metrics=tuple(metrics))


def cell_estimates(columns: Sequence[DrawnColumn], params: DriftParams, wanted: frozenset[str]) -> Iterator[Estimate]:
    """The `wanted` metrics of one drawn run."""
    for column in columns:
        distances = {
            "psi": lambda column=column: column.effect("psi"),
            "jensenshannon": lambda column=column: column.effect("jensenshannon"),
            "drift_score": lambda column=column: column.effect(params.method_for(column.family)),
            "missing_increase": lambda column=column: column.missing,
            "new_category_share": lambda column=column: column.new_categories,
        }
        for name in distances.keys() & wanted:
            distance = distances[name]()
            if distance is not None:
                yield Estimate(
                    name=name, value=distance.value, n=column.rows, limits=distance.limits, p_value=distance.p_value,
                    key=column.name,
                )  # fmt: skip
    if wanted & set(SHARES):
        yield from _shares(columns, params)


def _shares(columns: Sequence[DrawnColumn], params: DriftParams) -> Iterator[Estimate]:
    """Columns that drifted, with the evidence for each, as `drift_estimates` counts them."""
    drifted = drifted_columns(cast("Sequence[ColumnDrift]", columns), params)
    beyond, within = [], []
    for column in columns:
        method = params.method_for(column.family)
        limits, bound = column.effect(method).limits, params.limit_for(method)
        beyond.append(limits.p_above(bound))
        within.append(limits.p_below(bound))
    n, total = min(column.rows for column in columns), len(columns)
    for name, as_share in zip(SHARES, (True, False), strict=True):
        limits = PartialConjunction(beyond=tuple(sorted(beyond)), within=tuple(sorted(within)), as_share=as_share)
        value = len(drifted) / total if as_share else len(drifted)
        yield Estimate(name=name, value=value, n=n, limits=limits)


def _dealt(counts: np.ndarray, rows: int, draw: np.random.Generator) -> np.ndarray:
    """So many rows drawn without replacement from counts per cell, shape (draws, cells): multivariate hypergeometric."""
    import numpy as np

    drawn = np.zeros(counts.shape, dtype="int64")
    left, wanted = counts.sum(axis=1), np.full(len(counts), rows)
    for cell in range(counts.shape[1]):
        left = left - counts[:, cell]
        drawn[:, cell] = draw.hypergeometric(counts[:, cell], left, wanted)
        wanted = wanted - drawn[:, cell]
    return drawn
