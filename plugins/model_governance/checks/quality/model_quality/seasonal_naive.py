"""Errors of the seasonal naive forecast on the history of each series: the scale of MASE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.moments import instants
from model_governance.checks.quality.model_quality.numeric import to_numbers
from model_governance.engine import open_relation
from model_governance.errors import SubjectError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.model_quality.evaluation import Evaluation
    from model_governance.contract.subject import Role

ROLES: tuple[Role, ...] = ("history", "train", "reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveScales:
    """Mean absolute seasonal difference per series, in units of the target.

    Attributes:
        by_series: Scale by series, or None.
        reason: Why there is none; empty where there is.
        has_history: Whether a dataset was given that may hold one.
        note: Where the scale is from.
    """

    by_series: pd.Series | None = None
    reason: str = ""
    has_history: bool = True
    note: str = ""

    def of(self, series: pd.Series) -> np.ndarray:
        """The scale of each row's series, shape (n,); NaN where it has none."""
        import numpy as np

        if self.by_series is None:
            return np.full(len(series), np.nan)
        return series.map(self.by_series).to_numpy(dtype=np.float64)


def naive_scales(evaluation: Evaluation) -> NaiveScales:
    """Compute scales from the first of the datasets history, train and reference that is given.

    Raises:
        SubjectError: That dataset is empty or lacks the target, the moment or the series.
        CheckError: Its targets are no numbers.
    """
    import pandas as pd

    columns, season_length = evaluation.subject.columns, evaluation.params.season_length
    role = next((role for role in ROLES if role in evaluation.subject.datasets), None)
    if role is None:
        return NaiveScales(
            reason="no history to scale errors by; add datasets.history, the rows the model was fitted on",
            has_history=False,
        )
    relation = open_relation(evaluation.subject.datasets[role])
    if relation.rows == 0:
        raise SubjectError(f"{relation.uri}: dataset {role!r} has no rows; an empty dataset is never a pass")
    names = [str(columns.target), str(columns.time), *([columns.group] if columns.group else [])]
    frame = pd.concat(list(relation.frames(names)), ignore_index=True)
    series = frame[columns.group] if columns.group else pd.Series([0] * len(frame))
    by_series = seasonal_scales(
        to_numbers(frame[str(columns.target)], what="targets of the history"),
        _instants(frame[str(columns.time)], relation.uri), series, season_length=season_length,
    )  # fmt: skip
    if by_series.empty:
        return NaiveScales(
            reason=f"no series of dataset {role} is longer than a season of {season_length} and varies; MASE has no scale"
        )
    note = f"MASE: unit is the error of repeating the value {season_length} row(s) before, on dataset {role}."
    return NaiveScales(by_series=by_series, note=note)


def _instants(values: pd.Series, uri: str) -> np.ndarray:
    if values.isna().any():
        raise SubjectError(f"{uri}: {int(values.isna().sum()):,} moments in column {values.name!r} are missing")
    return instants(values, uri=uri)


def seasonal_scales(target: np.ndarray, when: np.ndarray, series: pd.Series, *, season_length: int) -> pd.Series:
    """Mean |y(t) - y(t - season)| per series, rows ordered by time (Hyndman and Koehler, 2006).

    A missing target excludes its two differences; series without a difference or without variation have no scale.

    Args:
        target: Targets (n,), NaN where missing.
        when: Moments (n,) as numbers.
        series: Series of each row (n,).
        season_length: Rows of a series in one season.
    """
    import numpy as np
    import pandas as pd

    codes, names = pd.factorize(series)
    order = np.lexsort((when, codes))
    value, code = target[order], codes[order]
    lag = season_length
    step = np.abs(value[lag:] - value[:-lag]) if len(value) > lag else np.empty(0)
    within = (code[lag:] == code[:-lag]) & np.isfinite(step) & (code[lag:] >= 0)
    owner = code[lag:][within]
    count = np.bincount(owner, minlength=len(names))
    total = np.bincount(owner, weights=step[within], minlength=len(names))
    scaled = (count > 0) & (total > 0)
    return pd.Series(total[scaled] / count[scaled], index=names[scaled])
