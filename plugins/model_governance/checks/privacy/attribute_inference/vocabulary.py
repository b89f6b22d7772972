"""The numbers of `attribute_inference`: what each means, and which of them a threshold may trust."""

from __future__ import annotations

from model_governance.contract.result import MetricSpec

METRICS = (
    MetricSpec(
        name="attack_gain", better="lower", unit="share", per="attack@attribute",
        meaning="share of members whose attribute the attack names, less the share that imputation without the model "
        "names, on the same rows: what the model gives away; at most 0 where it gives nothing away",
    ),
    MetricSpec(
        name="member_gap", better="lower", unit="share", per="attack@attribute",
        meaning="share of members whose attribute the attack names, less that of non-members with the same values: what "
        "was memorised; 0 on a model that memorises nobody, if both sides are alike but for the attribute",
    ),
    MetricSpec(
        name="attack_accuracy", better="lower", unit="share", per="attack@attribute",
        meaning="share of members whose attribute the attack names; says nothing without imputation_accuracy, so "
        "give no threshold on it",
    ),
    MetricSpec(
        name="imputation_accuracy", better="neither", unit="share", per="attribute",
        meaning="share of members whose attribute other features and the true label give away without the model",
    ),
    MetricSpec(
        name="majority_accuracy", better="neither", unit="share", per="attribute",
        meaning="share of members who have the most frequent value of the attacker's rows",
    ),
    MetricSpec(
        name="control_gap", better="neither", unit="share", per="attribute",
        meaning="member_gap of imputation, which has no memory; away from 0 the two sides differ in more than the "
        "attribute, and member_gap may say so rather than that the model memorises",
    ),
)  # fmt: skip
