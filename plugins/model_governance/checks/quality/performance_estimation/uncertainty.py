"""Intervals and p-values of an estimate from its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.stats.intervals import CONFIDENCE, on_scale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from model_governance.stats.intervals import Scale
    from model_governance.stats.limits import Forecast, Stretched

Interval = tuple[float, float]
NEAREST = 1e-12
PARTS = 20
MOST_ROWS = 20_000
"""Rows that show how an estimate varies with the rows that are drawn; more would not show more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """A metric estimated from n rows without labels.

    Attributes:
        error: standard error of what the labels will show.
        own_error: standard error of the estimate itself.
    """

    name: str
    value: float
    error: float
    own_error: float
    n: int


def normal_interval(value: float, error: float, scale: Scale = "plain") -> Interval | None:
    """Normal 95% limits from a standard error, on the scale of `on_scale`; None where the error is 0."""
    from scipy.stats import norm

    return on_scale(value, float(norm.ppf((1 + CONFIDENCE) / 2)) * error, scale) if error > 0 else None


def normal_limits(value: float, error: float, scale: Scale = "plain") -> Stretched | None:
    """Normal limits at any level from a standard error; None where there is no interval."""
    from model_governance.stats.limits import Stretched

    interval = normal_interval(value, error, scale)
    if interval is None:
        return None
    low, high = interval
    if scale == "logit":
        # A share near 1 has an upper limit that rounds to 1, which has no logit.
        low, high = max(low, NEAREST), min(high, 1 - NEAREST)
    return Stretched(value=value, low95=low, high95=high, scale=scale)


def forecast_limits(value: float, error: float, scale: Scale, *, own_error: float) -> Forecast | None:
    """As `normal_limits`, for what labels will show; `own_error` is the standard error of the estimate itself."""
    from model_governance.stats.limits import Forecast

    limits = normal_limits(value, error, scale)
    if limits is None:
        return None
    return Forecast(
        value=value, low95=limits.low95, high95=limits.high95, scale=scale, spread=min(1.0, own_error / error)
    )


def variances_of_draws(estimates_of: Callable[[np.ndarray], Mapping[str, float]], n: int) -> dict[str, float]:
    """Variance of estimates because other rows could have been drawn: a delete-a-group jackknife over n rows.

    Args:
        estimates_of: estimates by name from the numbers of rows.
        n: number of rows; beyond `MOST_ROWS` a part of them shows the variance.
    """
    import numpy as np

    rows = np.random.default_rng(n).permutation(n)[:MOST_ROWS]
    part = np.arange(len(rows)) % PARTS
    left_out = [estimates_of(np.sort(rows[part != number])) for number in range(PARTS)]
    found = {}
    for name in left_out[0]:
        values = np.array([estimates[name] for estimates in left_out if name in estimates])
        jackknife = (PARTS - 1) / PARTS * float(np.square(values - values.mean()).sum())
        found[name] = jackknife * len(rows) / n if math.isfinite(jackknife) else 0.0
    return found


def increase_p_value(value: float, error: float) -> float:
    """One-sided normal p-value of a difference `value` with standard error `error`, against no increase."""
    from scipy.stats import norm

    if error <= 0:
        return 0.0 if value > 0 else 1.0
    return float(norm.sf(value / error))


def change_p_value(value: float, error: float) -> float:
    """Two-sided normal p-value of a difference `value` with standard error `error`, against no difference."""
    from scipy.stats import norm

    if error <= 0:
        return 0.0 if value else 1.0
    return float(2 * norm.sf(abs(value) / error))
