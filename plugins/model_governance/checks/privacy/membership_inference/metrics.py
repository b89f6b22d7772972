"""The numbers of a membership inference run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference import epsilon
from model_governance.checks.privacy.membership_inference.rates import (
    advantage,
    auc,
    by_lot,
    chance_advantage,
    crossed_advantage,
    least_negatives,
    operating_point,
)
from model_governance.contract.result import Estimate
from model_governance.contract.slices import SHOWN_FROM
from model_governance.stats.intervals import CONFIDENCE, clopper_pearson, newcombe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.params import MembershipParams

LEAST_IN_SLICE = 50


def of_attack(one: Scores, params: MembershipParams) -> Iterator[Estimate]:
    """What one attack found; each number says how strong the attack was."""
    scored = len(one.members) + len(one.others)
    stand = f"attack strength: {one.strength}"
    value, interval = auc(one.members, one.others)
    yield Estimate(name="attack_auc", value=value, n=scored, interval=interval, key=one.attack, detail=stand)
    chance = chance_advantage(len(one.members), len(one.others)) if one.graded else 0.0
    expected = f"{chance:.3f} is to be expected by chance; {stand}" if chance else stand
    found = advantage(one.members, one.others)
    yield Estimate(name="advantage", value=found, n=scored, key=one.attack, detail=expected)
    value, interval = crossed_advantage(one.members, one.others)
    yield Estimate(name="balanced_advantage", value=value, n=scored, interval=interval, key=one.attack, detail=stand)
    if one.graded:
        for fpr in params.fpr:
            yield _tpr(one, fpr)


def of_decider(one: Scores, audit: Audit, params: MembershipParams) -> Iterator[Estimate]:
    """What only the attack that decides is asked: the control, and the bound on memorisation."""
    if one.graded:
        for fpr in params.fpr:
            if len(one.others) >= least_negatives(fpr):
                mean, limits = by_lot(one.members, one.others, fpr=fpr, seed=audit.root)
                yield Estimate(
                    name="dummy_tpr", value=mean, n=len(one.members), interval=limits, key=f"{one.attack}@{fpr:g}",
                    detail="membership drawn by lot 200 times; the interval is the range of 95% of them",
                )  # fmt: skip
    yield _bound(one, params, "memorisation_lower_bound", delta=0.0)
    if params.inclusion == "independent_coins":
        yield _bound(one, params, "epsilon_lower_bound", delta=params.delta)
    else:
        yield Estimate(
            name="epsilon_lower_bound", value=None, n=len(audit), key=one.attack,
            reason="no bound on epsilon without independent inclusion of the audited rows; if a fair coin decided of each, "
            "set inclusion: independent_coins",
        )  # fmt: skip


def of_slices(
    one: Scores, masks: Mapping[str, tuple[np.ndarray, np.ndarray]], params: MembershipParams
) -> Iterator[Estimate]:
    """The risk of each slice: how well its own members and non-members are told apart, and how many are named.

    The threshold is that of all rows at the first false-positive rate; `masks` are (members, non-members) that were scored.
    """
    point = operating_point(one.members, one.others, fpr=params.fpr[0]) if one.graded else None
    for name, (inside, outside) in masks.items():
        key, sizes = f"{one.attack}@{name}", (int(inside.sum()), int(outside.sum()))
        if min(sizes) < LEAST_IN_SLICE:
            found = f"{min(sizes)}" if min(sizes) >= SHOWN_FROM else f"fewer than {SHOWN_FROM}"
            reason = f"needs {LEAST_IN_SLICE} scored members and as many non-members, found {found} of one of them"
            yield Estimate(name="slice_auc", value=None, n=0, key=key, reason=reason)
            continue
        value, interval = auc(one.members[inside], one.others[outside])
        yield Estimate(name="slice_auc", value=value, n=sum(sizes), interval=interval, key=key)
        if point is not None:
            named, accused = (
                int((scores > point.threshold).sum()) for scores in (one.members[inside], one.others[outside])
            )
            detail = f"at the threshold of all rows, which accuses {accused} of {sizes[1]:,} non-members here"
            yield Estimate(
                name="slice_tpr", value=named / sizes[0], n=sizes[0], interval=clopper_pearson(named, sizes[0]), key=key,
                detail=detail,
            )  # fmt: skip


def of_sides(audit: Audit) -> Iterator[Estimate]:
    """The gap that every attack lives on, and how far the sides overlap."""
    members, others = audit.members, audit.others
    if members.classes:
        yield Estimate(
            name="error_gap", value=None, n=len(audit), reason="classes are right or wrong: see accuracy_gap"
        )
        shares = (members.right, len(members)), (others.right, len(others))
        value = members.right / len(members) - others.right / len(others)
        detail = (
            f"{members.right / len(members):.3f} on {members.role}, {others.right / len(others):.3f} on {others.role}"
        )
        yield Estimate(name="accuracy_gap", value=value, n=len(audit), interval=newcombe(*shares), detail=detail)
    else:
        yield _error_gap(audit)
        yield Estimate(name="accuracy_gap", value=None, n=len(audit), reason="values have errors: see error_gap")
    same, rows = audit.shared
    yield Estimate(name="overlap_share", value=same / rows, n=rows, interval=clopper_pearson(same, rows))


def _tpr(scores: Scores, fpr: float) -> Estimate:
    key, need = f"{scores.attack}@{fpr:g}", least_negatives(fpr)
    point = operating_point(scores.members, scores.others, fpr=fpr)
    if point is None or point.negatives < need:
        reason = (
            f"a false-positive rate of {fpr:g} needs at least {need:,} scored non-members (5 that may be accused), found "
            f"{len(scores.others):,}; give more rows and raise samples, or read a higher rate"
        )
        return Estimate(name="tpr_at_fpr", value=None, n=len(scores.members), key=key, reason=reason)
    share, (low, high) = point.realised
    least, most = point.at_threshold
    detail = (
        f"{point.accused} of {point.negatives:,} non-members accused, a rate of {share:.4f} ({low:.4f} to {high:.4f}); "
        f"with the threshold as given {least:.4f} to {most:.4f}; attack strength: {scores.strength}"
    )
    return Estimate(
        name="tpr_at_fpr", value=point.tpr, n=point.positives, interval=point.interval, key=key, detail=detail
    )


def _bound(scores: Scores, params: MembershipParams, name: str, *, delta: float) -> Estimate:
    records, guesses = len(scores.members) + len(scores.others), params.guesses
    if guesses > records:
        reason = (
            f"guesses is {guesses:,} and only {records:,} rows are scored; set guesses to fewer before the next run"
        )
        return Estimate(name=name, value=None, n=records, key=scores.attack, reason=reason)
    correct = epsilon.correct_guesses(scores.members, scores.others, guesses=guesses)
    value = epsilon.lower_bound(correct, guesses, records=records, delta=delta)
    detail = f"{correct:,} of {guesses:,} guesses right, a number that the policy fixed before the run"
    if correct == guesses:
        detail += "; at its ceiling: the truth may be far above, raise guesses"
    if delta:
        detail += f"; delta {delta:g}"
    return Estimate(name=name, value=value, n=records, key=scores.attack, detail=detail)


def _error_gap(audit: Audit) -> Estimate:
    """Difference of the mean log errors; Welch's interval, for thousands of rows."""
    import numpy as np
    from scipy.stats import norm

    count = len(audit.members)
    logs = -audit.signals.certainty
    inside, outside = logs[:count], logs[count:]
    value = float(outside.mean() - inside.mean())
    spread = np.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside))
    reach = float(norm.ppf((1 + CONFIDENCE) / 2) * spread)
    return Estimate(name="error_gap", value=value, n=len(audit), interval=(value - reach, value + reach))
