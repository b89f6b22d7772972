"""Evidence that accumulates over runs: one e-value per run, multiplied, and started anew whenever nothing is left of it.

A run's p-value becomes the likelihood ratio of a normal deviate, averaged over shifts (an e-value: its expectation is
at most 1 while the truth is allowed; Vovk and Wang, 2021). The running product with its past floored at 1 is an
e-detector of CUSUM type: it reaches 1 / level on average once in 1 / level runs at most (Shin, Ramdas and Rinaldo,
2023, after Ville's inequality). What all runs share, the error of their reference, is no new evidence in each: the
bound is moved by the most that this error reaches at the level, and only the rest counts.
"""

from __future__ import annotations

import math

from model_governance.stats.limits import quantile_of

SHIFTS = (0.25, 0.5, 1.0, 2.0)
"""Shifts in standard errors over which the likelihood ratio is averaged: a weak one in 16 runs, a strong one in two."""


def log_e_value(p_value: float, *, shared: float, tail: float) -> float:
    """The natural logarithm of a run's e-value.

    Args:
        p_value: of "the truth is allowed", 0 to 1.
        shared: part of the estimate's variance that all runs have in common, 0 to 1.
        tail: chance that the common part exceeds what is allowed for it, 0 to 0.5.
    """
    if shared >= 1:
        return -math.inf
    deviate = quantile_of(p_value)
    if shared > 0:
        deviate = (deviate - quantile_of(tail) * math.sqrt(shared)) / math.sqrt(1 - shared)
    terms = [shift * deviate - shift**2 / 2 for shift in SHIFTS]
    largest = max(terms)
    return largest + math.log(sum(math.exp(term - largest) for term in terms) / len(terms))


def accumulated(before: float, log_e: float) -> float:
    """The logarithm of the detector after one more run; `before` is that after the last one, 0 where there is none."""
    return max(0.0, before) + log_e


def runs_until(log_threshold: float, *, deviate: float) -> int | None:
    """How many runs that each deviate by so many standard errors reach a threshold; None if none do."""
    if deviate <= 0:
        return None
    gain = max(shift * deviate - shift**2 / 2 for shift in SHIFTS)
    return math.ceil((log_threshold + math.log(len(SHIFTS))) / gain) if gain > 0 else None
