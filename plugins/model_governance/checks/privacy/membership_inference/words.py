"""What the numbers stand for, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.rates import least_negatives, operating_point

if TYPE_CHECKING:
    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.checks.privacy.membership_inference.rounds import Copies

CLEARLY = 2.0


def highlights(scores: list[Scores], params: MembershipParams, *, decides: str) -> tuple[str, ...]:
    """What the deciding attack sees, where it sees clearly more than guessing would."""
    said = []
    for one in scores:
        for fpr in params.fpr if one.attack == decides and one.graded else ():
            point = operating_point(one.members, one.others, fpr=fpr)
            if point and point.negatives >= least_negatives(fpr) and point.interval[0] > CLEARLY * fpr:
                said.append(
                    f"{one.attack} names {point.tpr:.1%} of the members while it accuses {fpr:.1%} of the non-members: "
                    f"{point.tpr / fpr:.0f} times what guessing would."
                )
    return tuple(said)


def notes(
    audit: Audit, scores: list[Scores], copies: Copies, params: MembershipParams, *, decides: str
) -> tuple[str, ...]:
    """Limits that a reader must know."""
    members, others = audit.members, audit.others
    said = [
        f"non-members are rows of {others.role}: they must be held out and of the same distribution as train",
        (
            f"samples of {len(members):,} members and {len(others):,} non-members, the same every night on the same model and "
            "rows; no attack is scored on a row that it was fitted on"
        ),
        (
            f"{decides} decides: slices, exposed rows and the memorisation bound are its. Each attack has its own numbers on the "
            "same rows; whoever picks the worst of them afterwards must allow for the choice"
        ),
    ]
    said += _about_copies(scores, copies)
    said.append(
        "intervals of tpr_at_fpr allow for the threshold, which rests on few non-members; the table also holds the exact "
        "binomial ones that take it as given"
    )
    if params.inclusion == "fixed":
        if min(len(members), len(others)) < params.samples:
            said.append(f"{len(members):,} rows per side instead of {params.samples:,}: the smaller side has no more")
        said.append("membership was not drawn by coins: the memorisation bound is no bound on epsilon")
    if audit.shared[0]:
        said.append(
            f"{audit.shared[0]:,} of {audit.shared[1]:,} non-member rows equal a training row in every column; no attack "
            "can tell those apart, which lowers every value here"
        )
    return tuple(said)


def _about_copies(scores: list[Scores], copies: Copies) -> list[str]:
    if not scores:
        return []
    models = max(one.models for one in scores)
    if models == 0:
        return [
            (
                "attack strength: weak, no reference models; RMIA, LiRA and the ensemble find more where the model can be "
                "retrained, so a low value proves no privacy"
            )
        ]
    return [
        (
            f"{models} reference models, each trained on a random half of a pool of {copies.pool_rows:,} rows; {copies.reused} of "
            "them were kept from an earlier night"
        ),
        (
            "concatenated scores, shared pool: thresholds are over all rows together, not row by row, and the copies know "
            "half of the non-members too, which serves an attacker who knows the candidates; a model that does not depend on "
            "its rows gives 0.5 and the nominal rates all the same"
        ),
    ]
