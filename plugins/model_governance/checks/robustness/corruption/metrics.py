"""The metrics of the corruption check."""

from __future__ import annotations

from model_governance.contract.model import CLASSES
from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec

METRICS = (
    MetricSpec(
        name="clean_accuracy", title="accuracy of clean rows", better="higher", range=SHARE, tasks=CLASSES, unit="share", meaning="share of sampled clean rows predicted correctly"
    ),
    MetricSpec(name="clean_mae", title="mean absolute error of clean rows", better="lower", range=NOT_NEGATIVE, tasks=("regression",), meaning="mean absolute error on the sampled clean rows"),
    MetricSpec(
        name="accuracy", better="higher", range=SHARE, tasks=CLASSES, unit="share", per="corruption@severity",
        meaning="share of sampled rows predicted correctly when corrupted; refused rows count as wrong",
    ),
    MetricSpec(
        name="agreement", title="answers that stay the same", better="higher", range=SHARE, tasks=CLASSES, unit="share", per="corruption@severity",
        meaning="share of sampled rows with the same prediction corrupted as clean; refused rows count as changed",
    ),
    MetricSpec(
        name="mae", title="mean absolute error", better="lower", range=NOT_NEGATIVE, tasks=("regression",), per="corruption@severity",
        meaning="mean absolute error on the sampled rows when corrupted",
    ),
    MetricSpec(
        name="shift", better="lower", range=NOT_NEGATIVE, tasks=("regression",), per="corruption@severity",
        meaning="mean absolute difference between the predictions of a row corrupted and clean",
    ),
    MetricSpec(
        name="drop", title="loss of accuracy", better="lower", unit="share", per="corruption@severity",
        meaning="loss against the clean rows, paired: points of accuracy or agreement, or error as a share of a constant's",
    ),
    MetricSpec(
        name="worst_drop", title="loss under the worst corruption", better="lower", unit="share", per="severity",
        meaning="largest loss over the corruptions at one severity, with limits that hold for all of them together",
    ),
    MetricSpec(
        name="mean_drop", title="mean loss of accuracy", better="lower", unit="share", meaning="loss averaged over the corruptions and the severities"
    ),
    MetricSpec(
        name="column_drop", title="loss when a column is corrupted", better="lower", unit="share", per="column",
        meaning="largest loss when this column alone is corrupted on every row",
    ),
    MetricSpec(
        name="refused_share", better="lower", range=SHARE, unit="share", per="corruption",
        meaning="share of corrupted rows for which the model gives no prediction",
    ),
    MetricSpec(
        name="slice_drop", title="loss of a slice", better="lower", unit="share", per="slice",
        meaning="loss averaged over corruptions and severities, on the rows of a slice",
    ),
)  # fmt: skip
