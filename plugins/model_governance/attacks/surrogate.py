"""Surrogate models that an attacker trains on his own rows: gradient boosting on raw columns, one thread, seeded.

Sums of several threads differ in their last bits from machine to machine; one thread does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns

MOST_CATEGORIES = 200  # HistGradientBoosting takes 255 at most
ROUNDS = (0, 1, 3, 6, 12, 20, 30)  # of boosting; 0 is the frequency of each class
MANY, ROUNDS_OF_MANY = 500, 120
FOLDS = 3
TINY = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How raw columns become numbers: `codes` of each category column, None for a column of numbers."""

    codes: Mapping[str, Mapping[Any, float] | None]

    @property
    def categories(self) -> list[int]:
        """Which columns of the matrix hold codes."""
        return [place for place, codes in enumerate(self.codes.values()) if codes is not None]

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Rows as numbers, shape (n, columns); NaN where a value is missing or was not there to be coded."""
        import numpy as np

        columns = [
            _numbers(frame[name]) if codes is None else np.array([codes.get(value, np.nan) for value in frame[name]])
            for name, codes in self.codes.items()
        ]
        return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def design_of(frame: pd.DataFrame, columns: Columns, *, without: Sequence[str] = ()) -> Design:
    """The design of all features but some; codes by frequency in these rows, without text."""
    codes: dict[str, Mapping[Any, float] | None] = {}
    for name, feature in columns.features.items():
        if name in without or feature.kind == "text":
            continue
        codes[name] = None if feature.kind in NUMBER_KINDS or feature.kind == "datetime" else _codes(frame[name])
    return Design(codes=codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A fitted learner; `chances` takes a matrix (n, d) and returns probabilities (n, classes)."""

    chances: Callable[[np.ndarray], np.ndarray]

    def guesses(self, matrix: np.ndarray) -> np.ndarray:
        """The most probable class of every row, shape (n,); the first of equals."""
        return self.chances(matrix).argmax(axis=1)


def learn_classes(
    matrix: np.ndarray, labels: np.ndarray, *, classes: int, categories: Sequence[int] = (), seed: int
) -> Classifier:
    """Learn class numbers (n,) from a matrix (n, d); classes that no row has get probability 0.

    As many rounds of boosting as serve held-out rows best (log loss in three folds), none where the columns tell
    nothing: a learner that learnt noise would be a weak control and a weak attacker.
    """
    import numpy as np

    if matrix.shape[1] == 0 or len(np.unique(labels)) < 2:
        return _boosted(matrix, labels, classes, categories, seed).after(0)
    fold = np.random.default_rng(seed).permutation(len(labels)) % FOLDS
    losses = np.zeros(len(ROUNDS))
    for part in range(FOLDS):
        fitted = _boosted(matrix[fold != part], labels[fold != part], classes, categories, seed)
        losses += _losses(fitted, matrix[fold == part], labels[fold == part])
    best = ROUNDS[int(losses.argmin())]
    return _boosted(matrix, labels, classes, categories, seed, rounds=best).after(best)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Boosted:
    """A learner with its answers after every number of rounds; `share` (classes,) is that after none."""

    share: np.ndarray
    present: np.ndarray
    learner: Any

    def staged(self, matrix: np.ndarray) -> dict[int, np.ndarray]:
        """Probabilities (n, classes) after each of `ROUNDS` that the learner has run."""
        import numpy as np
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        found = {0: np.tile(self.share, (len(matrix), 1))}
        if self.learner is None:
            return found
        with threadpool_limits(limits=1):
            for rounds, chances in enumerate(self.learner.staged_predict_proba(matrix), 1):
                if rounds in ROUNDS:
                    found[rounds] = np.zeros((len(matrix), len(self.share)))
                    # Rows that tie must tie on every machine.
                    found[rounds][:, self.present] = chances.round(12)
        return found

    def after(self, rounds: int) -> Classifier:
        """The classifier after this many rounds."""
        return Classifier(chances=lambda matrix: self.staged(matrix)[rounds])


def _boosted(
    matrix: np.ndarray, labels: np.ndarray, classes: int, categories: Sequence[int], seed: int, rounds: int = ROUNDS[-1]
) -> _Boosted:
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    present = np.unique(labels)
    share = np.bincount(labels, minlength=classes) / max(1, len(labels))
    if len(present) < 2 or matrix.shape[1] == 0 or rounds == 0:
        return _Boosted(share=share, present=present, learner=None)
    learner = HistGradientBoostingClassifier(
        **_SHAPE | {"max_iter": rounds}, early_stopping=False, categorical_features=list(categories) or None,
        random_state=seed % 2**32,
    )  # fmt: skip
    with threadpool_limits(limits=1):
        learner.fit(matrix, labels)
    return _Boosted(share=share, present=present, learner=learner)


def _losses(fitted: _Boosted, matrix: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log loss over rows after each of `ROUNDS`; a learner with one class only answers the same after all."""
    import numpy as np

    staged = fitted.staged(matrix)
    answers = [staged.get(rounds, staged[0])[np.arange(len(labels)), labels] for rounds in ROUNDS]
    return np.array([-np.log(np.maximum(chances, TINY)).sum() for chances in answers]).round(9)


def learn_values(
    matrix: np.ndarray, values: np.ndarray, *, categories: Sequence[int] = (), seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Learn numbers (n,) from a matrix (n, d); the answer takes a matrix and returns numbers.

    Numbers that a model gives have no noise to be learnt by mistake: more rows are worth more rounds.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    learner = HistGradientBoostingRegressor(
        **_SHAPE | {"max_iter": ROUNDS[-1] if len(values) < MANY else ROUNDS_OF_MANY}, early_stopping=False,
        categorical_features=list(categories) or None, random_state=seed % 2**32,
    )  # fmt: skip
    with threadpool_limits(limits=1):
        learner.fit(matrix, values)

    def answers(other: np.ndarray) -> np.ndarray:
        with threadpool_limits(limits=1):
            return learner.predict(other)

    return answers


_SHAPE: dict[str, Any] = {
    "max_iter": ROUNDS[-1], "max_leaf_nodes": 8, "min_samples_leaf": 10, "learning_rate": 0.25, "l2_regularization": 1.0,
}  # fmt: skip


def _codes(column: pd.Series) -> dict[Any, float]:
    """Codes of the most frequent categories, equal counts in alphabetical order."""
    counts = column.value_counts()
    order = sorted(((int(rows), value) for value, rows in counts.items()), key=lambda pair: (-pair[0], str(pair[1])))
    return {value: float(number) for number, (_, value) in enumerate(order[:MOST_CATEGORIES])}


def _numbers(column: pd.Series) -> np.ndarray:
    import numpy as np
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        since = column - pd.Timestamp(0, tz=column.dt.tz)
        return since.dt.total_seconds().to_numpy(dtype=np.float64)
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
