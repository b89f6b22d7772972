"""Quality of a binary classifier: shares of the confusion matrix, ranking of the score, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import plots
from model_governance.checks.quality.model_quality.calibration import calibration_error, calibration_table, into_bins
from model_governance.checks.quality.model_quality.classification import (
    NO_PROBABILITIES,
    Outcomes,
    accuracy_over_classes,
    class_table,
    confusion_table,
    log_loss,
    observe,
    observe_champion,
)
from model_governance.checks.quality.model_quality.discrimination import auc_interval, average_precision_interval
from model_governance.checks.quality.model_quality.measurement import Measurement, absent, share
from model_governance.checks.quality.model_quality.paired import paired_classes
from model_governance.checks.quality.model_quality.uncertainty import f1_interval, positive_mean_interval
from model_governance.contract.result import Estimate
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.measurement import Exam
    from model_governance.checks.quality.model_quality.params import QualityParams
    from model_governance.contract.subject import Model, Subject


def measure_binary(exam: Exam) -> Measurement:
    """All metrics of binary classification; those of probabilities are absent where the model has none.

    Raises:
        CheckError: positive class, labels or params do not fit the model.
        ModelMisbehaved: the model's answers cannot be used.
    """
    params, model = exam.params, exam.model
    positive = _positive(exam.subject, model)
    threshold = params.decision_threshold
    if threshold is not None and model.call_proba is None:
        raise CheckError(f"decision_threshold needs probabilities and model {model.name!r} offers none; remove it")
    outcomes = observe(exam.labelled, model, positive=positive, threshold=threshold)
    notes = [f"Positive class: {outcomes.names[positive]}."]
    if threshold is not None:
        notes.append(f"Predicted positive from a probability of {threshold:g} on.")
    tables = [confusion_table(outcomes), class_table(outcomes)]
    artifacts = [plots.confusion(outcomes.confusion(), outcomes.names)]
    if outcomes.probabilities is not None:
        score, hit = outcomes.probabilities[:, positive], outcomes.truth == positive
        bins = into_bins(score, hit, count=params.calibration_bins)
        tables.append(calibration_table(bins))
        artifacts += [plots.roc_and_precision_recall(score, hit), plots.calibration(score, bins)]
    return Measurement(
        estimates=estimate_binary(outcomes, positive, params=params, seed=exam.seed) + _gains(exam, outcomes, positive),
        on_rows=lambda rows: _main(outcomes.on(rows), positive),
        losses=(outcomes.predicted != outcomes.truth).astype(float),
        tables=tuple(tables),
        artifacts=tuple(artifacts),
        notes=tuple(notes),
    )


def estimate_binary(outcomes: Outcomes, positive: int, *, params: QualityParams, seed: int) -> tuple[Estimate, ...]:
    """The numbers alone; `positive` is the position of the positive class."""
    counted = _counted(outcomes, positive)
    if outcomes.probabilities is None:
        names = ("roc_auc", "average_precision", "log_loss", "brier_score", "calibration_error")
        return (*counted, *(absent(name, NO_PROBABILITIES, n=outcomes.n) for name in names))
    score, hit = outcomes.probabilities[:, positive], outcomes.truth == positive
    bins = into_bins(score, hit, count=params.calibration_bins)
    return (
        *counted,
        *_scored(score, hit),
        log_loss(outcomes),
        calibration_error(bins, seed=seed, resamples=params.resamples),
    )


def _gains(exam: Exam, outcomes: Outcomes, positive: int) -> tuple[Estimate, ...]:
    champion = exam.subject.champion
    if champion is None:
        return ()
    theirs = observe_champion(
        exam.labelled, champion, like=outcomes, threshold=exam.params.decision_threshold, positive=positive
    )
    return tuple(paired_classes(outcomes, theirs, positive=positive))


def _main(outcomes: Outcomes, positive: int) -> tuple[Estimate, ...]:
    """What is worth knowing of a slice, which may lack a class."""
    hits = outcomes.truth == positive
    right = outcomes.predicted == outcomes.truth
    area = absent("roc_auc", "the slice lacks one of the classes", n=outcomes.n)
    if outcomes.probabilities is None:
        area = absent("roc_auc", NO_PROBABILITIES, n=outcomes.n)
    elif hits.any() and not hits.all():
        area = _roc_auc(outcomes.probabilities[:, positive], hits)
    return (
        share("accuracy", int(right.sum()), outcomes.n),
        share("recall", int(right[hits].sum()), int(hits.sum()), undefined="the slice holds no positive label"),
        area,
    )


def _positive(subject: Subject, model: Model) -> int:
    """Position of the positive class: columns.positive, else the second class."""
    if len(model.classes) != 2:
        raise CheckError(
            f"binary classification needs a model of two classes; {model.name!r} has {len(model.classes)}: "
            f"{', '.join(map(repr, model.classes)) or 'none'}"
        )
    wanted = subject.columns.positive
    if wanted is None:
        return 1
    if wanted not in model.classes:
        raise CheckError(
            f"columns.positive is {wanted!r} ({type(wanted).__name__}), which is not a class of model {model.name!r}: "
            f"{', '.join(f'{one!r} ({type(one).__name__})' for one in model.classes)}"
        )
    return model.classes.index(wanted)


def _counted(outcomes: Outcomes, positive: int) -> list[Estimate]:
    """Everything that follows from the four counts."""
    confusion, name, n = outcomes.confusion(), outcomes.names[positive], outcomes.n
    negative = 1 - positive
    tp, fn = int(confusion[positive, positive]), int(confusion[positive, negative])
    tn, fp = int(confusion[negative, negative]), int(confusion[negative, positive])
    f1 = 2 * tp / (2 * tp + fp + fn)
    return [
        share("accuracy", tp + tn, n),
        accuracy_over_classes("balanced_accuracy", confusion),
        share(
            "precision", tp, tp + fp, undefined=f"the model predicted the positive class {name} for none of {n:,} rows"
        ),
        share("recall", tp, tp + fn),
        Estimate(name="f1", value=f1, n=tp + fp + fn, interval=f1_interval(tp, fp + fn)),
        share("specificity", tn, tn + fp),
        share("false_positive_rate", fp, tn + fp),
        share("prevalence", tp + fn, n),
        share("predicted_positive_share", tp + fp, n),
    ]


def _scored(score: np.ndarray, hit: np.ndarray) -> list[Estimate]:
    """Metrics of the positive probability, shape (n,), against hits, shape (n,) bool."""
    from sklearn.metrics import average_precision_score

    n = len(hit)
    precision = average_precision_interval(score, hit)
    squares = (score - hit) ** 2
    return [
        _roc_auc(score, hit),
        Estimate(name="average_precision", value=float(average_precision_score(hit, score)), n=n, interval=precision),
        Estimate(name="brier_score", value=float(squares.mean()), n=n, interval=positive_mean_interval(squares)),
    ]


def _roc_auc(score: np.ndarray, hit: np.ndarray) -> Estimate:
    import numpy as np
    from sklearn.metrics import roc_auc_score

    interval = auc_interval(score[:, None], hit, np.array([True]))
    return Estimate(name="roc_auc", value=float(roc_auc_score(hit, score)), n=len(hit), interval=interval)
