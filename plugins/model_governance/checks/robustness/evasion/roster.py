"""The attacks there are: what each sees of the model, which models it fits, and how it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.schedule import QueryBudgetExceeded, limit_queries
from model_governance.checks.robustness.evasion import exact, gradient, greedy, hopskipjump
from model_governance.checks.robustness.evasion.outcome import Outcome, conclude
from model_governance.checks.robustness.evasion.params import EVERY_ATTACK, AttackName
from model_governance.checks.robustness.evasion.slopes import slopes_of, why_none
from model_governance.checks.robustness.evasion.starts import find_starts
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from model_governance.attacks.schedule import AttackBudget
    from model_governance.checks.robustness.evasion.exact import Truth
    from model_governance.checks.robustness.evasion.queries import Queries
    from model_governance.checks.robustness.evasion.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack: `why_not` says why it does not fit a target (empty: it does), `run` leaves its flips in the queries.

    It returns what it proved beyond them, if anything.
    """

    access: str
    why_not: Callable[[Target], str]
    run: Callable[[Target, Queries, AttackBudget], Truth | None]


def chosen(target: Target) -> tuple[tuple[AttackName, ...], tuple[str, ...]]:
    """The attacks to run, and notes on those that were left out because they do not fit the model.

    Raises:
        CheckError: the policy names an attack that does not fit.
    """
    named = target.params.attacks
    reasons = {one: ROSTER[one].why_not(target) for one in (EVERY_ATTACK if named is None else named)}
    unfit = {one: reason for one, reason in reasons.items() if reason}
    if named is not None and unfit:
        told = "; ".join(f"{one}: {reason}" for one, reason in unfit.items())
        raise CheckError(
            f"the policy names attacks that cannot run on model {target.model.name!r}: {told}; take them out of attacks, "
            "or leave attacks away to run all that fit"
        )
    notes = tuple(f"the {one} attack was left out: {reason}" for one, reason in unfit.items())
    return tuple(one for one in reasons if one not in unfit), notes


def carry_out(target: Target, name: AttackName, budget: AttackBudget) -> Outcome:
    """Run one attack within its effort; where its queries are spent, what it reached counts and says so."""
    model, query_budget = limit_queries(target.model, budget, attack=name)
    queries = target.queries(model)
    reached, truth = "finished", None
    try:
        truth = ROSTER[name].run(target, queries, budget)
        spent = truth is not None and truth.cut
    except QueryBudgetExceeded:
        spent = True
    if spent:
        reached = f"stopped at its budget of {budget.max_queries:,} queries, {query_budget.asked:,} asked"
    return conclude(queries, name, target.model, truth=truth, reached=reached)


def _fits_everything(_target: Target) -> str:
    return ""


def _run_hopskipjump(target: Target, queries: Queries, budget: AttackBudget) -> None:
    import numpy as np

    params = target.params
    encoded = target.space.place(target.donors).encoded
    starts = find_starts(queries, encoded, tries=params.initial_size, generator=target.generator(0))
    missing = np.flatnonzero(np.isnan(starts).any(axis=1))
    if len(missing) and not _why_not_greedy(target):
        greedy.search(queries, missing, greedy.ANY, seed=target.seed)
        helped = missing[np.isfinite(queries.nearest[missing])]
        starts[helped] = target.space.encode(queries.best.take(helped), target.origins, helped)
    walking = max(1, int((~np.isnan(starts).any(axis=1)).sum()))
    share = None if budget.max_queries is None else max(1, (budget.max_queries - int(queries.asked.sum())) // walking)
    hopskipjump.attack(queries, starts, params, seed=target.seed, share=share)


def _why_not_greedy(target: Target) -> str:
    if (
        target.answers.tolerance is not None
        or target.model.call_proba is not None
        or target.model.call_logits is not None
    ):
        return ""
    return "the model gives labels only, no probabilities"


def _run_greedy(target: Target, queries: Queries, _budget: AttackBudget) -> None:
    greedy.attack(queries, target.params.epsilons, seed=target.seed)


def _why_not_gradient(target: Target) -> str:
    if not target.space.axes:
        return "only categories may move"
    return why_none(target.model, target.origins.frame)


def _run_gradient(target: Target, queries: Queries, _budget: AttackBudget) -> None:
    slopes = slopes_of(queries, target.columns)
    gradient.attack(queries, slopes, target.params.epsilons, steps=target.params.max_iterations, seed=target.seed)


def _run_exact(target: Target, queries: Queries, _budget: AttackBudget) -> Truth:
    return exact.attack(target, queries)


ROSTER: Mapping[str, Attack] = {
    "hopskipjump": Attack(access="black box, labels only", why_not=_fits_everything, run=_run_hopskipjump),
    "greedy": Attack(access="black box, scores", why_not=_why_not_greedy, run=_run_greedy),
    "gradient": Attack(access="white box, slopes of the scores", why_not=_why_not_gradient, run=_run_gradient),
    "exact": Attack(access="white box, the trees themselves", why_not=exact.why_not, run=_run_exact),
}
