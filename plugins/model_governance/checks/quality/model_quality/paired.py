"""The model against the champion on the same rows: paired differences, above 0 where the model is better.

Rows that are difficult for both models cancel out, so the interval of the difference is far narrower than those of
two separate numbers suggest. Shares take the score interval of
Tango (1998) and McNemar's exact test, ROC AUC the covariance of DeLong (1988), everything else the
difference of the influences of each row (each group, each moment) with Student's t, widened where their tail is heavy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.classification import log_losses
from model_governance.checks.quality.model_quality.discrimination import (
    average_precision,
    average_precision_error,
    average_precision_influence,
    per_class,
    placements,
    stratified_error,
)
from model_governance.checks.quality.model_quality.evaluation import NO_POSITIVE, ONE_CLASS, too_few
from model_governance.checks.quality.model_quality.uncertainty import TAIL, influence_reach
from model_governance.contract.result import Estimate
from model_governance.contract.text import spell_p
from model_governance.stats.intervals import mcnemar, paired_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.quality.model_quality.classification import Outcomes


def paired_difference(name: str, gains: np.ndarray, *, seed: int) -> Estimate:
    """Mean gain over the champion with Student's t interval and test.

    Args:
        name: Name of the metric.
        gains: Gain of each row or group (n,), above 0 where the model is better.
        seed: Seed of the subsamples behind a heavy tail.
    """
    return by_influence(name, float(gains.mean()), gains, seed=seed)


def by_influence(name: str, gain: float, influence: np.ndarray, *, seed: int) -> Estimate:
    """A gain with Student's t interval and test from its influence function.

    Args:
        name: Name of the metric.
        gain: The gain.
        influence: Its influence function at n independent rows (n,).
        seed: Seed of the subsamples behind a heavy tail.
    """
    from scipy.stats import t

    n = len(influence)
    (below, above), remark = influence_reach(influence, seed=seed) if n > 1 else ((0.0, 0.0), "")
    if above <= 1e-14:
        same = "no row differs from the champion" if gain == 0 else "every row differs alike"
        return Estimate(name=name, value=gain, n=n, detail=same)
    error = (below if gain > 0 else above) / float(t.ppf(1 - TAIL, n - 1))
    p_value = 2 * float(t.sf(abs(gain) / error, n - 1))
    detail = "; ".join(part for part in (_p("t", p_value), remark) if part)
    return Estimate(name=name, value=gain, n=n, interval=(gain - below, gain + above), detail=detail)


def paired_share(name: str, model_correct: np.ndarray, champion_correct: np.ndarray) -> Estimate:
    """Difference of two shares of the same rows with Tango's interval and McNemar's test.

    Args:
        name: Name of the metric.
        model_correct: Rows that count for the model, (n,) bool.
        champion_correct: Rows that count for the champion, (n,) bool.
    """
    n = len(model_correct)
    if n == 0:
        return too_few(name, NO_POSITIVE, n=0)
    better, worse = int((model_correct & ~champion_correct).sum()), int((champion_correct & ~model_correct).sum())
    return Estimate(
        name=name,
        value=(better - worse) / n,
        n=n,
        interval=paired_shares(better, worse, n),
        detail=f"better on {better:,} rows, worse on {worse:,}; {_p('McNemar', mcnemar(better, worse))}",
    )


def paired_classes(model: Outcomes, champion: Outcomes, *, seed: int, positive: int | None = None) -> list[Estimate]:
    """Gains of a classifier over the champion.

    Args:
        model: Outcomes of the model.
        champion: Outcomes of the champion on the same rows and classes.
        seed: Seed of the subsamples behind a heavy tail.
        positive: Position of the positive class of two; None with more classes.
    """
    correct, champion_correct = model.predicted == model.truth, champion.predicted == champion.truth
    gains = [
        paired_share("accuracy_gain", correct, champion_correct),
        _balanced_accuracy(model, correct, champion_correct),
    ]
    if positive is not None:
        hits = model.truth == positive
        gains += [
            paired_share("recall_gain", correct[hits], champion_correct[hits]),
            _f1("f1_gain", model, champion, [positive], seed=seed),
        ]
    else:
        gains.append(_f1("f1_macro_gain", model, champion, range(len(model.classes)), seed=seed))
    if model.probabilities is None or champion.probabilities is None:
        return gains
    losses = log_losses(model.probabilities, model.truth), log_losses(champion.probabilities, champion.truth)
    gains.append(paired_difference("log_loss_gain", losses[1] - losses[0], seed=seed))
    if positive is not None:
        scores = model.probabilities[:, positive], champion.probabilities[:, positive]
        gains += _score_gains(*scores, hits, seed=seed)
    return gains


def _score_gains(score: np.ndarray, champion: np.ndarray, hit: np.ndarray, *, seed: int) -> list[Estimate]:
    gains = [paired_difference("brier_score_gain", (champion - hit) ** 2 - (score - hit) ** 2, seed=seed)]
    if hit.all() or not hit.any():
        return [*gains, *(too_few(name, ONE_CLASS, n=len(hit)) for name in ("roc_auc_gain", "average_precision_gain"))]
    return [*gains, paired_auc(score, champion, hit), paired_average_precision(score, champion, hit)]


def paired_average_precision(score: np.ndarray, champion: np.ndarray, positive: np.ndarray) -> Estimate:
    """Difference of two average precisions of the same rows, from the differences of their influences.

    Args:
        score: Scores of the model (n,).
        champion: Scores of the champion (n,).
        positive: Positive rows, (n,) bool; one occurs.
    """
    from scipy.stats import t

    name, n, freedom = "average_precision_gain", len(positive), int(positive.sum()) - 1
    gain = average_precision(score, positive) - average_precision(champion, positive)
    influence = average_precision_influence(score, positive) - average_precision_influence(champion, positive)
    if freedom < 1:
        return Estimate(name=name, value=gain, n=n, interval=(-1.0, 1.0), detail="one positive row")
    error = average_precision_error(influence, positives=freedom + 1)
    if error <= 1e-12:
        return Estimate(name=name, value=gain, n=n, detail="both order the positives alike")
    reach = float(t.ppf(1 - TAIL, freedom)) * error
    return Estimate(
        name=name, value=gain, n=n, interval=(max(-1.0, gain - reach), min(1.0, gain + reach)),
        detail=_p("t", 2 * float(t.sf(abs(gain) / error, freedom))),
    )  # fmt: skip


def paired_auc(score: np.ndarray, champion: np.ndarray, positive: np.ndarray) -> Estimate:
    """Difference of two ROC AUCs of the same rows (DeLong, DeLong and Clarke-Pearson, 1988).

    Args:
        score: Scores of the model (n,).
        champion: Scores of the champion (n,).
        positive: Positive rows, (n,) bool.
    """
    from scipy.stats import t

    shares = placements(score, positive), placements(champion, positive)
    gain = float(shares[0][positive].mean() - shares[1][positive].mean())
    estimated = stratified_error(per_class(shares[0] - shares[1], positive), positive)
    n = len(positive)
    if estimated is None:
        return Estimate(name="roc_auc_gain", value=gain, n=n, detail="both order the rows alike")
    error, freedom = estimated
    reach = float(t.ppf(1 - TAIL, freedom)) * error
    detail = _p("DeLong", 2 * float(t.sf(abs(gain) / error, freedom)))
    return Estimate(
        name="roc_auc_gain", value=gain, n=n, interval=(max(-1.0, gain - reach), min(1.0, gain + reach)), detail=detail
    )


def _balanced_accuracy(model: Outcomes, correct: np.ndarray, champion_correct: np.ndarray) -> Estimate:
    """Gains in recall averaged over the classes; distances to Tango's limits add in squares (Zou and Donner, 2008)."""
    import numpy as np

    if len(np.unique(model.truth)) < 2:
        return too_few("balanced_accuracy_gain", ONE_CLASS, n=model.n)
    gains, below, above = [], 0.0, 0.0
    for label in np.unique(model.truth):
        rows = model.truth == label
        recall = paired_share("recall_gain", correct[rows], champion_correct[rows])
        if recall.value is not None and recall.interval is not None:
            gains.append(recall.value)
            below += (recall.value - recall.interval[0]) ** 2
            above += (recall.interval[1] - recall.value) ** 2
    gain, k = sum(gains) / len(gains), len(gains)
    interval = max(-1.0, gain - math.sqrt(below) / k), min(1.0, gain + math.sqrt(above) / k)
    return Estimate(name="balanced_accuracy_gain", value=gain, n=model.n, interval=interval)


def _f1(name: str, model: Outcomes, champion: Outcomes, classes: Sequence[int], *, seed: int) -> Estimate:
    if not any((model.truth == label).any() for label in classes):
        return too_few(name, NO_POSITIVE, n=model.n)
    value, influence = _f1_influence(model, classes)
    champion_value, champion_influence = _f1_influence(champion, classes)
    return by_influence(name, value - champion_value, influence - champion_influence, seed=seed)


def _f1_influence(outcomes: Outcomes, classes: Sequence[int]) -> tuple[float, np.ndarray]:
    """F1 averaged over those classes that are labelled or predicted, and the influence of each row on it."""
    import numpy as np

    total, count, influence = 0.0, 0, np.zeros(outcomes.n)
    for label in classes:
        labelled, predicted = outcomes.truth == label, outcomes.predicted == label
        size = int(labelled.sum()) + int(predicted.sum())
        if size == 0:
            continue
        both = labelled & predicted
        value = 2 * int(both.sum()) / size
        total, count = total + value, count + 1
        influence += outcomes.n / size * (2 * both - value * (labelled.astype(float) + predicted))
    return (total / count, influence / count) if count else (0.0, influence)


def paired_errors(error: np.ndarray, champion: np.ndarray, *, seed: int) -> list[Estimate]:
    """Gains of a regression over the champion.

    Args:
        error: Errors of the model (n,), prediction minus target.
        champion: Errors of the champion (n,) on the same rows.
        seed: Seed of the subsamples behind a heavy tail.
    """
    import numpy as np

    square, champion_square = np.square(error), np.square(champion)
    roots = math.sqrt(float(square.mean())), math.sqrt(float(champion_square.mean()))
    gains = [paired_difference("mae_gain", np.abs(champion) - np.abs(error), seed=seed)]
    if min(roots) > 0:
        influence = champion_square / (2 * roots[1]) - square / (2 * roots[0])
        gains.append(by_influence("rmse_gain", roots[1] - roots[0], influence, seed=seed))
    else:
        gains.append(Estimate(name="rmse_gain", value=roots[1] - roots[0], n=len(error), detail="one makes no error"))
    return gains


def _p(test: str, p_value: float) -> str:
    return f"{spell_p(p_value)} ({test})"
