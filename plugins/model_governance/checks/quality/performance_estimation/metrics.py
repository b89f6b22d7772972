"""Metrics of `performance_estimation`, the names that its thresholds may use."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, SHARE_CHANGE, MetricSpec, of_tasks

ESTIMATED_SHARES = (
    MetricSpec(
        name="estimated_accuracy",
        meaning="expected share of rows of current whose predicted class is right, before labels arrive",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="estimated_precision",
        meaning="expected share of predicted positives that are positive",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="estimated_recall",
        meaning="expected share of positives that are predicted positive",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="estimated_f1",
        title="estimated F1",
        meaning="2TP / (2TP + FP + FN) of the expected confusion counts",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="estimated_specificity",
        meaning="expected share of negatives that are predicted negative",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="estimated_average_precision",
        meaning="expected precision averaged over the recall steps of the score; it rises and falls with the share of "
        "positives, which is what guessing gives",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="estimated_recall_change",
        title="change of the estimated recall",
        meaning="estimated recall on current minus the same on the reference; sees a rare class that the error rate hides",
        better="higher",
        range=SHARE_CHANGE,
        unit="share",
    ),
    MetricSpec(
        name="estimated_average_precision_change",
        meaning="estimated average precision on current minus the same on the reference",
        better="higher",
        range=SHARE_CHANGE,
    ),
    MetricSpec(
        name="estimated_roc_auc",
        title="estimated ROC AUC",
        meaning="expected probability that a positive scores above a negative, ties counting half; 0.5 is guessing",
        better="higher",
        range=SHARE,
    ),
)

ESTIMATED_ERRORS = (
    MetricSpec(
        name="estimated_mae",
        title="estimated mean absolute error",
        meaning="expected mean absolute error on current",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
    ),
    MetricSpec(
        name="estimated_rmse",
        title="estimated root mean squared error",
        meaning="root of the expected mean squared error on current",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
    ),
)

RELIABILITY = (
    MetricSpec(
        name="estimated_loss_increase",
        meaning="estimated loss on current minus the same on the reference: error rate of a classifier, mean absolute "
        "error of a regression; above 0 is worse",
        better="lower",
    ),
    MetricSpec(
        name="reference_calibration_error",
        meaning="mean gap of calibrated probability and observed share on held-out parts of the reference, over bins of "
        "equal frequency",
        better="lower",
        range=SHARE,
    ),
    MetricSpec(
        name="outside_reference_share",
        title="rows with values never learnt",
        meaning="share of rows of current with a value that the reference does not hold; nothing was learned there",
        better="lower",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="realised_accuracy",
        meaning="accuracy on the rows of current that already have a label",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="realised_mae",
        title="realised mean absolute error",
        meaning="mean absolute error on the rows of current that already have a label",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
    ),
    MetricSpec(
        name="estimation_error",
        meaning="estimate minus realised value on the labelled rows of current: accuracy of a classifier, mean "
        "absolute error of a regression; far from 0 the relation of rows and labels has changed",
        better="neither",
    ),
)

EVERY_CLASSIFIER = ("estimated_accuracy", "realised_accuracy", "reference_calibration_error")
ERRORS = ("realised_mae",)
METRICS = (
    of_tasks((spec for spec in ESTIMATED_SHARES if spec.name not in EVERY_CLASSIFIER), "binary_classification")
    + of_tasks(
        (spec for spec in ESTIMATED_SHARES + RELIABILITY if spec.name in EVERY_CLASSIFIER),
        "binary_classification",
        "multiclass_classification",
    )
    + of_tasks((*ESTIMATED_ERRORS, *(spec for spec in RELIABILITY if spec.name in ERRORS)), "regression")
    + tuple(spec for spec in RELIABILITY if spec.name not in (*EVERY_CLASSIFIER, *ERRORS))
)
