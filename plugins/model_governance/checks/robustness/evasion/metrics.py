"""The numbers that follow from all attacks: shares with exact binomial intervals, distances with their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.measured import Measured, share_of
from model_governance.checks.robustness.evasion.outcome import Outcome, smallest
from model_governance.checks.robustness.evasion.proof import truth_estimates
from model_governance.contract.result import Estimate
from model_governance.contract.slices import SHOWN_FROM
from model_governance.stats.intervals import bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from model_governance.contract.result import Metric

QUANTILES = (0.1, 0.5, 0.9)


def estimates_of(found: Measured) -> Iterator[Estimate]:
    """Every metric that the check declares."""
    for one in found.outcomes:
        yield from _of_attack(one, found)
    yield from _survival(found)
    yield _unattacked(found.outcomes)
    yield _valid(found.outcomes)
    yield from _quantiles(found)
    yield from _of_slices(found)
    yield from truth_estimates(found)


def _of_attack(one: Outcome, found: Measured) -> Iterator[Estimate]:
    import numpy as np

    n, budget = int(one.examined.sum()), found.params.main_epsilon
    hits = int(one.within(budget)[one.examined].sum())
    unit = "units of cost" if found.params.norm == "cost" else "of each range"
    ended = "" if one.reached == "finished" else f"; {one.reached}"
    detail = f"{hits} of {n} rows flip within {budget:g} {unit}{ended}"
    yield share_of("attack_success_rate", hits, n, key=one.attack, detail=detail)
    sizes = one.found
    if len(sizes) == 0:
        yield Estimate(name="median_distance", value=None, n=0, key=one.attack, reason="no row was flipped")
    else:
        interval = bootstrap(lambda rows: float(np.median(sizes[rows])), len(sizes), seed=found.seed)
        yield Estimate(
            name="median_distance", value=float(np.median(sizes)), n=len(sizes), interval=interval, key=one.attack
        )
    yield Estimate(name="queries_per_row", value=float(one.asked[one.examined].mean()), n=n, key=one.attack)


def _survival(found: Measured) -> Iterator[Estimate]:
    """Robust shares of the attacked rows and of all rows, at the main budget and at each."""
    sample, params = found.sample, found.params
    attacked, drawn = len(sample.attacked), len(sample.frame)
    caution = _caution(found)
    for budget in (None, *params.epsilons):
        survivors = int((~found.lost(params.main_epsilon if budget is None else budget)).sum())
        rested = ""
        if budget is None:
            survivors, rested = _with_rested(survivors, attacked, found.carried)
        suffix, key = ("", None) if budget is None else ("_at", f"{budget:g}")
        detail = "; ".join(one for one in (caution, rested) if one)
        yield share_of(f"robust_share{suffix}", survivors, attacked, key=key, detail=detail)
        name = f"robust_accuracy{suffix}"
        if sample.correct is None:
            yield Estimate(name=name, value=None, n=drawn, key=key, reason=sample.no_accuracy)
        else:
            yield share_of(name, survivors, drawn, key=key, detail=detail)
    if sample.correct is None:
        yield Estimate(name="clean_accuracy", value=None, n=drawn, reason=sample.no_accuracy)
    else:
        yield share_of("clean_accuracy", attacked, drawn)


def _caution(found: Measured) -> str:
    walked = next((one for one in found.outcomes if one.attack == "hopskipjump"), None)
    count = 0 if walked is None else _startless(found.outcomes)
    return f"upper bound: no attack found any flip of {count} rows" if count else ""


def _with_rested(survivors: int, n: int, carried: Sequence[Metric]) -> tuple[int, str]:
    """No more survivors than an attack left that rests tonight: it would be no weaker than it was."""
    rates = [one for one in carried if one.name == "attack_success_rate" and one.value is not None]
    worst = max(rates, key=lambda one: one.value or 0.0, default=None)
    if worst is None or worst.value is None or round(n * (1 - worst.value)) >= survivors:
        return survivors, ""
    return round(
        n * (1 - worst.value)
    ), f"the {worst.key} attack is not due in this run and counts with its last result"


def _startless(outcomes: Sequence[Outcome]) -> int:
    """Rows that no attack flipped at any distance, although nothing proves that there is no flip."""
    import numpy as np

    open_ = ~np.isfinite(smallest(outcomes)[0])
    for one in outcomes:
        if one.truth is not None:
            open_[one.truth.impossible] = False
    return int(open_.sum())


def _unattacked(outcomes: Sequence[Outcome]) -> Estimate:
    if not any(one.attack == "hopskipjump" for one in outcomes):
        reason = "hopskipjump, which looks at every distance, did not run"
        return Estimate(name="unattacked_share", value=None, n=0, reason=reason)
    return share_of("unattacked_share", _startless(outcomes), len(outcomes[0].nearest))


def _valid(outcomes: Sequence[Outcome]) -> Estimate:
    returned = sum(one.returned for one in outcomes)
    if returned == 0:
        return Estimate(name="valid_share", value=None, n=0, reason="no attack returned a row")
    valid = sum(one.valid for one in outcomes)
    return share_of("valid_share", valid, returned, detail=f"{valid:,} of {returned:,} rows that attacks returned")


def _quantiles(found: Measured) -> Iterator[Estimate]:
    """Quantiles of the smallest flip over all attacked rows; rows without one lie beyond every distance."""
    import numpy as np

    sizes = np.sort(found.nearest)
    for share in QUANTILES:
        value, interval = order_statistics(sizes, share)
        key = f"{share:g}"
        if np.isfinite(value):
            bounded = interval if np.isfinite(interval[1]) else None
            detail = "" if bounded else f"at least {interval[0]:.4g}; its upper end lies beyond what the attacks found"
            yield Estimate(
                name="distance_quantile", value=value, n=len(sizes), interval=bounded, key=key, detail=detail
            )
        else:
            reason = f"fewer than {share:.0%} of the rows were flipped at any distance"
            yield Estimate(name="distance_quantile", value=None, n=len(sizes), key=key, reason=reason)


def order_statistics(ordered: np.ndarray, share: float) -> tuple[float, tuple[float, float]]:
    """The quantile of sorted values (n,), 0 or more, and its distribution-free interval (binomial; Conover, 1999, ch. 3.2)."""
    from scipy.stats import binom

    n = len(ordered)
    value = float(ordered[max(0, math.ceil(n * share) - 1)])
    low, high = int(binom.ppf(0.025, n, share)), int(binom.ppf(0.975, n, share))
    below = float(ordered[low - 1]) if low >= 1 else 0.0
    above = float(ordered[high]) if high < n else math.inf
    return value, (min(below, value), max(above, value))


def _of_slices(found: Measured) -> Iterator[Estimate]:
    lost = found.lost(found.params.main_epsilon)
    for name, rows in found.slices.items():
        n = int(rows.sum())
        if n < SHOWN_FROM:
            reason = f"fewer than {SHOWN_FROM} attacked rows"
            yield Estimate(name="slice_robust_share", value=None, n=n, key=name, reason=reason)
        else:
            yield share_of("slice_robust_share", int((~lost[rows]).sum()), n, key=name)
