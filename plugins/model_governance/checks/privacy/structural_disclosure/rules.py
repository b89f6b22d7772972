"""The rules: what each finds, and the bucket of SACRO-ML's recommendation that its answer belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.privacy.structural_disclosure.hyperparameters import smallest_leaf, unnecessary_risk

if TYPE_CHECKING:
    from model_governance.checks.privacy.structural_disclosure.groups import Groups
    from model_governance.checks.privacy.structural_disclosure.params import StructureParams
    from model_governance.checks.privacy.structural_disclosure.structure import Structure

IMMEDIATE_REJECTION, SUPPORT_REJECTION, SUPPORT_RELEASE = "immediate_rejection", "support_rejection", "support_release"
BUCKETS = (IMMEDIATE_REJECTION, SUPPORT_REJECTION, SUPPORT_RELEASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The answer of one rule.

    Attributes:
        name: key of its metric.
        is_risky: None where the rule is not defined for this kind of model.
        why: what it looked at, in a sentence.
        rejects_at_once: whether a risk alone rejects the model.
    """

    name: str
    is_risky: bool | None
    why: str
    rejects_at_once: bool = False

    @property
    def bucket(self) -> str:
        """The bucket of the recommendation; empty where the rule is not defined."""
        if self.is_risky is None:
            return ""
        if not self.is_risky:
            return SUPPORT_RELEASE
        return IMMEDIATE_REJECTION if self.rejects_at_once else SUPPORT_REJECTION


def apply_rules(
    structure: Structure, groups: Groups, params: StructureParams, *, residual: int | None
) -> tuple[Rule, ...]:
    """Every rule, applied.

    Args:
        structure: the estimator inside the model.
        groups: training rows that it answers alike.
        params: the limits.
        residual: training rows less trained parameters; None where these cannot be counted.
    """
    size, kind = params.min_group_size, structure.kind
    leaf = smallest_leaf(structure, rows=groups.rows)
    few, disclosing, small = groups.below(size), groups.disclosing(), groups.with_few_of_a_class(size)
    return (
        Rule(
            name="instance_based", is_risky=structure.holds_rows, rejects_at_once=True,
            why=f"{kind} {'keeps' if structure.holds_rows else 'keeps no'} training rows",
        ),
        Rule(
            name="degrees_of_freedom",
            is_risky=None if residual is None else residual < params.min_degrees_of_freedom,
            why=f"the parameters of {kind} cannot be counted" if residual is None
            else f"{groups.rows:,} training rows less {groups.rows - residual:,} parameters are {residual:,}",
        ),
        Rule(
            name="k_anonymity", is_risky=bool(few.any()),
            why=f"{int(few.sum()):,} of {len(few):,} groups of equal answers have fewer than {size} training rows",
        ),
        Rule(
            name="class_disclosure", is_risky=bool(disclosing.any()),
            why=f"{int(disclosing.sum()):,} of {len(few):,} groups have a class of probability 0",
        ),
        Rule(
            name="small_groups", is_risky=bool(small.any()),
            why=f"{int(small.sum()):,} of {len(few):,} groups have a class of 1 to {size - 1} rows",
        ),
        Rule(
            name="unnecessary_risk", is_risky=unnecessary_risk(structure),
            why=f"hyper-parameters of {kind} by the rules of SACRO-ML, which has some for trees, forests and XGBoost",
        ),
        Rule(
            name="min_samples_leaf", is_risky=None if leaf is None else leaf < params.min_samples_leaf,
            why=f"{kind} has no smallest leaf" if leaf is None else f"a leaf holds {leaf} training rows or more",
        ),
    )  # fmt: skip
