"""The numbers of `attribute_inference`: what each means, and which of them a threshold may trust."""

from __future__ import annotations

from model_governance.check import MetricSpec

METRICS = (
    MetricSpec(
        name="attack_gain", better="lower", unit="share", per="attack@attribute",
        meaning="share of members whose attribute the attack names, less the share that imputation without the model "
        "names, on the same rows: what the model gives away; at most 0 where it gives nothing away",
    ),
    MetricSpec(
        name="gain_gap", better="lower", unit="share", per="attack@attribute",
        meaning="attack_gain on members less attack_gain on non-members: what was memorised; 0 on a model that "
        "memorises nothing, even where train and the non-members are of different composition",
    ),
    MetricSpec(
        name="member_gap", better="lower", unit="share", per="attack@attribute",
        meaning="share of members whose attribute the attack names, less that of non-members; memorisation, if both "
        "sides come from the same distribution (control_gap says whether imputation sees a difference)",
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
        meaning="imputation_accuracy on members less that on non-members; away from 0 the two sides differ in "
        "composition, and member_gap says so rather than that the model memorises",
    ),
)  # fmt: skip
