"""Quality of a classifier of three classes or more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import figures, report
from model_governance.checks.quality.model_quality.classification import (
    NO_PROBABILITIES,
    Outcomes,
    accuracy_over_classes,
    champion_outcomes,
    log_loss,
    observe,
)
from model_governance.checks.quality.model_quality.discrimination import auc_interval, newcombe_area
from model_governance.checks.quality.model_quality.evaluation import (
    ONE_CLASS,
    TaskMetrics,
    absent,
    not_asked,
    share,
    too_few,
)
from model_governance.checks.quality.model_quality.paired import paired_classes
from model_governance.checks.quality.model_quality.points import class_points
from model_governance.checks.quality.model_quality.uncertainty import average_interval, resampled_counts
from model_governance.contract.result import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Evaluation

FEW = 8
"""Rows of a class below which the variance of its area is hardly known."""


def evaluate_multiclass(evaluation: Evaluation) -> TaskMetrics:
    """Measure all metrics of multiclass classification; those of probabilities are absent where the model has none.

    Raises:
        CheckError: The labels do not fit the model.
        ModelMisbehaved: The model's answers cannot be used.
    """
    params = evaluation.params
    outcomes = observe(evaluation.labelled, evaluation.model)
    confusion = outcomes.confusion()
    champion = champion_outcomes(evaluation, like=outcomes)
    gains = [] if champion is None else paired_classes(outcomes, champion, seed=evaluation.seed)
    estimates = (
        share("accuracy", int(confusion.trace()), outcomes.n, undefined=""),
        accuracy_over_classes("balanced_accuracy", confusion),
        accuracy_over_classes("recall_macro", confusion),
        _precision_macro(outcomes),
        _f1_macro(outcomes, seed=evaluation.seed, resamples=params.resamples),
        _roc_auc_ovr(outcomes),
        log_loss(outcomes),
        *_by_class(outcomes),
        *gains,
    )
    return TaskMetrics(
        points=lambda rows: class_points(outcomes.on(rows), champion and champion.on(rows), positive=None),
        estimates=estimates,
        on_rows=lambda rows: _slice_metrics(outcomes.on(rows)),
        losses=(outcomes.predicted != outcomes.truth).astype(float),
        tables=(report.confusion_table(confusion, outcomes.names), report.class_table(confusion, outcomes.names)),
        figures=(figures.confusion(confusion, outcomes.names),),
    )


def _slice_metrics(outcomes: Outcomes) -> tuple[Estimate, ...]:
    confusion = outcomes.confusion()
    return (
        share("accuracy", int(confusion.trace()), outcomes.n, undefined="the slice holds no row"),
        accuracy_over_classes("balanced_accuracy", confusion),
    )


def _by_class(outcomes: Outcomes) -> list[Estimate]:
    confusion = outcomes.confusion()
    estimates = []
    for number, name in enumerate(outcomes.names):
        hits, labelled = int(confusion[number, number]), int(confusion[number].sum())
        predicted = int(confusion[:, number].sum())
        if labelled:
            estimates.append(share("class_recall", hits, labelled, key=name, undefined=""))
        else:
            estimates.append(not_asked("class_recall", f"no row is labelled {name}", key=name))
        never = f"the model predicted {name} for no row"
        if labelled or predicted:
            estimates.append(share("class_precision", hits, predicted, key=name, undefined=never))
        else:
            estimates.append(not_asked("class_precision", f"no row is labelled {name} and {never}", key=name))
    return estimates


def _precision_macro(outcomes: Outcomes) -> Estimate:
    """Mean precision over the classes that are labelled or predicted; absent if one of them is never predicted."""
    confusion = outcomes.confusion()
    predicted, labelled = confusion.sum(axis=0), confusion.sum(axis=1)
    never = [
        name
        for name, labels, predictions in zip(outcomes.names, labelled, predicted, strict=True)
        if labels and not predictions
    ]
    if never:
        reason = f"precision is undefined for class(es) the model never predicted: {', '.join(never[:10])}"
        return too_few("precision_macro", reason, n=outcomes.n)
    shares = [(int(confusion[number, number]), int(count)) for number, count in enumerate(predicted) if count]
    value = sum(hits / n for hits, n in shares) / len(shares)
    return Estimate(name="precision_macro", value=value, n=outcomes.n, interval=average_interval(shares))


def _f1_macro(outcomes: Outcomes, *, seed: int, resamples: int) -> Estimate:
    """Mean F1 over the classes that are labelled or predicted; bootstrap over rows, drawn as confusion counts."""
    confusion = outcomes.confusion()
    interval = resampled_counts(f1_macro, confusion, seed=seed, resamples=resamples)
    return Estimate(name="f1_macro", value=f1_macro(confusion), n=outcomes.n, interval=interval)


def f1_macro(confusion: np.ndarray) -> float:
    """F1 averaged over the classes that are labelled or predicted; counts of shape (k, k)."""
    import numpy as np

    sizes = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float(np.mean(2 * confusion.diagonal()[sizes > 0] / sizes[sizes > 0]))


def _roc_auc_ovr(outcomes: Outcomes) -> Estimate:
    """One-against-rest ROC AUC, averaged over the classes that occur in the labels."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    if outcomes.probabilities is None:
        return absent("roc_auc_ovr", NO_PROBABILITIES, n=outcomes.n)
    present = np.unique(outcomes.truth)
    if len(present) < 2:
        return too_few("roc_auc_ovr", ONE_CLASS, n=outcomes.n)
    scores = outcomes.probabilities[:, present]
    areas = [roc_auc_score(outcomes.truth == label, scores[:, column]) for column, label in enumerate(present)]
    missing = len(outcomes.classes) - len(present)
    detail = f"over {len(present)} of {len(outcomes.classes)} classes that have labels" if missing else ""
    interval = _ovr_interval(scores, outcomes.truth, present, areas)
    return Estimate(name="roc_auc_ovr", value=float(np.mean(areas)), n=outcomes.n, interval=interval, detail=detail)


def _ovr_interval(
    scores: np.ndarray, truth: np.ndarray, present: np.ndarray, areas: Sequence[float]
) -> tuple[float, float] | None:
    """DeLong's interval; as wide as the mean of the classes' own limits, which needs no variance, below `FEW` rows."""
    import numpy as np

    interval, counts = auc_interval(scores, truth, present), np.bincount(truth)[present]
    if counts.min() >= FEW:
        return interval
    limits = [
        newcombe_area(float(area), int(count), len(truth) - int(count))
        for area, count in zip(areas, counts, strict=True)
    ]
    low, high = (float(np.mean(side)) for side in zip(*limits, strict=True))
    return (low, high) if interval is None else (min(low, interval[0]), max(high, interval[1]))
