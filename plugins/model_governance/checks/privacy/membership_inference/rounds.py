"""The attacks that are due tonight, one after the other, each within its budget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.attacks.schedule import limit_queries
from model_governance.checks.privacy.membership_inference import alone
from model_governance.checks.privacy.membership_inference.attacks import WITH_REFERENCES, against_references
from model_governance.checks.privacy.membership_inference.boundary import boundary
from model_governance.checks.privacy.membership_inference.kept_answers import kept_by
from model_governance.checks.privacy.membership_inference.label_only import label_only
from model_governance.checks.privacy.membership_inference.reference_models import pool_of, reference_answers
from model_governance.checks.privacy.membership_inference.references import References

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.schedule import AttackSchedule
    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.contract.subject import Subject


@dataclass(slots=True)
class Copies:
    """The reference models of tonight, made when the first attack asks for them."""

    subject: Subject
    audit: Audit
    params: MembershipParams
    pool_rows: int = 0
    reused: int = 0
    answers: dict[str, np.ndarray] | None = None
    _references: References | None = None

    def references(self) -> References:
        """What the copies say of the audited rows.

        Raises:
            ModelMisbehaved: a copy could not be trained.
        """
        if self._references is None:
            audit, kept = self.audit, kept_by(self.subject.earlier)
            chosen = audit.members.positions, audit.others.positions
            pool = pool_of(*audit.everyone, chosen, self.params, root=audit.root, most=audit.members.rows)
            answers, inside, self.answers = reference_answers(
                self.subject.require_model(), pool, self.params, root=audit.root, kept=kept
            )
            self.pool_rows, self.reused = len(pool.frame), len(self.answers.keys() & kept.keys())
            self._references = References(audit.gauge.read(answers), inside)
        return self._references


def run_attacks(
    subject: Subject, audit: Audit, params: MembershipParams, schedule: AttackSchedule
) -> tuple[list[Scores], Copies]:
    """Scores of every attack that is due, in the order of the policy, and the reference models they used.

    Raises:
        QueryBudgetExceeded, TimeBudgetExceeded: an attack has no budget for what it must ask at least.
        ModelMisbehaved: as `Model`.
    """
    model, copies, found = subject.require_model(), Copies(subject, audit, params), []
    for name in schedule.due:
        asked, query_budget = limit_queries(model, schedule.budget(name), attack=name)
        if name == "label_only":
            scores = label_only(audit, asked, subject.columns)
        elif name == "boundary":
            scores = boundary(audit, asked, subject.columns, query_budget)
        else:
            # The answers about the audited rows are shared, and every attack that reads them pays for them.
            query_budget.charge(len(audit))
            scores = replace(_score(name, audit, params, copies), queries=query_budget.asked)
        query_budget.charge(0)
        found.append(scores)
    return found, copies


def _score(name: str, audit: Audit, params: MembershipParams, copies: Copies) -> Scores:
    if name in WITH_REFERENCES:
        return against_references(name, audit, copies.references())
    if name == "black_box":
        return alone.black_box(audit, kind=params.attack_model)
    return {"loss": alone.loss, "quantile": alone.quantiles, "rule_based": alone.rule_based}[name](audit)
