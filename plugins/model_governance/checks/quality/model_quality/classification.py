"""Labels and predictions of a classifier, brought onto the same classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from model_governance.checks.quality.model_quality.measurement import absent
from model_governance.checks.quality.model_quality.uncertainty import average_interval, positive_mean_interval
from model_governance.contract.result import Estimate, Table
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.contract.subject import Model

NO_PROBABILITIES = "the model offers no class probabilities"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Labels and predictions of n rows as positions in `classes`, probabilities of shape (n, k) or none."""

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
        return tuple(str(one) for one in self.classes)

    def on(self, rows: np.ndarray) -> Outcomes:
        """Some of the rows, by a bool mask of shape (n,)."""
        chances = None if self.probabilities is None else self.probabilities[rows]
        return replace(self, truth=self.truth[rows], predicted=self.predicted[rows], probabilities=chances)

    def in_order(self, place: Sequence[int], classes: tuple[Any, ...]) -> Outcomes:
        """The same answers on classes in another order; `place` is where each of them stood."""
        import numpy as np

        back = np.argsort(place)
        chances = None if self.probabilities is None else self.probabilities[:, list(place)]
        return Outcomes(classes=classes, truth=back[self.truth], predicted=back[self.predicted], probabilities=chances)

    def confusion(self) -> np.ndarray:
        """Counts of shape (k, k): rows are labels, columns predictions."""
        import numpy as np

        k = len(self.classes)
        return np.bincount(self.truth * k + self.predicted, minlength=k * k).reshape(k, k)


def observe(
    labelled: Labelled, model: Model, *, positive: int | None = None, threshold: float | None = None
) -> Outcomes:
    """What the model answers for the labelled rows.

    With `threshold` the class at position `positive` of two is predicted from that probability on,
    else the model's own labels count.

    Raises:
        CheckError: labels that the model does not know, or of one class only.
        ModelMisbehaved: the model raised, or answered outside its classes or outside 0 to 1.
    """
    import numpy as np

    truth = _known_labels(labelled, model)
    codes, chances = [], []
    for frame in labelled.frames():
        if model.call_proba is not None or threshold is not None:
            chances.append(_probabilities(model, frame))
        if threshold is None:
            codes.append(_predicted_classes(model, frame))
        elif positive is not None:
            codes.append(np.where(chances[-1][:, positive] >= threshold, positive, 1 - positive))
    return Outcomes(
        classes=model.classes,
        truth=truth,
        predicted=np.concatenate(codes),
        probabilities=np.concatenate(chances) if chances else None,
    )


def observe_champion(
    labelled: Labelled, champion: Model, *, like: Outcomes, threshold: float | None = None, positive: int | None = None
) -> Outcomes:
    """What the champion answers for the same rows, on the classes of `like`.

    Raises:
        CheckError: the champion knows other classes than the model.
        ModelMisbehaved: as `observe`.
    """
    if set(champion.classes) != set(like.classes):
        raise CheckError(
            f"champion {champion.name!r} knows the classes {_shown(champion.classes)}, the model {_shown(like.classes)}; "
            "only models of the same classes can be compared"
        )
    place = [champion.classes.index(one) for one in like.classes]
    theirs = None if positive is None else place[positive]
    answered = observe(labelled, champion, positive=theirs, threshold=threshold)
    return answered.in_order(place, like.classes)


def _known_labels(labelled: Labelled, model: Model) -> np.ndarray:
    import numpy as np

    if not model.classes:
        raise CheckError(f"model {model.name!r} does not say which classes it knows; labels cannot be compared with it")
    truth, unknown = _positions(labelled.truth, model.classes)
    if unknown:
        raise CheckError(
            f"{int((truth < 0).sum()):,} of {labelled.n:,} labels are not among the classes of model {model.name!r}: "
            f"found {_shown(unknown)}, expected {_shown(model.classes)}; use the coding and type the model was "
            "trained on, or retrain it"
        )
    present = np.unique(truth)
    if len(present) == 1:
        raise CheckError(
            f"all {labelled.n:,} labels are {model.classes[present[0]]!r}; with one class recall and ROC AUC have no "
            "meaning: widen the window until another class occurs"
        )
    return truth


def _predicted_classes(model: Model, frame: pd.DataFrame) -> np.ndarray:
    predicted, unknown = _positions(model.predict(frame), model.classes)
    if unknown or (predicted < 0).any():
        raise ModelMisbehaved(
            f"model {model.name!r} predicted {_shown(unknown) or 'nothing'} for {int((predicted < 0).sum()):,} of "
            f"{len(frame):,} rows; its classes are {_shown(model.classes)}"
        )
    return predicted


def _probabilities(model: Model, frame: pd.DataFrame) -> np.ndarray:
    import numpy as np

    answer = np.asarray(model.predict_proba(frame), dtype=np.float64)
    # Single precision models miss 0, 1 and the sum of 1 by rounding; raw margins miss them by far.
    wrong = ((answer < -1e-6) | (answer > 1 + 1e-6)).any(axis=1) | (np.abs(answer.sum(axis=1) - 1) > 1e-3)
    if wrong.any():
        raise ModelMisbehaved(
            f"model {model.name!r} returned from predict_proba values outside 0 to 1, or not summing to 1, for "
            f"{int(wrong.sum()):,} of {len(answer):,} rows; does it return margins?"
        )
    return np.clip(answer, 0.0, 1.0)


def _positions(values: Any, classes: Sequence[Any]) -> tuple[np.ndarray, list[Any]]:
    """Position of every value in `classes` (-1 where it is none of them), and the strangers."""
    import numpy as np
    import pandas as pd

    place = {one: position for position, one in enumerate(classes)}
    codes, seen = pd.factorize(values)
    lookup = np.array([place.get(one, -1) for one in seen.tolist()] + [-1], dtype=np.int64)
    return lookup[codes], [one for one in seen.tolist() if one not in place]


def _shown(values: Sequence[Any], *, limit: int = 10) -> str:
    """`0, 1 (int)`: values and their types, so that '1' and 1 can be told apart."""
    if not values:
        return ""
    more = f" and {len(values) - limit} more" if len(values) > limit else ""
    types = ", ".join(sorted({type(one).__name__.removesuffix("_") for one in values}))
    return ", ".join(repr(one.item() if hasattr(one, "item") else one) for one in values[:limit]) + f"{more} ({types})"


def accuracy_over_classes(name: str, confusion: np.ndarray) -> Estimate:
    """Recall averaged over the classes that occur in the labels, with the interval of Zou and Donner (2008)."""
    shares = [(int(row[one]), int(row.sum())) for one, row in enumerate(confusion) if row.sum()]
    value = sum(hits / n for hits, n in shares) / len(shares)
    detail = "" if len(shares) == len(confusion) else f"over {len(shares)} of {len(confusion)} classes that have labels"
    return Estimate(name=name, value=value, n=int(confusion.sum()), interval=average_interval(shares), detail=detail)


def log_loss(outcomes: Outcomes) -> Estimate:
    """Mean of -log(probability of the label), with Hall's interval."""
    if outcomes.probabilities is None:
        return absent("log_loss", NO_PROBABILITIES, n=outcomes.n)
    losses = log_losses(outcomes.probabilities, outcomes.truth)
    return Estimate(name="log_loss", value=float(losses.mean()), n=outcomes.n, interval=positive_mean_interval(losses))


def log_losses(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """-log(probability of the label) of each row, shape (n,); probabilities are kept off 0 by the float64 epsilon."""
    import numpy as np

    given = probabilities[np.arange(len(truth)), truth] / probabilities.sum(axis=1)
    return -np.log(np.clip(given, np.finfo(np.float64).eps, 1.0))


def confusion_table(outcomes: Outcomes) -> Table:
    """Counts of labels (rows) against predictions (columns)."""
    rows = tuple(
        (name, *(int(count) for count in row), int(row.sum()))
        for name, row in zip(outcomes.names, outcomes.confusion(), strict=True)
    )
    header = ("label", *(f"predicted {name}" for name in outcomes.names), "rows")
    return Table(name="confusion", title="Labels against predictions", header=header, rows=rows)


def class_table(outcomes: Outcomes) -> Table:
    """Rows, precision, recall and F1 of every class; an empty cell where there is nothing to divide by."""
    confusion = outcomes.confusion()
    rows = []
    for one, name in enumerate(outcomes.names):
        hits, labelled, predicted = int(confusion[one, one]), int(confusion[one].sum()), int(confusion[:, one].sum())
        precision, recall = _ratio(hits, predicted), _ratio(hits, labelled)
        rows.append((name, labelled, predicted, precision, recall, _ratio(2 * hits, labelled + predicted)))
    header = ("class", "labelled rows", "predicted rows", "precision", "recall", "f1")
    return Table(name="classes", title="Quality by class", header=header, rows=tuple(rows))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
