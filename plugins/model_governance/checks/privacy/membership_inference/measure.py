"""Distinguish rows of train from held-out rows by the model's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.checks.privacy.membership_inference import estimates, figures, report
from model_governance.checks.privacy.membership_inference.answer_cache import to_artifact
from model_governance.checks.privacy.membership_inference.audit import draw_audit
from model_governance.checks.privacy.membership_inference.blind import blind_scores
from model_governance.checks.privacy.membership_inference.metrics import METRICS
from model_governance.checks.privacy.membership_inference.schedule import plan_attacks, run_attacks
from model_governance.contract.result import CheckResult, declared, versions_of
from model_governance.contract.slices import slice_masks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.blind import BlindScores
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.contract.result import Estimate
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: MembershipParams, seed: int) -> CheckResult:
    """Distinguish rows of `train` from held-out rows by the model's outputs.

    Args:
        subject: model and datasets. Non-members are rows of `population` where given, otherwise of `reference`. They
            must follow the distribution of the training rows and must not have been trained on; otherwise the attack
            measures something else. `overlap_share` and `blind_auc` show it; where the groups can be told apart
            without the model, lower limits count what goes beyond.
        params: attacks, reference models and false-positive rates.
        seed: recorded only. Every draw is derived from the model, the rows and `params.sampling_seed`, so that a
            second run on the same model gives the same numbers and need not train the reference models again.

    Returns:
        Error rates of every attack, and what only the deciding attack (the first) is read for.

    Raises:
        CheckError: an attack that the policy names cannot run on this model or within its budget; a group has too few
            rows, one class, or labels that the model does not know.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    schedule = plan_attacks(subject, params)
    deciding = schedule.attacks[0]
    audit = draw_audit(subject, params)
    blind = blind_scores(audit, params)
    scores, references = run_attacks(subject, audit, params, schedule)
    remarks: list[str] = []
    measured = [
        declared(METRICS, estimate) for estimate in _estimates(subject, audit, blind, scores, params, deciding, remarks)
    ]
    exposed = report.exposed_rows(scores[0], audit, params) if scores and scores[0].attack == deciding else None
    return CheckResult(
        kind="membership_inference",
        seed=seed,
        metrics=(
            *measured,
            *schedule.carried_forward(METRICS),
            *(declared(METRICS, estimate) for estimate in (*estimates.of_groups(audit), estimates.of_blind(blind))),
        ),
        tables=(
            report.attacks_table(scores, deciding=deciding),
            report.operating_points(scores, params),
            *([exposed] if exposed else []),
            report.groups_table(audit),
            *([schedule.table()] if schedule.rotates or params.budget else []),
        ),
        artifacts=(
            *([figures.roc_figure(scores, params)] if scores else []),
            figures.confidence_figure(audit),
            *([to_artifact(references.answers)] if references.answers else []),
            *([schedule.artifact(measured)] if schedule.rotates else []),
        ),
        highlights=report.highlights(scores, params, deciding=deciding),
        notes=(*report.notes(audit, blind, scores, references, params, deciding=deciding), *remarks),
        tools=versions_of(DISTRIBUTION, "numpy", "scikit-learn"),
    )


def _estimates(
    subject: Subject, audit: Audit, blind: BlindScores, scores: list[Scores], params: MembershipParams, deciding: str,
    remarks: list[str],
) -> Iterator[Estimate]:  # fmt: skip
    """The metrics of every attack that ran, and those of the deciding attack only."""
    for score in scores:
        yield from estimates.of_attack(score, params, blind)
        if score.attack == deciding:
            yield from estimates.of_deciding_attack(score, audit, params, blind)
            masks = _slices(subject, audit, score, params, remarks)
            empty = {name for name, rows in masks.items() if not rows.any()}
            count, (members, non_members) = len(audit.members), score.scored
            scored = {name: (rows[:count][members], rows[count:][non_members]) for name, rows in masks.items()}
            yield from estimates.of_slices(score, scored, params, blind, empty=empty)


def _slices(
    subject: Subject, audit: Audit, score: Scores, params: MembershipParams, remarks: list[str]
) -> dict[str, np.ndarray]:
    """Which audited rows, members first, belong to each slice."""
    import pandas as pd

    def column(name: str) -> pd.Series:
        groups = (audit.members, audit.non_members)
        parts = [subject.frame(group.role, columns=[name])[name].iloc[group.positions] for group in groups]
        return pd.concat(parts, ignore_index=True)

    # The key of a slice follows that of the attack.
    named = {key.removeprefix(f"{score.attack}@") for key in subject.keys_named("slice_")}
    return slice_masks(column, params.slices, notes=remarks, what="audited rows", allow_empty=True, named=named)
