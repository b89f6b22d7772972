"""Metrics, tables and sentences of an attribute inference run: aggregates only, never a row of the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.check import Estimate, Table
from model_governance.checks.attribute_inference.params import LEAST_PER_VALUE
from model_governance.intervals import clopper_pearson, newcombe, paired_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.attribute_inference.attacks import Guesses
    from model_governance.checks.attribute_inference.people import Target


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
        found.append(Estimate(name=name, value=value, n=len(method.members), interval=interval, of=one.column))
    value, interval = gap(one.imputation)
    n = len(one.imputation.members) + len(one.imputation.others)
    found.append(Estimate(name="control_gap", value=value, n=n, interval=interval, of=one.column))
    for attack in one.attacks:
        found.extend(_of_attack(one, attack))
    return tuple(found)


def _of_attack(one: Attacked, attack: Guesses) -> tuple[Estimate, ...]:
    of = f"{attack.method}@{one.column}"
    members, others = len(attack.members), len(attack.others)
    gained, lost = gain(attack.members, one.imputation.members), gain(attack.others, one.imputation.others)
    accuracy, sure = share(attack.members)
    imputed, outside = float(one.imputation.members[:members].mean()), float(attack.others.mean())
    gap_value, gap_interval = gap(attack)
    beside = f"{accuracy:.3f} with the model, {imputed:.3f} without"
    sides = f"{accuracy:.3f} of members, {outside:.3f} of non-members"
    gains = f"{gained[0]:+.3f} on members, {lost[0]:+.3f} on non-members"
    return (
        Estimate(name="attack_gain", value=gained[0], n=members, interval=gained[1], of=of, detail=beside),
        Estimate(
            name="gain_gap", value=gained[0] - lost[0], n=members + others, interval=_apart(gained, lost), of=of,
            detail=gains,
        ),
        Estimate(name="member_gap", value=gap_value, n=members + others, interval=gap_interval, of=of, detail=sides),
        Estimate(name="attack_accuracy", value=accuracy, n=members, interval=sure, of=of, detail=beside),
    )  # fmt: skip


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


def gap(method: Guesses) -> Measured:
    """Share of members named less share of non-members named, with Newcombe's interval."""
    members, others = method.members, method.others
    value = float(members.mean()) - float(others.mean())
    return value, newcombe((int(members.sum()), len(members)), (int(others.sum()), len(others)))


def _apart(first: Measured, second: Measured) -> tuple[float, float]:
    """Interval of a difference of two independent numbers from their own (Zou and Donner, 2008)."""
    (value1, (low1, high1)), (value2, (low2, high2)) = first, second
    value = value1 - value2
    return value - math.hypot(value1 - low1, high2 - value2), value + math.hypot(high1 - value1, value2 - low2)


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
            lost = gain(best.others, one.imputation.others)
            apart = _apart((value, (low, high)), lost)
            sentence += (
                "; more than of non-members: the model remembers them"
                if apart[0] > 0
                else "; no more than of non-members: the answers themselves disclose it"
            )
        told.append(sentence + ".")
    return tuple(told)
