"""Labels, boxes and predictions of ART's estimators, always in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    import numpy as np


def scores_of(estimator: Any, points: np.ndarray) -> np.ndarray:
    """The estimator's answer to points (n, ...): scores (n, k); one column s counts as (1 - s, s).

    Points are cast to float32 first: ART hands a float64 batch to PyTorch as it is, which then refuses it.

    Raises:
        ModelMisbehaved: the answer has another shape or holds NaN.
    """
    import numpy as np

    if len(points) == 0:
        return np.zeros((0, estimator.nb_classes), dtype=np.float32)
    scores = np.asarray(estimator.predict(points.astype(np.float32, copy=False), batch_size=max(128, len(points))))
    if scores.ndim != 2 or len(scores) != len(points):
        raise ModelMisbehaved(
            f"{type(estimator).__name__}.predict returned shape {scores.shape} for {len(points)} rows; "
            "class scores of shape (rows, classes) were expected"
        )
    if np.isnan(scores).any():
        raise ModelMisbehaved(f"{type(estimator).__name__}.predict returned NaN; attacks need finite scores")
    return np.concatenate([1 - scores, scores], axis=1) if scores.shape[1] == 1 else scores


def predicted_labels(estimator: Any, points: np.ndarray) -> np.ndarray:
    """Predicted class numbers (n,) of points (n, ...)."""
    labels: np.ndarray = scores_of(estimator, points).argmax(axis=1)
    return labels


def labels_of(estimator: Any, x: np.ndarray, y: np.ndarray | None) -> np.ndarray:
    """Class numbers (n,) from one-hot rows or numbers; the estimator's own predictions where `y` is None.

    Raises:
        CheckError: `y` has another length than `x`.
    """
    import numpy as np

    if y is None:
        return predicted_labels(estimator, x)
    labels = np.asarray(y)
    if labels.ndim == 2:
        labels = labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0]
    if labels.shape != (len(x),):
        raise CheckError(f"labels of shape {np.shape(y)} do not fit {len(x)} rows; give numbers (n,) or one-hot (n, k)")
    return labels.astype(np.int64)


def box_of(estimator: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Low and high ends of every feature, flat (d,) each: the estimator's clip values, else the range of `x`."""
    import numpy as np

    shape = x.shape[1:]
    low, high = (x.min(), x.max()) if estimator.clip_values is None else estimator.clip_values
    ends = [np.broadcast_to(np.asarray(end, dtype=np.float32), shape).reshape(-1) for end in (low, high)]
    return ends[0], ends[1]
