"""The training of reference models, which mapped tasks may share before the check measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.answer_cache import from_earlier_runs, to_artifact
from model_governance.checks.privacy.membership_inference.attacks import WITH_REFERENCES
from model_governance.checks.privacy.membership_inference.audit import draw_rows
from model_governance.checks.privacy.membership_inference.reference_models import draw_pool, train_references
from model_governance.checks.privacy.membership_inference.schedule import plan_attacks
from model_governance.contract.check import Preparation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.contract.result import Artifact
    from model_governance.contract.subject import Subject


def _prepare(subject: Subject, params: MembershipParams, numbers: Sequence[int]) -> Artifact | None:
    """The outputs of the reference models of these numbers, by cache key.

    None where no attack that is due uses reference models, or where an earlier run has the outputs of all of them.
    """
    if not set(plan_attacks(subject, params).due) & set(WITH_REFERENCES):
        return None
    draw = draw_rows(subject, params)
    trained = train_references(
        subject.require_model(), draw_pool(draw, params), params, root_seed=draw.root_seed, numbers=numbers,
        cached=from_earlier_runs(subject.earlier),
    )  # fmt: skip
    return to_artifact(trained, name=f"reference_answers_{numbers[0]}.npz") if trained else None


PREPARATION = Preparation(name="reference models", parts=lambda params: int(params.reference_models), prepare=_prepare)
