"""What a membership inference can prove at most under given params."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.epsilon import ceiling
from model_governance.checks.privacy.membership_inference.estimates import MIN_IN_SLICE
from model_governance.checks.privacy.membership_inference.rates import min_negatives
from model_governance.contract.check import Floor
from model_governance.contract.floors import difference_of, floors_of, share_of, stretched_share_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.checks.privacy.membership_inference.params import MembershipParams

BOUNDS = ("memorisation_lower_bound", "epsilon_lower_bound")


def floors(params: MembershipParams) -> tuple[Floor, ...]:
    """Numbers of rows, of guesses, and what a share of so few members, or a difference of two, can prove."""
    both, members = 2 * params.samples, _most_members(params)
    differences = difference_of(params.samples, params.samples)
    return (
        *floors_of("attack_auc", "advantage", "error_gap", param="samples", rows=both),
        *floors_of("balanced_advantage", "generalization_gap", param="samples", rows=both, extremes=differences),
        *floors_of("dummy_tpr", param="samples", rows=members),
        *floors_of("slice_auc", param="samples", rows=both, needs=2 * MIN_IN_SLICE),
        *floors_of("slice_tpr", param="samples", rows=members, needs=MIN_IN_SLICE, extremes=share_of(members)),
        *floors_of(*BOUNDS, param="samples", rows=both, needs=params.audit_guesses),
        *(Floor(metric=name, param="audit_guesses", most=max(0.0, ceiling(params.audit_guesses))) for name in BOUNDS),
        *_of_rates(params),
    )


def _most_members(params: MembershipParams) -> int:
    """Members that are audited at most, and non-members likewise: half of the rows, unless coins decide of each."""
    return params.samples if params.inclusion == "fixed" else 2 * params.samples


def _of_rates(params: MembershipParams) -> Iterator[Floor]:
    """Every rate needs its number of non-members; without a key the threshold is on the highest rate too."""
    members = _most_members(params)
    for key_end, fpr in (("", max(params.fpr)), *((f"@{fpr:g}", fpr) for fpr in params.fpr)):
        yield from floors_of(
            "tpr_at_fpr", param="samples", rows=members, needs=min_negatives(fpr), key_end=key_end,
            extremes=stretched_share_of(members),
        )  # fmt: skip
