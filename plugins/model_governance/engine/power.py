"""Statistical power: the smallest change that a number of rows would have shown."""

from __future__ import annotations

from functools import cache, lru_cache


def smallest_visible(*, freedom: int, chance: float, level: float, power: float = 0.95) -> float:
    """The smallest population stability index that the chi-square test finds with probability `power`.

    Args:
        freedom: cells less one.
        chance: 1/n + 1/m, with the rows of both datasets.
        level: the p-value that counts as evidence, 0 to 1.
        power: 0 to 1, above `level`.
    """
    return _detectable_noncentrality(freedom, level, power) * chance if freedom >= 1 else float("inf")


@lru_cache(maxsize=4096)
def _detectable_noncentrality(freedom: int, level: float, power: float) -> float:
    """The noncentrality under which the chi-square test rejects with probability `power`; the same for most columns."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    critical = float(chi2.isf(level, freedom))

    def lacking(noncentral: float) -> float:
        return float(ncx2.sf(critical, freedom, noncentral)) - power

    high = critical + freedom + 100.0
    return float(brentq(lacking, 0.0, high, xtol=1e-9))


def shift_in_deviations(stability: float) -> float:
    """The shift of a normal column, in its standard deviations, that has this PSI over the reference's tenths.

    It illustrates the PSI; a column of another shape needs another shift for the same PSI.

    Raises:
        ValueError: the PSI is larger than that of a shift of twelve standard deviations.
    """
    from scipy.optimize import brentq

    return float(brentq(lambda shift: _index_of_shift(shift) - stability, 0.0, 12.0, xtol=1e-9))


@cache
def _tenths() -> tuple[float, ...]:
    from scipy.stats import norm

    return tuple(float(norm.ppf(place / 10)) for place in range(1, 10))


def _index_of_shift(shift: float) -> float:
    import numpy as np
    from scipy.special import ndtr

    moved = np.diff(np.concatenate([[0.0], ndtr(np.array(_tenths()) - shift), [1.0]]))
    moved = np.maximum(moved, 1e-300)
    return float(((0.1 - moved) * np.log(0.1 / moved)).sum())
