"""Runs the attacks that are due, one after the other, each within its budget, and trains reference models on demand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.attacks.schedule import limit_queries, schedule_attacks, schedule_lookback
from model_governance.checks.privacy.membership_inference import answer_cache, reference_free
from model_governance.checks.privacy.membership_inference.attacks import (
    WITH_REFERENCES,
    check_attacks,
    default_attacks,
    score_with_references,
)
from model_governance.checks.privacy.membership_inference.boundary import boundary
from model_governance.checks.privacy.membership_inference.label_only import label_only
from model_governance.checks.privacy.membership_inference.reference_models import draw_pool, reference_answers
from model_governance.checks.privacy.membership_inference.references import References
from model_governance.contract.check import Lookback

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.schedule import AttackSchedule
    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.contract.subject import Subject


@dataclass(slots=True)
class ReferencePool:
    """The reference models of a run, trained when the first attack needs them."""

    subject: Subject
    audit: Audit
    params: MembershipParams
    rows: int = 0
    reused: int = 0
    answers: dict[str, np.ndarray] | None = None
    _references: References | None = None

    def references(self) -> References:
        """The outputs of the reference models for the audited rows.

        Raises:
            ModelMisbehaved: a reference model could not be trained.
        """
        if self._references is None:
            audit, cached = self.audit, answer_cache.from_earlier_runs(self.subject.earlier)
            prepared = answer_cache.from_mapped_tasks(self.subject.prepared)
            pool = draw_pool(audit.draw, self.params)
            answers, inside, self.answers = reference_answers(
                self.subject.require_model(), pool, self.params, root_seed=audit.root_seed, cached=prepared | cached
            )
            self.rows, self.reused = len(pool.frame), len(self.answers.keys() & cached.keys())
            self._references = References(audit.transform(answers), inside)
        return self._references


def plan_attacks(subject: Subject, params: MembershipParams) -> AttackSchedule:
    """The attacks of the policy, or those that the model allows, and which of them are due; the first decides.

    Raises:
        CheckError: an attack that the policy names cannot run on this model.
    """
    model = subject.require_model()
    attacks = params.attacks or default_attacks(model, models=params.reference_models)
    check_attacks(model, attacks, models=params.reference_models)
    return schedule_attacks(attacks, params.budgets, subject)


def run_attacks(
    subject: Subject, audit: Audit, params: MembershipParams, schedule: AttackSchedule
) -> tuple[list[Scores], ReferencePool]:
    """Scores of every attack that is due, in the order of the policy, and the reference models they used.

    Raises:
        QueryBudgetExceeded, TimeBudgetExceeded: the budget of an attack does not allow its smallest number of queries.
        ModelMisbehaved: as `Model`.
    """
    model, pool, results = subject.require_model(), ReferencePool(subject, audit, params), []
    for name in schedule.due:
        asked, query_budget = limit_queries(model, schedule.budget(name), attack=name)
        if name == "label_only":
            scores = label_only(audit, asked, subject.columns)
        elif name == "boundary":
            scores = boundary(audit, asked, subject.columns, query_budget)
        else:
            # The outputs for the audited rows are shared, and are charged to every attack that uses them.
            query_budget.charge(len(audit))
            scores = replace(_score(name, audit, params, pool), queries=query_budget.asked)
        query_budget.charge(0)
        results.append(scores)
    return results, pool


def lookback(params: MembershipParams) -> tuple[Lookback, ...]:
    """What the check reads of earlier runs: outputs of reference models, and the schedule of attacks that are not always due."""
    artifacts: list[Lookback] = []
    if params.attacks is None or set(params.attacks) & set(WITH_REFERENCES):
        # The reference models of a run that failed are as good as any.
        artifacts.append(Lookback(artifact=answer_cache.FILE, runs=1, accepted=False))
    rotation = schedule_lookback(params.budgets)
    return (*artifacts, *([rotation] if rotation else []))


def _score(name: str, audit: Audit, params: MembershipParams, pool: ReferencePool) -> Scores:
    if name in WITH_REFERENCES:
        return score_with_references(name, audit, pool.references())
    if name == "black_box":
        return reference_free.black_box(audit, attack_model=params.attack_model)
    attacks = {
        "loss": reference_free.loss,
        "quantile": reference_free.quantiles,
        "rule_based": reference_free.rule_based,
    }
    return attacks[name](audit)
