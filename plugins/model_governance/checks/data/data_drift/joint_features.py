"""Turns rows of both datasets into one matrix for a classifier, category by category in codes of both sides together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine.frames import widened
from model_governance.engine.labels import label

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from model_governance.engine.profiles import Family

MAX_LABELS = 200
"""Labels with a code of their own; gradient boosting in scikit-learn takes 255 at most."""
LARGEST = 1e300
"""Stands for infinity, which bin edges halfway between two values could not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointRows:
    """Rows of both datasets, reference first.

    Attributes:
        names: the features.
        values: numbers and codes, (rows, features) float64; missing values are NaN.
        categorical: which features hold codes, (features,) bool.
        current: which rows are current ones, (rows,) bool.
    """

    names: tuple[str, ...]
    values: np.ndarray
    categorical: np.ndarray
    current: np.ndarray


def joint_rows(reference: pd.DataFrame, current: pd.DataFrame, families: Mapping[str, Family]) -> JointRows:
    """Both samples as one matrix.

    Which labels are rare follows from both datasets together, so that as long as nothing has changed the codes do not
    tell from which one a row came.

    Args:
        reference: sampled rows of the reference.
        current: sampled rows of current.
        families: the features to use, numbers or categories.
    """
    import numpy as np

    names = tuple(families)
    values = np.empty((len(reference) + len(current), len(names)))
    for place, name in enumerate(names):
        sides = (reference[name], current[name])
        values[:, place] = _numbers(sides) if families[name] == "numbers" else _codes(sides)
    return JointRows(
        names=names, values=values, categorical=np.array([families[name] == "categories" for name in names]),
        current=np.arange(len(values)) >= len(reference),
    )  # fmt: skip


def _numbers(sides: tuple[pd.Series, pd.Series]) -> np.ndarray:
    import numpy as np

    # A number of single precision and the same of double precision are one number.
    short = [side.dtype.kind == "f" and side.dtype.itemsize < 8 for side in sides]
    values = np.concatenate([
        widened(side.to_numpy()) if single else side.to_numpy(dtype="float64", na_value=np.nan)
        for side, single in zip(sides, short, strict=True)
    ])  # fmt: skip
    return np.clip(values, -LARGEST, LARGEST)


def _codes(sides: tuple[pd.Series, pd.Series]) -> np.ndarray:
    """The most frequent labels from 0 on; all others share the last code."""
    import numpy as np
    import pandas as pd

    places, uniques = pd.factorize(np.concatenate([side.to_numpy(dtype=object) for side in sides]))
    labels, names = pd.factorize(np.array([label(value) for value in uniques], dtype=object))
    held = places >= 0
    code_of_row = labels[places[held]] if held.any() else places[held]
    counts = np.bincount(code_of_row, minlength=len(names))
    order = sorted(range(len(names)), key=lambda place: (-counts[place], names[place]))
    ranks = np.empty(len(names))
    ranks[order] = np.minimum(np.arange(len(names)), MAX_LABELS)
    codes = np.full(len(places), np.nan)
    codes[held] = ranks[code_of_row]
    return codes
