"""Estimated performance of a classifier: chances learned on the reference, counted up on current."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.checks.quality.performance_estimation import pictures
from model_governance.checks.quality.performance_estimation.calibration import Calibration, calibrate, into_bins
from model_governance.checks.quality.performance_estimation.confidence import (
    Answers,
    correctness,
    estimate_shares,
    gather,
    shares,
)
from model_governance.checks.quality.performance_estimation.measurement import (
    CONCEPT,
    Measurement,
    fitting_rows,
    labelled,
    outside,
)
from model_governance.checks.quality.performance_estimation.uncertainty import (
    change_p_value,
    limits,
    rise_p_value,
    spread,
)
from model_governance.contract.result import Estimate
from model_governance.engine.features import feature_rows
from model_governance.errors import CheckError
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.performance_estimation.params import EstimationParams
    from model_governance.contract.subject import Model, Subject

ALL = ("accuracy", "precision", "recall", "f1", "specificity", "roc_auc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """The calibrated reference: answers and hits (n,), curves, and what a reader must know."""

    answers: Answers
    hit: np.ndarray
    calibration: Calibration
    notes: tuple[str, ...]


def measure_classifier(subject: Subject, params: EstimationParams, seed: int) -> Measurement:
    """Estimated shares of the confusion matrix and ROC AUC (binary), or accuracy (multiclass), on current.

    Raises:
        CheckError: the model has no probabilities, or labels and model do not fit.
        SubjectError, ModelMisbehaved: as `feature_rows`, `Subject.target` and `Model`.
    """
    model = _with_probabilities(subject)
    positive = _positive(subject, model) if subject.task == "binary_classification" else None
    learned = _learn(subject, positive, params=params, seed=seed)
    answers, named = _all_answers(subject, positive)
    binary = positive is not None
    estimates = {one.name: one for one in estimate_shares(answers, learned.calibration, binary=binary)}
    bins = into_bins(learned.answers.score, learned.hit, learned.calibration.held_out)
    hits = repr(model.classes[positive]) if positive is not None else "right answers"
    strange, rows = outside(subject)
    numbers = [_number(name, estimates, n=answers.n) for name in (ALL if binary else ALL[:1])]
    numbers += [
        _loss_increase(learned, answers),
        Estimate(name="reference_calibration_error", value=bins.error, n=len(learned.hit),
               detail=f"{bins.by_chance:.2g} would be seen by chance"),
        Estimate(name="outside_reference_share", value=strange / rows, n=rows, interval=clopper_pearson(strange, rows)),
        *_against_labels(subject, answers, named, learned.calibration),
    ]  # fmt: skip
    before, now = (learned.calibration(one.score, one.said) for one in (learned.answers, answers))
    return Measurement(
        numbers=tuple(numbers),
        tables=(bins.table(hits),),
        artifacts=(pictures.calibration(bins, hits), pictures.confidence(before, now, hits)),
        notes=(*learned.notes, CONCEPT),
    )


def _with_probabilities(subject: Subject) -> Model:
    model = subject.require_model()
    if model.call_proba is None:
        raise CheckError(
            f"model {model.name!r} offers no class probabilities and the estimate is made of them; deploy it with "
            "predict_proba, or take performance_estimation out of the policy"
        )
    return model


def _positive(subject: Subject, model: Model) -> int:
    """Position of the positive class: columns.positive, else the second class."""
    wanted = subject.columns.positive
    if len(model.classes) != 2 or (wanted is not None and wanted not in model.classes):
        raise CheckError(
            f"binary classification needs a model of two classes, one of them columns.positive ({wanted!r}); "
            f"{model.name!r} has {', '.join(map(repr, model.classes)) or 'none'}"
        )
    return 1 if wanted is None else model.classes.index(wanted)


def _learn(subject: Subject, positive: int | None, *, params: EstimationParams, seed: int) -> Learned:
    model = subject.require_model()
    rows, notes = fitting_rows(subject, params.fitting_rows, seed=seed)
    truth = _known(subject, rows[str(subject.columns.target)], role="reference")
    answers, named = _answers(model, rows[list(subject.columns.names)], positive)
    hit = truth == (named if positive is None else positive)
    if hit.all() or not hit.any():
        raise CheckError(
            f"{subject.datasets['reference'].uri}: every labelled row is {'a hit' if hit.all() else 'a miss'}, so no "
            "chance can be learned; give a reference in which the classes and the model's mistakes occur"
        )
    calibration = calibrate(
        answers.score,
        answers.said,
        hit,
        wanted=params.calibration,
        folds=params.folds,
        resamples=params.resamples,
        seed=seed,
    )
    how = {
        "isotonic": f"Chances: isotonic regression on {len(rows):,} labelled reference rows, {params.folds} folds.",
        "platt": f"Chances: a logistic curve on {len(rows):,} labelled reference rows, {params.folds} folds.",
        "none": "Chances: the model's own probabilities, taken as they are.",
    }
    return Learned(answers=answers, hit=hit, calibration=calibration, notes=(how[calibration.method], *notes))


def _all_answers(subject: Subject, positive: int | None) -> tuple[Answers, np.ndarray]:
    """`_answers` for every row of current, asked piece by piece."""
    import numpy as np

    model, names = subject.require_model(), subject.columns.names
    parts = [_answers(model, one, positive) for one in feature_rows(subject, "current").frames(names)]
    answers = Answers(
        score=np.concatenate([one.score for one, _ in parts]), said=np.concatenate([one.said for one, _ in parts])
    )
    return answers, np.concatenate([named for _, named in parts])


def _answers(model: Model, frame: pd.DataFrame, positive: int | None) -> tuple[Answers, np.ndarray]:
    """What the model says, and the position (n,) of the class that it names."""
    import numpy as np

    chances = np.clip(np.asarray(model.predict_proba(frame), dtype=np.float64), 0.0, 1.0)
    named = _places(model, model.predict(frame))
    if positive is not None:
        return Answers(score=chances[:, positive], said=named == positive), named
    everywhere = np.ones(len(named), dtype=bool)
    return Answers(score=chances[np.arange(len(named)), named], said=everywhere), named


def _places(model: Model, values: Any) -> np.ndarray:
    """Positions of predicted labels in the model's classes, shape (n,)."""
    import numpy as np

    place = {one: number for number, one in enumerate(model.classes)}
    listed = np.asarray(values).tolist()
    strange = sorted({repr(one) for one in listed if one not in place})
    if strange:
        raise CheckError(f"model {model.name!r} predicted {', '.join(strange[:5])}, which are not among its classes")
    return np.array([place[one] for one in listed], dtype=np.int64)


def _known(subject: Subject, labels: pd.Series, *, role: str) -> np.ndarray:
    import numpy as np

    model = subject.require_model()
    place = {one: number for number, one in enumerate(model.classes)}
    strange = sorted({repr(one) for one in labels.tolist() if one not in place})
    if strange:
        raise CheckError(
            f"column {subject.columns.target!r} of dataset {role!r} holds label(s) {', '.join(strange[:5])} that model "
            f"{model.name!r} does not know ({', '.join(map(repr, model.classes))}); use the coding it was trained on"
        )
    return np.array([place[one] for one in labels.tolist()], dtype=np.int64)


def _number(name: str, estimates: dict[str, Any], *, n: int) -> Estimate:
    one = estimates.get(f"estimated_{name}")
    if one is None:
        reason = (
            "no row of current is expected in the denominator: the model names, or the chances hold, one class only"
        )
        return Estimate(name=f"estimated_{name}", value=None, n=n, reason=reason)
    return Estimate(name=one.name, value=one.value, n=one.n, interval=limits(one.value, one.error, "logit"))


def _loss_increase(learned: Learned, answers: Answers) -> Estimate:
    """Error rate expected on current minus that on held-out reference rows, like with like."""
    import numpy as np

    calibration = learned.calibration
    before = 1 - correctness(calibration.held_out, learned.answers.said)
    now = 1 - correctness(calibration(answers.score, answers.said), answers.said)
    cells = gather(learned.answers), gather(answers)

    def rise(one: int) -> float:
        curve = calibration.resampled[one]
        was, is_now = (shares(curve(side.score, side.said), side.said, side.rows)["accuracy"] for side in cells)
        return was - is_now

    calibrated = spread(rise, len(calibration.resampled)) if calibration.resampled else 0.0
    sampled = float(np.var(before, ddof=1)) / len(before) + float(np.var(now, ddof=1)) / max(len(now), 2)
    error = math.sqrt(sampled + calibrated**2)
    value = float(now.mean() - before.mean())
    return Estimate(
        name="estimated_loss_increase", value=value, n=answers.n, interval=limits(value, error),
        detail=f"error rate {before.mean():.4f} on the reference, {now.mean():.4f} now",
        p_value=rise_p_value(value, error),
    )  # fmt: skip


def _against_labels(subject: Subject, answers: Answers, named: np.ndarray, calibration: Calibration) -> list[Estimate]:
    """What came true on the rows whose label is in, and how far the estimate for the same rows was off."""
    rows, reason = labelled(subject)
    if len(rows) == 0:
        return [
            Estimate(name=name, value=None, n=0, reason=reason) for name in ("realised_accuracy", "estimation_error")
        ]
    target = str(subject.columns.target)
    truth = _known(subject, subject.frame("current", columns=[target])[target].iloc[rows], role="current")
    right = int((named[rows] == truth).sum())
    estimate = estimate_shares(answers.part(rows), calibration, binary=False)[0]
    value = estimate.value - right / len(rows)
    return [
        Estimate(name="realised_accuracy", value=right / len(rows), n=len(rows),
               interval=clopper_pearson(right, len(rows))),
        Estimate(name="estimation_error", value=value, n=len(rows), interval=limits(value, estimate.error),
               p_value=change_p_value(value, estimate.error)),
    ]  # fmt: skip
