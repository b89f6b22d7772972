"""Preprocessing that is affine in the numeric columns, as one matrix: prepared columns by raw columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


def through_all(steps: list[Any], given: Sequence[str], numeric: Sequence[str]) -> np.ndarray | None:
    """The Jacobian (prepared, numeric) of fitted steps that take the columns `given`; None where a step is not affine."""
    import numpy as np

    jacobian: np.ndarray | None = np.zeros((len(given), len(numeric)))
    for place, name in enumerate(numeric):
        jacobian[list(given).index(name), place] = 1.0  # type: ignore[index]
    for step in steps:
        if jacobian is None:
            return None
        jacobian = _through(step, jacobian)
    return jacobian


def _through(step: Any, jacobian: np.ndarray) -> np.ndarray | None:
    """The Jacobian (outputs, numeric) behind a fitted step, from that of its inputs (inputs, numeric)."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    if step is None or step == "passthrough" or (isinstance(step, FunctionTransformer) and step.func is None):
        return jacobian
    if isinstance(step, ColumnTransformer):
        return _through_columns(step, jacobian)
    if isinstance(step, Pipeline):
        current: np.ndarray | None = jacobian
        for _, inner in step.steps:
            current = _through(inner, current) if current is not None else None
        return current
    factors = _factors(step)
    return None if factors is None else factors * jacobian


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


def _through_columns(step: Any, jacobian: np.ndarray) -> np.ndarray | None:
    """Blocks side by side; a block that moves with no numeric column is flat, whatever it does."""
    import numpy as np

    outputs = max(columns.stop for columns in step.output_indices_.values())
    result = np.zeros((outputs, jacobian.shape[1]))
    for name, part, columns in step.transformers_:
        if part == "drop":
            continue
        taken = jacobian[_places(step, columns)]
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
        start, stop = (
            names.index(bound) if isinstance(bound, str) else bound for bound in (columns.start, columns.stop)
        )
        if isinstance(columns.stop, str):
            stop += 1  # label slices include their end
        return every[start : stop : columns.step].tolist()
    chosen = np.atleast_1d(np.asarray(columns))
    if chosen.dtype.kind in "OUT":
        return [names.index(name) for name in chosen]
    return every[chosen].tolist()
