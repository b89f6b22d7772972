"""Quality of a binary classifier: shares of the confusion matrix, ranking of the score, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import figures, report
from model_governance.checks.quality.model_quality.calibration import bin_probabilities, calibration_error
from model_governance.checks.quality.model_quality.classification import (
    NO_PROBABILITIES,
    Outcomes,
    accuracy_over_classes,
    champion_outcomes,
    log_loss,
    loss_of_rare_class,
    observe,
)
from model_governance.checks.quality.model_quality.discrimination import (
    average_precision,
    average_precision_interval,
    roc_auc,
)
from model_governance.checks.quality.model_quality.evaluation import (
    NO_NEGATIVE,
    NO_POSITIVE,
    ONE_CLASS,
    TaskMetrics,
    absent,
    share,
    too_few,
)
from model_governance.checks.quality.model_quality.paired import paired_classes
from model_governance.checks.quality.model_quality.points import class_points
from model_governance.checks.quality.model_quality.uncertainty import f1_interval
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
    drawn = []  # the table holds the four counts
    if outcomes.probabilities is not None:
        score, hit = outcomes.probabilities[:, positive], outcomes.truth == positive
        bins = bin_probabilities(score, hit, count=params.calibration_bins)
        tables.append(report.calibration_table(bins))
        if hit.any() and not hit.all():
            drawn.append(figures.roc_and_precision_recall(score, hit))
        drawn.append(figures.calibration(score, bins))
    champion = champion_outcomes(evaluation, like=outcomes)
    gains = [] if champion is None else paired_classes(outcomes, champion, seed=evaluation.seed, positive=positive)
    return TaskMetrics(
        estimates=(*estimate_binary(outcomes, positive, params=params, seed=evaluation.seed), *gains),
        points=lambda rows: class_points(
            outcomes.on(rows),
            champion and champion.on(rows),
            positive=positive,
            bins=params.calibration_bins,
        ),
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


def _slice_metrics(outcomes: Outcomes, positive: int) -> tuple[Estimate, ...]:
    """The main metrics of a slice, which may lack a class."""
    hits = outcomes.truth == positive
    correct = outcomes.predicted == outcomes.truth
    names = ("roc_auc", "average_precision")
    if outcomes.probabilities is None:
        ranked = [absent(name, NO_PROBABILITIES, n=outcomes.n) for name in names]
    elif hits.any() and not hits.all():
        score = outcomes.probabilities[:, positive]
        ranked = [roc_auc(score, hits), _average_precision(score, hits)]
    else:
        ranked = [too_few(name, "the slice lacks one of the classes", n=outcomes.n) for name in names]
    return (
        share("accuracy", int(correct.sum()), outcomes.n, undefined="the slice holds no row"),
        share("recall", int(correct[hits].sum()), int(hits.sum()), undefined="the slice holds no positive label"),
        *ranked,
    )


def _from_confusion(outcomes: Outcomes, positive: int) -> list[Estimate]:
    """Metrics of the confusion matrix."""
    confusion, name, n = outcomes.confusion(), outcomes.names[positive], outcomes.n
    negative = 1 - positive
    tp, fn = int(confusion[positive, positive]), int(confusion[positive, negative])
    tn, fp = int(confusion[negative, negative]), int(confusion[negative, positive])
    return [
        share("accuracy", tp + tn, n, undefined=""),
        accuracy_over_classes("balanced_accuracy", confusion),
        share(
            "precision", tp, tp + fp, undefined=f"the model predicted the positive class {name} for none of {n:,} rows"
        ),
        share("recall", tp, tp + fn, undefined=NO_POSITIVE),
        _f1(tp, fp, fn),
        share("specificity", tn, tn + fp, undefined=NO_NEGATIVE),
        share("false_positive_rate", fp, tn + fp, undefined=NO_NEGATIVE),
        share("prevalence", tp + fn, n, undefined=""),
        share("predicted_positive_share", tp + fp, n, undefined=""),
    ]


def _f1(tp: int, fp: int, fn: int) -> Estimate:
    if tp + fn == 0:
        return too_few("f1", NO_POSITIVE, n=fp)
    return Estimate(name="f1", value=2 * tp / (2 * tp + fp + fn), n=tp + fp + fn, interval=f1_interval(tp, fp + fn))


def _from_scores(score: np.ndarray, hit: np.ndarray) -> list[Estimate]:
    """Metrics of the positive probability, shape (n,), against hits, shape (n,) bool."""
    n, hits = len(hit), int(hit.sum())
    ranked = [
        roc_auc(score, hit) if 0 < hits < n else too_few("roc_auc", ONE_CLASS, n=n),
        _average_precision(score, hit) if hits else too_few("average_precision", NO_POSITIVE, n=n),
    ]
    return [*ranked, loss_of_rare_class("brier_score", (score - hit) ** 2, fewest=min(hits, n - hits), largest=1.0)]


def _average_precision(score: np.ndarray, hit: np.ndarray) -> Estimate:
    interval = average_precision_interval(score, hit)
    return Estimate(name="average_precision", value=average_precision(score, hit), n=len(hit), interval=interval)
