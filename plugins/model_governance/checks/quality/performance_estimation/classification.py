"""Estimated performance of a classifier: calibrated on the reference, expected confusion matrix of current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.checks.quality.performance_estimation import figures, report
from model_governance.checks.quality.performance_estimation.calibration import (
    Calibration,
    calibrate,
    calibration_bins,
)
from model_governance.checks.quality.performance_estimation.cbpe import (
    Predictions,
    correctness,
    estimate_metrics,
)
from model_governance.checks.quality.performance_estimation.changes import changes
from model_governance.checks.quality.performance_estimation.dependence import (
    RowDependence,
    effect_of,
    row_dependence,
)
from model_governance.checks.quality.performance_estimation.folds import joined_rows
from model_governance.checks.quality.performance_estimation.performance import Performance
from model_governance.checks.quality.performance_estimation.reference_support import outside_reference_share
from model_governance.checks.quality.performance_estimation.rows import fitting_rows, labelled_rows, reference_digest
from model_governance.checks.quality.performance_estimation.uncertainty import (
    change_p_value,
    forecast_limits,
    normal_limits,
)
from model_governance.contract.repetition import once
from model_governance.contract.result import Estimate
from model_governance.contract.slices import named_values
from model_governance.engine.features import feature_rows
from model_governance.errors import CheckError
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.performance_estimation.params import EstimationParams
    from model_governance.checks.quality.performance_estimation.uncertainty import Estimated
    from model_governance.contract.subject import Model, Subject

BINARY_METRICS = ("accuracy", "precision", "recall", "f1", "specificity", "roc_auc", "average_precision")
MULTICLASS_METRICS = ("accuracy",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedReference:
    """The reference rows with predictions and hits (n,) bool, their calibration, and notes on how it was made."""

    rows: pd.DataFrame
    predictions: Predictions
    hit: np.ndarray
    calibration: Calibration
    notes: tuple[str, ...]


def estimate_classification(subject: Subject, params: EstimationParams, seed: int) -> Performance:
    """Estimate metrics of the confusion matrix and ROC AUC (binary), or accuracy (multiclass), on current.

    Raises:
        CheckError: The model has no probabilities, or labels and model do not fit.
        SubjectError: As `feature_rows` and `Subject.target`.
        ModelMisbehaved: As `Model`.
    """
    model = _require_probabilities(subject)
    positive = _positive_class(subject, model) if subject.task == "binary_classification" else None
    reference = once(
        "calibrated reference",
        (reference_digest(subject), model.sha256, repr(params), seed),
        lambda: _calibrate(subject, positive, params=params, seed=seed),
    )
    predictions, classes = _predict_current(subject, positive)
    binary = positive is not None
    before, now = (reference.calibration(rows.score, rows.predicted) for rows in (reference.predictions, predictions))
    dependence = row_dependence(
        subject, reference.rows, residuals=reference.hit - reference.calibration.held_out, expected=now
    )
    estimated = {
        number.name: number
        for number in estimate_metrics(predictions, reference.calibration, binary=binary, effect=dependence.on_current)
    }
    bins = calibration_bins(reference.predictions.score, reference.hit, reference.calibration.held_out)
    hits = repr(model.classes[positive]) if positive is not None else "right answers"
    return Performance(
        estimates=(
            *(
                _estimate(name, estimated, n=predictions.n)
                for name in (BINARY_METRICS if binary else MULTICLASS_METRICS)
            ),
            *changes(reference.predictions, predictions, reference.calibration, dependence=dependence, binary=binary),
            Estimate(
                name="reference_calibration_error",
                value=bins.error,
                n=len(reference.hit),
                limits=bins.limits.inflated(dependence.on_reference),
                detail=f"{bins.error_by_chance:.2g} would be seen by chance",
            ),
            outside_reference_share(subject, dependence.current),
            *_realised(subject, predictions, classes, reference.calibration, dependence=dependence),
        ),
        tables=(report.calibration_table(bins, hits),),
        figures=(figures.calibration(bins, hits), figures.probabilities(before, now, hits)),
        notes=(
            *reference.notes,
            *dependence.notes,
            *(report.rare_note(float(reference.hit.mean())) if binary else ()),
            report.CONCEPT_DRIFT,
        ),
    )


def _require_probabilities(subject: Subject) -> Model:
    model = subject.require_model()
    if model.call_proba is None:
        raise CheckError(
            f"model {model.name!r} offers no class probabilities and the estimate is made of them; deploy it with "
            "predict_proba, or take performance_estimation out of the policy"
        )
    return model


def _positive_class(subject: Subject, model: Model) -> int:
    """Position of the positive class: columns.positive, else the second class."""
    positive = subject.columns.positive
    if len(model.classes) != 2 or (positive is not None and positive not in model.classes):
        raise CheckError(
            f"binary classification needs a model of two classes, one of them columns.positive ({positive!r}); "
            f"{model.name!r} has {', '.join(map(repr, model.classes)) or 'none'}"
        )
    return 1 if positive is None else model.classes.index(positive)


def _calibrate(subject: Subject, positive: int | None, *, params: EstimationParams, seed: int) -> CalibratedReference:
    rows, notes = fitting_rows(subject, params.fitting_rows, seed=seed)
    truth = _label_positions(subject, rows[str(subject.columns.target)], role="reference")
    predictions, classes = _predict(subject.require_model(), rows[list(subject.columns.names)], positive)
    hit = truth == (classes if positive is None else positive)
    if hit.all() or not hit.any():
        raise CheckError(
            f"{subject.datasets['reference'].uri}: every labelled row is {'a hit' if hit.all() else 'a miss'}, so no "
            "calibration can be learned; give a reference in which the classes and the model's mistakes occur"
        )
    calibration = calibrate(
        predictions.score, predictions.predicted, hit, method=params.calibration, folds=params.folds,
        resamples=params.resamples, seed=seed, groups=joined_rows(rows, subject.columns),
    )  # fmt: skip
    how = report.calibration_note(calibration.method, rows=len(rows), folds=params.folds)
    return CalibratedReference(
        rows=rows, predictions=predictions, hit=hit, calibration=calibration, notes=(how, *notes)
    )


def _predict_current(subject: Subject, positive: int | None) -> tuple[Predictions, np.ndarray]:
    """`_predict` for every row of current, chunk by chunk."""
    import numpy as np

    model, names = subject.require_model(), subject.columns.names
    parts = [_predict(model, chunk, positive) for chunk in feature_rows(subject, "current").frames(names)]
    predictions = Predictions(
        score=np.concatenate([part.score for part, _ in parts]),
        predicted=np.concatenate([part.predicted for part, _ in parts]),
    )
    return predictions, np.concatenate([classes for _, classes in parts])


def _predict(model: Model, frame: pd.DataFrame, positive: int | None) -> tuple[Predictions, np.ndarray]:
    """Scores and predictions of the class in question, and the position (n,) of the predicted class."""
    import numpy as np

    probabilities = np.clip(np.asarray(model.predict_proba(frame), dtype=np.float64), 0.0, 1.0)
    classes = _predicted_positions(model, model.predict(frame))
    if positive is not None:
        return Predictions(score=probabilities[:, positive], predicted=classes == positive), classes
    score = probabilities[np.arange(len(classes)), classes]
    return Predictions(score=score, predicted=np.ones(len(classes), dtype=bool)), classes


def _predicted_positions(model: Model, values: Any) -> np.ndarray:
    """Positions of predicted labels in the model's classes, shape (n,)."""
    import numpy as np

    positions = {label: position for position, label in enumerate(model.classes)}
    labels = np.asarray(values).tolist()
    unknown = sorted({repr(label) for label in labels if label not in positions})
    if unknown:
        raise CheckError(f"model {model.name!r} predicted {', '.join(unknown[:5])}, which are not among its classes")
    return np.array([positions[label] for label in labels], dtype=np.int64)


def _label_positions(subject: Subject, labels: pd.Series, *, role: str) -> np.ndarray:
    """Positions of true labels in the model's classes, shape (n,)."""
    import numpy as np

    model = subject.require_model()
    positions = {label: position for position, label in enumerate(model.classes)}
    unknown = [label for label in labels.tolist() if label not in positions]
    if unknown:
        raise CheckError(
            f"column {subject.columns.target!r} of dataset {role!r} holds label(s) {named_values(unknown)} that model "
            f"{model.name!r} does not know ({', '.join(map(repr, model.classes))}); use the coding it was trained on"
        )
    return np.array([positions[label] for label in labels.tolist()], dtype=np.int64)


def _estimate(name: str, estimated: Mapping[str, Estimated], *, n: int) -> Estimate:
    number = estimated.get(f"estimated_{name}")
    if number is None:
        reason = (
            "no row of current is expected in the denominator: the model predicts, or the probabilities allow, one "
            "class only"
        )
        return Estimate(name=f"estimated_{name}", value=None, n=n, reason=reason, absence="uncertain")
    limits = forecast_limits(number.value, number.error, "logit", own_error=number.own_error)
    return Estimate(name=number.name, value=number.value, n=number.n, limits=limits)


def _realised(
    subject: Subject,
    predictions: Predictions,
    classes: np.ndarray,
    calibration: Calibration,
    *,
    dependence: RowDependence,
) -> list[Estimate]:
    """Accuracy on the labelled rows of current, and the error of the estimate for the same rows."""
    rows, reason = labelled_rows(subject)
    if len(rows) == 0:
        return [
            Estimate(name=name, value=None, n=0, reason=reason, absence="uncertain")
            for name in ("realised_accuracy", "estimation_error")
        ]
    target = str(subject.columns.target)
    truth = _label_positions(subject, subject.frame("current", columns=[target])[target].iloc[rows], role="current")
    right, labelled = classes[rows] == truth, predictions.take(rows)
    correct, clusters = int(right.sum()), dependence.current.take(rows)
    surprise = right - correctness(calibration(labelled.score, labelled.predicted), labelled.predicted)
    estimated = estimate_metrics(labelled, calibration, binary=False, effect=effect_of(surprise, clusters))[0]
    value = estimated.value - correct / len(rows)
    return [
        Estimate(name="realised_accuracy", value=correct / len(rows), n=len(rows),
               limits=ExactShare(successes=float(correct), n=float(len(rows))).inflated(
                   effect_of(right.astype(float), clusters))),
        Estimate(name="estimation_error", value=value, n=len(rows), limits=normal_limits(value, estimated.error),
               p_value=change_p_value(value, estimated.error)),
    ]  # fmt: skip
