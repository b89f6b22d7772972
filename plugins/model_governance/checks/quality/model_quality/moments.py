"""Rows in order of time: the moment of each row, and means whose intervals allow for dependence between moments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.numeric import to_numbers
from model_governance.checks.quality.model_quality.uncertainty import TAIL
from model_governance.contract.result import Estimate
from model_governance.errors import CheckError, SubjectError
from model_governance.stats.intervals import block_interval, block_length, on_scale

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.model_quality.evaluation import Evaluation
    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.stats.intervals import Scale

STRONGEST = 0.8
"""Correlation of neighbouring moments that is assumed where too few show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The moment of every row as a number from 0 in order of time (n,), and the moments in a block."""

    number: np.ndarray
    length: int

    def mean(self, name: str, values: np.ndarray, *, scale: Scale = "plain", key: str | None = None) -> Estimate:
        """Mean of values (n,); its interval is that of the moments' sums, linearised, as moments differ in rows."""
        import numpy as np

        rows = np.bincount(self.number)
        present = rows > 0
        value = float(values.mean())
        sums = np.bincount(self.number, weights=values - value)[present]
        linear = value + sums / rows[present].mean()
        interval, detail = block_interval(linear, length=self.length, scale=scale), ""
        if interval is None:
            interval, detail = _of_few_moments(values, linear, scale)
        return Estimate(name=name, value=value, n=len(values), interval=interval, key=key, detail=detail)

    def on(self, rows: np.ndarray) -> Moments:
        """The moments of some rows, by a bool mask."""
        return Moments(number=self.number[rows], length=self.length)


def _of_few_moments(values: np.ndarray, linear: np.ndarray, scale: Scale) -> tuple[tuple[float, float] | None, str]:
    """Interval of a mean over fewer than three blocks of moments, and its remark.

    Several moments: those of Student's t with one degree of freedom and the variance of a series of correlation
    `STRONGEST`, which is wide, as the dependence cannot be estimated. One moment: its rows are taken as independent.
    """
    import numpy as np
    from scipy.stats import t

    several = len(linear) > 1
    units, freedom = (linear, 1) if several else (values, len(values) - 1)
    if freedom < 1 or np.ptp(units) == 0:
        return None, "no interval: nothing varies"
    factor = (1 + STRONGEST) / (1 - STRONGEST) if several else 1.0
    error = float(np.std(units, ddof=1)) * math.sqrt(factor / len(units))
    remark = (
        "fewer than three blocks of moments: the interval is a wide guess"
        if several
        else "one moment: series are taken as independent"
    )
    return on_scale(float(values.mean()), float(t.ppf(1 - TAIL, freedom)) * error, scale), remark


def moments_of(evaluation: Evaluation, series: pd.Series) -> Moments:
    """Number the labelled rows by moment.

    Raises:
        SubjectError: Moments are not declared or missing, or a series has two rows for one moment.
    """
    import numpy as np
    import pandas as pd

    when = _instants(evaluation)
    duplicates = int(pd.DataFrame({"series": series.to_numpy(), "instant": when}).duplicated().sum())
    if duplicates:
        raise SubjectError(
            f"{evaluation.labelled.relation.uri}: {duplicates:,} rows repeat the moment of another row of their series; keep one "
            "forecast per series and moment, or set columns.group to what identifies a series"
        )
    distinct, number = np.unique(when, return_inverse=True)
    length = evaluation.params.block_length
    return Moments(number=number, length=block_length(len(distinct)) if length is None else length)


def series_of(evaluation: Evaluation) -> pd.Series:
    """The series of each labelled row, shape (n,); one series where the policy names no group."""
    import pandas as pd

    name = evaluation.subject.columns.group
    if name is None:
        return pd.Series([0] * evaluation.labelled.n)
    return complete_column(evaluation.labelled, name, what="series")


def _instants(evaluation: Evaluation) -> np.ndarray:
    name = evaluation.subject.columns.time
    if name is None:
        raise SubjectError(
            f"{evaluation.subject.name}: forecasting needs the moment of every row; set columns.time in the policy"
        )
    return instants(complete_column(evaluation.labelled, name, what="moments"), uri=evaluation.labelled.relation.uri)


def complete_column(labelled: Labelled, name: str, *, what: str) -> pd.Series:
    """A column without missing values; `what` names the values in the message.

    Raises:
        SubjectError: It is missing, or has missing values.
    """
    values = labelled.column(name)
    missing = int(values.isna().sum())
    if missing:
        raise SubjectError(
            f"{labelled.relation.uri}: {missing:,} of {len(values):,} {what} in column {name!r} are missing; drop those "
            "rows upstream"
        )
    return values


def instants(values: pd.Series, *, uri: str) -> np.ndarray:
    """Moments as numbers in order of time: numbers as they are, dates and ISO texts as nanoseconds.

    Raises:
        CheckError: A text is no date.
    """
    import numpy as np
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_numeric_dtype(values) and not is_bool_dtype(values):
        return to_numbers(values, what="moments")
    try:
        parsed = pd.to_datetime(values, utc=True, format=None if values.dtype.kind == "M" else "ISO8601")
    except (ValueError, TypeError) as error:
        raise CheckError(
            f"{uri}: column {values.name!r} must hold dates, ISO 8601 texts or numbers as moments: {error}"
        ) from error
    return np.asarray(parsed.dt.as_unit("ns").astype("int64"))
