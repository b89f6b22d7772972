"""Values of the metrics without intervals, for jackknives that ask for them again and again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.calibration import bin_probabilities
from model_governance.checks.quality.model_quality.classification import log_losses
from model_governance.checks.quality.model_quality.discrimination import average_precision, placements

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from model_governance.checks.quality.model_quality.classification import Outcomes

    Points = dict[str, float]


def class_points(outcomes: Outcomes, champion: Outcomes | None, *, positive: int | None, bins: int = 10) -> Points:
    """Values by label of a classifier; those that these rows do not define are left out.

    Args:
        outcomes: Outcomes of the model.
        champion: Outcomes of the champion on the same rows, where there is one.
        positive: Position of the positive class of two; None with more classes.
        bins: Bins of the calibration error.
    """
    found = _points_of(outcomes, positive, bins)
    return found | ({} if champion is None else _gains(found, _points_of(champion, positive, bins)))


def error_points(truth: np.ndarray, error: np.ndarray, champion: np.ndarray | None) -> Points:
    """Values by label of a regression from targets and errors, all (n,)."""
    import numpy as np

    found = _of_errors(error)
    variance = float(np.var(truth))
    if variance > 0:
        # R2 errs on the scale of its unexplained share.
        found["r2"] = math.log(max(float(np.square(error).mean()), 1e-300) / variance)
    if (truth != 0).all():
        found["mape"] = float(np.abs(error / truth).mean())
    return found | ({} if champion is None else _gains(found, _of_errors(champion)))


def _of_errors(error: np.ndarray) -> Points:
    import numpy as np

    size = np.abs(error)
    return {
        "mae": float(size.mean()),
        "rmse": math.sqrt(float(np.square(error).mean())),
        "bias": float(error.mean()),
        "median_absolute_error": float(np.median(size)),
    }


def _gains(found: Mapping[str, float], champion: Mapping[str, float]) -> Points:
    return {f"{name}_gain": value - champion[name] for name, value in found.items() if name in champion}


def _points_of(outcomes: Outcomes, positive: int | None, bins: int) -> Points:
    import numpy as np

    confusion = outcomes.confusion().astype(float)
    labelled, predicted, right = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    present, either = labelled > 0, labelled + predicted > 0
    recalls = right[present] / labelled[present]
    found = {"accuracy": float(right.sum() / outcomes.n), "balanced_accuracy": float(recalls.mean())}
    if outcomes.probabilities is not None:
        found["log_loss"] = float(log_losses(outcomes.probabilities, outcomes.truth).mean())
    if positive is not None:
        return found | _of_two_classes(outcomes, confusion, positive, bins)
    found["recall_macro"] = found["balanced_accuracy"]
    found["f1_macro"] = float(np.mean(2 * right[either] / (labelled + predicted)[either]))
    found["precision_macro"] = float(np.mean(right[predicted > 0] / predicted[predicted > 0]))
    for number, name in enumerate(outcomes.names):
        found |= _ratio(f"class_recall[{name}]", right[number], labelled[number])
        found |= _ratio(f"class_precision[{name}]", right[number], predicted[number])
    return found


def _of_two_classes(outcomes: Outcomes, confusion: np.ndarray, positive: int, bins: int) -> Points:
    import numpy as np

    negative, n = 1 - positive, outcomes.n
    tp, fn = confusion[positive, positive], confusion[positive, negative]
    tn, fp = confusion[negative, negative], confusion[negative, positive]
    found = (
        _ratio("precision", tp, tp + fp) | _ratio("recall", tp, tp + fn) | _ratio("f1", 2 * tp, 2 * tp + fp + fn)
        | _ratio("specificity", tn, tn + fp) | _ratio("false_positive_rate", fp, tn + fp)
        | _ratio("prevalence", tp + fn, n) | _ratio("predicted_positive_share", tp + fp, n)
    )  # fmt: skip
    if outcomes.probabilities is None:
        return found
    score, hit = outcomes.probabilities[:, positive], outcomes.truth == positive
    binned = bin_probabilities(score, hit, count=bins)
    found["brier_score"] = float(np.square(score - hit).mean())
    found["calibration_error"] = float((binned.rows * np.abs(binned.mean - binned.observed)).sum() / n)
    if 0 < hit.sum() < n:
        found["roc_auc"] = float(placements(score, hit)[hit].mean())
        found["average_precision"] = average_precision(score, hit)
    return found


def _ratio(name: str, part: float, whole: float) -> Points:
    return {name: float(part / whole)} if whole else {}
