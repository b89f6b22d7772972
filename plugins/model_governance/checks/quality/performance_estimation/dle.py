"""Direct loss estimation: a second model that learns how wrong the first one is, and where.

Gradient boosting (Friedman, 2001) predicts the absolute and the squared error of every row from its features
and the model's answer; each reference row is judged by a learner that has not seen it. The mean over tonight's
rows estimates tonight's error, which holds while the errors of rows of the same kind stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns

MOST_CATEGORIES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LossModel:
    """Loss seen and expected on held-out reference rows (n,), and expected by every learner on other rows (folds, m).

    `level` (folds,) is the mean of each learner over all reference rows.
    """

    seen: np.ndarray
    held_out: np.ndarray
    elsewhere: np.ndarray
    level: np.ndarray

    @property
    def noise(self) -> float:
        """Variance of one row's loss around its expectation, as a share of that expectation's mean square."""
        import numpy as np

        return float(np.mean((self.seen - self.held_out) ** 2) / np.mean(self.held_out**2))

    @property
    def value(self) -> float:
        """Expected loss on the other rows."""
        return float(self.elsewhere.mean())

    def realised_variance(self) -> float:
        """Variance of the mean loss that the other rows will show: their noise plus that of the learners."""
        import numpy as np

        rows = self.elsewhere.mean(axis=0)
        return self.noise * float(np.mean(rows**2)) / len(rows) + _jackknife(self.elsewhere.mean(axis=1))

    def rise(self) -> tuple[float, float]:
        """Expected loss elsewhere minus that of held-out reference rows, and its variance."""
        import numpy as np

        rows = self.elsewhere.mean(axis=0)
        sampled = float(np.var(self.held_out, ddof=1)) / len(self.held_out)
        sampled += float(np.var(rows, ddof=1)) / len(rows) if len(rows) > 1 else 0.0
        # Where a learner lies high, it lies high on both sides: only the rise is left to vary.
        learned = _jackknife(self.elsewhere.mean(axis=1) - self.level)
        return float(rows.mean() - self.held_out.mean()), sampled + learned


def _jackknife(values: np.ndarray) -> float:
    """Variance of a statistic from its values with one group of rows left out each (Tukey; Shao and Wu, 1989)."""
    folds = len(values)
    return float((folds - 1) / folds * ((values - values.mean()) ** 2).sum())


def learn_loss(
    seen: np.ndarray, reference: np.ndarray, elsewhere: np.ndarray, *, categories: list[int], fold: np.ndarray,
) -> LossModel:  # fmt: skip
    """Cross-fit losses `seen` (n,) on design matrices (n, d) and (m, d); `categories` are columns of codes.

    One thread: sums of several would differ in their last bits from machine to machine.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    held_out, answers, level = np.empty(len(seen)), [], []
    with threadpool_limits(limits=1):
        for one in np.unique(fold):
            learner = HistGradientBoostingRegressor(
                max_iter=60, max_leaf_nodes=15, min_samples_leaf=20, learning_rate=0.1, l2_regularization=1.0,
                early_stopping=False, categorical_features=categories or None, random_state=0,
            )  # fmt: skip
            learner.fit(reference[fold != one], seen[fold != one])
            here = np.maximum(learner.predict(reference), 0.0)
            held_out[fold == one] = here[fold == one]
            level.append(float(here.mean()))
            answers.append(np.maximum(learner.predict(elsewhere), 0.0))
    return LossModel(seen=seen, held_out=held_out, elsewhere=np.stack(answers), level=np.array(level))


def designs(
    reference: pd.DataFrame, current: pd.DataFrame, columns: Columns, *, answers: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Features and the model's answer as numbers for both sides, and which columns hold codes of categories.

    Codes come from the reference, the most frequent categories first; others count as missing. Text is left out.
    """
    import numpy as np

    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([answers[0]], [answers[1]])
    categories: list[int] = []
    for name, feature in columns.features.items():
        if feature.kind == "text":
            continue
        if feature.kind in NUMBER_KINDS or feature.kind == "datetime":
            for side, frame in zip(sides, (reference, current), strict=True):
                side.append(_numbers(frame[name]))
            continue
        counted = reference[name].value_counts().rename_axis("category").reset_index(name="rows")
        counted["text"] = counted["category"].astype(str)
        frequent = counted.sort_values(["rows", "text"], ascending=[False, True])["category"].head(MOST_CATEGORIES)
        code = {value: float(number) for number, value in enumerate(frequent.tolist())}
        categories.append(len(sides[0]))
        for side, frame in zip(sides, (reference, current), strict=True):
            side.append(np.array([code.get(one, np.nan) for one in frame[name].tolist()]))
    return np.column_stack(sides[0]), np.column_stack(sides[1]), categories


def _numbers(column: pd.Series) -> np.ndarray:
    import numpy as np
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        since = column - pd.Timestamp(0, tz=column.dt.tz)
        return since.dt.total_seconds().to_numpy(dtype=np.float64)
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
