"""The metrics of a membership inference as estimates with intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference import epsilon
from model_governance.checks.privacy.membership_inference.blind import TAIL, beyond
from model_governance.checks.privacy.membership_inference.rates import (
    advantage,
    auc,
    chance_advantage,
    cross_validated_advantage,
    min_negatives,
    operating_point,
    permuted_tpr,
)
from model_governance.contract.result import Estimate
from model_governance.contract.slices import SHOWN_FROM, absence_of
from model_governance.stats.intervals import CONFIDENCE
from model_governance.stats.limits import DifferenceOfShares, ExactShare

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import numpy as np

    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.blind import BlindScores
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.stats.limits import Limits

MIN_IN_SLICE = 50


def of_attack(scores: Scores, params: MembershipParams, blind: BlindScores) -> Iterator[Estimate]:
    """The metrics of one attack; the detail of each says how strong the attack is.

    Lower limits count what goes beyond the difference of the groups that is seen without the model.
    """
    n, attack = len(scores.members) + len(scores.non_members), scores.attack
    strength = f"attack strength: {scores.strength}"
    value, interval = auc(scores.members, scores.non_members)
    interval = beyond(interval, blind.excess_auc)
    yield Estimate(name="attack_auc", value=value, n=n, interval=interval, key=attack, detail=strength)
    chance = chance_advantage(len(scores.members), len(scores.non_members)) if scores.continuous else 0.0
    expected = f"{chance:.3f} is expected by chance; {strength}" if chance else strength
    largest = advantage(scores.members, scores.non_members)
    yield Estimate(name="advantage", value=largest, n=n, key=attack, detail=expected)
    balanced = cross_validated_advantage(scores.members, scores.non_members)
    named = Estimate(name="balanced_advantage", value=balanced.value, n=n, key=attack, detail=strength)
    yield _limited(named, balanced, blind, blind.excess_advantage, least=-1.0)
    if scores.continuous:
        for fpr in params.fpr:
            yield _tpr(scores, fpr, blind)


def of_blind(blind: BlindScores) -> Estimate:
    """How well the groups are told apart without the model."""
    detail = "the groups differ: lower limits count what goes beyond" if blind.differs else ""
    n = len(blind.members) + len(blind.non_members)
    return Estimate(name="blind_auc", value=blind.auc, n=n, interval=blind.interval, detail=detail)


def of_deciding_attack(
    scores: Scores, audit: Audit, params: MembershipParams, blind: BlindScores
) -> Iterator[Estimate]:
    """The metrics of the deciding attack only: the control, and the bounds on memorisation and epsilon."""
    if scores.continuous:
        for fpr in params.fpr:
            if len(scores.non_members) >= min_negatives(fpr):
                mean, interval = permuted_tpr(scores.members, scores.non_members, fpr=fpr, seed=audit.root_seed)
                yield Estimate(
                    name="dummy_tpr", value=mean, n=len(scores.members), interval=interval,
                    key=f"{scores.attack}@{fpr:g}", detail="200 random permutations; the interval holds 95% of them",
                )  # fmt: skip
    if blind.differs:
        yield Estimate(
            name="memorisation_lower_bound", value=None, n=len(audit), key=scores.attack, absence="uncertain",
            reason=f"{audit.members.role} and {audit.non_members.role} can be told apart without the model; give held-out rows "
            "of the distribution of train as datasets.population",
        )  # fmt: skip
    else:
        yield _bound(scores, params, "memorisation_lower_bound", delta=0.0)
    if params.inclusion == "independent_coins":
        yield _bound(scores, params, "epsilon_lower_bound", delta=params.delta)
    else:
        yield Estimate(
            name="epsilon_lower_bound", value=None, n=len(audit), key=scores.attack,
            reason="no bound on epsilon without independent inclusion of the audited rows; if a fair coin decided of each, "
            "set inclusion: independent_coins",
        )  # fmt: skip


def of_slices(
    scores: Scores,
    masks: Mapping[str, tuple[np.ndarray, np.ndarray]],
    params: MembershipParams,
    blind: BlindScores,
    *,
    empty: Collection[str] = (),
) -> Iterator[Estimate]:
    """The metrics of each slice: how well its members and non-members are distinguished, and how many are identified.

    Args:
        scores: of the deciding attack.
        masks: by slice, which scored members (n,) and non-members (m,) belong to it.
        params: the threshold is that of all rows at the first false-positive rate.
        blind: lower limits count what goes beyond it, as those of `of_attack`.
        empty: slices that no audited row is in.
    """
    point = None
    if scores.continuous:
        point = operating_point(scores.members, scores.non_members, fpr=params.fpr[0])
    excess_tpr = blind.excess_tpr(params.fpr[0])
    for name, (inside, outside) in masks.items():
        key, (members, non_members) = f"{scores.attack}@{name}", (int(inside.sum()), int(outside.sum()))
        fewer = min(members, non_members)
        if fewer < MIN_IN_SLICE:
            count = f"{fewer}" if fewer >= SHOWN_FROM else f"fewer than {SHOWN_FROM}" if fewer else "none"
            reason = f"needs {MIN_IN_SLICE} scored members and as many non-members, found {count} of one of them"
            absence = absence_of(name, params.slices, empty=name in empty)
            for metric in ("slice_auc", *(("slice_tpr",) if point is not None else ())):
                yield Estimate(name=metric, value=None, n=0, key=key, reason=reason, absence=absence)
            continue
        value, interval = auc(scores.members[inside], scores.non_members[outside])
        interval = beyond(interval, blind.excess_auc)
        yield Estimate(name="slice_auc", value=value, n=members + non_members, interval=interval, key=key)
        if point is not None:
            true_positives = int((scores.members[inside] > point.threshold).sum())
            false_positives = int((scores.non_members[outside] > point.threshold).sum())
            detail = f"at the threshold of all rows, with {false_positives} of {non_members:,} false positives here"
            found = ExactShare(successes=true_positives, n=members)
            named = Estimate(name="slice_tpr", value=found.value, n=members, key=key, detail=detail)
            yield _limited(named, found, blind, excess_tpr)


def of_groups(audit: Audit) -> Iterator[Estimate]:
    """The generalisation gap, which every attack depends on, and the overlap of the groups."""
    if audit.members.classes:
        reason = "a class is correct or wrong: see generalization_gap"
        yield Estimate(name="error_gap", value=None, n=len(audit), reason=reason)
        yield _generalization_gap(audit)
    else:
        yield _error_gap(audit)
        yield Estimate(name="generalization_gap", value=None, n=len(audit), reason="values have errors: see error_gap")
    equal, rows = audit.overlap
    yield Estimate(name="overlap_share", value=equal / rows, n=rows, limits=ExactShare(successes=equal, n=rows))


def _limited(named: Estimate, limits: Limits, blind: BlindScores, excess: float, *, least: float = 0.0) -> Estimate:
    """The estimate with limits at any level; where the groups differ, with its interval beyond the difference alone."""
    if not blind.differs:
        return replace(named, limits=limits)
    return replace(named, interval=beyond((limits.low(TAIL), limits.high(TAIL)), excess, least=least))


def _tpr(scores: Scores, fpr: float, blind: BlindScores) -> Estimate:
    key, needed = f"{scores.attack}@{fpr:g}", min_negatives(fpr)
    point = operating_point(scores.members, scores.non_members, fpr=fpr)
    if point is None or point.negatives < needed:
        reason = (
            f"a false-positive rate of {fpr:g} needs at least {needed:,} scored non-members (5 false positives), found "
            f"{len(scores.non_members):,}; give more rows and raise samples, or read a higher rate"
        )
        n = len(scores.members)
        return Estimate(name="tpr_at_fpr", value=None, n=n, key=key, reason=reason, absence="uncertain")
    rate, (low, high) = point.realised_fpr
    binomial_low, binomial_high = point.binomial_interval
    detail = (
        f"{point.false_positives} of {point.negatives:,} non-members are false positives, a rate of {rate:.4f} ({low:.4f} to "
        f"{high:.4f}); with the threshold as given {binomial_low:.4f} to {binomial_high:.4f}; attack strength: {scores.strength}"
    )
    interval = beyond(point.interval, blind.excess_tpr(fpr))
    return Estimate(name="tpr_at_fpr", value=point.tpr, n=point.positives, interval=interval, key=key, detail=detail)


def _bound(scores: Scores, params: MembershipParams, name: str, *, delta: float) -> Estimate:
    records, guesses = len(scores.members) + len(scores.non_members), params.audit_guesses
    if guesses > records:
        reason = (
            f"audit_guesses is {guesses:,} and only {records:,} rows are scored; set it to fewer before the next run"
        )
        return Estimate(name=name, value=None, n=records, key=scores.attack, reason=reason, absence="uncertain")
    correct = epsilon.correct_guesses(scores.members, scores.non_members, guesses=guesses)
    value = epsilon.lower_bound(correct, guesses, records=records, delta=delta)
    detail = f"{correct:,} of {guesses:,} guesses correct; the policy fixed their number before the run"
    if correct == guesses:
        detail += "; at its ceiling: the true value may be far higher, raise audit_guesses"
    if delta:
        detail += f"; delta {delta:g}"
    return Estimate(name=name, value=value, n=records, key=scores.attack, detail=detail)


def _generalization_gap(audit: Audit) -> Estimate:
    """Difference of the accuracies, with Newcombe's limits."""
    members, non_members = audit.members, audit.non_members
    inside, outside = members.correct / len(members), non_members.correct / len(non_members)
    limits = DifferenceOfShares(first=(non_members.correct, len(non_members)), second=(members.correct, len(members)))
    return Estimate(
        name="generalization_gap", value=inside - outside, n=len(audit), limits=limits,
        detail=f"{inside:.3f} on {members.role}, {outside:.3f} on {non_members.role}",
    )  # fmt: skip


def _error_gap(audit: Audit) -> Estimate:
    """Difference of the mean log errors, with Welch's interval for large samples."""
    import numpy as np
    from scipy.stats import norm

    count = len(audit.members)
    logs = -audit.signals.certainty
    inside, outside = logs[:count], logs[count:]
    value = float(outside.mean() - inside.mean())
    std = np.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside))
    half_width = float(norm.ppf((1 + CONFIDENCE) / 2) * std)
    return Estimate(name="error_gap", value=value, n=len(audit), interval=(value - half_width, value + half_width))
