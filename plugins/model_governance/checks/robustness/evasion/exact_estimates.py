"""Metrics of the exact attack: what the other attacks missed, how far they are from the smallest flip, certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.results import Results, share_of
from model_governance.contract.result import Estimate
from model_governance.stats.intervals import bootstrap
from model_governance.stats.limits import PartlyKnownShare

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.robustness.evasion.exact import ExactDistances
    from model_governance.checks.robustness.evasion.outcome import Outcome

EXACT = "exact"


def exact_estimates(results: Results) -> Iterator[Estimate]:
    """Estimates from exact answers, at every budget; none where the exact attack did not run."""
    solved = next((outcome for outcome in results.outcomes if outcome.exact is not None), None)
    if solved is None or solved.exact is None:
        return
    exact, others = solved.exact, [outcome for outcome in results.outcomes if outcome is not solved]
    for budget in results.params.epsilons:
        yield from _at_budget(exact, others, budget)
    for outcome in others:
        yield _optimality_gap(outcome, exact, results.seed)


def _at_budget(exact: ExactDistances, others: list[Outcome], budget: float) -> Iterator[Estimate]:
    import numpy as np

    key, m = f"{EXACT}@{budget:g}", len(exact.rows)
    proven = exact.proven(budget)
    yield share_of("certified_attack_success_rate", int((~proven).sum()), len(proven), key=key)
    count = int(exact.flips(budget).sum())
    undecided = int((~proven[exact.rows] & ~exact.flips(budget)).sum())
    name = "exact_attack_success_rate"
    if undecided:
        # Neither robust nor flipped: the interval reaches from none of them to all of them.
        limits = PartlyKnownShare(successes=float(count), undecided=float(undecided), n=float(m))
        detail = f"upper bound: {undecided} of {m} rows were left undecided"
        yield Estimate(name=name, value=(count + undecided) / m, n=m, key=key, detail=detail, limits=limits)
    else:
        yield share_of(name, count, m, key=key)
    if others:
        caught = np.any([outcome.within(budget)[exact.rows] for outcome in others], axis=0)
        flips = exact.flips(budget)
        detail = f"of {int(flips.sum())} rows with a flip within {budget:g}"
        yield share_of("missed_share", int((flips & ~caught).sum()), m, key=key, detail=detail)


def _optimality_gap(outcome: Outcome, exact: ExactDistances, seed: int) -> Estimate:
    """How much larger the flips of an attack are than the smallest ones, on rows where both are known."""
    import numpy as np

    name, key = "optimality_gap", outcome.attack
    both = exact.solved & np.isfinite(exact.distance) & np.isfinite(outcome.nearest[exact.rows])
    if not both.any():
        reason = "the attack flipped no row whose smallest flip is known"
        return Estimate(name=name, value=None, n=0, key=key, reason=reason, absence="uncertain")
    # The exact search stops within rounding above the smallest distance, and so may an attack.
    gaps: np.ndarray = np.maximum(outcome.nearest[exact.rows][both] - exact.distance[both], 0.0)
    interval = bootstrap(lambda rows: float(np.median(gaps[rows])), len(gaps), seed=seed)
    return Estimate(name=name, value=float(np.median(gaps)), n=len(gaps), interval=interval, key=key)
