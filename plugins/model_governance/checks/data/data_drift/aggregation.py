"""Turns compared columns into metrics: the largest of each distance, the share that drifted, and one value per column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.engine.power import shift_in_deviations
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift
    from model_governance.checks.data.data_drift.params import DriftParams
    from model_governance.checks.data.data_drift.predictions import PredictionDrift
    from model_governance.engine.distances import Distance

BINNED = ("psi", "jensenshannon", "total_variation")
TOO_FEW_ROWS = "its rows do not fill two cells with ten rows each, so that there is no result"
MAX_LISTED = 5
MAXIMA = {
    "psi": "psi_max",
    "jensenshannon": "jensenshannon_max",
    "total_variation": "total_variation_max",
    "ks": "ks_max",
}
MAX_SHIFT = 3.0


def drifted_columns(columns: Sequence[ColumnDrift], params: DriftParams) -> frozenset[str]:
    """Names of the columns whose effect reaches its limit, with evidence.

    The evidence is the p-value adjusted over the columns (Benjamini and Hochberg, 1995).
    """
    compared = [column for column in columns if column.comparable]
    effects = [column.effect(params.method_for(column.family)) for column in compared]
    p_values = adjusted([effect.p_value for effect in effects], "benjamini_hochberg")
    return frozenset(
        column.name
        for column, effect, p_value in zip(compared, effects, p_values, strict=True)
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
        *(overall.largest(MAXIMA[method], method) for method in MAXIMA),
        overall.wasserstein(),
        overall.blinded(),
        overall.prediction(predictions),
        *overall.consecutive(consecutive),
        *overall.invalid_values(),
        overall.smallest_visible(),
        *(estimate for column in columns for estimate in _of_column(column, params)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Overall:
    """The metrics over all columns; `n` is the number of rows of the smaller dataset."""

    columns: Sequence[ColumnDrift]
    params: DriftParams
    drifted: Collection[str]
    n: int

    def absent(self, name: str, reason: str) -> Estimate:
        return Estimate(name=name, value=None, n=self.n, reason=reason)

    def shares(self) -> Iterator[Estimate]:
        compared = [column for column in self.columns if column.comparable]
        if not compared:
            for name in ("drift_share", "drifted_columns"):
                yield self.absent(name, f"no column: {TOO_FEW_ROWS}")
            return
        names = [column.name for column in compared if column.name in self.drifted]
        listed = list_names(names)
        detail = f"{len(names)} of {len(compared)} columns" + (f": {listed}" if listed else "")
        # As long as nothing has changed, a share of drifted columns needs at least one that looks changed by chance.
        least = min(column.effect(self.params.method_for(column.family)).p_value for column in compared)
        p_value = min(1.0, len(compared) * least)
        share = len(names) / len(compared)
        yield Estimate(name="drift_share", value=share, n=self.n, detail=detail, p_value=p_value)
        yield Estimate(name="drifted_columns", value=len(names), n=self.n, detail=listed, p_value=p_value)

    def largest(self, name: str, method: str, columns: Sequence[ColumnDrift] | None = None) -> Estimate:
        """The largest of a distance; its p-value is that of the column times the number of columns (Bonferroni)."""
        compared = self.columns if columns is None else columns
        effects = [(column.effect(method), column.name) for column in compared if _has(column, method)]
        if not effects:
            return self.absent(
                name,
                f"no column: {TOO_FEW_ROWS}" if method in BINNED else f"no column of numbers, which {method} needs",
            )
        worst, column_name = max(effects, key=lambda pair: pair[0].value)
        return Estimate(
            name=name, value=worst.value, n=self.n, interval=(worst.low, worst.high),
            detail=f"largest at {column_name}", p_value=min(1.0, len(effects) * worst.p_value),
        )  # fmt: skip

    def wasserstein(self) -> Estimate:
        columns = [column for column in self.columns if column.wasserstein is not None]
        if not columns:
            return self.absent("wasserstein_max", "no column of numbers that vary in the reference")
        worst = max(columns, key=lambda column: column.wasserstein or 0.0)
        return Estimate(
            name="wasserstein_max", value=worst.wasserstein, n=self.n, detail=f"largest at {worst.name}",
            p_value=min(1.0, len(columns) * worst.ks.p_value) if worst.ks else None,
        )  # fmt: skip

    def blinded(self) -> Estimate:
        names = [column.name for column in self.columns if column.blinded]
        return Estimate(name="blinded_columns", value=len(names), n=self.n, detail=", ".join(names))

    def prediction(self, predictions: PredictionDrift) -> Estimate:
        drift = predictions.drift
        if drift is None:
            return self.absent("prediction_drift", predictions.reason)
        method, n = self.params.prediction_method, min(predictions.rows.values())
        if not drift.comparable:
            return Estimate(name="prediction_drift", value=None, n=n, reason=f"the prediction: {TOO_FEW_ROWS}")
        return _distance("prediction_drift", drift.effect(method), n=n, detail=method)

    def consecutive(self, columns: Sequence[ColumnDrift] | None) -> Iterator[Estimate]:
        if not self.params.consecutive:
            return
        if columns is None:
            yield self.absent("consecutive_psi_max", "there is no earlier accepted run on the same cells yet")
        else:
            yield self.largest("consecutive_psi_max", "psi", columns)

    def invalid_values(self) -> Iterator[Estimate]:
        """What distances do not show: missing values, infinite values and new categories."""
        worst = max(self.columns, key=lambda column: column.missing.value)
        yield Estimate(
            name="missing_increase_max", value=worst.missing.value, n=self.n,
            interval=(worst.missing.low, worst.missing.high),
            detail=f"largest at {worst.name}" if worst.missing.value > 0 else "",
            p_value=min(1.0, len(self.columns) * worst.missing.p_value),
        )  # fmt: skip
        yield self.largest_share("nonfinite_share", lambda column: column.current.infinite / column.current.rows)
        if all(column.family == "numbers" or column.new_category_share is not None for column in self.columns):
            yield self.largest_share("new_category_share_max", lambda column: column.new_category_share or 0.0)
        else:
            yield self.absent(
                "new_category_share_max",
                "a profile replaces the reference, and stores no rare category by which a new one could be recognised",
            )

    def largest_share(self, name: str, share: Callable[[ColumnDrift], float]) -> Estimate:
        worst = max(self.columns, key=share)
        detail = f"largest at {worst.name}" if share(worst) > 0 else ""
        return Estimate(name=name, value=share(worst), n=self.n, detail=detail)

    def smallest_visible(self) -> Estimate:
        name = "smallest_visible_shift_max"
        incomparable = [column.name for column in self.columns if not column.comparable]
        if incomparable:
            return self.absent(name, f"{list_names(incomparable)}: {TOO_FEW_ROWS}")
        worst = max(self.columns, key=lambda column: column.smallest_visible)
        return Estimate(
            name=name, value=worst.smallest_visible, n=self.n, detail=f"largest at {worst.name}{in_deviations(worst)}"
        )


def _of_column(column: ColumnDrift, params: DriftParams) -> Iterator[Estimate]:
    n = min(column.reference.held, column.current.held)
    method = params.method_for(column.family)
    for name, distance in (("drift_score", method), *((each, each) for each in (*BINNED, "ks"))):
        if _has(column, distance):
            detail = method if name == "drift_score" else ""
            yield _distance(name, column.effect(distance), n=n, key=column.name, detail=detail)
        elif distance in BINNED:
            yield Estimate(name=name, value=None, n=n, key=column.name, reason=TOO_FEW_ROWS)
    if column.wasserstein is not None:
        p_value = column.ks.p_value if column.ks else None
        yield Estimate(name="wasserstein", value=column.wasserstein, n=n, key=column.name, p_value=p_value)
    yield Estimate(
        name="equal_width_psi", value=column.equal_width_psi, n=n, key=column.name,
        reason="" if column.equal_width_psi is not None
        else "the reference is a profile: its rows cannot be counted in bins that depend on the current extremes",
    )  # fmt: skip
    rows = min(column.reference.rows, column.current.rows)
    yield _distance("missing_increase", column.missing, n=rows, key=column.name)
    yield Estimate(
        name="smallest_visible_shift", value=column.smallest_visible, n=n, key=column.name,
        detail=in_deviations(column).strip(" ,"),
    )  # fmt: skip


def _distance(name: str, distance: Distance, *, n: int, key: str | None = None, detail: str = "") -> Estimate:
    return Estimate(
        name=name, value=distance.value, n=n, interval=(distance.low, distance.high), p_value=distance.p_value,
        key=key, detail=detail,
    )  # fmt: skip


def _has(column: ColumnDrift, distance: str) -> bool:
    return getattr(column, distance) is not None and (column.comparable or distance not in BINNED)


def in_deviations(column: ColumnDrift) -> str:
    """The smallest visible PSI as a shift in standard deviations; empty for categories and beyond three deviations."""
    if column.family != "numbers" or column.smallest_visible <= 0:
        return ""
    try:
        shift = shift_in_deviations(column.smallest_visible)
    except ValueError:
        return ""
    return f", a shift of {shift:.2g} standard deviations if it is bell-shaped" if shift <= MAX_SHIFT else ""


def list_names(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
