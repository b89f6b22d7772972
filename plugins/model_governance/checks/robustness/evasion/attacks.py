"""The attacks of the check: the access each needs, the models it fits, and how it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.schedule import QueryBudgetExceeded, limit_queries, require_full_questions
from model_governance.checks.robustness.evasion import autoattack, exact, greedy, hopskipjump, pgd
from model_governance.checks.robustness.evasion.gradients import flip_gradients, why_no_gradients
from model_governance.checks.robustness.evasion.moves import ROUNDING
from model_governance.checks.robustness.evasion.outcome import Outcome, conclude
from model_governance.checks.robustness.evasion.params import DEFAULT_ATTACKS, IMAGE_ATTACKS, AttackName
from model_governance.checks.robustness.evasion.starts import ROUND, find_starts
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from model_governance.attacks.schedule import AttackBudget
    from model_governance.checks.robustness.evasion.exact import ExactDistances
    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.queries import Queries
    from model_governance.checks.robustness.evasion.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack: `why_not` says why it does not fit a target (empty: it does), `run` records its flips in the queries.

    An exact attack returns its distances too. `question` counts the queries of a full question about one row: of the
    attacks that ask about all rows in every call it is one call.
    """

    access: str
    why_not: Callable[[Target], str]
    run: Callable[[Target, Queries, AttackBudget], ExactDistances | None]
    question: Callable[[EvasionParams], int] = lambda _: 1


def select_attacks(target: Target) -> tuple[tuple[AttackName, ...], tuple[str, ...]]:
    """The attacks to run, and notes on the default ones that do not fit the model; of an image, the strongest one that fits.

    Raises:
        CheckError: the policy names an attack that does not fit, or lets texts be edited and leaves out the attack that does it.
    """
    named = target.params.attacks
    if named is None and target.space.image is not None:
        return _select_for_image(target)
    reasons = {name: ATTACKS[name].why_not(target) for name in (DEFAULT_ATTACKS if named is None else named)}
    unfit = {name: reason for name, reason in reasons.items() if reason}
    if named is not None and unfit:
        listed = "; ".join(f"{name}: {reason}" for name, reason in unfit.items())
        raise CheckError(
            f"the policy names attacks that cannot run on model {target.model.name!r}: {listed}; take them out of attacks, "
            "or omit attacks to run all that fit"
        )
    if target.space.texts and "greedy" not in reasons:
        texts = ", ".join(text.feature for text in target.space.texts)
        raise CheckError(
            f"the threat model lets {texts} be edited, and greedy, the attack that edits texts, is not among the attacks: nobody "
            "would ask about an edited text; add greedy to attacks, or say mutable: false for these features"
        )
    notes = tuple(f"the {name} attack was not run: {reason}" for name, reason in unfit.items())
    return tuple(name for name in reasons if name not in unfit), notes


def _select_for_image(target: Target) -> tuple[tuple[AttackName, ...], tuple[str, ...]]:
    """The strongest attack on images that fits the model, and why the stronger ones do not."""
    notes: list[str] = []
    for name in IMAGE_ATTACKS:
        reason = ATTACKS[name].why_not(target)
        if not reason:
            return (name,), tuple(notes)
        notes.append(f"the {name} attack was not run: {reason}")
    raise CheckError(f"no attack fits the images of model {target.model.name!r}: {'; '.join(notes)}")


def run_attack(target: Target, name: AttackName, budget: AttackBudget) -> Outcome:
    """The outcome of one attack within its budget; one that exceeds its queries counts with what it reached.

    Raises:
        AttackCutShort: the budget ended before every row was asked a full question.
    """
    model, query_budget = limit_queries(target.model, budget, attack=name)
    queries = target.queries(model)
    reached, distances = "finished", None
    try:
        distances = ATTACKS[name].run(target, queries, budget)
        exceeded = distances is not None and distances.cut
    except QueryBudgetExceeded:
        exceeded = True
    if exceeded:
        reached = f"stopped at its budget of {budget.max_queries:,} queries, {query_budget.asked:,} asked"
        unasked, rows, per_row = _unasked(target, name, queries, distances)
        require_full_questions(query_budget, unasked=unasked, rows=rows, per_row=per_row)
    return conclude(queries, name, target.model, exact=distances, reached=reached)


def _unasked(
    target: Target, name: AttackName, queries: Queries, distances: ExactDistances | None
) -> tuple[int, int, int]:
    """Rows without a full question that did not flip within the budget either, all rows, and queries of a question."""
    if distances is not None:
        return distances.unreached, len(distances.rows), 1
    per_row = ATTACKS[name].question(target.params)
    open_ = queries.nearest > target.params.main_epsilon + ROUNDING
    return int((open_ & (queries.asked < per_row)).sum()), len(queries.nearest), per_row


def _why_not_hopskipjump(target: Target) -> str:
    return "" if target.space.width else "only texts may move, and it moves numbers and categories"


def _first_estimate(params: EvasionParams) -> int:
    """A round of starts, and the queries of the first estimate of the boundary's direction."""
    return min(ROUND, params.initial_size) + min(hopskipjump.FIRST_DIRECTIONS, params.max_evaluations)


def _run_hopskipjump(target: Target, queries: Queries, budget: AttackBudget) -> None:
    import numpy as np

    params = target.params
    encoded = target.space.place(target.donors).encoded
    starts = find_starts(queries, encoded, tries=params.initial_size, generator=target.generator(0))
    missing = np.flatnonzero(np.isnan(starts).any(axis=1))
    if len(missing) and not _why_no_scores(target):
        greedy.search(queries, missing, greedy.ANY, seed=target.seed, texts=False)
        helped = missing[np.isfinite(queries.nearest[missing])]
        starts[helped] = target.space.encode(queries.best.take(helped), target.origins, helped)
    active = max(1, int((~np.isnan(starts).any(axis=1)).sum()))
    share = None if budget.max_queries is None else max(1, (budget.max_queries - int(queries.asked.sum())) // active)
    hopskipjump.attack(queries, starts, params, seed=target.seed, share=share)


def _why_not_greedy(target: Target) -> str:
    return "" if target.space.texts else _why_no_scores(target)


def _why_no_scores(target: Target) -> str:
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
        return "no number may move"
    if target.worth is not None:
        return "it has one budget for all rows, and with utility each row has its own"
    return why_no_gradients(target.model)


def _run_gradient(target: Target, queries: Queries, _budget: AttackBudget) -> None:
    gradients = flip_gradients(queries, target.columns)
    pgd.attack(queries, gradients, target.params.epsilons, steps=target.params.max_iterations, seed=target.seed)


def _run_exact(target: Target, queries: Queries, _budget: AttackBudget) -> ExactDistances:
    return exact.attack(target, queries)


def _why_not_autoattack(target: Target) -> str:
    return _why_not_square(target) or _why_not_gradient(target)


def _why_not_square(target: Target) -> str:
    if target.answers.tolerance is not None:
        return "its losses compare classes, and the model is a regression"
    if target.params.norm == "cost":
        return "it knows the norms linf and l2"
    return _why_no_scores(target) or ("" if target.space.axes else "no number may move")


def _run_autoattack(name: str) -> Callable[[Target, Queries, AttackBudget], None]:
    def run(target: Target, queries: Queries, _budget: AttackBudget) -> None:
        autoattack.attack(queries, target.columns, target.params.epsilons, name=name, seed=target.seed)

    return run


ATTACKS: Mapping[str, Attack] = {
    "hopskipjump": Attack(
        access="black box, labels only", why_not=_why_not_hopskipjump, run=_run_hopskipjump, question=_first_estimate
    ),
    "greedy": Attack(access="black box, scores", why_not=_why_not_greedy, run=_run_greedy),
    "gradient": Attack(access="white box, gradients", why_not=_why_not_gradient, run=_run_gradient),
    "exact": Attack(access="white box, trees", why_not=exact.why_not, run=_run_exact),
    "autoattack": Attack(access="white box, gradients", why_not=_why_not_autoattack, run=_run_autoattack("autoattack")),
    "apgd": Attack(access="white box, gradients", why_not=_why_not_autoattack, run=_run_autoattack("apgd")),
    "fab": Attack(access="white box, gradients", why_not=_why_not_autoattack, run=_run_autoattack("fab")),
    "square": Attack(access="black box, scores", why_not=_why_not_square, run=_run_autoattack("square")),
}
