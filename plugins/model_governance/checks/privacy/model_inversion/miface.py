"""ART's MIFace (Fredrikson et al., 2015): gradient ascent on the probability of a class, over the numeric columns.

ART 1.20.1 has the two stopping conditions of its loop reversed: a row moves while its confidence is low enough, and
not while it improves; with the default threshold a row that starts below 1% confidence never moves. Here the
threshold is 1, so that every row takes every step, and the step with the highest confidence is the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_toolbox import quiet_attack
from model_governance.attacks.schedule import QueryBudgetExceeded
from model_governance.checks.privacy.model_inversion.candidates import cast_like
from model_governance.checks.privacy.model_inversion.reconstruction import Reconstructions, starting_rows
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.model_inversion.candidates import Candidates
    from model_governance.checks.privacy.model_inversion.confidence import ClassConfidence
    from model_governance.checks.privacy.model_inversion.params import InversionParams

LEARNING_RATE = 0.05  # of the range of a column, along the gradient's largest component


class GradientAscent:
    """Rows as ART sees them: numbers scaled to [0, 1] by the range of public rows; categories stay fixed."""

    def __init__(
        self, candidates: Candidates, confidence: ClassConfidence, rows: pd.DataFrame, classes: np.ndarray
    ) -> None:
        import numpy as np

        self.candidates, self.confidence, self.classes = candidates, confidence, classes
        self.best, self.reached = rows, np.zeros(len(rows))
        self.start, self.last = rows, np.empty((0, 0))
        self.asked = 0
        cells = candidates.public[list(candidates.distance.numeric)].to_numpy(dtype=np.float64, na_value=np.nan)
        self.low, high = np.nanmin(cells, axis=0), np.nanmax(cells, axis=0)
        self.width = np.where(high > self.low, high - self.low, 1.0)
        self.integer = (np.isnan(cells) | (cells == cells.round())).all(axis=0)

    def initial(self) -> np.ndarray:
        """The scaled starting rows, (n, numeric); a missing number becomes 0.5."""
        import numpy as np

        cells = self.best[list(self.candidates.distance.numeric)].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.nan_to_num((cells - self.low) / self.width, nan=0.5).clip(0, 1).astype(np.float32)

    def frame(self, scaled: np.ndarray) -> pd.DataFrame:
        """The rows of scaled numbers (n, numeric); rounded where public rows hold whole numbers only."""
        import numpy as np

        values = self.low + scaled.astype(np.float64) * self.width
        values = np.where(self.integer, values.round(), values)
        cells = {name: self.start[name].tolist() for name in self.start.columns}
        cells |= {name: values[:, place].tolist() for place, name in enumerate(self.candidates.distance.numeric)}
        return self.candidates.obeyed(cast_like(cells, self.candidates.public), self.start)

    def probabilities(self, scaled: np.ndarray) -> np.ndarray:
        """Class probabilities (n, classes); rows with the highest confidence so far are stored in `best`."""
        import numpy as np

        frame = self.frame(scaled)
        probabilities = self.last = self.confidence.model.predict_proba(frame)
        self.asked += 1
        own = probabilities[np.arange(len(probabilities)), self.classes]
        improved = np.flatnonzero(own > self.reached)
        self.reached[improved] = own[improved]
        cells = {name: self.best[name].tolist() for name in self.best.columns}
        for name, column in cells.items():
            new = frame[name].tolist()
            for row in improved.tolist():
                column[row] = new[row]
        self.best = cast_like(cells, self.candidates.public)
        return probabilities

    def gradients(self, scaled: np.ndarray) -> np.ndarray:
        """Gradient of the probability of the class, (n, numeric), scaled so that its largest component is 1."""
        import numpy as np

        model, frame = self.confidence.model, self.frame(scaled)
        # ART asks for the gradient where it has just asked for the probabilities, except for the first time.
        weights = -(self.last if len(self.last) else self.probabilities(scaled))
        weights[np.arange(len(frame)), self.classes] += 1.0
        # Proportional to the gradient of the probability p: the factor p, which is omitted, may be 0 in floats.
        gradients = model.gradient(frame, weights) * self.width
        largest = np.abs(gradients).max(axis=1, keepdims=True)
        return np.divide(gradients, largest, out=np.zeros_like(gradients), where=largest > 0)


def miface(
    candidates: Candidates,
    confidence: ClassConfidence,
    params: InversionParams,
    generator: np.random.Generator,
    *,
    seed: int,
) -> Reconstructions:
    """Gradient ascent from the same kinds of starting rows as `search`.

    Raises:
        CheckError: the model has no gradients or no probabilities, or no feature is numeric.
        TimeBudgetExceeded, ModelMisbehaved: as `limit_queries` and `Model`.
    """
    model = confidence.model
    if model.call_gradient is None or model.call_proba is None or not candidates.distance.numeric:
        raise CheckError(
            f"attack 'miface' needs gradients, probabilities and numeric features; model {model.name!r} "
            f"({model.format}) lacks one of them: use search"
        )
    rows, classes = starting_rows(candidates, params, generator)
    ascent, truncated = GradientAscent(candidates, confidence, rows, classes), False
    with quiet_attack(seed):
        try:
            _run(ascent, len(model.classes), params.max_iterations)
        except QueryBudgetExceeded:
            truncated = True
    # A full question is a step: the start, its gradient and where it leads.
    unasked = len(rows) if truncated and ascent.asked < 2 else 0
    return Reconstructions(
        rows=ascent.best, classes=classes, confidence=ascent.reached, truncated=truncated, unasked=unasked, per_row=3
    )


def _run(ascent: GradientAscent, classes: int, max_iterations: int) -> None:
    from art.attacks.inference.model_inversion import MIFace
    from art.estimators import BaseEstimator
    from art.estimators.classification.classifier import ClassGradientsMixin, ClassifierMixin

    initial = ascent.initial()

    class Estimator(ClassGradientsMixin, ClassifierMixin, BaseEstimator):
        """The model as an estimator of ART, with inputs scaled to [0, 1]."""

        def __init__(self) -> None:
            super().__init__(model=None, clip_values=(0.0, 1.0))
            self.nb_classes = classes

        @property
        def input_shape(self) -> tuple[int, ...]:
            return initial.shape[1:]

        def predict(self, x: np.ndarray, *_: Any, **__: Any) -> np.ndarray:
            return ascent.probabilities(x)

        def class_gradient(self, x: np.ndarray, *_: Any, **__: Any) -> np.ndarray:
            return ascent.gradients(x)[:, None, :].astype("float32")

        def fit(self, x: np.ndarray, y: np.ndarray, **_: Any) -> None:
            raise NotImplementedError

    attack = MIFace(
        Estimator(), max_iter=max_iterations, threshold=1.0, learning_rate=LEARNING_RATE, batch_size=len(initial), verbose=False
    )  # fmt: skip
    attack.infer(initial, ascent.classes)
