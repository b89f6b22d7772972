"""Quality of a binary classifier: shares of the confusion matrix, ranking of the score, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import figures, report
from model_governance.checks.quality.model_quality.calibration import bin_probabilities, calibration_error
from model_governance.checks.quality.model_quality.classification import (
    NO_PROBABILITIES,
    Outcomes,
    accuracy_over_classes,
    log_loss,
    observe,
    observe_champion,
)
from model_governance.checks.quality.model_quality.discrimination import auc_interval, average_precision_interval
from model_governance.checks.quality.model_quality.evaluation import TaskMetrics, absent, share
from model_governance.checks.quality.model_quality.paired import paired_classes
from model_governance.checks.quality.model_quality.uncertainty import f1_interval, positive_mean_interval
from model_governance.contract.result import Estimate

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Evaluation
    from model_governance.checks.quality.model_quality.params import QualityParams


def evaluate_binary(evaluation: Evaluation) -> TaskMetrics:
    """Measure all metrics of binary classification; those of probabilities are absent where the model has none.

    Raises:
        CheckError: Positive class or labels do not fit the model.
        ModelMisbehaved: The model's answers cannot be used.
    """
    params, model = evaluation.params, evaluation.model
    positive = model.position_of(evaluation.subject.columns.positive)
    outcomes = observe(evaluation.labelled, model)
    notes = [f"Positive class: {outcomes.names[positive]}."]
    if model.decision is not None:
        notes.append(f"Predicted positive from a probability of {model.decision.threshold:g} on.")
    confusion = outcomes.confusion()
    tables = [report.confusion_table(confusion, outcomes.names), report.class_table(confusion, outcomes.names)]
    drawn = [figures.confusion(confusion, outcomes.names)]
    if outcomes.probabilities is not None:
        score, hit = outcomes.probabilities[:, positive], outcomes.truth == positive
        bins = bin_probabilities(score, hit, count=params.calibration_bins)
        tables.append(report.calibration_table(bins))
        drawn += [figures.roc_and_precision_recall(score, hit), figures.calibration(score, bins)]
    return TaskMetrics(
        estimates=estimate_binary(outcomes, positive, params=params, seed=evaluation.seed)
        + _gains(evaluation, outcomes, positive),
        on_rows=lambda rows: _slice_metrics(outcomes.on(rows), positive),
        losses=(outcomes.predicted != outcomes.truth).astype(float),
        tables=tuple(tables),
        figures=tuple(drawn),
        notes=tuple(notes),
    )


def estimate_binary(outcomes: Outcomes, positive: int, *, params: QualityParams, seed: int) -> tuple[Estimate, ...]:
    """Estimate the metrics of outcomes; `positive` is the position of the positive class."""
    from_confusion = _from_confusion(outcomes, positive)
    if outcomes.probabilities is None:
        names = ("roc_auc", "average_precision", "log_loss", "brier_score", "calibration_error")
        return (*from_confusion, *(absent(name, NO_PROBABILITIES, n=outcomes.n) for name in names))
    score, hit = outcomes.probabilities[:, positive], outcomes.truth == positive
    bins = bin_probabilities(score, hit, count=params.calibration_bins)
    return (
        *from_confusion,
        *_from_scores(score, hit),
        log_loss(outcomes),
        calibration_error(bins, seed=seed, resamples=params.resamples),
    )


def _gains(evaluation: Evaluation, outcomes: Outcomes, positive: int) -> tuple[Estimate, ...]:
    champion = evaluation.subject.champion
    if champion is None:
        return ()
    champion_outcomes = observe_champion(evaluation.labelled, champion, like=outcomes)
    return tuple(paired_classes(outcomes, champion_outcomes, positive=positive))


def _slice_metrics(outcomes: Outcomes, positive: int) -> tuple[Estimate, ...]:
    """The main metrics of a slice, which may lack a class."""
    hits = outcomes.truth == positive
    correct = outcomes.predicted == outcomes.truth
    area = absent("roc_auc", "the slice lacks one of the classes", n=outcomes.n)
    if outcomes.probabilities is None:
        area = absent("roc_auc", NO_PROBABILITIES, n=outcomes.n)
    elif hits.any() and not hits.all():
        area = _roc_auc(outcomes.probabilities[:, positive], hits)
    return (
        share("accuracy", int(correct.sum()), outcomes.n),
        share("recall", int(correct[hits].sum()), int(hits.sum()), undefined="the slice holds no positive label"),
        area,
    )


def _from_confusion(outcomes: Outcomes, positive: int) -> list[Estimate]:
    """Metrics of the confusion matrix."""
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


def _from_scores(score: np.ndarray, hit: np.ndarray) -> list[Estimate]:
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
