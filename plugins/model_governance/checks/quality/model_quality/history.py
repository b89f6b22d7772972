"""How large the errors of a naive forecast were on the history of each series: what MASE divides by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.finite import plain_numbers
from model_governance.checks.quality.model_quality.moments import instants
from model_governance.engine import open_relation
from model_governance.errors import SubjectError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.model_quality.measurement import Exam
    from model_governance.contract.subject import Role

ROLES: tuple[Role, ...] = ("history", "train", "reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """Mean absolute seasonal difference per series (in units of the target); `reason` says why there are none."""

    by_series: pd.Series | None = None
    reason: str = ""
    note: str = ""

    def key(self, series: pd.Series) -> np.ndarray:
        """The scale of each row's series, shape (n,); NaN where it has none."""
        import numpy as np

        if self.by_series is None:
            return np.full(len(series), np.nan)
        return series.map(self.by_series).to_numpy(dtype=np.float64)


def naive_scales(exam: Exam) -> Scales:
    """Scales from the first of the datasets history, train and reference that is given.

    Raises:
        SubjectError: that dataset is empty or lacks the target, the moment or the series.
        CheckError: its targets are no numbers.
    """
    import pandas as pd

    columns, season = exam.subject.columns, exam.params.season
    role = next((one for one in ROLES if one in exam.subject.datasets), None)
    if role is None:
        return Scales(reason="no history to scale errors by; add datasets.history, the rows the model was fitted on")
    relation = open_relation(exam.subject.datasets[role])
    if relation.rows == 0:
        raise SubjectError(f"{relation.uri}: dataset {role!r} has no rows; an empty dataset is never a pass")
    names = [str(columns.target), str(columns.time), *([columns.group] if columns.group else [])]
    past = pd.concat(list(relation.frames(names)), ignore_index=True)
    series = past[columns.group] if columns.group else pd.Series([0] * len(past))
    by_series = seasonal_scales(
        plain_numbers(past[str(columns.target)], what="targets of the history"),
        _instants(past[str(columns.time)], relation.uri), series, season=season,
    )  # fmt: skip
    if by_series.empty:
        return Scales(
            reason=f"no series of dataset {role} is longer than a season of {season} and varies; MASE has no scale"
        )
    note = f"MASE: unit is the error of repeating the value {season} row(s) before, on dataset {role}."
    return Scales(by_series=by_series, note=note)


def _instants(values: pd.Series, uri: str) -> np.ndarray:
    if values.isna().any():
        raise SubjectError(f"{uri}: {int(values.isna().sum()):,} moments in column {values.name!r} are missing")
    return instants(values, uri=uri)


def seasonal_scales(target: np.ndarray, when: np.ndarray, series: pd.Series, *, season: int) -> pd.Series:
    """Mean |y(t) - y(t - season)| per series, rows ordered by time; a missing target leaves out its two differences.

    Series without a difference, or without variation, are left out. All arguments row by row, shape (n,).
    """
    import numpy as np
    import pandas as pd

    codes, names = pd.factorize(series)
    order = np.lexsort((when, codes))
    value, code = target[order], codes[order]
    step = np.abs(value[season:] - value[:-season]) if len(value) > season else np.empty(0)
    within = (code[season:] == code[:-season]) & np.isfinite(step) & (code[season:] >= 0)
    owner = code[season:][within]
    count = np.bincount(owner, minlength=len(names))
    total = np.bincount(owner, weights=step[within], minlength=len(names))
    kept = (count > 0) & (total > 0)
    return pd.Series(total[kept] / count[kept], index=names[kept])
