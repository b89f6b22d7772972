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
from model_governance.engine.inversion import inverted, inverted_total_variation
from model_governance.stats.intervals import newcombe

if TYPE_CHECKING:
    import numpy as np

TAIL = 0.025
QUARTILE_WIDTH = 1.3489795
"""Interquartile range of a bell-shaped column in standard deviations."""
MAX_CELLS = 100
MANY_CELLS = 2500
"""Cells beyond which the interval of a total variation is not simulated: draws times cells would fill the memory."""
NORMAL_FROM = 400.0
"""Statistic from which its square root is normal to the accuracy needed (beyond four times the degrees of freedom)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """One distance: its value, 95% interval, and the p-value of "nothing changed"."""

    value: float
    low: float
    high: float
    p_value: float


def population_stability(table: Table) -> Distance:
    """Population stability index, sum of (r - c) ln(r / c), corrected for chance; 0 is no change.

    Where nothing changed, the corrected value is slightly negative about half the time. Half a row is added to every
    cell. `p_value` is that of the two-sample chi-square test on the same cells.
    """
    import numpy as np

    r, c = filled_shares(table.reference), filled_shares(table.current)
    raw = float(((r - c) * np.log(r / c)).sum())
    gradients = np.log(r / c) + 1 - c / r, np.log(c / r) + 1 - r / c
    return _divergence(table, raw, gradients=gradients, scale=1.0)


def jensen_shannon(table: Table) -> Distance:
    """Jensen-Shannon distance: the root of the divergence in natural logarithms, corrected for chance; 0 to 0.83."""
    import numpy as np

    r, c = filled_shares(table.reference), filled_shares(table.current)
    half = (r + c) / 2
    raw = float((r * np.log(r / half) + c * np.log(c / half)).sum() / 2)
    gradients = np.log(r / half) / 2, np.log(c / half) / 2
    divergence = _divergence(table, raw, gradients=gradients, scale=8.0)
    return Distance(
        value=_root(divergence.value),
        low=_root(divergence.low),
        high=_root(divergence.high),
        p_value=divergence.p_value,
    )


def _root(number: float) -> float:
    return math.sqrt(max(number, 0.0))


def total_variation(table: Table, *, seed: int) -> Distance:
    """Half the sum of absolute differences of the shares, 0 to 1, corrected for chance; interval by `inversion`."""
    import numpy as np

    if table.cells > MANY_CELLS:
        value, low, high = inverted_total_variation(table)
    else:
        value, low, high = inverted(table, lambda differences: np.abs(differences).sum(axis=1) / 2, seed=seed)
    return Distance(value=value, low=low, high=high, p_value=chi_square_p(table))


def kolmogorov_smirnov(table: Table, *, seed: int, exact: float | None = None) -> Distance:
    """The largest difference of the cumulative shares over cells in order, 0 to 1, with an interval by `inversion`.

    Args:
        table: counts over a grid; finer grids miss less.
        seed: of the noise.
        exact: the distance over all values, where it is known. It replaces that of the grid, which is a lower bound,
            and shifts the interval by the difference. The p-value is Smirnov's, conservative under ties.
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
    return Distance(
        value=value, low=min(value, low + (missed if low > 0 else 0.0)), high=min(1.0, max(value, high + missed)),
        p_value=smirnov_p(value, n=table.n, m=table.m),
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


def normed_wasserstein(area: float, *, quartiles: tuple[float, float], std: float) -> float | None:
    """A Wasserstein distance in robust standard deviations of the reference; None where the reference is constant.

    The unit is the interquartile range / 1.349, which a single extreme value cannot inflate; `std` where that is 0.
    """
    unit = (quartiles[1] - quartiles[0]) / QUARTILE_WIDTH or std
    return area / unit if unit > 0 else None


def chi_square_p(table: Table) -> float:
    """p-value of the two-sample chi-square test (Pearson, 1911); 1 where there is only one cell.

    Unlike the one-sample test it takes the sampling error of the reference into account.
    """
    from scipy.special import chdtrc

    if table.cells < 2:
        return 1.0
    return float(chdtrc(table.cells - 1, chi_square(table)))


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


def difference_of_shares(first: tuple[int, int], second: tuple[int, int]) -> Distance:
    """Increase, second less first, for two (count, rows), -1 to 1, with Newcombe's hybrid interval (1998) and a pooled p-value.

    The p-value is two-sided and that of the chi-square test with two cells; Fisher's exact one where fewer
    than ten rows are expected in a cell.
    """
    from scipy.stats import chi2_contingency, fisher_exact

    (a, n), (b, m) = first, second
    low, high = newcombe(second, first)
    cells = [[a, n - a], [b, m - b]]
    rarest = min(a + b, n + m - a - b) * min(n, m) / (n + m)
    if rarest == 0:
        p_value = 1.0
    elif rarest < 10:
        p_value = float(fisher_exact(cells).pvalue)
    else:
        p_value = float(chi2_contingency(cells, correction=False).pvalue)
    return Distance(value=b / m - a / n, low=max(-1.0, low), high=min(1.0, high), p_value=min(1.0, p_value))


def _divergence(table: Table, raw: float, *, gradients: tuple[np.ndarray, np.ndarray], scale: float) -> Distance:
    """Correct a divergence for chance and compute its interval; scale * raw / chance is about noncentral chi-square."""
    freedom, unit = table.cells - 1, table.chance / scale
    if freedom < 1:
        return Distance(value=0.0, low=0.0, high=0.0, p_value=1.0)
    value = raw - freedom * unit
    statistic = max(raw / unit, 0.0)
    low = noncentrality(statistic, freedom)[0] * unit
    # Samples that are more alike than expected by chance do not prove that nothing changed: the upper limit stays that
    # of the expected statistic.
    high = noncentrality(max(statistic, freedom), freedom)[1] * unit
    # Chance alone gives the gradients a variance of four times this; only the excess indicates a change.
    spread = math.sqrt(max(0.0, _variance(table, gradients) - 4 * freedom * unit**2) + 2 * freedom * unit**2)
    expected = unit * math.sqrt(2 * freedom + 4 * max(value, 0.0) / unit)
    stretch = max(1.0, spread / expected)
    return Distance(
        value=value,
        low=min(value, max(0.0, value - stretch * (value - low))),
        high=max(value, value + stretch * (high - value)),
        p_value=chi_square_p(table),
    )


def _variance(table: Table, gradients: tuple[np.ndarray, np.ndarray]) -> float:
    """Variance by the delta method, both datasets multinomial; `gradients` are the derivatives by the shares."""
    total = 0.0
    for counts, gradient in zip((table.reference, table.current), gradients, strict=True):
        share = filled_shares(counts)
        mean = float((share * gradient).sum())
        total += float((share * (gradient - mean) ** 2).sum()) / float(counts.sum())
    return total


def noncentrality(statistic: float, freedom: int) -> tuple[float, float]:
    """95% limits of the noncentrality of a chi-square statistic; 0 where no change explains the statistic as well."""
    from scipy.special import chndtrinc

    if statistic > max(NORMAL_FROM, 4 * freedom):
        # The root of a noncentral chi-square less half of (freedom - 1) has variance 1 (Sankaran, 1959).
        half = (freedom - 1) / 2
        root = math.sqrt(statistic - half)
        return (root - 1.959964) ** 2 - half, (root + 1.959964) ** 2 - half
    return float(chndtrinc(statistic, freedom, 1 - TAIL)), float(chndtrinc(statistic, freedom, TAIL))
