"""Metrics, tables and sentences of an attribute inference run: aggregates only, never a row of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.privacy.attribute_inference.params import LEAST_PER_VALUE
from model_governance.contract.result import Estimate, Table
from model_governance.stats.intervals import clopper_pearson, newcombe, paired_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.privacy.attribute_inference.attacks import Guesses
    from model_governance.checks.privacy.attribute_inference.people import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """One attribute with what every method named rightly."""

    target: Target
    majority: Guesses
    imputation: Guesses
    attacks: tuple[Guesses, ...]

    @property
    def column(self) -> str:
        """The attribute."""
        return self.target.values.column

    @property
    def methods(self) -> tuple[Guesses, ...]:
        """Baselines first, then attacks."""
        return (self.majority, self.imputation, *self.attacks)


def numbers_of(one: Attacked) -> tuple[Estimate, ...]:
    """Every metric of one attribute."""
    found = []
    for name, method in (("majority_accuracy", one.majority), ("imputation_accuracy", one.imputation)):
        value, interval = share(method.members)
        found.append(Estimate(name=name, value=value, n=len(method.members), interval=interval, key=one.column))
    value, interval = gap(one, one.imputation)
    n = len(one.imputation.members) + len(one.imputation.others)
    found.append(Estimate(name="control_gap", value=value, n=n, interval=interval, key=one.column))
    for attack in one.attacks:
        found.extend(_of_attack(one, attack))
    return tuple(found)


def _of_attack(one: Attacked, attack: Guesses) -> tuple[Estimate, ...]:
    key = f"{attack.method}@{one.column}"
    members, others = len(attack.members), len(attack.others)
    gained, interval = gain(attack.members, one.imputation.members)
    apart, sides = gap(one, attack)
    accuracy, sure = share(attack.members)
    beside = f"{accuracy:.3f} with the model, {float(one.imputation.members[:members].mean()):.3f} without"
    plain = f"{accuracy:.3f} of members, {float(attack.others.mean()):.3f} of non-members"
    return (
        Estimate(name="attack_gain", value=gained, n=members, interval=interval, key=key, detail=beside),
        Estimate(name="member_gap", value=apart, n=members + others, interval=sides, key=key, detail=plain),
        Estimate(name="attack_accuracy", value=accuracy, n=members, interval=sure, key=key, detail=beside),
    )


Measured = tuple[float, tuple[float, float]]


def share(right: np.ndarray) -> Measured:
    """Share of rows named rightly, with its exact interval."""
    return float(right.mean()), clopper_pearson(int(right.sum()), len(right))


def gain(attack: np.ndarray, imputation: np.ndarray) -> Measured:
    """Share named by an attack less that named by imputation, on the same rows, with its score interval."""
    imputation = imputation[: len(attack)]
    attack_only, imputation_only = int((attack & ~imputation).sum()), int((~attack & imputation).sum())
    n = len(attack)
    return (attack_only - imputation_only) / n, paired_shares(attack_only, imputation_only, n)


def gap(one: Attacked, method: Guesses) -> Measured:
    """Share of members named less that of non-members, value by value, weighted as members have the values.

    A side with more of the value that everybody is told to have would otherwise look remembered. The interval adds
    Newcombe's of every value in squares (Yan and Su, 2010).
    """
    import numpy as np

    inside, outside = one.target.members.truth[: len(method.members)], one.target.others.truth[: len(method.others)]
    both = [
        number
        for number in range(len(one.target.values.names))
        if (inside == number).any() and (outside == number).any()
    ]
    weight = sum(int((inside == number).sum()) for number in both)
    value, below, above = 0.0, 0.0, 0.0
    for number in both:
        members, others = method.members[inside == number], method.others[outside == number]
        share_of_it = len(members) / weight
        difference = float(members.mean()) - float(others.mean())
        low, high = newcombe((int(members.sum()), len(members)), (int(others.sum()), len(others)))
        value += share_of_it * difference
        below, above = (
            np.hypot(below, share_of_it * (difference - low)),
            np.hypot(above, share_of_it * (high - difference)),
        )
    return value, (float(value - below), float(value + above))


def tables_of(found: Sequence[Attacked]) -> tuple[Table, ...]:
    """How often each method is right on both sides, and for which values."""
    return (_methods(found), _values(found))


def _methods(found: Sequence[Attacked]) -> Table:
    rows = []
    for one in found:
        for method in one.methods:
            inside, outside = share(method.members), share(method.others)
            rows.append((
                one.column, method.method, len(method.members), inside[0], *inside[1], len(method.others), outside[0],
                *outside[1], method.queries,
            ))  # fmt: skip
    header = (
        "attribute",
        "method",
        "members",
        "named",
        "low",
        "high",
        "non-members",
        "named",
        "low",
        "high",
        "queries",
    )
    return Table(name="methods", title="Share of people whose attribute is named", header=header, rows=tuple(rows))


def _values(found: Sequence[Attacked]) -> Table:
    """An attack that names only a rare value, which accuracy hides, shows here."""
    rows = []
    for one in found:
        truth = one.target.members.truth
        for number, name in enumerate(one.target.values.names):
            for method in (one.imputation, *one.attacks):
                own = truth[: len(method.members)] == number
                if own.sum() >= LEAST_PER_VALUE:
                    rows.append((one.column, name, method.method, int(own.sum()), float(method.members[own].mean())))
    header = ("attribute", "value", "method", "members with it", "share of them named")
    return Table(name="values", title="Members named, value by value", header=header, rows=tuple(rows))


def highlights_of(found: Sequence[Attacked]) -> tuple[str, ...]:
    """One sentence per attribute: the attack that gains most, and whether it is memory or disclosure."""
    told = []
    for one in found:
        if not one.attacks:
            continue
        best = max(one.attacks, key=lambda attack: gain(attack.members, one.imputation.members)[0])
        value, (low, high) = gain(best.members, one.imputation.members)
        inside, without = float(best.members.mean()), float(one.imputation.members[: len(best.members)].mean())
        sentence = (
            f"{one.column}: {best.method} names {inside:.1%} of members, imputation without the model {without:.1%} "
            f"(gain {value:+.3f}, {low:+.3f} to {high:+.3f})"
        )
        if low > 0:
            remembers = gap(one, best)[1][0] > 0
            sentence += (
                "; it names members rather than others like them: the model remembers"
                if remembers
                else ("; it names others no worse: the answers themselves disclose it")
            )
        told.append(sentence + ".")
    return tuple(told)
