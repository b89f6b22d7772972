"""Moments that the time axis lacks, and whether there are more of them than in the reference.

The step of the axis is the most frequent distance between neighbouring moments of the reference's series. Between two moments that
lie further apart, as many are missing as steps of that length fit. Nights and weekends without rows are missing in both
datasets alike, so the increase tells a feed that lost moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.stats.limits import DifferenceOfShares, ExactShare

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Role, Subject

SHARE, INCREASE = "missing_moment_share", "missing_moment_share_increase"
NO_TIME = "columns.time names no moment"
FEW_MOMENTS = "the current rows have fewer than three moments in every series"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAxis:
    """Moments of all series that are there, and those that their axes lack between the first and the last."""

    present: int
    missing: int

    @property
    def all(self) -> int:
        """Moments of complete axes."""
        return self.present + self.missing


def time_axis_estimates(subject: Subject) -> Iterator[Estimate]:
    """The share of missing moments and its increase; absent where no column says when.

    Args:
        subject: holds `current`, and the reference where it is compared; `columns.group` names the series of a row.
    """
    current = _series(subject, "current")
    reference = _series(subject, "reference")
    lacking = NO_TIME if subject.columns.time is None else FEW_MOMENTS
    step = _step(current if reference is None else reference)
    if current is None or step is None or _step(current) is None:
        yield from (
            Estimate(name=name, value=None, n=0, reason=lacking, absence="skipped") for name in (SHARE, INCREASE)
        )
        return
    now = _axis(current, step)
    yield Estimate(
        name=SHARE, value=now.missing / now.all, n=now.all, limits=ExactShare(successes=now.missing, n=now.all),
        detail=f"{now.missing:,} of {now.all:,} moments are missing between the first and the last",
    )  # fmt: skip
    if reference is None:
        reason = "there is no reference with moments to compare with; add datasets.reference to the policy"
        yield Estimate(name=INCREASE, value=None, n=now.all, reason=reason, absence="skipped")
        return
    before = _axis(reference, step)
    limits = DifferenceOfShares(first=(before.missing, before.all), second=(now.missing, now.all))
    yield Estimate(
        name=INCREASE, value=limits.value, n=now.all, limits=limits,
        detail=f"{now.missing:,} of {now.all:,} moments are missing now and {before.missing:,} of {before.all:,} in the reference",
    )  # fmt: skip


def _series(subject: Subject, role: Role) -> list[np.ndarray] | None:
    """The different moments of each series, ascending; None where the dataset has no such column."""
    import numpy as np

    time, group = subject.columns.time, subject.columns.group
    dataset = subject.datasets.get(role)
    if time is None or dataset is None or time not in dataset.names:
        return None
    names = [time] if group is None or group not in dataset.names else [time, group]
    frame = dataset.read(names).dropna()
    moments = _instants(frame[time]).dropna()
    if len(names) == 1:
        return [np.unique(moments.to_numpy())]
    return [np.unique(own.to_numpy()) for _, own in moments.groupby(frame.loc[moments.index, group])]


def _instants(values: pd.Series) -> pd.Series:
    """Moments as numbers: numbers as they are, dates and ISO texts as microseconds; what is neither is missing."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_numeric_dtype(values) and not is_bool_dtype(values):
        return values.astype("float64")
    form = None if values.dtype.kind == "M" else "ISO8601"
    parsed = pd.to_datetime(values, utc=True, format=form, errors="coerce").dropna()
    return parsed.dt.as_unit("us").astype("int64").astype("float64")


def _step(series: list[np.ndarray] | None) -> float | None:
    """The most frequent distance of neighbouring moments, the smaller of equally frequent ones; None without two distances."""
    import numpy as np

    distances = np.concatenate([np.diff(moments) for moments in series]) if series else np.empty(0)
    if len(distances) < 2:
        return None
    lengths, counts = np.unique(distances, return_counts=True)
    return float(lengths[counts.argmax()])


def _axis(series: list[np.ndarray], step: float) -> TimeAxis:
    import numpy as np

    # Months differ in length: less than half a step more is no gap.
    gaps = [np.rint(np.diff(moments) / step) - 1 for moments in series]
    return TimeAxis(
        present=sum(map(len, series)), missing=int(sum(gap[gap > 0].sum() for gap in gaps))
    )  # fmt: skip
