"""Tables and sentences of a membership inference: aggregates, and only row numbers of the most exposed rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.rates import min_negatives, operating_point
from model_governance.contract.result import Table

if TYPE_CHECKING:
    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.blind import BlindScores
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.checks.privacy.membership_inference.schedule import ReferencePool

CLEARLY_ABOVE_CHANCE = 2.0


def attacks_table(scores: list[Scores], *, deciding: str) -> Table:
    """What each attack could use, its number of queries, and which attack decides."""
    rows = [
        (
            score.attack, "yes" if score.attack == deciding else "no", score.strength, score.models, len(score.members),
            len(score.non_members), score.queries, score.setting,
        )
        for score in scores
    ]  # fmt: skip
    header = ("attack", "decides", "attack strength", "reference models", "members scored", "non-members scored",
              "queries", "setting")  # fmt: skip
    return Table(name="attacks", title="What each attack could use", header=header, rows=tuple(rows))


def groups_table(audit: Audit) -> Table:
    """Members and non-members, and how good the model is on each."""
    rows = [
        (
            name, group.role, group.rows, len(group), group.correct / len(group) if group.classes else None,
            float(group.error.mean()),
        )
        for name, group in (("members", audit.members), ("non-members", audit.non_members))
    ]  # fmt: skip
    header = ("group", "dataset", "rows", "sampled", "accuracy", "mean loss" if audit.members.classes else "mean error")
    return Table(name="groups", title="Members and non-members", header=header, rows=tuple(rows))


def operating_points(scores: list[Scores], params: MembershipParams) -> Table:
    """The true-positive rate of each attack at each false-positive rate, with both kinds of interval."""
    rows = []
    for score in scores:
        for fpr in params.fpr if score.continuous else ():
            point = operating_point(score.members, score.non_members, fpr=fpr)
            if point is not None and point.negatives >= min_negatives(fpr):
                (low, high), (binomial_low, binomial_high) = point.interval, point.binomial_interval
                rate, (rate_low, rate_high) = point.realised_fpr
                rows.append((
                    score.attack, score.strength, fpr, point.false_positives, point.negatives, rate, rate_low, rate_high,
                    point.true_positives, point.positives, point.tpr, low, high, binomial_low, binomial_high,
                    point.guaranteed_tpr,
                ))  # fmt: skip
    header = ("attack", "attack strength", "false-positive rate", "false positives", "non-members", "realised rate",
              "rate low", "rate high", "true positives", "members", "true-positive rate", "low", "high",
              "low, threshold as given", "high, threshold as given",
              "true-positive rate with the false-positive rate guaranteed at 97.5% confidence")  # fmt: skip
    return Table(
        name="operating_points",
        title="True-positive rates at low false-positive rates",
        header=header,
        rows=tuple(rows),
    )


def exposed_rows(score: Scores, audit: Audit, params: MembershipParams) -> Table | None:
    """The members that the deciding attack identifies with the highest scores, at the lowest rate that the rows allow.

    None where it identifies no more than guessing might.
    """
    import numpy as np

    readable = [fpr for fpr in params.fpr if len(score.non_members) >= min_negatives(fpr)]
    point = None
    if readable and score.continuous:
        point = operating_point(score.members, score.non_members, fpr=min(readable))
    if point is None or point.interval[0] <= point.fpr or params.max_exposed_rows == 0:
        return None
    positions = audit.members.positions[score.scored[0]]
    order = np.lexsort((positions, -score.members))[: min(params.max_exposed_rows, point.true_positives)]
    rows = tuple((place, position) for place, position in enumerate(positions[order].tolist(), start=1))
    chance = point.max_false_positives / point.negatives * point.positives
    title = (
        f"Most exposed rows of {audit.members.role}: {len(rows)} of {point.true_positives:,} that {score.attack} "
        f"identifies at a false-positive rate of {point.fpr:g} (about {chance:.0f} of them by chance)"
    )
    return Table(name="exposed_rows", title=title, header=("place", "row number, from 0"), rows=rows)


def highlights(scores: list[Scores], params: MembershipParams, *, deciding: str) -> tuple[str, ...]:
    """What the deciding attack identifies, where that is clearly more than guessing would."""
    sentences = []
    for score in scores:
        for fpr in params.fpr if score.attack == deciding and score.continuous else ():
            point = operating_point(score.members, score.non_members, fpr=fpr)
            if point and point.negatives >= min_negatives(fpr) and point.interval[0] > CLEARLY_ABOVE_CHANCE * fpr:
                sentences.append(
                    f"{score.attack} identifies {point.tpr:.1%} of the members at a false-positive rate of {fpr:.1%}: "
                    f"{point.tpr / fpr:.0f} times as many as guessing would."
                )
    return tuple(sentences)


def notes(
    audit: Audit, blind: BlindScores, scores: list[Scores], references: ReferencePool, params: MembershipParams, *,
    deciding: str,
) -> tuple[str, ...]:  # fmt: skip
    """Limits of the numbers that a reader must know."""
    members, non_members = audit.members, audit.non_members
    sentences = [
        f"non-members are rows of {non_members.role}: they must be held out and follow the distribution of train",
        (
            f"samples of {len(members):,} members and {len(non_members):,} non-members, the same in every run on the same model "
            "and rows; no attack is scored on a row that it was fitted on"
        ),
        (
            f"{deciding} decides: slices, exposed rows and the memorisation bound are computed from it. Each attack has its "
            "own numbers on the same rows; choosing the worst of them afterwards needs a correction for multiple testing"
        ),
        *_about_reference_models(scores, references),
        (
            "intervals of tpr_at_fpr include the uncertainty of the threshold, which depends on few non-members; the table also "
            "holds the exact binomial intervals, which take the threshold as given"
        ),
    ]
    if blind.differs:
        sentences.insert(0, _about_difference(audit, blind))
    if params.inclusion == "fixed":
        if min(len(members), len(non_members)) < params.samples:
            sentences.append(
                f"{len(members):,} rows per group instead of {params.samples:,}: the smaller group has no more"
            )
        sentences.append(
            "membership was not decided by independent coins: the memorisation bound is no bound on epsilon"
        )
    if audit.overlap[0]:
        sentences.append(
            f"{audit.overlap[0]:,} of {audit.overlap[1]:,} non-member rows equal a training row in every column; no attack "
            "can distinguish those, which lowers every value here"
        )
    return tuple(sentences)


def _about_difference(audit: Audit, blind: BlindScores) -> str:
    low, high = blind.interval
    return (
        f"{audit.members.role} and {audit.non_members.role} can be told apart without the model (ROC AUC {blind.auc:.3f}, {low:.3f} "
        f"to {high:.3f}): they are of other times, or were drawn differently. Attacks find this difference too, so their lower "
        "limits count only what goes beyond. Give held-out rows of the distribution of train as datasets.population"
    )


def _about_reference_models(scores: list[Scores], references: ReferencePool) -> list[str]:
    if not scores:
        return []
    models = max(score.models for score in scores)
    if models == 0:
        return [
            (
                "attack strength: weak, no reference models; RMIA, LiRA and the ensemble find more where the model can be "
                "retrained, so a low value proves no privacy"
            )
        ]
    return [
        (
            f"{models} reference models, each trained on a random half of a pool of {references.rows:,} rows; the outputs of "
            f"{references.reused} of them were cached by an earlier run"
        ),
        (
            "thresholds are over all rows together, not per row, and the reference models were trained on half of the "
            "non-members too (shared pool), which helps an attacker who knows the candidates; a model that does not depend "
            "on its training rows has an AUC of 0.5 and the nominal rates all the same"
        ),
    ]
