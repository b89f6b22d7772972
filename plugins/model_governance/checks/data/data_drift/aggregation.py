"""Turns compared columns into metrics: one value per column of each distance, and the share that drifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.category_shares import largest_change
from model_governance.contract.result import Estimate
from model_governance.stats.limits import PartialConjunction
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift
    from model_governance.checks.data.data_drift.params import DriftParams
    from model_governance.checks.data.data_drift.predictions import PredictionDrift
    from model_governance.engine.distances import Distance
    from model_governance.engine.profiles import Family

MAX_LISTED = 5
DISTANCES = ("psi", "jensenshannon", "total_variation", "ks")
OF_CELLS = frozenset({"psi", "jensenshannon", "total_variation"})
NOT_COMPARED = (
    "no value of the column has rows enough to be compared with another; declare free text as kind text, and judge "
    "new_category_share"
)
FAMILY_METRICS: Mapping[Family, tuple[str, ...]] = {
    "numbers": ("ks", "wasserstein", "nonfinite_share", "out_of_range_share"),
    "categories": ("new_category_share", "category_share_ratio"),
}
UNSEEN: Mapping[Family, tuple[str, str]] = {
    "numbers": ("out_of_range_share", "counts no rows beyond the range that these values had"),
    "categories": ("new_category_share", "stores no rare category by which a new one could be recognised"),
}


def drifted_columns(columns: Sequence[ColumnDrift], params: DriftParams) -> frozenset[str]:
    """Names of the columns whose effect reaches its limit, with evidence.

    The evidence is the p-value adjusted over the columns (Benjamini and Hochberg, 1995).
    """
    effects = [column.effect(params.method_for(column.family)) for column in columns]
    p_values = adjusted([effect.p_value for effect in effects], "benjamini_hochberg")
    return frozenset(
        column.name
        for column, effect, p_value in zip(columns, effects, p_values, strict=True)
        if p_value <= params.evidence_level and effect.value >= params.limit_for(params.method_for(column.family))
    )


def drift_estimates(
    columns: Sequence[ColumnDrift],
    params: DriftParams,
    *,
    drifted: Collection[str],
    predictions: PredictionDrift,
    consecutive: Sequence[ColumnDrift] | None,
) -> tuple[Estimate, ...]:
    """Every metric of the check; those that cannot be computed are absent with the reason.

    Args:
        columns: the compared features.
        params: which distance counts, and whether the last run is compared.
        drifted: names of the columns that count as drifted.
        predictions: the compared predictions.
        consecutive: the comparison with the last accepted run, None where there is none.
    """
    overall = _Overall(
        columns=columns,
        params=params,
        drifted=drifted,
        n=min(min(column.reference.rows, column.current.rows) for column in columns),
    )
    return (
        *overall.shares(),
        overall.blinded(),
        overall.prediction(predictions),
        *(estimate for column in columns for estimate in _of_column(column, params)),
        *_of_no_column(columns),
        *(_consecutive(columns, consecutive) if params.consecutive else ()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Overall:
    """The metrics over all columns; `n` is the number of rows of the smaller dataset."""

    columns: Sequence[ColumnDrift]
    params: DriftParams
    drifted: Collection[str]
    n: int

    def shares(self) -> Iterator[Estimate]:
        names = [column.name for column in self.columns if column.name in self.drifted]
        listed, total = list_names(names), len(self.columns)
        beyond, within = self._p_values()
        share = PartialConjunction(beyond=beyond, within=within)
        number = PartialConjunction(beyond=beyond, within=within, as_share=False)
        detail = f"{len(names)} of {total} columns" + (f": {listed}" if listed else "")
        yield Estimate(name="drift_share", value=len(names) / total, n=self.n, detail=detail, limits=share)
        yield Estimate(name="drifted_columns", value=len(names), n=self.n, detail=listed, limits=number)

    def _p_values(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Ascending p-values of "within its limit" and of "beyond it", one per column."""
        pairs = []
        for column in self.columns:
            method = self.params.method_for(column.family)
            limits, bound = column.effect(method).limits, self.params.limit_for(method)
            pairs.append((limits.p_above(bound), limits.p_below(bound)))
        return tuple(sorted(above for above, _ in pairs)), tuple(sorted(below for _, below in pairs))

    def blinded(self) -> Estimate:
        names = [column.name for column in self.columns if column.blinded]
        return Estimate(name="blinded_columns", value=len(names), n=self.n, detail=list_names(names))

    def prediction(self, predictions: PredictionDrift) -> Estimate:
        drift = predictions.drift
        if drift is None:
            return Estimate(name="prediction_drift", value=None, n=self.n, reason=predictions.reason)
        method = self.params.prediction_method
        return _distance("prediction_drift", drift.effect(method), n=min(predictions.rows.values()), detail=method)


def _of_column(column: ColumnDrift, params: DriftParams) -> Iterator[Estimate]:
    n, rows = min(column.reference.held, column.current.held), min(column.reference.rows, column.current.rows)
    method = params.method_for(column.family)
    for name, distance in (("drift_score", method), *((name, name) for name in DISTANCES)):
        if column.pooled and distance in OF_CELLS:
            yield Estimate(name=name, value=None, n=n, key=column.name, reason=NOT_COMPARED, absence="uncertain")
        elif getattr(column, distance) is not None:
            detail = method if name == "drift_score" else ""
            yield _distance(name, column.effect(distance), n=n, key=column.name, detail=detail)
    if column.wasserstein is not None:
        wasserstein = column.wasserstein
        yield Estimate(name="wasserstein", value=wasserstein.value, n=n, key=column.name, limits=wasserstein.limits)
    yield Estimate(
        name="equal_width_psi", value=column.equal_width_psi, n=n, key=column.name,
        reason="" if column.equal_width_psi is not None
        else "the reference is a profile: its rows cannot be counted in bins that depend on the current extremes",
    )  # fmt: skip
    yield _distance("missing_increase", column.missing, n=rows, key=column.name)
    if column.family == "numbers":
        share = column.current.infinite / column.current.rows
        yield Estimate(name="nonfinite_share", value=share, n=column.current.rows, key=column.name)
    yield _unseen(column, n=rows)
    if column.category_factor is not None:
        detail = largest_change(column.reference, column.current)
        yield _distance("category_share_ratio", column.category_factor, n=n, key=column.name, detail=detail)


def _unseen(column: ColumnDrift, *, n: int) -> Estimate:
    """The share of current rows with a category, or a number, that the reference does not know."""
    name, why = UNSEEN[column.family]
    if column.unseen is None:
        reason = f"a profile replaces the reference, and {why}"
        return Estimate(name=name, value=None, n=n, key=column.name, reason=reason)
    return _distance(name, column.unseen, n=n, key=column.name)


def _of_no_column(columns: Sequence[ColumnDrift]) -> Iterator[Estimate]:
    """The metrics of one family of columns where there is none of it: the question does not arise."""
    families = {column.family for column in columns}
    for family, names in FAMILY_METRICS.items():
        if family not in families:
            for name in names:
                yield Estimate(
                    name=name, value=None, n=0, reason=f"no column of {family} is compared", absence="skipped"
                )


def _consecutive(columns: Sequence[ColumnDrift], previous: Sequence[ColumnDrift] | None) -> Iterator[Estimate]:
    """PSI against the last accepted run, for each column that it holds on the same cells."""
    compared = {column.name: column for column in previous or ()}
    for column in columns:
        n = min(column.reference.held, column.current.held)
        if column.name in compared:
            own = compared[column.name]
            yield _distance("consecutive_psi", own.psi, n=min(own.reference.held, own.current.held), key=column.name)
        else:
            yield Estimate(
                name="consecutive_psi", value=None, n=n, key=column.name, absence="uncertain",
                reason="there is no earlier accepted run on the same cells yet",
            )  # fmt: skip


def _distance(name: str, distance: Distance, *, n: int, key: str | None = None, detail: str = "") -> Estimate:
    return Estimate(
        name=name, value=distance.value, n=n, limits=distance.limits, p_value=distance.p_value, key=key, detail=detail
    )


def list_names(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
