"""The estimates of a run: shares with exact binomial intervals, distances with distribution-free ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.exact_estimates import exact_estimates
from model_governance.checks.robustness.evasion.gains import gain_estimates
from model_governance.checks.robustness.evasion.metrics import ALL
from model_governance.checks.robustness.evasion.params import unit_of
from model_governance.checks.robustness.evasion.results import Results, share_of, without_flip
from model_governance.contract.result import Estimate
from model_governance.contract.slices import SHOWN_FROM, absence_of, too_small
from model_governance.stats.intervals import bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from model_governance.checks.robustness.evasion.outcome import Outcome
    from model_governance.contract.result import Metric

AT_A_BUDGET = frozenset({
    "attack_success_rate", "attack_success_rate_at", "robust_accuracy", "robust_accuracy_at", "slice_attack_success_rate",
    "certified_attack_success_rate", "exact_attack_success_rate", "missed_share",
})  # fmt: skip
QUANTILES = (0.1, 0.5, 0.9)


def estimates_of(results: Results) -> Iterator[Estimate]:
    """Every metric that the check declares, but for those of deferred attacks."""
    for estimate in _all_of(results):
        yield _unless_unasked(estimate, results)


def _all_of(results: Results) -> Iterator[Estimate]:
    for outcome in results.outcomes:
        yield from _of_attack(outcome, results)
    yield from _of_all_attacks(results)
    yield _unattacked(results.outcomes)
    yield _valid(results.outcomes)
    yield from _quantiles(results)
    yield from _of_slices(results)
    yield from exact_estimates(results)
    yield from gain_estimates(results)


def _unless_unasked(estimate: Estimate, results: Results) -> Estimate:
    """The estimate; without a value where it is one of a budget within which no attacked row may change at all."""
    if estimate.name not in AT_A_BUDGET or estimate.value is None:
        return estimate
    key = (estimate.key or "").rpartition("@")[2]
    per_budget = estimate.name.endswith("_at") or (estimate.key or "").startswith("exact@")
    budget = next((epsilon for epsilon in results.params.epsilons if per_budget and f"{epsilon:g}" == key), None)
    budget = results.params.main_epsilon if budget is None else budget
    if results.changeable(budget):
        return estimate
    reason = (
        f"no allowed change of an attacked row lies within {budget:g}, so nobody was asked a question at this budget"
    )
    return Estimate(name=estimate.name, value=None, n=0, key=estimate.key, reason=reason, absence="uncertain")


def _of_attack(outcome: Outcome, results: Results) -> Iterator[Estimate]:
    import numpy as np

    n, budget, key = int(outcome.examined.sum()), results.params.main_epsilon, outcome.attack
    count = int(outcome.within(budget)[outcome.examined].sum())
    unit = unit_of(results.params, cost="units of cost", share="of each range")
    ended = "" if outcome.reached == "finished" else f"; {outcome.reached}"
    detail = f"{count} of {n} rows flip within {budget:g} {unit}{ended}"
    unknown = results.undecided(budget) & ~outcome.within(budget) if outcome.attack == "hopskipjump" else np.zeros(n)
    yield share_of("attack_success_rate", count, n, key=key, detail=detail, undecided=int(unknown.sum()))
    sizes = outcome.found
    if len(sizes) == 0:
        reason = "no row was flipped, so every distance lies beyond what the attack reached"
        yield Estimate(name="median_distance", value=None, n=0, key=key, reason=reason, absence="uncertain")
    else:
        interval = bootstrap(lambda rows: float(np.median(sizes[rows])), len(sizes), seed=results.seed)
        yield Estimate(name="median_distance", value=float(np.median(sizes)), n=len(sizes), interval=interval, key=key)
    yield Estimate(name="queries_per_row", value=float(outcome.asked[outcome.examined].mean()), n=n, key=key)


def _of_all_attacks(results: Results) -> Iterator[Estimate]:
    """Success rate among the attacked rows and accuracy among all drawn rows, at the main budget and at each."""
    sample, params = results.sample, results.params
    attacked, drawn = results.counted
    bound = _bound(results)
    for budget in (None, *params.epsilons):
        epsilon, deferred = params.main_epsilon if budget is None else budget, ""
        flipped, survivors = int(results.flipped(epsilon).sum()), results.survivors(epsilon)
        if budget is None:
            flipped, deferred = _with_deferred(flipped, attacked, results.carried_forward)
            survivors = min(survivors, attacked - flipped)
        suffix, key = ("", None) if budget is None else ("_at", f"{budget:g}")
        detail = "; ".join(text for text in (bound, deferred) if text)
        unknown = min(int(results.undecided(epsilon).sum()), attacked - flipped)
        yield share_of(
            f"attack_success_rate{suffix}", flipped, attacked, key=key or ALL, detail=detail, undecided=unknown
        )
        name = f"robust_accuracy{suffix}"
        if sample.correct is None:
            yield Estimate(name=name, value=None, n=drawn, key=key, reason=sample.no_accuracy)
        else:
            yield share_of(name, survivors, drawn, key=key, detail=detail, doubtful=min(unknown, survivors))
    if sample.correct is None:
        yield Estimate(name="clean_accuracy", value=None, n=len(sample.frame), reason=sample.no_accuracy)
    else:
        yield share_of("clean_accuracy", int(sample.correct.sum()), len(sample.frame))


def _bound(results: Results) -> str:
    """How many rows no attack flipped at any distance; empty where none, or where no attack searched everywhere."""
    if not any(outcome.attack == "hopskipjump" for outcome in results.outcomes):
        return ""
    count = int(without_flip(results.outcomes).sum())
    unknown = (
        "; they are more than half of the rows, and count as unknown"
        if results.undecided(results.params.main_epsilon).any()
        else ""
    )
    return f"no attack found any flip of {count} rows, at any distance{unknown}" if count else ""


def _with_deferred(flipped: int, n: int, carried_forward: Sequence[Metric]) -> tuple[int, str]:
    """At least as many flipped rows as the strongest deferred attack had in its last execution, by its share."""
    rates = [metric for metric in carried_forward if metric.name == "attack_success_rate" and metric.value is not None]
    strongest = max(rates, key=lambda metric: metric.value or 0.0, default=None)
    if strongest is None or strongest.value is None or round(n * (1 - strongest.value)) >= n - flipped:
        return flipped, ""
    text = f"the {strongest.key} attack is not due in this run and counts with its last result"
    return n - round(n * (1 - strongest.value)), text


def _unattacked(outcomes: Sequence[Outcome]) -> Estimate:
    if not any(outcome.attack == "hopskipjump" for outcome in outcomes):
        reason = "hopskipjump, which searches at every distance, did not run"
        return Estimate(name="unattacked_share", value=None, n=0, reason=reason)
    return share_of("unattacked_share", int(without_flip(outcomes).sum()), len(outcomes[0].nearest))


def _valid(outcomes: Sequence[Outcome]) -> Estimate:
    returned = sum(outcome.returned for outcome in outcomes)
    if returned == 0:
        return Estimate(name="valid_share", value=None, n=0, reason="no attack returned a row", absence="uncertain")
    valid = sum(outcome.valid for outcome in outcomes)
    return share_of("valid_share", valid, returned, detail=f"{valid:,} of {returned:,} rows that attacks returned")


def _quantiles(results: Results) -> Iterator[Estimate]:
    """Quantiles of the smallest flip over all attacked rows; rows without one lie beyond every distance."""
    import numpy as np

    sizes = np.sort(results.distances[results.examined])
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
            yield Estimate(
                name="distance_quantile", value=None, n=len(sizes), key=key, reason=reason, absence="uncertain"
            )


def order_statistics(ordered: np.ndarray, share: float) -> tuple[float, tuple[float, float]]:
    """The quantile of sorted values (n,), 0 or more, and its distribution-free interval (binomial; Conover, 1999, ch. 3.2)."""
    from scipy.stats import binom

    n = len(ordered)
    value = float(ordered[max(0, math.ceil(n * share) - 1)])
    low, high = int(binom.ppf(0.025, n, share)), int(binom.ppf(0.975, n, share))
    below = float(ordered[low - 1]) if low >= 1 else 0.0
    above = float(ordered[high]) if high < n else math.inf
    return value, (min(below, value), max(above, value))


def _of_slices(results: Results) -> Iterator[Estimate]:
    flipped, metric = results.flipped(results.params.main_epsilon), "slice_attack_success_rate"
    for name, members in results.slices.items():
        rows = members & results.examined
        n = int(rows.sum())
        if n < SHOWN_FROM:
            reason = too_small(n, needed=SHOWN_FROM, what="attacked rows")
            absence = absence_of(name, results.params.slices, empty=name in results.empty_slices)
            yield Estimate(name=metric, value=None, n=0, key=name, reason=reason, absence=absence)
        else:
            unknown = int((results.undecided(results.params.main_epsilon) & rows & ~flipped).sum())
            yield share_of(metric, int(flipped[rows].sum()), n, key=name, undecided=unknown)
