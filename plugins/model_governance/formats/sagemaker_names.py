"""What SageMaker Model Monitor calls the metrics of model quality.

Source: Amazon SageMaker AI Developer Guide, "Model quality metrics".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

METRICS: Mapping[str, str] = {
    "accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "f1", "auc": "roc_auc",
    "true_negative_rate": "specificity", "false_positive_rate": "false_positive_rate", "mae": "mae", "rmse": "rmse",
    "r2": "r2",
}  # fmt: skip
"""Its name of a metric, and ours."""
SYNONYMS: dict[str, str] = {"true_positive_rate": "recall"}
"""Names that it has beside those of `METRICS`."""
