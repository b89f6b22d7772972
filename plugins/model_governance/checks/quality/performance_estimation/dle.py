"""Direct loss estimation: a second model that predicts the loss of the first one from the row.

Gradient boosting (Friedman, 2001) predicts the absolute and the squared error of every row from its features and the
model's answer; each reference row is predicted by a learner that was not fitted on it. The mean over current's rows
estimates current's error, which holds while the errors of rows of the same kind stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns

MAX_CATEGORIES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LossModel:
    """Losses on the reference and expected losses on current.

    Attributes:
        observed: Loss of every reference row (n,).
        held_out: Expected loss of every reference row by a learner that was not fitted on it (n,).
        current: Expected loss of every row of current by each learner (folds, m).
        reference_mean: Mean expected loss of each learner over all reference rows (folds,).
    """

    observed: np.ndarray
    held_out: np.ndarray
    current: np.ndarray
    reference_mean: np.ndarray

    @property
    def noise(self) -> float:
        """Variance of one row's loss around its expectation, as a share of that expectation's mean square."""
        import numpy as np

        return float(np.mean((self.observed - self.held_out) ** 2) / np.mean(self.held_out**2))

    @property
    def value(self) -> float:
        """Expected mean loss on current."""
        return float(self.current.mean())

    def realised_variance(self, effect: float = 1.0) -> float:
        """Variance of the mean loss that current will show: noise of the rows plus that of the learners.

        `effect` is the design effect of the rows, at least 1.
        """
        import numpy as np

        expected = self.current.mean(axis=0)
        row_noise = effect * self.noise * float(np.mean(expected**2)) / len(expected)
        return row_noise + _jackknife_variance(self.current.mean(axis=1))

    def own_variance(self, effect: float = 1.0) -> float:
        """Variance of the expected mean loss itself: of the drawn rows plus that of the learners; `effect` as above."""
        import numpy as np

        expected = self.current.mean(axis=0)
        drawn = effect * float(np.var(expected, ddof=1)) / len(expected) if len(expected) > 1 else 0.0
        return drawn + _jackknife_variance(self.current.mean(axis=1))

    def increase(self, effects: tuple[float, float] = (1.0, 1.0)) -> tuple[float, float]:
        """Expected mean loss on current minus that on held-out reference rows, and its variance.

        `effects` are the design effects of the expected losses of reference and current, at least 1.
        """
        import numpy as np

        expected = self.current.mean(axis=0)
        sampled = effects[0] * float(np.var(self.held_out, ddof=1)) / len(self.held_out)
        sampled += effects[1] * float(np.var(expected, ddof=1)) / len(expected) if len(expected) > 1 else 0.0
        # A learner that is too high is too high on both datasets: only the difference varies.
        learned = _jackknife_variance(self.current.mean(axis=1) - self.reference_mean)
        return float(expected.mean() - self.held_out.mean()), sampled + learned


def _jackknife_variance(values: np.ndarray) -> float:
    """Variance of a statistic from its values with one fold left out each (Tukey; Shao and Wu, 1989)."""
    folds = len(values)
    return float((folds - 1) / folds * ((values - values.mean()) ** 2).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Learners:
    """One learner per fold, fitted on the others; held-out losses (n,), and the mean of each learner's (folds,)."""

    fitted: tuple[Any, ...]
    held_out: np.ndarray
    reference_mean: np.ndarray


def learn_loss(observed: np.ndarray, reference: np.ndarray, *, categories: list[int], fold: np.ndarray) -> Learners:
    """Cross-fit a model of the loss.

    One thread: sums of several would differ in their last bits from machine to machine.

    Args:
        observed: Losses of the reference rows (n,).
        reference: Their design matrix (n, d).
        categories: Numbers of the columns that hold codes of categories.
        fold: Fold of each reference row (n,).
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    held_out, reference_mean, fitted = np.empty(len(observed)), [], []
    with threadpool_limits(limits=1):
        for number in np.unique(fold):
            learner = HistGradientBoostingRegressor(
                max_iter=60, max_leaf_nodes=15, min_samples_leaf=20, learning_rate=0.1, l2_regularization=1.0,
                early_stopping=False, categorical_features=categories or None, random_state=0,
            )  # fmt: skip
            learner.fit(reference[fold != number], observed[fold != number])
            on_reference = np.maximum(learner.predict(reference), 0.0)
            held_out[fold == number] = on_reference[fold == number]
            reference_mean.append(float(on_reference.mean()))
            fitted.append(learner)
    return Learners(fitted=tuple(fitted), held_out=held_out, reference_mean=np.array(reference_mean))


def predict_loss(learners: Learners, observed: np.ndarray, current: np.ndarray) -> LossModel:
    """Losses that the learners expect on the design matrix of current (m, d), beside the observed ones (n,)."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        on_current = [np.maximum(learner.predict(current), 0.0) for learner in learners.fitted]
    return LossModel(
        observed=observed, held_out=learners.held_out, current=np.stack(on_current),
        reference_mean=learners.reference_mean,
    )  # fmt: skip


def design_matrices(
    reference: pd.DataFrame, current: pd.DataFrame, columns: Columns, *, answers: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Features and the model's answers as numbers, for both datasets.

    Codes of categories come from the reference, the most frequent first; others count as missing. Text is left out.

    Args:
        reference: Feature rows (n, features).
        current: Feature rows (m, features).
        columns: Kinds of the features.
        answers: The model's predictions for both, (n,) and (m,).

    Returns:
        Matrices (n, d) and (m, d), and the numbers of the columns that hold codes of categories.
    """
    import numpy as np

    matrices: tuple[list[np.ndarray], list[np.ndarray]] = ([answers[0]], [answers[1]])
    categories: list[int] = []
    for name, feature in columns.features.items():
        if feature.kind == "text":
            continue
        if feature.kind in NUMBER_KINDS or feature.kind == "datetime":
            for matrix, frame in zip(matrices, (reference, current), strict=True):
                matrix.append(_numbers(frame[name]))
            continue
        codes = _category_codes(reference[name])
        categories.append(len(matrices[0]))
        for matrix, frame in zip(matrices, (reference, current), strict=True):
            matrix.append(np.array([codes.get(value, np.nan) for value in frame[name].tolist()]))
    return np.column_stack(matrices[0]), np.column_stack(matrices[1]), categories


def _category_codes(values: pd.Series) -> dict[object, float]:
    """Codes from 0 for the most frequent categories; equal counts are ordered by text."""
    counted = values.value_counts().rename_axis("category").reset_index(name="rows")
    counted["text"] = counted["category"].astype(str)
    frequent = counted.sort_values(["rows", "text"], ascending=[False, True])["category"].head(MAX_CATEGORIES)
    return {value: float(number) for number, value in enumerate(frequent.tolist())}


def _numbers(column: pd.Series) -> np.ndarray:
    import numpy as np
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        since_epoch = column - pd.Timestamp(0, tz=column.dt.tz)
        return since_epoch.dt.total_seconds().to_numpy(dtype=np.float64)
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
