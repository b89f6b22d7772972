"""Distances between two columns from counts per cell, each with a 95% interval and the evidence that anything changed.

Divergences over K cells of n reference and m current rows lie above the truth by about (K - 1)(1/n + 1/m) (PSI) or an
eighth of that (Jensen-Shannon), because sampling noise does not cancel out; that bias is subtracted. With no or small change,
PSI * nm/(n + m) follows a noncentral chi-square distribution with K - 1 degrees of freedom (Yurdakul, 2018, for the central
case); the interval inverts it, stretched to the variance of the delta method where a large change makes that larger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine.cells import Table, filled_shares
from model_governance.engine.dependence import INDEPENDENT
from model_governance.engine.inversion import inverted, inverted_total_variation
from model_governance.stats.limits import (
    TAIL,
    DifferenceOfShares,
    NoncentralChiSquare,
    Stretched,
    WassersteinLimits,
)

if TYPE_CHECKING:
    from typing import Literal

    import numpy as np

    from model_governance.engine.cells import ThinCells
    from model_governance.engine.dependence import Dependence
    from model_governance.stats.limits import Limits

DECILE_WIDTH = 2.5631031310892007
"""From the first to the ninth decile of a normal distribution, in standard deviations."""
NARROW = 0.1
"""Part of the range of the deciles below which that of the quartiles is no unit."""
QUARTILE_WIDTH = 1.3489795
"""Interquartile range of a bell-shaped column in standard deviations."""
MAX_CELLS = 100
MANY_CELLS = 2500
"""Cells beyond which the interval of a total variation is not simulated: draws times cells would fill the memory."""
SCALES = {"psi": 1.0, "jensenshannon": 8.0}
"""Small changes: so many times a divergence, divided by 1/n + 1/m, is about noncentral chi-square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """One distance: its value, its limits at any level, and the p-value of "nothing changed"."""

    value: float
    limits: Limits
    p_value: float

    @property
    def low(self) -> float:
        """Lower limit of the 95% interval."""
        return min(self.value, self.limits.low(TAIL))

    @property
    def high(self) -> float:
        """Upper limit of the 95% interval."""
        return max(self.value, self.limits.high(TAIL))


def population_stability(
    table: Table, *, thin: ThinCells | None = None, dependence: Dependence = INDEPENDENT
) -> Distance:
    """Population stability index, sum of (r - c) ln(r / c), corrected for chance; 0 is no change.

    Where nothing changed, the corrected value is slightly negative about half the time. Half a row is added to every
    cell. `p_value` is that of the two-sample chi-square test on the same cells.

    Args:
        table: counts of cells that expect enough rows.
        thin: the cells that do not, which were pooled with others in `table`.
        dependence: what dependent rows and noise between runs add to the variance of independent rows.
    """
    return _divergence(table, thin, index="psi", dependence=dependence)


def jensen_shannon(table: Table, *, thin: ThinCells | None = None, dependence: Dependence = INDEPENDENT) -> Distance:
    """Jensen-Shannon distance: the root of the divergence in natural logarithms, corrected for chance; 0 to 0.83.

    Arguments as `population_stability`.
    """
    return _divergence(table, thin, index="jensenshannon", dependence=dependence)


def total_variation(table: Table, *, seed: int, dependence: Dependence = INDEPENDENT) -> Distance:
    """Half the sum of absolute differences of the shares, 0 to 1, corrected for chance; interval by `inversion`."""
    import numpy as np

    if table.cells > MANY_CELLS:
        value, low, high = inverted_total_variation(table)
    else:
        value, low, high = inverted(table, lambda differences: np.abs(differences).sum(axis=1) / 2, seed=seed)
    limits = _stretched(value, low, high, table=table, dependence=dependence)
    return Distance(value=value, limits=limits, p_value=chi_square_p(table, dependence=dependence))


def _stretched(value: float, low: float, high: float, *, table: Table, dependence: Dependence) -> Stretched:
    limits = Stretched(value=value, low95=low, high95=high, shared=reference_part(table))
    return limits.inflated(dependence.largest) if dependence.largest > 1 else limits


def reference_part(table: Table) -> float:
    """Part of the sampling variance that the reference brings into every run's comparison."""
    return table.m / (table.n + table.m)


def kolmogorov_smirnov(
    table: Table, *, seed: int, exact: float | None = None, dependence: Dependence = INDEPENDENT
) -> Distance:
    """The largest difference of the cumulative shares over cells in order, 0 to 1, with an interval by `inversion`.

    Args:
        table: counts over a grid; finer grids miss less.
        seed: of the noise.
        exact: the distance over all values, where it is known. It replaces that of the grid, which is a lower bound,
            and shifts the interval by the difference. The p-value is Smirnov's, conservative under ties.
        dependence: as `population_stability`.
    """
    import numpy as np

    coarse = _coarse(table)
    _, low, high = inverted(
        coarse,
        lambda sums: np.abs(sums).max(axis=1),
        seed=seed,
        direction=_smoothed(coarse),
        cumulative=True,
    )
    value = _largest_gap(table) if exact is None else exact
    missed = max(0.0, value - _largest_gap(coarse))
    low, high = min(value, low + (missed if low > 0 else 0.0)), min(1.0, max(value, high + missed))
    return Distance(
        value=value, limits=_stretched(value, low, high, table=table, dependence=dependence),
        p_value=smirnov_p(value / math.sqrt(dependence.largest), n=table.n, m=table.m),
    )  # fmt: skip


def _largest_gap(table: Table) -> float:
    import numpy as np

    return float(np.abs(np.cumsum(table.reference / table.n - table.current / table.m)).max())


def _coarse(table: Table) -> Table:
    """At most 100 cells, neighbours merged: enough for the noise, which dominates the running time."""
    import numpy as np

    starts = np.arange(0, table.cells, -(-table.cells // MAX_CELLS))
    return Table(reference=np.add.reduceat(table.reference, starts), current=np.add.reduceat(table.current, starts))


def _smoothed(table: Table) -> np.ndarray:
    """The difference of the shares with its cumulative sum averaged over a fifth of the cells.

    The bias of a maximum depends on the width of its peak, and noise makes the observed peak too narrow.
    """
    import numpy as np

    cumulative = np.cumsum(table.current / table.m - table.reference / table.n)
    reach = table.cells // 10
    padded = np.concatenate([np.zeros(reach + 1), cumulative, np.zeros(reach)])
    sums = np.cumsum(padded)
    smooth = (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1)
    return np.diff(smooth, prepend=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChanceDistance:
    """Mean and standard deviation of the Wasserstein distance of two samples of one law, in standard errors of a mean."""

    mean: float
    deviation: float


ONE_CUT = ChanceDistance(mean=math.sqrt(2 / math.pi), deviation=math.sqrt(1 - 2 / math.pi))
"""Of a column with two values: an absolute normal deviate."""
CUTS = (
    0.002, 0.004, 0.008, 0.014, 0.024, *(place / 25 for place in range(1, 25)), 0.976, 0.986, 0.992, 0.996, 0.998,
)  # fmt: skip
"""Shares below the edges at which the chance distance is summed up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wasserstein:
    """A Wasserstein distance in robust standard deviations of the reference, with its limits; `unit` is that deviation."""

    value: float
    limits: WassersteinLimits
    unit: float


def normed_wasserstein(
    area: float,
    *,
    quartiles: tuple[float, float],
    deciles: tuple[float, float],
    moments: tuple[tuple[float, int], tuple[float, int]],
    chance: ChanceDistance = ONE_CUT,
    dependence: Dependence = INDEPENDENT,
) -> Wasserstein | None:
    """A Wasserstein distance in robust standard deviations of the reference; None where the reference is constant.

    The unit is the interquartile range / 1.349, which a single extreme value cannot inflate. Where about half of the values
    are one number, the quartiles stand beside it and their range says nothing: below a tenth of the range from the first
    to the ninth decile / 2.563 that is the unit, and the standard deviation where both are 0.

    Args:
        area: the integral of |F - G|, in the unit of the column.
        quartiles: of the reference.
        deciles: the first and the ninth of the reference, those between which four fifths of its values lie.
        moments: standard deviation and rows of the reference and of current.
        chance: distance of two samples of one law, by the form of the column.
        dependence: as `population_stability`.
    """
    (std, n), (other_std, m) = moments
    unit, wide = (quartiles[1] - quartiles[0]) / QUARTILE_WIDTH, (deciles[1] - deciles[0]) / DECILE_WIDTH
    unit = (wide if unit < NARROW * wide else unit) or std
    if unit <= 0:
        return None
    if not math.isfinite(area / unit):
        unit = std
    # Squares of the largest numbers lie beyond float64: everything is in units of the distance first.
    parts = (std / unit / math.sqrt(n), other_std / unit / math.sqrt(m))
    error = math.sqrt(dependence.largest) * math.hypot(*parts)
    if error == 0:
        return None
    limits = WassersteinLimits(
        value=area / unit, error=error, mean=chance.mean * error, deviation=chance.deviation * error,
        shared=(parts[0] / math.hypot(*parts)) ** 2,
    )  # fmt: skip
    return Wasserstein(value=area / unit, limits=limits, unit=unit)


def chance_distance(edges: np.ndarray, counts: np.ndarray) -> ChanceDistance:
    """Mean and standard deviation of the L1 norm of a Brownian bridge over a column, for one standard error of its mean.

    By the moments of absolute normal deviates (Nabeya, 1951), at most at `CUTS` of the edges, which are dense in the tails.

    Args:
        edges: of cells, ascending, shape (k,).
        counts: rows per cell, shape (k + 1,).
    """
    import numpy as np

    below = np.cumsum(counts)[:-1] / max(1, counts.sum())
    inside = (below > 0) & (below < 1)
    edges, below = edges[inside], below[inside]
    if len(edges) > len(CUTS):
        places = np.unique(np.searchsorted(below, CUTS).clip(max=len(below) - 1))
        edges, below = edges[places], below[places]
    if len(edges) < 2:
        return ONE_CUT
    # Differences of the largest numbers lie beyond float64.
    widths = np.gradient(edges / max(1e-300, float(np.abs(edges).max())))
    covariance = np.minimum.outer(below, below) - np.outer(below, below)
    deviations = np.sqrt(np.diag(covariance))
    correlation = np.clip(covariance / np.outer(deviations, deviations), -1, 1)
    absolute = np.sqrt(1 - correlation**2) + correlation * np.arcsin(correlation) - 1
    of_mean = math.sqrt(float(widths @ covariance @ widths))
    if of_mean <= 0:
        return ONE_CUT
    weighted = deviations * widths
    return ChanceDistance(
        mean=math.sqrt(2 / math.pi) * float(weighted.sum()) / of_mean,
        deviation=math.sqrt(2 / math.pi * float(weighted @ absolute @ weighted)) / of_mean,
    )


def chi_square_p(table: Table, *, dependence: Dependence = INDEPENDENT) -> float:
    """p-value of the two-sample chi-square test (Pearson, 1911); 1 where there is only one cell.

    Unlike the one-sample test it takes the sampling error of the reference into account. Statistic and degrees of
    freedom follow Rao and Scott (1981) where rows depend on one another.
    """
    from scipy.special import chdtrc

    if table.cells < 2:
        return 1.0
    return float(chdtrc(dependence.freedom * (table.cells - 1), chi_square(table) / dependence.factor))


def chi_square(table: Table) -> float:
    """The statistic of the two-sample chi-square test (Pearson, 1911); cells empty in both datasets add nothing."""
    import numpy as np

    n, m = table.n, table.m
    both = table.reference + table.current
    gap = table.reference * math.sqrt(m / n) - table.current * math.sqrt(n / m)
    return float((gap[both > 0] ** 2 / np.maximum(both[both > 0], 1)).sum())


def smirnov_p(ks: float, *, n: int, m: int) -> float:
    """p-value of a Kolmogorov-Smirnov distance (Smirnov, 1939), asymptotic; ties make it conservative."""
    from scipy.special import kolmogorov

    return min(1.0, float(kolmogorov(ks / math.sqrt(1 / n + 1 / m))))


def difference_of_shares(
    first: tuple[int, int], second: tuple[int, int], *, dependence: Dependence = INDEPENDENT
) -> Distance:
    """Increase, second less first, for two (count, rows), -1 to 1, with Newcombe's hybrid limits (1998) and a pooled p-value.

    The limits are exact where counts are small (`DifferenceOfShares`). The p-value is two-sided and that of the
    chi-square test with two cells; Fisher's exact one where fewer than ten rows are expected in a cell. `dependence` as
    `population_stability`.
    """
    from scipy.stats import chi2, fisher_exact

    (a, n), (b, m) = first, second
    limits: Limits = DifferenceOfShares(first=first, second=second, shared=m / (n + m))
    rarest = min(a + b, n + m - a - b) * min(n, m) / (n + m)
    if rarest == 0:
        p_value = 1.0
    elif rarest < 10 and dependence.factor == 1:
        p_value = float(fisher_exact([[a, n - a], [b, m - b]]).pvalue)
    else:
        share = (a + b) / (n + m)
        statistic = (b / m - a / n) ** 2 / (share * (1 - share) * (1 / n + 1 / m))
        p_value = float(chi2.sf(statistic / dependence.factor, 1))
    return Distance(
        value=b / m - a / n,
        limits=limits.inflated(dependence.factor) if dependence.factor > 1 else limits,
        p_value=min(1.0, p_value),
    )


def _divergence(
    table: Table, thin: ThinCells | None, *, index: Literal["psi", "jensenshannon"], dependence: Dependence
) -> Distance:
    """A divergence corrected for chance; divergence / unit is about noncentral chi-square."""
    unit = dependence.factor * table.chance / SCALES[index]
    whole = table if thin is None else thin.whole
    raw, gradients = _raw(whole, index)
    freedom = dependence.freedom * (whole.cells - 1)
    value = raw - freedom * unit if freedom > 0 else 0.0
    # Chance alone gives the gradients a variance of four times this; only the excess indicates a change.
    plain, directions = table.chance / SCALES[index], whole.cells - 1
    error = math.sqrt(max(0.0, _variance(whole, gradients) - 4 * directions * plain**2) + 2 * directions * plain**2)
    expected = plain * math.sqrt(2 * directions + 4 * max(raw - directions * plain, 0.0) / plain)
    thick = raw if thin is None else _raw(table, index)[0]
    limits = NoncentralChiSquare(
        value=value if index == "psi" else _root(value), statistic=max(thick / unit, 0.0), freedom=dependence.freedom * (table.cells - 1),
        # A constant column still hides a second value that so few rows may have missed.
        unit=unit, whole=(max(raw / unit, 0.0), freedom if freedom > 0 else 1), spread=max(1.0, error / expected) if freedom > 0 else 1.0,
        independent=None if dependence.factor == 1 else (plain, table.cells - 1.0),
        uneven=dependence.largest / dependence.factor,
        thin=() if thin is None else _inflated(thin.pairs, dependence.largest), index=index, shared=reference_part(table),
    )  # fmt: skip
    p_value = chi_square_p(table, dependence=dependence) if thin is None else limits.p_above(0.0)
    return Distance(value=limits.value, limits=limits, p_value=p_value)


def _inflated(
    pairs: tuple[tuple[float, float, float, float], ...], factor: float
) -> tuple[tuple[float, float, float, float], ...]:
    return tuple((a / factor, n / factor, b / factor, m / factor) for a, n, b, m in pairs)


def _raw(table: Table, index: Literal["psi", "jensenshannon"]) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """A divergence before its correction, and its derivatives by the shares of both datasets."""
    import numpy as np

    r, c = filled_shares(table.reference), filled_shares(table.current)
    if index == "psi":
        return float(((r - c) * np.log(r / c)).sum()), (np.log(r / c) + 1 - c / r, np.log(c / r) + 1 - r / c)
    half = (r + c) / 2
    raw = float((r * np.log(r / half) + c * np.log(c / half)).sum() / 2)
    return raw, (np.log(r / half) / 2, np.log(c / half) / 2)


def _root(number: float) -> float:
    return math.sqrt(max(number, 0.0))


def _variance(table: Table, gradients: tuple[np.ndarray, np.ndarray]) -> float:
    """Variance by the delta method, both datasets multinomial; `gradients` are the derivatives by the shares."""
    total = 0.0
    for counts, gradient in zip((table.reference, table.current), gradients, strict=True):
        share = filled_shares(counts)
        mean = float((share * gradient).sum())
        total += float((share * (gradient - mean) ** 2).sum()) / float(counts.sum())
    return total
