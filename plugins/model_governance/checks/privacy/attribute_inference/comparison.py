"""Attacks compared with imputation, and members with non-members: the metrics of one attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.stats.intervals import paired_shares
from model_governance.stats.limits import ExactShare, WeightedDifference

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.attribute_inference.attacks import MethodResult
    from model_governance.checks.privacy.attribute_inference.targets import AttributeTarget

Measured = tuple[float, tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeResult:
    """One attribute with the result of every method."""

    target: AttributeTarget
    majority: MethodResult
    imputation: MethodResult
    attacks: tuple[MethodResult, ...]

    @property
    def column(self) -> str:
        """The attribute."""
        return self.target.values.column

    @property
    def methods(self) -> tuple[MethodResult, ...]:
        """Baselines first, then attacks."""
        return (self.majority, self.imputation, *self.attacks)


def estimates(result: AttributeResult) -> tuple[Estimate, ...]:
    """Every metric of one attribute, in the order of the record."""
    metrics = []
    for name, method in (("majority_accuracy", result.majority), ("imputation_accuracy", result.imputation)):
        metrics.append(_share(name, method.members, key=result.column))
    gap = member_gap(result, result.imputation)
    n = len(result.imputation.members) + len(result.imputation.non_members)
    metrics.append(Estimate(name="control_gap", value=gap.value, n=n, limits=gap, key=result.column))
    for attack in result.attacks:
        metrics.extend(_of_attack(result, attack))
    return tuple(metrics)


def _of_attack(result: AttributeResult, attack: MethodResult) -> tuple[Estimate, ...]:
    key = f"{attack.method}@{result.column}"
    members, non_members = len(attack.members), len(attack.non_members)
    gain, gain_interval = attack_gain(attack.members, result.imputation.members)
    gap = member_gap(result, attack)
    share = accuracy(attack.members).value
    compared = f"{share:.3f} with the model, {float(result.imputation.members[:members].mean()):.3f} without"
    groups = f"{share:.3f} of members, {float(attack.non_members.mean()):.3f} of non-members"
    return (
        Estimate(name="attack_gain", value=gain, n=members, interval=gain_interval, key=key, detail=compared),
        Estimate(name="member_gap", value=gap.value, n=members + non_members, limits=gap, key=key, detail=groups),
        _share("attack_accuracy", attack.members, key=key, detail=compared),
    )


def _share(name: str, correct: np.ndarray, *, key: str, detail: str = "") -> Estimate:
    limits = accuracy(correct)
    return Estimate(name=name, value=limits.value, n=len(correct), limits=limits, key=key, detail=detail)


def accuracy(correct: np.ndarray) -> ExactShare:
    """Share of rows inferred correctly, from booleans (n,), with its exact limits."""
    return ExactShare(successes=int(correct.sum()), n=len(correct))


def attack_gain(attack: np.ndarray, imputation: np.ndarray) -> Measured:
    """Accuracy of an attack minus that of imputation, on the same rows, with its score interval."""
    imputation = imputation[: len(attack)]
    attack_only, imputation_only = int((attack & ~imputation).sum()), int((~attack & imputation).sum())
    n = len(attack)
    return (attack_only - imputation_only) / n, paired_shares(attack_only, imputation_only, n)


def member_gap(result: AttributeResult, method: MethodResult) -> WeightedDifference:
    """Accuracy on members minus that on non-members, value by value, weighted by the values of members.

    Without the weights a group with more of the value that the method mostly infers would look memorised.
    """
    inside = result.target.members.truth[: len(method.members)]
    outside = result.target.non_members.truth[: len(method.non_members)]
    in_both = [
        number
        for number in range(len(result.target.values.names))
        if (inside == number).any() and (outside == number).any()
    ]
    total = sum(int((inside == number).sum()) for number in in_both)
    strata = []
    for number in in_both:
        members, non_members = method.members[inside == number], method.non_members[outside == number]
        strata.append((len(members) / total, _counts(non_members), _counts(members)))
    return WeightedDifference(strata=tuple(strata))


def _counts(correct: np.ndarray) -> tuple[float, float]:
    return float(correct.sum()), float(len(correct))
