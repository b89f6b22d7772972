"""The tables of a membership inference run: aggregates, and of the most exposed rows the number alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.rates import least_negatives, operating_point
from model_governance.contract.result import Table

if TYPE_CHECKING:
    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.params import MembershipParams


def attacks_table(scores: list[Scores], *, decides: str) -> Table:
    """What each attack could know and was asked, and which decides."""
    rows = [
        (
            one.attack, "yes" if one.attack == decides else "no", one.strength, one.models, len(one.members), len(one.others),
            one.queries, one.setting,
        )
        for one in scores
    ]  # fmt: skip
    header = ("attack", "decides", "attack strength", "reference models", "members scored", "non-members scored",
              "rows shown to the model", "setting")  # fmt: skip
    return Table(name="attacks", title="What each attack could know", header=header, rows=tuple(rows))


def sides_table(audit: Audit) -> Table:
    """The two sides, and how well the model does on each."""
    rows = [
        (
            name, side.role, side.rows, len(side), side.right / len(side) if side.classes else None,
            float(side.error.mean()),
        )
        for name, side in (("members", audit.members), ("non-members", audit.others))
    ]  # fmt: skip
    header = ("side", "dataset", "rows", "sampled", "accuracy", "mean loss" if audit.members.classes else "mean error")
    return Table(name="sides", title="Members and non-members", header=header, rows=tuple(rows))


def operating_points(scores: list[Scores], params: MembershipParams) -> Table:
    """Where each attack was read."""
    rows = []
    for one in scores:
        for fpr in params.fpr if one.graded else ():
            point = operating_point(one.members, one.others, fpr=fpr)
            if point is not None and point.negatives >= least_negatives(fpr):
                (low, high), (least_given, most_given) = point.interval, point.at_threshold
                share, (least, most) = point.realised
                rows.append((
                    one.attack, one.strength, fpr, point.accused, point.negatives, share, least, most, point.named,
                    point.positives, point.tpr, low, high, least_given, most_given, point.held_tpr,
                ))  # fmt: skip
    header = ("attack", "attack strength", "false-positive rate", "accused", "non-members", "realised rate", "rate low",
              "rate high", "named", "members", "true-positive rate", "low", "high", "low, threshold as given", "high, threshold as given",
              "true-positive rate with the other held at 97.5% confidence")  # fmt: skip
    return Table(
        name="operating_points", title="Members named at few false accusations", header=header, rows=tuple(rows)
    )


def exposed_rows(one: Scores, audit: Audit, params: MembershipParams) -> Table | None:
    """The members that the deciding attack names most surely, at the lowest rate that the rows allow.

    None where it names no more than guessing might.
    """
    import numpy as np

    readable = [fpr for fpr in params.fpr if len(one.others) >= least_negatives(fpr)]
    point = operating_point(one.members, one.others, fpr=min(readable)) if readable and one.graded else None
    if point is None or point.interval[0] <= point.fpr or params.exposed == 0:
        return None
    order = np.lexsort((audit.members.positions[one.places[0]], -one.members))[: min(params.exposed, point.named)]
    positions = audit.members.positions[one.places[0]][order].tolist()
    rows = tuple((place, position) for place, position in enumerate(positions, start=1))
    chance = point.allowed / point.negatives * point.positives
    title = (
        f"Most exposed rows of {audit.members.role}: {len(rows)} of {point.named:,} that {one.attack} names at a "
        f"false-positive rate of {point.fpr:g} (about {chance:.0f} of them by chance)"
    )
    return Table(name="exposed_rows", title=title, header=("place", "row number, from 0"), rows=rows)
