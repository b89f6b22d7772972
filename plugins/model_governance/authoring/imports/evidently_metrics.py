"""Metrics of Evidently 0.7 that a metric or an expectation here is equal to.

Source: `evidently.metrics` and `evidently.legacy.tests` of evidently 0.7.23; `tests/unit/authoring/imports` writes the
files with that version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DRIFT_METHODS: Mapping[str, str] = {"psi": "psi", "jensenshannon": "jensenshannon"}
"""Distances with the same definition here."""
OTHER_METHODS: Mapping[str, str] = {
    "wasserstein": "it is in standard deviations, and here in robust ones; demand wasserstein after `calibrate`",
    "kl_div": "no metric here is this number; demand jensenshannon",
    "hellinger": "no metric here is this number; demand jensenshannon",
}
P_VALUE = "a p-value falls with the number of rows, whatever changed; demand an effect: ks, psi or total_variation"

QUALITY: Mapping[str, str] = {
    "Accuracy": "accuracy", "Precision": "precision", "Recall": "recall", "F1Score": "f1", "RocAuc": "roc_auc",
    "LogLoss": "log_loss", "TPR": "recall", "TNR": "specificity", "FPR": "false_positive_rate", "MAE": "mae",
    "RMSE": "rmse", "R2Score": "r2",
}  # fmt: skip
RANKING: Mapping[str, str] = {"NDCG": "ndcg", "MAP": "mean_average_precision", "MRR": "mrr", "HitRate": "hit_rate"}
"""With the parameter `k`, which is `top_k` here."""
AGGREGATES: Mapping[str, str] = {
    "MinValue": "min", "MaxValue": "max", "MeanValue": "mean", "MedianValue": "median", "StdValue": "stdev",
    "SumValue": "sum",
}  # fmt: skip
"""Statistics of a column, and the word for them in `expect_column_…_to_be_between`."""
SHARES: Mapping[str, tuple[str, bool]] = {
    "MissingValueCount": ("expect_column_values_to_not_be_null", False),
    "InRangeValueCount": ("expect_column_values_to_be_between", True),
    "OutRangeValueCount": ("expect_column_values_to_be_between", False),
    "InListValueCount": ("expect_column_values_to_be_in_set", True),
    "OutListValueCount": ("expect_column_values_to_be_in_set", False),
}
"""Shares of the rows of a column: the expectation, and whether the counted rows are those that agree."""
LEGACY: Mapping[str, str] = {
    "Share of Drifted Columns": "DriftedColumnsCount",
    "Number of Drifted Features": "DriftedColumnsCount",
    "The Share of Missing Values in a Column": "MissingValueCount",
    "Share of Out-of-Range Values": "OutRangeValueCount",
    "Share of Out-of-List Values": "OutListValueCount",
    "Min Value": "MinValue", "Max Value": "MaxValue", "Mean Value": "MeanValue", "Median Value": "MedianValue",
    "Accuracy Score": "Accuracy", "Precision Score": "Precision", "Recall Score": "Recall", "F1 Score": "F1Score",
    "ROC AUC Score": "RocAuc", "Logarithmic Loss": "LogLoss", "True Positive Rate": "TPR",
    "True Negative Rate": "TNR", "False Positive Rate": "FPR", "Mean Absolute Error (MAE)": "MAE",
    "Root Mean Square Error (RMSE)": "RMSE", "R2 Score": "R2Score",
    "Number of Rows": "RowCount", "Number of Columns": "ColumnCount",
}  # fmt: skip
"""Names of the tests of `TestSuite`, before version 0.7."""
