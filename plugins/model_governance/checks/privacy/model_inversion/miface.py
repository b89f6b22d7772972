"""ART's MIFace (Fredrikson et al., 2015): gradient ascent on the probability of a class, over the columns of numbers.

ART 1.20.1 keeps a row moving while its confidence is low enough and not while it improves (the two conditions of its
loop are turned round): with its default threshold a row that starts below 1% confidence never moves. Here the
threshold is 1, so that every row takes every step, and a row is taken as it was when it was surest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_toolbox import quiet_attack
from model_governance.attacks.schedule import QueryBudgetExceeded
from model_governance.checks.privacy.model_inversion.attempts import Attempts, starts
from model_governance.checks.privacy.model_inversion.ground import like
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.model_inversion.confidence import Confidence
    from model_governance.checks.privacy.model_inversion.ground import Ground
    from model_governance.checks.privacy.model_inversion.params import InversionParams

STRIDE = 0.05  # of the spread of a column, along the gradient at its longest


class Ascent:
    """Rows on the way up, as ART sees them: numbers in [0, 1] of the range of public rows, categories held still."""

    def __init__(self, ground: Ground, confidence: Confidence, rows: pd.DataFrame, wanted: np.ndarray) -> None:
        import numpy as np

        self.ground, self.confidence, self.wanted = ground, confidence, wanted
        self.rows, self.reached = rows, np.zeros(len(rows))
        self.still, self.last = rows, np.empty((0, 0))
        cells = ground.public[list(ground.measure.numbers)].to_numpy(dtype=np.float64, na_value=np.nan)
        self.low, high = np.nanmin(cells, axis=0), np.nanmax(cells, axis=0)
        self.width = np.where(high > self.low, high - self.low, 1.0)
        self.whole = (np.isnan(cells) | (cells == cells.round())).all(axis=0)

    def first(self) -> np.ndarray:
        """Where the climb begins, (n, numbers); a missing number at the middle of its range."""
        import numpy as np

        cells = self.rows[list(self.ground.measure.numbers)].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.nan_to_num((cells - self.low) / self.width, nan=0.5).clip(0, 1).astype(np.float32)

    def frame(self, shares: np.ndarray) -> pd.DataFrame:
        """The rows at these places, whole numbers where public rows have whole ones."""
        import numpy as np

        values = self.low + shares.astype(np.float64) * self.width
        values = np.where(self.whole, values.round(), values)
        cells = {name: self.still[name].tolist() for name in self.still.columns}
        cells |= {name: values[:, place].tolist() for place, name in enumerate(self.ground.measure.numbers)}
        return like(cells, self.ground.public)

    def chances(self, shares: np.ndarray) -> np.ndarray:
        """Probabilities (n, classes); what is surest so far is kept."""
        import numpy as np

        frame = self.frame(shares)
        found = self.last = self.confidence.model.predict_proba(frame)
        own = found[np.arange(len(found)), self.wanted]
        better = np.flatnonzero(own > self.reached)
        self.reached[better] = own[better]
        cells = {name: self.rows[name].tolist() for name in self.rows.columns}
        for name, column in cells.items():
            new = frame[name].tolist()
            for row in better.tolist():
                column[row] = new[row]
        self.rows = like(cells, self.ground.public)
        return found

    def slopes(self, shares: np.ndarray) -> np.ndarray:
        """Gradient of the probability of the wanted class, (n, numbers), its longest part of length 1."""
        import numpy as np

        model, frame = self.confidence.model, self.frame(shares)
        # ART asks for the gradient where it has just asked for the answer, but for the first time.
        weights = -(self.last if len(self.last) else self.chances(shares))
        weights[np.arange(len(frame)), self.wanted] += 1.0
        # In proportion to the gradient of the probability: the factor p that is left out may be 0 in floats.
        found = model.gradient(frame, weights) * self.width
        longest = np.abs(found).max(axis=1, keepdims=True)
        return np.divide(found, longest, out=np.zeros_like(found), where=longest > 0)


def miface(
    ground: Ground, confidence: Confidence, params: InversionParams, generator: np.random.Generator, *, seed: int
) -> Attempts:
    """Climb from the same kinds of starts as `search`.

    Raises:
        CheckError: the model has no gradients or no probabilities, or no feature is a number.
    """
    model = confidence.model
    if model.call_gradient is None or model.call_proba is None or not ground.measure.numbers:
        raise CheckError(
            f"attack 'miface' needs gradients, probabilities and features that are numbers; model {model.name!r} "
            f"({model.format}) lacks one of them: use search"
        )
    rows, wanted = starts(ground, params, generator)
    climb, cut = Ascent(ground, confidence, rows, wanted), False
    with quiet_attack(seed):
        try:
            _climb(climb, len(model.classes), params.steps)
        except QueryBudgetExceeded:
            cut = True
    return Attempts(rows=climb.rows, wanted=wanted, reached=climb.reached, cut=cut)


def _climb(climb: Ascent, classes: int, steps: int) -> None:
    from art.attacks.inference.model_inversion import MIFace
    from art.estimators import BaseEstimator
    from art.estimators.classification.classifier import ClassGradientsMixin, ClassifierMixin

    first = climb.first()

    class Estimator(ClassGradientsMixin, ClassifierMixin, BaseEstimator):
        """The model as ART climbs it."""

        def __init__(self) -> None:
            super().__init__(model=None, clip_values=(0.0, 1.0))
            self.nb_classes = classes

        @property
        def input_shape(self) -> tuple[int, ...]:
            return first.shape[1:]

        def predict(self, x: np.ndarray, *_: Any, **__: Any) -> np.ndarray:
            return climb.chances(x)

        def class_gradient(self, x: np.ndarray, *_: Any, **__: Any) -> np.ndarray:
            return climb.slopes(x)[:, None, :].astype("float32")

        def fit(self, x: np.ndarray, y: np.ndarray, **_: Any) -> None:
            raise NotImplementedError

    attack = MIFace(
        Estimator(), max_iter=steps, threshold=1.0, learning_rate=STRIDE, batch_size=len(first), verbose=False
    )
    attack.infer(first, climb.wanted)
