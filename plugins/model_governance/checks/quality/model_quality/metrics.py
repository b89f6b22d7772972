"""Metrics of `model_quality`, the names that its thresholds may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.model import CLASSES
from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec, of_tasks

if TYPE_CHECKING:
    from model_governance.contract.result import Better
    from model_governance.contract.subject import Task

COVERAGE = (
    MetricSpec(
        name="label_coverage",
        title="rows with a label",
        meaning="share of the rows of current whose label is known; the others are excluded",
        better="higher",
        range=SHARE,
        unit="share",
    ),
)

CLASSIFICATION = (
    MetricSpec(
        name="accuracy",
        meaning="share of rows whose predicted class is the label",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="balanced_accuracy",
        meaning="recall averaged over the classes that occur in the labels; 1/classes is guessing",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="log_loss",
        meaning="mean negative log probability of the label; natural logarithm, punishes confident mistakes",
        better="lower",
        range=NOT_NEGATIVE,
        unit="nat",
    ),
)

BINARY = (
    MetricSpec(
        name="precision",
        meaning="share of predicted positives that are positive",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="recall",
        meaning="share of positives that are predicted positive",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="f1",
        title="F1",
        meaning="harmonic mean of precision and recall, 2TP / (2TP + FP + FN)",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="specificity",
        meaning="share of negatives that are predicted negative",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="false_positive_rate",
        meaning="share of negatives that are predicted positive",
        better="lower",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="roc_auc",
        title="ROC AUC",
        meaning="probability that a random positive scores above a random negative, ties counting half; 0.5 is guessing",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="average_precision",
        meaning="precision averaged over the recall steps of the score; the prevalence is guessing",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="brier_score",
        title="Brier score",
        meaning="mean squared distance of the positive probability from the label",
        better="lower",
        range=SHARE,
    ),
    MetricSpec(
        name="calibration_error",
        meaning="mean gap of predicted probability and observed share over bins of equal frequency, weighted by rows",
        better="lower",
        range=SHARE,
    ),
    MetricSpec(
        name="prevalence", meaning="share of rows whose label is positive", better="neither", range=SHARE, unit="share"
    ),
    MetricSpec(
        name="predicted_positive_share",
        title="rows predicted positive",
        meaning="share of rows predicted positive",
        better="neither",
        range=SHARE,
        unit="share",
    ),
)

MULTICLASS = (
    MetricSpec(
        name="f1_macro",
        title="macro F1",
        meaning="F1 averaged over the classes that are labelled or predicted",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="precision_macro",
        title="macro precision",
        meaning="precision averaged over the classes, each counting the same",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="recall_macro",
        title="macro recall",
        meaning="recall averaged over the classes that occur in the labels; equal to balanced_accuracy",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="roc_auc_ovr",
        title="ROC AUC, one class against the rest",
        meaning="ROC AUC of every class against the rest, averaged over the classes; 0.5 is guessing",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="class_recall",
        title="recall of a class",
        meaning="share of the rows of a class that are predicted as it",
        better="higher",
        range=SHARE,
        unit="share",
        per="class",
    ),
    MetricSpec(
        name="class_precision",
        title="precision of a class",
        meaning="share of the rows predicted as a class that belong to it",
        better="higher",
        range=SHARE,
        unit="share",
        per="class",
    ),
)

ERRORS = (
    MetricSpec(
        name="mae",
        title="mean absolute error",
        meaning="mean absolute error",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
    ),
    MetricSpec(
        name="rmse",
        title="root mean squared error",
        meaning="root of the mean squared error",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
    ),
    MetricSpec(
        name="bias",
        title="mean error",
        meaning="mean of prediction minus target; above 0 is too high",
        better="neither",
        unit="of the target",
    ),
)

REGRESSION = (
    MetricSpec(
        name="r2",
        title="R²",
        meaning="share of the variance of the target that is explained; 0 is predicting the mean",
        better="higher",
        range=(None, 1.0),
    ),
    MetricSpec(
        name="median_absolute_error",
        meaning="half of the errors are smaller",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
    ),
    MetricSpec(
        name="mape",
        title="mean absolute percentage error",
        meaning="mean absolute error as a share of the target; absent where a target is 0",
        better="lower",
        range=NOT_NEGATIVE,
    ),
)

RANKING = (
    MetricSpec(
        name="ndcg",
        title="nDCG",
        meaning="discounted gain of the first k items as a share of the best possible, averaged over groups",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="mean_average_precision",
        meaning="precision at each relevant item among the first k, averaged over items, then groups",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="mrr",
        title="mean reciprocal rank",
        meaning="one over the rank of the first relevant item within k (else 0), mean over groups",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="hit_rate",
        meaning="share of groups with a relevant item among the first k",
        better="higher",
        range=SHARE,
        unit="share",
    ),
    MetricSpec(
        name="rankable_group_share",
        meaning="share of groups with two items or more and a relevant one; the others are excluded",
        better="higher",
        range=SHARE,
        unit="share",
    ),
)

FORECASTING = (
    MetricSpec(
        name="mase",
        title="mean absolute scaled error",
        meaning="mean absolute error in units of the naive seasonal forecast on the history; above 1 is worse than it",
        better="lower",
        range=NOT_NEGATIVE,
    ),
    MetricSpec(
        name="pinball_loss",
        meaning="mean loss of a quantile forecast: q for each unit too low, 1 - q for each unit too high",
        better="lower",
        range=NOT_NEGATIVE,
        unit="of the target",
        per="quantile",
    ),
    MetricSpec(
        name="interval_coverage",
        meaning="share of targets between two forecast quantiles; the nominal share is right",
        better="neither",
        range=SHARE,
        unit="share",
        per="interval",
    ),
    MetricSpec(
        name="interval_width",
        meaning="mean distance of two forecast quantiles; narrower is sharper where the coverage holds",
        better="lower",
        unit="of the target",
        per="interval",
    ),
)

CATALOGUE = (
    MetricSpec(
        name="catalogue_coverage",
        title="items that are shown",
        meaning="share of the distinct items on offer that some group gets among its first k",
        better="higher",
        range=SHARE,
        unit="share",
    ),
)


BINARY_TASK: tuple[Task, ...] = ("binary_classification",)
MULTICLASS_TASK: tuple[Task, ...] = ("multiclass_classification",)
NUMBERS: tuple[Task, ...] = ("regression", "forecasting")
FORECASTING_TASK: tuple[Task, ...] = ("forecasting",)
RANKING_TASK: tuple[Task, ...] = ("ranking",)


ABBREVIATIONS = {
    "f1": "F1", "f1_macro": "macro F1", "roc_auc": "ROC AUC", "brier_score": "Brier score", "mae": "mean absolute error",
    "rmse": "root mean squared error", "mase": "mean absolute scaled error", "ndcg": "nDCG", "bias": "mean error",
}  # fmt: skip


def _plain(name: str) -> str:
    return ABBREVIATIONS.get(name, name.replace("_", " "))


def _gain(name: str, key: str, tasks: tuple[Task, ...], unit: str = "") -> MetricSpec:
    meaning = f"how much better than the champion on the same rows, {key}; above 0 is better"
    title = f"gain in {_plain(name.removesuffix('_gain'))}"
    return MetricSpec(name=name, title=title, meaning=meaning, better="higher", unit=unit, tasks=tasks)


GAINS = (
    _gain("accuracy_gain", "accuracy minus the champion's", CLASSES, "share"),
    _gain("balanced_accuracy_gain", "balanced accuracy minus the champion's", CLASSES, "share"),
    _gain("recall_gain", "recall minus the champion's", BINARY_TASK, "share"),
    _gain("f1_gain", "F1 minus the champion's", BINARY_TASK),
    _gain("f1_macro_gain", "macro F1 minus the champion's", MULTICLASS_TASK),
    _gain("roc_auc_gain", "ROC AUC minus the champion's", BINARY_TASK),
    _gain("average_precision_gain", "average precision minus the champion's", BINARY_TASK),
    _gain("log_loss_gain", "the champion's log loss minus the model's", CLASSES, "nat"),
    _gain("brier_score_gain", "the champion's Brier score minus the model's", BINARY_TASK),
    _gain("mae_gain", "the champion's mean absolute error minus the model's", NUMBERS, "of the target"),
    _gain("rmse_gain", "the champion's RMSE minus the model's", ("regression",), "of the target"),
    _gain("mase_gain", "the champion's MASE minus the model's", FORECASTING_TASK),
    _gain("ndcg_gain", "NDCG minus the champion's", RANKING_TASK),
)


def _slice(name: str, meaning: str, better: Better, tasks: tuple[Task, ...], unit: str = "") -> MetricSpec:
    range_of_values = SHARE if better == "higher" else NOT_NEGATIVE if better == "lower" else (None, None)
    return MetricSpec(
        name=name, title=_plain(name.removeprefix("slice_")), meaning=f"{meaning}, within a slice", better=better, unit=unit,
        per="slice", range=range_of_values, tasks=tasks,
    )  # fmt: skip


SLICES = (
    _slice("slice_accuracy", "share of rows whose predicted class is the label", "higher", CLASSES, "share"),
    _slice("slice_balanced_accuracy", "recall averaged over the classes that occur", "higher", CLASSES, "share"),
    _slice("slice_recall", "share of positives that are predicted positive", "higher", BINARY_TASK, "share"),
    _slice("slice_roc_auc", "probability that a random positive scores above a random negative", "higher", BINARY_TASK),
    _slice("slice_average_precision", "precision averaged over the recall steps of the score", "higher", BINARY_TASK),
    _slice("slice_mae", "mean absolute error", "lower", NUMBERS, "of the target"),
    _slice("slice_bias", "mean of prediction minus target", "neither", NUMBERS, "of the target"),
    _slice("slice_mase", "mean absolute error in units of the naive seasonal forecast", "lower", FORECASTING_TASK),
    _slice(
        "slice_ndcg", "NDCG of the first k among the rows of the slice, averaged over groups", "higher", RANKING_TASK
    ),
)

SEARCH = (
    MetricSpec(
        name="worst_slice_gap",
        title="gap of the weakest slice found",
        meaning="error of the weakest slice found minus that of all other rows, on rows that did not find it",
        better="lower",
    ),
    MetricSpec(
        name="weak_slices",
        meaning="slices found weak on one half of the rows and confirmed on the other",
        better="lower",
        range=NOT_NEGATIVE,
    ),
)

METRICS = (
    COVERAGE
    + of_tasks(CLASSIFICATION, *CLASSES)
    + of_tasks(BINARY, *BINARY_TASK)
    + of_tasks(MULTICLASS, *MULTICLASS_TASK)
    + of_tasks(ERRORS, *NUMBERS)
    + of_tasks(REGRESSION, "regression")
    + of_tasks(RANKING + CATALOGUE, *RANKING_TASK)
    + of_tasks(FORECASTING, *FORECASTING_TASK)
    + GAINS
    + SLICES
    + SEARCH
)
