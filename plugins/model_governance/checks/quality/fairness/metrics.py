"""Metrics of `fairness`, the names that its thresholds may use. Definitions are those of Fairlearn."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec, of_tasks

GROUPING, GROUP = "column of groups", "column=group"  # what a metric is repeated over

ANY_TASK = (
    MetricSpec(
        name="unscored_share",
        title="rows in groups too small to compare",
        meaning="share of rows in groups too small to be compared",
        better="lower",
        range=SHARE,
        unit="share",
        per=GROUPING,
    ),
)

CLASSIFICATION = (
    MetricSpec(
        name="demographic_parity_difference",
        title="gap of rows predicted positive",
        meaning="largest minus smallest share of rows predicted positive, over the groups; needs no labels",
        better="lower",
        range=SHARE,
        unit="share",
        per=GROUPING,
    ),
    MetricSpec(
        name="selection_rate_ratio",
        title="smallest over largest share predicted positive",
        meaning="smallest share of rows predicted positive over the largest (demographic parity ratio); the four-fifths "
        "rule asks for 0.8",
        better="higher",
        range=SHARE,
        per=GROUPING,
    ),
    MetricSpec(
        name="equal_opportunity_difference",
        title="gap of recall",
        meaning="largest minus smallest share of positives that are predicted positive, over the groups",
        better="lower",
        range=SHARE,
        unit="share",
        per=GROUPING,
    ),
    MetricSpec(
        name="equalized_odds_difference",
        title="gap of true or false positive rates",
        meaning="the larger of two gaps over the groups: of true positive rates and of false positive rates",
        better="lower",
        range=SHARE,
        unit="share",
        per=GROUPING,
    ),
    MetricSpec(
        name="accuracy_gap",
        title="gap of accuracy",
        meaning="largest minus smallest share of rows predicted right, over the groups",
        better="lower",
        range=SHARE,
        unit="share",
        per=GROUPING,
    ),
    MetricSpec(
        name="selection_rate",
        title="rows predicted positive",
        meaning="share of a group that is predicted positive",
        better="neither",
        range=SHARE,
        unit="share",
        per=GROUP,
    ),
    MetricSpec(
        name="true_positive_rate",
        title="recall",
        meaning="share of a group's positives that are predicted positive",
        better="higher",
        range=SHARE,
        unit="share",
        per=GROUP,
    ),
    MetricSpec(
        name="false_positive_rate",
        meaning="share of a group's negatives that are predicted positive",
        better="lower",
        range=SHARE,
        unit="share",
        per=GROUP,
    ),
    MetricSpec(
        name="group_accuracy",
        title="accuracy",
        meaning="share of a group's rows that are predicted right",
        better="higher",
        range=SHARE,
        unit="share",
        per=GROUP,
    ),
)

REGRESSION = (
    MetricSpec(
        name="mean_prediction_gap",
        meaning="largest minus smallest mean prediction over the groups; needs no labels",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
        per=GROUPING,
    ),
    MetricSpec(
        name="mean_error_gap",
        meaning="largest minus smallest mean of prediction minus target over the groups",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
        per=GROUPING,
    ),
    MetricSpec(
        name="mean_absolute_error_gap",
        meaning="largest minus smallest mean absolute error over the groups",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
        per=GROUPING,
    ),
    MetricSpec(
        name="mean_prediction",
        meaning="mean prediction of a group",
        better="neither",
        unit="of the target",
        per=GROUP,
    ),
    MetricSpec(
        name="mean_error",
        meaning="mean of prediction minus target in a group; above 0 is too high",
        better="neither",
        unit="of the target",
        per=GROUP,
    ),
    MetricSpec(
        name="mean_absolute_error",
        meaning="mean absolute error in a group",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
        per=GROUP,
    ),
)

ALSO_MULTICLASS = ("accuracy_gap", "group_accuracy")

METRICS = (
    ANY_TASK
    + of_tasks((spec for spec in CLASSIFICATION if spec.name not in ALSO_MULTICLASS), "binary_classification")
    + of_tasks(
        (spec for spec in CLASSIFICATION if spec.name in ALSO_MULTICLASS),
        "binary_classification",
        "multiclass_classification",
    )
    + of_tasks(REGRESSION, "regression")
)
