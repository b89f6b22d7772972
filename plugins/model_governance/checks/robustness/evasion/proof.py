"""Heuristics beside the truth: what they missed, how far they are from the smallest flip, and what is proven robust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.measured import Measured, share_of
from model_governance.contract.result import Estimate
from model_governance.stats.intervals import bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.robustness.evasion.exact import Truth
    from model_governance.checks.robustness.evasion.outcome import Outcome

EXACT = "exact"


def truth_estimates(found: Measured) -> Iterator[Estimate]:
    """Metrics of exact answers, at every budget; none where the exact attack did not run."""
    exact = next((one for one in found.outcomes if one.truth is not None), None)
    if exact is None or exact.truth is None:
        return
    truth, others = exact.truth, [one for one in found.outcomes if one is not exact]
    for budget in found.params.epsilons:
        yield from _at(truth, others, budget)
    for one in others:
        yield _gap(one, truth, found.seed)


def _at(truth: Truth, others: list[Outcome], budget: float) -> Iterator[Estimate]:
    import numpy as np

    key, m = f"{EXACT}@{budget:g}", len(truth.rows)
    proven = truth.proven(budget)
    yield share_of("certified_share", int(proven.sum()), len(proven), key=key)
    undecided = int((~proven[truth.rows] & ~truth.flips(budget)).sum())
    detail = f"lower bound: {undecided} of {m} rows were left undecided" if undecided else ""
    yield share_of("exact_robust_share", int(proven[truth.rows].sum()), m, key=key, detail=detail)
    if others:
        caught = np.any([one.within(budget)[truth.rows] for one in others], axis=0)
        flips = truth.flips(budget)
        detail = f"of {int(flips.sum())} rows with a flip within {budget:g}"
        yield share_of("missed_share", int((flips & ~caught).sum()), m, key=key, detail=detail)


def _gap(one: Outcome, truth: Truth, seed: int) -> Estimate:
    """How much larger the flips of a heuristic are than the smallest ones, on rows where both are known."""
    import numpy as np

    both = truth.solved & np.isfinite(truth.distance) & np.isfinite(one.nearest[truth.rows])
    if not both.any():
        reason = "the attack flipped no row whose smallest flip is known"
        return Estimate(name="optimality_gap", value=None, n=0, key=one.attack, reason=reason)
    # The exact search stops a hair above the truth, and so may an attack.
    gaps: np.ndarray = np.maximum(one.nearest[truth.rows][both] - truth.distance[both], 0.0)
    interval = bootstrap(lambda rows: float(np.median(gaps[rows])), len(gaps), seed=seed)
    return Estimate(name="optimality_gap", value=float(np.median(gaps)), n=len(gaps), interval=interval, key=one.attack)
