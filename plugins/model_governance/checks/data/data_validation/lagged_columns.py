"""Columns that repeat another one some moments later, as the lags of a forecast do, and whether they still do.

The lags are those that hold in the reference, found without being told: a value of a column is looked up in the other, and the
distance that most of some such values agree on is tried on all rows. Lags that are exchanged or shifted by a moment keep every
distribution as it was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.data.data_validation.time_axis import NO_TIME, instants, usual_step
from model_governance.contract.result import Estimate
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns, Role, Subject

MISMATCH = "lag_mismatch_share"
VARYING = 20
"""Different values of a column from which a repeated one is no coincidence."""
LEAST_PAIRS, HOLDS = 30, 0.99
"""Pairs of rows on which a lag is tried in the reference, and the share of them that must agree."""
PROBES = 9
MAX_COLUMNS = 40
MAX_CELLS = 20_000_000
MAX_AXIS = 20  # moments of an axis per row that is there: a wild moment would make an endless axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """`later` holds at every moment what `column` held `moments` earlier."""

    column: str
    later: str
    moments: int


Axes = list[dict[str, "np.ndarray"]]
"""Per series, the values of each column on a regular axis of moments, NaN where there is no row."""


def lag_estimates(subject: Subject) -> Iterator[Estimate]:
    """The share of lagged values that are not those of their moment; absent where the reference has no lag.

    Args:
        subject: holds `current` and, where it is given, `reference`; `columns.time` and `columns.group` say when and which series.
    """
    before, now = _rows(subject, "reference"), _rows(subject, "current")
    step = None if before is None else usual_step(before, subject.columns)
    lags = [] if before is None or now is None or step is None else find_lags(before, subject.columns)
    pairs = wrong = 0
    if now is not None and step is not None:
        axes = _axes(now, subject.columns, step=step)
        for lag in lags:
            agreed, compared = _agreement(axes, lag)
            pairs, wrong = pairs + compared, wrong + compared - agreed
    if not pairs:
        reason = (
            NO_TIME if subject.columns.time is None else "no column of the reference repeats another some moments later"
        )
        yield Estimate(name=MISMATCH, value=None, n=0, reason=reason, absence="skipped")
        return
    told = ", ".join(f"{lag.later} is {lag.column} {lag.moments} earlier" for lag in lags[:3])
    yield Estimate(
        name=MISMATCH, value=wrong / pairs, n=pairs, limits=ExactShare(successes=wrong, n=pairs),
        detail=f"{wrong:,} of {pairs:,} lagged values differ ({told}{', ...' if len(lags) > 3 else ''})",
    )  # fmt: skip


def find_lags(rows: pd.DataFrame, columns: Columns) -> list[Lag]:
    """The lags that hold in these rows, in the order of the columns; at most one of each pair.

    Args:
        rows: with the moments, and the series where the policy names one.
        columns: the features and the target, of which those that are numbers are compared.
    """
    step = usual_step(rows, columns)
    if step is None:
        return []
    names = [name for name in _compared(columns, rows) if rows[name].nunique() > VARYING][:MAX_COLUMNS]
    axes = _axes(rows[[name for name in rows if name in {*names, columns.time, columns.group}]], columns, step=step)
    if not axes:
        return []
    longest = max(axes, key=lambda axis: len(next(iter(axis.values()), ())))
    found = []
    for later in names:
        for column in names:
            moments = _candidate(longest[column], longest[later]) if column != later else None
            if moments is None:
                continue
            lag = Lag(column=column, later=later, moments=moments)
            agreed, compared = _agreement(axes, lag)
            if compared >= LEAST_PAIRS and agreed >= HOLDS * compared:
                found.append(lag)
    return found


def _compared(columns: Columns, rows: pd.DataFrame) -> list[str]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    wanted = [*columns.of_kind(*NUMBER_KINDS), *([columns.target] if columns.target else [])]
    return [name for name in wanted if name in rows and is_numeric_dtype(rows[name]) and not is_bool_dtype(rows[name])]


def _rows(subject: Subject, role: Role) -> pd.DataFrame | None:
    """The compared columns with moments and series; None where there are no moments, or too many cells."""
    dataset, columns = subject.datasets.get(role), subject.columns
    if dataset is None or columns.time is None or columns.time not in dataset.names:
        return None
    wanted = {columns.time, columns.group, columns.target, *columns.of_kind(*NUMBER_KINDS)}
    names = [name for name in dataset.names if name in wanted]
    return dataset.read(names) if dataset.rows * len(names) <= MAX_CELLS else None


def _axes(rows: pd.DataFrame, columns: Columns, *, step: float) -> Axes:
    """The rows of each series on its axis, the first of a repeated moment."""
    rows = rows.reset_index(drop=True)
    when = instants(rows[str(columns.time)]).dropna()
    rows = rows.loc[when.index]
    groups = [when.index] if columns.group not in rows else rows.groupby(columns.group).groups.values()
    names = _compared(columns, rows)
    axes = (_axis({name: rows.loc[own, name] for name in names}, when.loc[own], step=step) for own in groups)
    return [axis for axis in axes if axis]


def _axis(values: Mapping[str, pd.Series], when: pd.Series, *, step: float) -> dict[str, np.ndarray]:
    import numpy as np

    places = np.rint((when.to_numpy() - when.min()) / step).astype("int64")
    places, first = np.unique(places, return_index=True)
    if places[-1] > MAX_AXIS * len(places):
        return {}
    axis = {}
    for name, column in values.items():
        axis[name] = np.full(places[-1] + 1, np.nan)
        axis[name][places] = column.to_numpy(dtype="float64", na_value=np.nan)[first]
    return axis


def _candidate(column: np.ndarray, later: np.ndarray) -> int | None:
    """The distance that most of some values of `later` have from the same value in `column`, which comes first."""
    import numpy as np

    held = np.flatnonzero(np.isfinite(later))
    if len(held) < PROBES:
        return None
    votes: Counter[int] = Counter()
    for place in held[np.linspace(len(held) // 2, len(held) - 1, PROBES).astype(int)]:
        votes.update((place - np.flatnonzero(column[:place] == later[place])).tolist())
    most = votes.most_common(1)
    return most[0][0] if most and most[0][1] > PROBES // 2 else None


def _agreement(axes: Sequence[Mapping[str, np.ndarray]], lag: Lag) -> tuple[int, int]:
    """How many pairs of rows agree on a lag, and how many there are."""
    import numpy as np

    agreed = compared = 0
    for axis in axes:
        if lag.column not in axis or lag.later not in axis:
            continue
        earlier, later = axis[lag.column][: -lag.moments], axis[lag.later][lag.moments :]
        both = np.isfinite(earlier) & np.isfinite(later)
        agreed += int((earlier[both] == later[both]).sum())
        compared += int(both.sum())
    return agreed, compared
