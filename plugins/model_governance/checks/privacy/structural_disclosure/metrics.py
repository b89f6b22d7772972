"""The metrics of `structural_disclosure`: facts about the model and its training rows, so that none has an interval."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec

METRICS = (
    MetricSpec(
        name="risk", better="lower", range=SHARE, per="rule",
        meaning="1 where the rule finds the model disclosive, otherwise 0: instance_based, degrees_of_freedom, k_anonymity, "
        "class_disclosure, small_groups, unnecessary_risk, min_samples_leaf; absent where the rule is not defined for the "
        "kind of model",
    ),
    MetricSpec(
        name="recommendation", better="neither", range=NOT_NEGATIVE, per="bucket",
        meaning="rules in each bucket of SACRO-ML's recommendation: immediate_rejection (the model holds training rows "
        "itself), support_rejection (a rule finds a risk), support_release (a rule finds none)",
    ),
    MetricSpec(
        name="residual_degrees_of_freedom", better="higher",
        meaning="training rows less trained parameters; below 0 the model can hold every row",
    ),
    MetricSpec(
        name="trained_parameters", better="neither", range=NOT_NEGATIVE,
        meaning="numbers that training chose: weights, thresholds, features of splits and values of leaves",
    ),
    MetricSpec(
        name="equivalence_classes", better="neither", range=NOT_NEGATIVE,
        meaning="groups of training rows with the same answer: leaves of a single tree, else equal probabilities",
    ),
    MetricSpec(
        name="smallest_class", better="higher", range=NOT_NEGATIVE, unit="rows",
        meaning="training rows in the smallest of these groups: the k of k-anonymity",
    ),
    MetricSpec(
        name="rows_below_k", better="lower", range=SHARE, unit="share",
        meaning="share of training rows whose group is smaller than min_group_size",
    ),
    MetricSpec(
        name="rows_with_class_disclosure", better="lower", range=SHARE, unit="share",
        meaning="share of training rows in a group of which the model says that some class has probability 0",
    ),
    MetricSpec(
        name="rows_in_small_groups", better="lower", range=SHARE, unit="share",
        meaning="share of training rows in a group of which the model says that a class has some, but fewer than "
        "min_group_size rows (rows of the group times probability; lowvals_cd_risk in early SACRO-ML)",
    ),
)  # fmt: skip
