"""Turns compared columns into metrics: one per column and distance, the worst of each, and the share that drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.power import shift_in_deviations
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from model_governance.checks.data.data_drift.column_drift import Compared
    from model_governance.checks.data.data_drift.params import DriftParams
    from model_governance.checks.data.data_drift.predictions import Predictions
    from model_governance.contract.check import Check
    from model_governance.contract.result import Metric
    from model_governance.engine.distances import Distance

BINNED = ("psi", "jensenshannon", "total_variation")
TOO_FEW = "its rows fill no two cells with ten rows each, so that nothing can be told of it"
MOST_TOLD = 5
MAXIMA = {
    "psi": "psi_max",
    "jensenshannon": "jensenshannon_max",
    "total_variation": "total_variation_max",
    "ks": "ks_max",
}
FARTHEST_SHIFT = 3.0


def drifted(columns: Sequence[Compared], params: DriftParams) -> frozenset[str]:
    """Columns whose effect reaches its limit, with evidence (Benjamini and Hochberg, 1995, over the columns)."""
    compared = [one for one in columns if one.comparable]
    effects = [one.effect(params.method_for(one.family)) for one in compared]
    evidence = adjusted([one.p_value for one in effects], "benjamini_hochberg")
    return frozenset(
        one.name
        for one, effect, p_value in zip(compared, effects, evidence, strict=True)
        if p_value <= params.evidence_level and effect.value >= params.limit_for(params.method_for(one.family))
    )


class Measured:
    """The metrics of a night, under the declarations of the check."""

    def __init__(
        self, check: Check, columns: Sequence[Compared], params: DriftParams, *, moved: Collection[str]
    ) -> None:
        self.metric = check.metric
        self.columns = columns
        self.params = params
        self.moved = moved
        self.n = min(min(one.reference.rows, one.current.rows) for one in columns)

    def all(self, predictions: Predictions, consecutive: Sequence[Compared] | None) -> tuple[Metric, ...]:
        """Every metric; those that cannot be had are absent with the reason."""
        return (
            *self._shares(),
            *(self._largest(MAXIMA[method], method) for method in MAXIMA),
            self._wasserstein_max(),
            self._blinded(),
            self._prediction(predictions),
            *self._consecutive(consecutive),
            *self._rows_lost(),
            self._visible_max(),
            *(metric for one in self.columns for metric in self._of_column(one)),
        )

    def _shares(self) -> Iterator[Metric]:
        compared = [one.name for one in self.columns if one.comparable]
        if not compared:
            for name in ("drift_share", "drifted_columns"):
                yield self.metric(name, None, n=self.n, reason=f"no column: {TOO_FEW}")
            return
        names = [one for one in compared if one in self.moved]
        told = listed(names)
        share = f"{len(names)} of {len(compared)} columns" + (f": {told}" if told else "")
        # As long as nothing has changed, a share of drifted columns needs at least one that looks changed by chance.
        least = min(one.effect(self.params.method_for(one.family)).p_value for one in self.columns if one.comparable)
        proof = min(1.0, len(compared) * least)
        yield self.metric("drift_share", len(names) / len(compared), n=self.n, detail=share, p_value=proof)
        yield self.metric("drifted_columns", len(names), n=self.n, detail=told, p_value=proof)

    def _largest(self, name: str, method: str, columns: Sequence[Compared] | None = None) -> Metric:
        """The largest of a distance; its p-value is that of the column times the number of columns (Bonferroni)."""
        compared = self.columns if columns is None else columns
        having = [(one.effect(method), one.name) for one in compared if _can_tell(one, method)]
        if not having:
            reason = f"no column: {TOO_FEW}" if method in BINNED else f"no column of numbers, which {method} needs"
            return self.metric(name, None, n=self.n, reason=reason)
        worst, column = max(having, key=lambda pair: pair[0].value)
        return self.metric(
            name, worst.value, n=self.n, interval=(worst.low, worst.high), detail=f"largest at {column}",
            p_value=min(1.0, len(having) * worst.p_value),
        )  # fmt: skip

    def _wasserstein_max(self) -> Metric:
        having = [one for one in self.columns if one.wasserstein is not None]
        if not having:
            return self.metric(
                "wasserstein_max", None, n=self.n, reason="no column of numbers that vary in the reference"
            )
        worst = max(having, key=lambda one: one.wasserstein or 0.0)
        p_value = min(1.0, len(having) * worst.ks.p_value) if worst.ks else None
        return self.metric(
            "wasserstein_max", worst.wasserstein, n=self.n, detail=f"largest at {worst.name}", p_value=p_value
        )

    def _blinded(self) -> Metric:
        hidden = [one.name for one in self.columns if one.blinded]
        return self.metric("blinded_columns", len(hidden), n=self.n, detail=", ".join(hidden))

    def _prediction(self, predictions: Predictions) -> Metric:
        one = predictions.compared
        if one is None:
            return self.metric("prediction_drift", None, n=self.n, reason=predictions.trouble)
        method, n = self.params.prediction_method, min(predictions.rows.values())
        if not one.comparable:
            return self.metric("prediction_drift", None, n=n, reason=f"the prediction: {TOO_FEW}")
        return self._distance("prediction_drift", one.effect(method), n=n, detail=method)

    def _consecutive(self, columns: Sequence[Compared] | None) -> Iterator[Metric]:
        if not self.params.consecutive:
            return
        if columns is None:
            yield self.metric(
                "consecutive_psi_max", None, n=self.n, reason="there is no earlier accepted night on the same cells yet"
            )
        else:
            yield self._largest("consecutive_psi_max", "psi", columns)

    def _rows_lost(self) -> Iterator[Metric]:
        """What distances do not see: missing, infinite and never seen values."""
        worst = max(self.columns, key=lambda one: one.missing.value)
        yield self.metric(
            "missing_increase_max", worst.missing.value, n=self.n, interval=(worst.missing.low, worst.missing.high),
            detail=f"largest at {worst.name}" if worst.missing.value > 0 else "",
            p_value=min(1.0, len(self.columns) * worst.missing.p_value),
        )  # fmt: skip
        yield self._share_max("nonfinite_share", lambda one: one.current.infinite / one.current.rows)
        known = [one for one in self.columns if one.family == "numbers" or one.unseen is not None]
        if len(known) < len(self.columns):
            yield self.metric(
                "new_category_share_max", None, n=self.n,
                reason="a profile stands for the reference, and keeps no rare category by which a new one could be told",
            )  # fmt: skip
        else:
            yield self._share_max("new_category_share_max", lambda one: one.unseen or 0.0)

    def _share_max(self, name: str, share: Callable[[Compared], float]) -> Metric:
        worst = max(self.columns, key=share)
        return self.metric(name, share(worst), n=self.n, detail=f"largest at {worst.name}" if share(worst) > 0 else "")

    def _visible_max(self) -> Metric:
        if not all(one.comparable for one in self.columns):
            blind = listed([one.name for one in self.columns if not one.comparable])
            return self.metric("smallest_visible_shift_max", None, n=self.n, reason=f"{blind}: {TOO_FEW}")
        worst = max(self.columns, key=lambda one: one.visible)
        return self.metric(
            "smallest_visible_shift_max",
            worst.visible,
            n=self.n,
            detail=f"largest at {worst.name}{in_deviations(worst)}",
        )

    def _of_column(self, one: Compared) -> Iterator[Metric]:
        n = min(one.reference.held, one.current.held)
        method = self.params.method_for(one.family)
        for name, distance in (("drift_score", method), *((each, each) for each in (*BINNED, "ks"))):
            if _can_tell(one, distance):
                detail = method if name == "drift_score" else ""
                yield self._distance(name, one.effect(distance), n=n, key=one.name, detail=detail)
            elif distance in BINNED:
                yield self.metric(name, None, n=n, key=one.name, reason=TOO_FEW)
        if one.wasserstein is not None:
            p_value = one.ks.p_value if one.ks else None
            yield self.metric("wasserstein", one.wasserstein, n=n, key=one.name, p_value=p_value)
        if one.equal_width_psi is None:
            yield self.metric(
                "equal_width_psi", None, n=n, key=one.name,
                reason="the reference is a profile: its rows cannot be cut into the bins that tonight's extremes ask for",
            )  # fmt: skip
        else:
            yield self.metric("equal_width_psi", one.equal_width_psi, n=n, key=one.name)
        yield self._distance("missing_increase", one.missing, n=min(one.reference.rows, one.current.rows), key=one.name)
        yield self.metric(
            "smallest_visible_shift", one.visible, n=n, key=one.name, detail=in_deviations(one).strip(" ,")
        )

    def _distance(self, name: str, found: Distance, *, n: int, key: str | None = None, detail: str = "") -> Metric:
        return self.metric(
            name, found.value, n=n, interval=(found.low, found.high), p_value=found.p_value, key=key, detail=detail
        )


def _can_tell(one: Compared, distance: str) -> bool:
    return getattr(one, distance) is not None and (one.comparable or distance not in BINNED)


def in_deviations(one: Compared) -> str:
    """The smallest visible PSI as a shift that people can imagine; empty for categories and beyond three deviations."""
    if one.family != "numbers" or one.visible <= 0:
        return ""
    try:
        shift = shift_in_deviations(one.visible)
    except ValueError:
        return ""
    return f", a shift of {shift:.2g} standard deviations if it is bell-shaped" if shift <= FARTHEST_SHIFT else ""


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return ", ".join(names[:MOST_TOLD]) + more
