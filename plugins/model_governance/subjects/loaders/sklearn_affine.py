"""Preprocessing that is affine in the numeric columns, as one matrix: prepared columns by raw columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


def through_all(steps: list[Any], given: Sequence[str], numeric: Sequence[str]) -> np.ndarray | None:
    """Slopes (prepared, numeric) of fitted steps that take the columns `given`; None where one is not affine."""
    import numpy as np

    slopes: np.ndarray | None = np.zeros((len(given), len(numeric)))
    for place, name in enumerate(numeric):
        slopes[list(given).index(name), place] = 1.0  # type: ignore[index]
    for step in steps:
        if slopes is None:
            return None
        slopes = _through(step, slopes)
    return slopes


def _through(step: Any, slopes: np.ndarray) -> np.ndarray | None:
    """Slopes (outputs, numeric) behind one fitted step, from those of what it is given (inputs, numeric)."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    if step is None or step == "passthrough" or (isinstance(step, FunctionTransformer) and step.func is None):
        return slopes
    if isinstance(step, ColumnTransformer):
        return _through_columns(step, slopes)
    if isinstance(step, Pipeline):
        here: np.ndarray | None = slopes
        for _, one in step.steps:
            here = _through(one, here) if here is not None else None
        return here
    factors = _factors(step)
    return None if factors is None else factors * slopes


def _factors(step: Any) -> np.ndarray | None:
    """What a step multiplies each of its columns with, (inputs, 1); None where it does something else."""
    import numpy as np
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

    width = getattr(step, "n_features_in_", 0)
    scale = None
    if isinstance(step, (StandardScaler, MaxAbsScaler, RobustScaler)):
        scale = np.ones(width) if step.scale_ is None else 1 / step.scale_
    elif isinstance(step, MinMaxScaler) and not step.clip:
        scale = step.scale_
    elif isinstance(step, SimpleImputer) and not step.add_indicator and len(step.get_feature_names_out()) == width:
        scale = np.ones(width)
    return None if scale is None else np.asarray(scale, dtype=np.float64)[:, None]


def _through_columns(step: Any, slopes: np.ndarray) -> np.ndarray | None:
    """Blocks side by side; a block that moves with no numeric column is flat, whatever it does."""
    import numpy as np

    outputs = max(one.stop for one in step.output_indices_.values())
    result = np.zeros((outputs, slopes.shape[1]))
    for name, part, columns in step.transformers_:
        if part == "drop":
            continue
        taken = slopes[_places(step, columns)]
        if not taken.any():
            continue
        block = _through(part, taken)
        if block is None:
            return None
        result[step.output_indices_[name]] = block
    return result


def _places(step: Any, columns: Any) -> list[int]:
    """Input positions of the columns of a block, however they were named."""
    import numpy as np

    names = list(getattr(step, "feature_names_in_", ()))
    every = np.arange(step.n_features_in_)
    if isinstance(columns, slice):
        start, stop = (names.index(one) if isinstance(one, str) else one for one in (columns.start, columns.stop))
        if isinstance(columns.stop, str):
            stop += 1  # label slices include their end
        return every[start : stop : columns.step].tolist()
    chosen = np.atleast_1d(np.asarray(columns))
    if chosen.dtype.kind in "OUT":
        return [names.index(one) for one in chosen]
    return every[chosen].tolist()
