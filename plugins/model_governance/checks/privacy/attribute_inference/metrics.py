"""The metrics of `attribute_inference`: what each means, and which of them a threshold may use."""

from __future__ import annotations

from model_governance.contract.result import SHARE, SHARE_CHANGE, MetricSpec

METRICS = (
    MetricSpec(
        name="attack_gain", title="values found only of members", better="lower", range=SHARE_CHANGE, unit="share", per="attack@attribute",
        meaning="share of members whose attribute the attack infers, minus the share that imputation without the model "
        "infers, on the same rows: what the model reveals; at most 0 where it reveals nothing",
    ),
    MetricSpec(
        name="member_gap", title="members' values found more often", better="lower", range=SHARE_CHANGE, unit="share", per="attack@attribute",
        meaning="share of members whose attribute the attack infers, minus that of non-members with the same values: what "
        "was memorised; 0 for a model that memorises no row, if both groups differ in nothing but the attribute",
    ),
    MetricSpec(
        name="attack_accuracy", title="values found", better="lower", range=SHARE, unit="share", per="attack@attribute",
        meaning="share of members whose attribute the attack infers; it means nothing without imputation_accuracy, so "
        "give no threshold on it",
    ),
    MetricSpec(
        name="imputation_accuracy", title="values found without the model", better="neither", range=SHARE, unit="share", per="attribute",
        meaning="share of members whose attribute the other features and the true label reveal without the model",
    ),
    MetricSpec(
        name="majority_accuracy", title="values found by the most frequent one", better="neither", range=SHARE, unit="share", per="attribute",
        meaning="share of members who have the most frequent value of the attacker's rows",
    ),
    MetricSpec(
        name="control_gap", better="neither", range=SHARE_CHANGE, unit="share", per="attribute",
        meaning="member_gap of imputation, which memorises nothing; away from 0 the two groups differ in more than the "
        "attribute, and member_gap may show that difference instead of memorisation",
    ),
)  # fmt: skip
