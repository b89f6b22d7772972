"""Labels and predictions of a classifier as positions in the same classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from model_governance.checks.quality.model_quality.evaluation import ONE_CLASS, absent, too_few
from model_governance.checks.quality.model_quality.uncertainty import (
    average_interval,
    bounded_mean_interval,
    positive_mean_interval,
)
from model_governance.contract.result import Estimate
from model_governance.contract.slices import named_values
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.model_quality.evaluation import Evaluation
    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.contract.subject import Model

NO_PROBABILITIES = "the model offers no class probabilities"
FEW_OF_A_CLASS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Labels and predictions of n rows.

    Attributes:
        classes: The k classes of the model.
        truth: Positions of the labels in `classes`, (n,).
        predicted: Positions of the predictions in `classes`, (n,).
        probabilities: Class probabilities (n, k), or None.
    """

    classes: tuple[Any, ...]
    truth: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray | None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.truth)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes as a reader sees them."""
        return tuple(str(label) for label in self.classes)

    def on(self, rows: np.ndarray) -> Outcomes:
        """Some of the rows, by a bool mask of shape (n,)."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return replace(self, truth=self.truth[rows], predicted=self.predicted[rows], probabilities=probabilities)

    def reordered(self, positions: Sequence[int], classes: tuple[Any, ...]) -> Outcomes:
        """The same outcomes with `classes` in another order; `positions` are their positions in the old order."""
        import numpy as np

        new = np.argsort(positions)
        probabilities = None if self.probabilities is None else self.probabilities[:, list(positions)]
        return Outcomes(
            classes=classes, truth=new[self.truth], predicted=new[self.predicted], probabilities=probabilities
        )

    def confusion(self) -> np.ndarray:
        """Counts of shape (k, k): rows are labels, columns predictions."""
        import numpy as np

        k = len(self.classes)
        return np.bincount(self.truth * k + self.predicted, minlength=k * k).reshape(k, k)


def observe(labelled: Labelled, model: Model) -> Outcomes:
    """Predict the labelled rows.

    Args:
        labelled: The rows and their labels.
        model: A classifier, with the decision threshold of the policy where it sets one.

    Raises:
        CheckError: Labels that the model does not know.
        ModelMisbehaved: The model raised, or answered outside its classes or outside 0 to 1.
    """
    import numpy as np

    truth = _known_labels(labelled, model)
    predicted, probabilities = [], []
    for frame in labelled.frames():
        if model.call_proba is not None:
            probabilities.append(_predict_probabilities(model, frame))
        if model.decision is not None and probabilities:
            # The probabilities are at hand, so the model is not asked a second time for the decision.
            predicted.append(model.decision.positions(probabilities[-1]))
        else:
            predicted.append(_predict_classes(model, frame))
    return Outcomes(
        classes=model.classes,
        truth=truth,
        predicted=np.concatenate(predicted),
        probabilities=np.concatenate(probabilities) if probabilities else None,
    )


def champion_outcomes(evaluation: Evaluation, *, like: Outcomes) -> Outcomes | None:
    """The same rows predicted by the champion, on the classes of `like`; None where there is no champion.

    Raises:
        CheckError: The champion knows other classes than the model.
        ModelMisbehaved: As `observe`.
    """
    champion = evaluation.subject.champion
    if champion is None:
        return None
    if set(champion.classes) != set(like.classes):
        raise CheckError(
            f"champion {champion.name!r} knows the classes {_describe(champion.classes)}, the model {_describe(like.classes)}; "
            "only models of the same classes can be compared"
        )
    positions = [champion.classes.index(label) for label in like.classes]
    return observe(evaluation.labelled, champion).reordered(positions, like.classes)


def _known_labels(labelled: Labelled, model: Model) -> np.ndarray:
    if not model.classes:
        raise CheckError(f"model {model.name!r} does not say which classes it knows; labels cannot be compared with it")
    truth, unknown = _positions(labelled.truth, model.classes)
    if unknown:
        foreign = [label for label, place in zip(list(labelled.truth), truth.tolist(), strict=True) if place < 0]
        foreign = [label.item() if hasattr(label, "item") else label for label in foreign]
        raise CheckError(
            f"{int((truth < 0).sum()):,} of {labelled.n:,} labels are not among the classes of model {model.name!r}: "
            f"found {named_values(foreign)} ({_types(foreign)}), expected {_describe(model.classes)}; use the coding and type the model was "
            "trained on, or retrain it"
        )
    return truth


def _predict_classes(model: Model, frame: pd.DataFrame) -> np.ndarray:
    predicted, unknown = _positions(model.predict(frame), model.classes)
    if unknown or (predicted < 0).any():
        raise ModelMisbehaved(
            f"model {model.name!r} predicted {_describe(unknown) or 'nothing'} for {int((predicted < 0).sum()):,} of "
            f"{len(frame):,} rows; its classes are {_describe(model.classes)}"
        )
    return predicted


def _predict_probabilities(model: Model, frame: pd.DataFrame) -> np.ndarray:
    import numpy as np

    probabilities = np.asarray(model.predict_proba(frame), dtype=np.float64)
    # Single precision models miss 0, 1 and the sum of 1 by rounding; raw margins miss them by far.
    wrong = ((probabilities < -1e-6) | (probabilities > 1 + 1e-6)).any(axis=1)
    wrong |= np.abs(probabilities.sum(axis=1) - 1) > 1e-3
    if wrong.any():
        raise ModelMisbehaved(
            f"model {model.name!r} returned from predict_proba values outside 0 to 1, or not summing to 1, for "
            f"{int(wrong.sum()):,} of {len(probabilities):,} rows; does it return margins?"
        )
    return np.clip(probabilities, 0.0, 1.0)


def _positions(values: Any, classes: Sequence[Any]) -> tuple[np.ndarray, list[Any]]:
    """Position of every value in `classes` (-1 where it is none of them), and the values that are not."""
    import numpy as np
    import pandas as pd

    positions = {label: position for position, label in enumerate(classes)}
    codes, distinct = pd.factorize(values)
    lookup = np.array([positions.get(value, -1) for value in distinct.tolist()] + [-1], dtype=np.int64)
    return lookup[codes], [value for value in distinct.tolist() if value not in positions]


def _describe(values: Sequence[Any], *, limit: int = 10) -> str:
    """`0, 1 (int)`: values and their types, so that '1' and 1 can be distinguished."""
    if not values:
        return ""
    more = f" and {len(values) - limit} more" if len(values) > limit else ""
    return (
        ", ".join(repr(value.item() if hasattr(value, "item") else value) for value in values[:limit])
        + f"{more} ({_types(values)})"
    )


def _types(values: Sequence[Any]) -> str:
    return ", ".join(sorted({type(value).__name__.removesuffix("_") for value in values}))


def accuracy_over_classes(name: str, confusion: np.ndarray) -> Estimate:
    """Recall averaged over the classes that occur in the labels, with the interval of Zou and Donner (2008)."""
    shares = [(int(row[number]), int(row.sum())) for number, row in enumerate(confusion) if row.sum()]
    if len(shares) < 2:
        return too_few(name, ONE_CLASS, n=int(confusion.sum()))
    value = sum(hits / n for hits, n in shares) / len(shares)
    detail = "" if len(shares) == len(confusion) else f"over {len(shares)} of {len(confusion)} classes that have labels"
    return Estimate(name=name, value=value, n=int(confusion.sum()), interval=average_interval(shares), detail=detail)


def log_loss(outcomes: Outcomes) -> Estimate:
    """Mean of -log(probability of the label), with Hall's interval."""
    import numpy as np

    if outcomes.probabilities is None:
        return absent("log_loss", NO_PROBABILITIES, n=outcomes.n)
    losses = log_losses(outcomes.probabilities, outcomes.truth)
    counts = np.bincount(outcomes.truth, minlength=len(outcomes.classes))
    # What a row of the rarest class may be expected to lose, where hardly one is there to show it.
    rare = outcomes.probabilities[:, int(counts.argmin())]
    surprise = log_losses(np.column_stack([rare, 1 - rare]), np.zeros(outcomes.n, dtype=int))
    expected = float((rare * surprise).sum() / max(float(rare.sum()), 1e-300))
    return loss_of_rare_class("log_loss", losses, fewest=int(counts.min()), largest=max(float(losses.max()), expected))


def loss_of_rare_class(name: str, losses: np.ndarray, *, fewest: int, largest: float) -> Estimate:
    """Mean loss (n,) with Hall's interval; wider where a class has so few rows that its losses are hardly known.

    Args:
        name: Name of the metric.
        losses: Loss of each row (n,).
        fewest: Rows of the smallest class.
        largest: Loss that a row of it may have.
    """
    interval = positive_mean_interval(losses)
    if fewest < FEW_OF_A_CLASS and largest > 0:
        low, high = bounded_mean_interval(losses, largest=largest)
        interval = (low, high) if interval is None else (min(low, interval[0]), max(high, interval[1]))
    return Estimate(name=name, value=float(losses.mean()), n=len(losses), interval=interval)


def log_losses(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """-log(probability of the label) of each row, shape (n,); probabilities are kept off 0 by the float64 epsilon."""
    import numpy as np

    given = probabilities[np.arange(len(truth)), truth] / probabilities.sum(axis=1)
    return -np.log(np.clip(given, np.finfo(np.float64).eps, 1.0))
