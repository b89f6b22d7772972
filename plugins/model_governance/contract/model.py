"""What a model is to a check: calls that take a frame of raw features, and answers that can be relied on."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from model_governance.contract.decision import Decision
from model_governance.errors import CheckError, GovernanceError, ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import pandas as pd

Task = Literal["binary_classification", "multiclass_classification", "regression", "ranking", "forecasting"]
CLASSES: tuple[Task, ...] = ("binary_classification", "multiclass_classification")
"""The tasks whose answers are classes."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model behind calls that take a frame of raw features; all but the first are None where it has none.

    `call` returns labels (classification), values (regression) or scores (ranking), shape (n,).
    `call_proba` returns class probabilities, shape (n, len(classes)), columns as in `classes`.
    `call_logits` returns the scores before the probabilities, (n, k), a single score s as (0, s).
    `call_gradient` takes weights (n, k) too and returns the gradient of their product with the logits, with regard
    to the numeric and integer features in policy order, (n, features), in raw units.
    `train` takes rows, labels and a seed and returns a copy of the same recipe, trained from scratch.
    `decision` says where the labels are those of a threshold on the probability, None where they are the model's own.
    `rows_left` gives the rows that may still be asked of it, None where nothing bounds them.
    `written_by` names library and version that wrote the file, empty where the file does not say so.
    """

    name: str
    format: str
    sha256: str
    task: Task
    native: Any
    call: Callable[[pd.DataFrame], Any]
    call_proba: Callable[[pd.DataFrame], Any] | None = None
    classes: tuple[Any, ...] = ()
    call_logits: Callable[[pd.DataFrame], Any] | None = None
    call_gradient: Callable[[pd.DataFrame, np.ndarray], Any] | None = None
    train: Callable[[pd.DataFrame, pd.Series, int], Model] | None = None
    decision: Decision | None = None
    written_by: str = ""
    rows_left: Callable[[], int] | None = None

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Labels, values or scores, shape (n,).

        Raises:
            ModelMisbehaved: the model raised, or returned another shape, NaN or infinities.
        """
        return self._checked(self.call, frame, shape=(len(frame),), verb="predict")

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Class probabilities, shape (n, k), in the order of `classes`, to twelve significant digits.

        Raises:
            CheckError: the model offers no probabilities.
            ModelMisbehaved: the model raised, or returned another shape, NaN or infinities.
        """
        if self.call_proba is None:
            raise CheckError(
                f"model {self.name!r} offers no class probabilities; use a check that needs labels "
                "only, or deploy a model with predict_proba"
            )
        shape = (len(frame), len(self.classes))
        return _to_twelve_digits(self._checked(self.call_proba, frame, shape=shape, verb="predict_proba"))

    def logits(self, frame: pd.DataFrame) -> np.ndarray:
        """Scores before the probabilities, shape (n, k); the prediction is the largest.

        Raises:
            CheckError: the model offers none.
            ModelMisbehaved: the model raised, or returned another shape, NaN or infinities.
        """
        if self.call_logits is None:
            raise CheckError(f"model {self.name!r} ({self.format}) offers no logits; use an attack that needs none")
        return self._checked(self.call_logits, frame, shape=(len(frame), self.outputs), verb="logits")

    def scores(self, frame: pd.DataFrame) -> np.ndarray:
        """Logits, or probabilities of a model without them, shape (n, k); the prediction is the largest.

        Probabilities under a decision threshold are mapped so that the threshold is one half.
        """
        if self.call_logits is not None:
            return self.logits(frame)
        probabilities = self.predict_proba(frame)
        return probabilities if self.decision is None else self.decision.centred(probabilities)

    def gradient(self, frame: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
        """Gradient of the weighted sum of logits with regard to the numeric features, (n, features), raw units.

        Raises:
            CheckError: the model offers none.
            ModelMisbehaved: the model raised, or returned NaN, infinities or other rows.
        """
        if self.call_gradient is None:
            raise CheckError(f"model {self.name!r} ({self.format}) offers no gradients; use an attack that needs none")
        call = self.call_gradient
        return self._checked(lambda rows: call(rows, weights), frame, shape=(len(frame), None), verb="gradient")

    def fit(self, frame: pd.DataFrame, labels: pd.Series, *, seed: int) -> Model:
        """A copy of the same recipe, trained from scratch on these rows: a reference model of an attack.

        Raises:
            CheckError: the model cannot be retrained.
            ModelMisbehaved: training raised.
        """
        if self.train is None:
            raise CheckError(
                f"model {self.name!r} ({self.format}) cannot be retrained; use an attack that needs no reference models"
            )
        with _calling(f"model {self.name!r} raised while a copy was trained on {len(frame)} rows", frame):
            return self.train(frame, labels, seed)

    def deciding(self, threshold: float, *, positive: Any = None) -> Model:
        """This model with labels by a threshold on the probability of the positive class.

        The larger logit is the decision too, and copies that are trained decide alike; probabilities stay.

        Args:
            threshold: probability from which on the positive class is predicted, above 0 and below 1.
            positive: the positive label; the second class by default.

        Raises:
            CheckError: the model has no probabilities, other than two classes, or not this label.
        """
        if self.call_proba is None:
            raise CheckError(
                f"decision_threshold needs probabilities and model {self.name!r} offers none; remove it from the policy"
            )
        decision = Decision(positive=self.position_of(positive), threshold=threshold)
        logits, train = self.call_logits, self.train
        return replace(
            self,
            call=lambda frame: _labels(self.classes)[decision.positions(self.predict_proba(frame))],
            call_logits=None if logits is None else lambda frame: decision.shifted(self.logits(frame)),
            train=None if train is None else lambda *given: train(*given).deciding(threshold, positive=positive),
            decision=decision,
        )

    def position_of(self, positive: Any) -> int:
        """Position of the positive label among two classes; the second one where it is None.

        Raises:
            CheckError: there are not two classes, or the label is none of them.
        """
        known = ", ".join(f"{label!r} ({type(label).__name__})" for label in self.classes) or "none"
        if len(self.classes) != 2:
            raise CheckError(
                f"binary classification needs a model of two classes; {self.name!r} has {len(self.classes)}: {known}"
            )
        if positive is None:
            return 1
        if positive not in self.classes:
            raise CheckError(
                f"columns.positive is {positive!r} ({type(positive).__name__}), which is not a class of model "
                f"{self.name!r}: {known}"
            )
        return self.classes.index(positive)

    @property
    def outputs(self) -> int:
        """Columns of the logits: one per class, one for a regressor."""
        return len(self.classes) or 1

    def _checked(
        self, call: Callable[[pd.DataFrame], Any], frame: pd.DataFrame, *, shape: tuple[int | None, ...], verb: str
    ) -> np.ndarray:
        """The answer as an array of this shape, in which None stands for any length."""
        import numpy as np

        with _calling(f"model {self.name!r} raised in {verb} on {len(frame)} rows", frame):
            answer = np.asarray(call(frame))
        if len(answer.shape) != len(shape) or any(b not in (None, a) for a, b in zip(answer.shape, shape, strict=True)):
            expected = tuple("any" if length is None else length for length in shape)
            raise ModelMisbehaved(f"model {self.name!r} returned shape {answer.shape} from {verb}, expected {expected}")
        if answer.dtype.kind == "f" and not np.isfinite(answer).all():
            bad = int((~np.isfinite(answer)).reshape(len(frame), -1).any(axis=1).sum())
            raise ModelMisbehaved(
                f"model {self.name!r} returned NaN or infinite values from {verb} for {bad} of {len(frame)} rows"
            )
        return answer


def _labels(classes: tuple[Any, ...]) -> np.ndarray:
    import numpy as np

    return np.asarray(classes)


@contextmanager
def _calling(what: str, frame: pd.DataFrame) -> Iterator[None]:
    """ModelMisbehaved for whatever the block raises, without words of the rows that it was given.

    Libraries quote the value that they choke on; a log is no place for it. Governance errors pass as they are.
    """
    try:
        yield
    except GovernanceError:
        raise
    except Exception as error:
        text = str(error)
        told = _unfit_cells(text, frame) or _without_cells(text, frame)
        cause = error if told == text else None
        raise ModelMisbehaved(f"{what}: {type(error).__name__}: {told}") from cause


def _unfit_cells(text: str, frame: pd.DataFrame) -> str:
    """Which columns hold what an error complains of, and in how many rows; empty where the error says that itself, or no column does."""
    import pandas as pd

    numbers = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    wide = {name: frame[name].astype("float64").abs() for name in numbers}
    counts = {}
    if re.search(r"\binf(inity|inite)?\b|too large", text, re.IGNORECASE):
        counts = {name: int((wide[name] > LARGEST_SINGLE).sum()) for name in numbers}
        what = "infinite values, or values beyond single precision"
    if not any(counts.values()) and re.search(r"\bnan\b|missing value", text, re.IGNORECASE):
        counts = {name: int(frame[name].isna().sum()) for name in frame.columns}
        what = "missing values (NaN)"
    found = [f"{name!r} in {count:,} of {len(frame):,} rows" for name, count in counts.items() if count]
    first_line = text.partition("\n")[0]
    named = [name for name in counts if re.search(rf"\bcolumn\S* (.*\W)?{re.escape(str(name))}\b", first_line)]
    if not found or named:
        return ""
    return f"it does not take {what}, and there are some in column {', in '.join(found)}; repair the feed, or deploy a model that takes them"


def _without_cells(text: str, frame: pd.DataFrame) -> str:
    """The text with every quoted word blanked that is a value of the frame."""
    quoted = {quote for pair in re.findall(r"'([^']*)'|\"([^\"]*)\"", text) for quote in pair if quote}
    if not quoted:
        return text
    cells = {str(cell) for name in frame.columns for cell in frame[name].unique()}
    for quote in quoted & cells:
        text = text.replace(f"'{quote}'", "'(a value of the data)'").replace(f'"{quote}"', '"(a value of the data)"')
    return text


LARGEST_SINGLE = 3.4028234663852886e38
"""The largest number of single precision, in which trees hold theirs."""


def _to_twelve_digits(numbers: np.ndarray) -> np.ndarray:
    """Significant digits, so that the order of tiny probabilities stays.

    The last bits of a sum depend on how many threads added up; rows that tie must tie on every machine.
    """
    import numpy as np

    mantissa, exponent = np.frexp(numbers.astype(float))
    return np.ldexp(mantissa.round(12), exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """The bytes of a model as they were read and digested; nothing of them was deserialised."""

    uri: str
    format: str
    sha256: str
    content: bytes
