"""Evidence that accumulates over runs: e-values multiplied over runs, started anew whenever nothing is left of them.

A run's p-value becomes the likelihood ratio of a normal deviate for each of a few shifts (an e-value: its expectation is
at most 1 while the truth is allowed; Vovk and Wang, 2021). Each shift has a running product of its own with its past
floored at 1, and their mean is an e-detector of CUSUM type: it reaches 1 / level on average once in 1 / level runs at
most (Shin, Ramdas and Rinaldo, 2023, after Ville's inequality). The mean is taken over the products and not run by run,
because an average in every run would lose a weak shift for good. What all runs share, the error of their reference, is
no new evidence in each: the bound is moved by the most that this error reaches at the level, and only the rest counts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.stats.limits import quantile_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SHIFTS = (0.25, 0.5, 1.0, 2.0)
"""Shifts in standard errors, each with a likelihood ratio: a weak one in 16 runs, a strong one in two."""
NOTHING = (0.0,) * len(SHIFTS)
"""Evidence before the first run, and after a fail has spent it."""
LOWEST = -700.0
"""Least logarithm that is kept; the next run starts from 0 in any case."""


def deviate_of(p_value: float, *, shared: float, tail: float) -> float:
    """A run's deviate from what is allowed, in standard errors of that run alone; at least -37, 0 at the bound.

    Args:
        p_value: of "the truth is allowed", 0 to 1.
        shared: part of the estimate's variance that all runs have in common, 0 to 1; -inf where that is all.
        tail: chance that the common part exceeds what is allowed for it, 0 to 0.5.
    """
    if shared >= 1:
        return -math.inf
    deviate = quantile_of(p_value)
    return (deviate - quantile_of(tail) * math.sqrt(shared)) / math.sqrt(1 - shared) if shared > 0 else deviate


def accumulated(before: Sequence[float], deviate: float) -> tuple[float, ...]:
    """The logarithms of the products after one more run, one per shift.

    Args:
        before: those after the last run, `NOTHING` where there is none.
        deviate: of this run, `deviate_of`.
    """
    gains = (shift * deviate - shift**2 / 2 for shift in SHIFTS)
    return tuple(max(LOWEST, max(0.0, past) + gain) for past, gain in zip(before, gains, strict=True))


def log_evidence_of(products: Sequence[float]) -> float:
    """The logarithm of the detector: of the mean of the products."""
    largest = max(products)
    return largest + math.log(sum(math.exp(product - largest) for product in products) / len(products))


def runs_until(products: Sequence[float], *, needed: float, deviate: float) -> int | None:
    """How many more runs with this deviate reach a detector of exp(needed); None if none do.

    Args:
        products: logarithms so far, one per shift.
        needed: logarithm of the detector that is reached.
        deviate: of every run to come.
    """
    least = [
        math.ceil(max(0.0, needed + math.log(len(SHIFTS)) - max(0.0, past)) / gain)
        for past, gain in zip(products, (shift * deviate - shift**2 / 2 for shift in SHIFTS), strict=True)
        if gain > 0
    ]
    return max(1, min(least)) if least else None
