"""From raw columns to the numbers that trees split on, where each number depends on one column alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attacks.trees.ensemble import NoExactAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The raw column that an input comes from, and whether it only rises or only falls with that column's numbers."""

    column: str
    ordered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Raw rows to inputs; `origins` has one entry per input, `columns` are those that rows must have."""

    columns: tuple[str, ...]
    origins: tuple[Origin, ...]
    encode: Callable[[pd.DataFrame], np.ndarray]


def plain_encoding(columns: Sequence[str], words: Mapping[str, Sequence[Any]] | None = None) -> Encoding:
    """Columns as numbers, in this order; those in `words` as the place of their value in that list, NaN where unknown."""
    import numpy as np

    words = words or {}

    def encode(frame: pd.DataFrame) -> np.ndarray:
        parts = [
            _codes(frame[name], words[name]) if name in words else frame[name].to_numpy(dtype=float, na_value=np.nan)
            for name in columns
        ]
        return np.column_stack(parts)

    origins = tuple(Origin(column=name, ordered=name not in words) for name in columns)
    return Encoding(columns=tuple(columns), origins=origins, encode=encode)


def _codes(values: pd.Series, known: Sequence[Any]) -> np.ndarray:
    import numpy as np
    import pandas as pd

    codes = pd.Categorical(values.astype(object), categories=list(known)).codes.astype(float)
    return np.where(codes < 0, np.nan, codes)


def steps_encoding(steps: Sequence[Any], columns: Sequence[str]) -> Encoding | NoExactAnswer:
    """Fitted transformers in a row, all of which work column by column."""
    origins = tuple(Origin(column=name, ordered=True) for name in columns)
    for number, step in enumerate(steps):
        traced = trace(step, origins, names=tuple(columns) if number == 0 else None)
        if isinstance(traced, NoExactAnswer):
            return traced
        origins = traced

    named = any(hasattr(step, "feature_names_in_") for step in steps[:1])

    def encode(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        rows: Any = frame[list(columns)] if named else frame[list(columns)].to_numpy()
        for step in steps:
            rows = rows if step in (None, "passthrough") else step.transform(rows)
        return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, dtype=float)

    return Encoding(columns=tuple(columns), origins=origins, encode=encode)


def trace(step: Any, origins: Sequence[Origin], *, names: tuple[str, ...] | None) -> tuple[Origin, ...] | NoExactAnswer:
    """Where each output of a fitted transformer comes from.

    Args:
        step: the transformer.
        origins: of its inputs.
        names: of its inputs, where they have some.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    if step in (None, "passthrough") or (type(step) is FunctionTransformer and step.func is None):
        return tuple(origins)
    if type(step) is Pipeline:
        for number, (_, inner) in enumerate(step.steps):
            traced = trace(inner, origins, names=names if number == 0 else None)
            if isinstance(traced, NoExactAnswer):
                return traced
            origins = traced
        return tuple(origins)
    if type(step) is ColumnTransformer:
        return _trace_columns(step, origins, names=names)
    return _trace_single(step, origins)


def _trace_single(step: Any, origins: Sequence[Origin]) -> tuple[Origin, ...] | NoExactAnswer:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import (
        MaxAbsScaler,
        MinMaxScaler,
        OneHotEncoder,
        OrdinalEncoder,
        RobustScaler,
        StandardScaler,
    )

    kind = type(step)
    if kind in (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler):
        return tuple(origins)
    if kind is SimpleImputer:
        return _trace_imputer(step, origins)
    if kind is OrdinalEncoder:
        return tuple(Origin(column=origin.column, ordered=False) for origin in origins)
    if kind is OneHotEncoder:
        widths = [_width(step, place) for place in range(len(origins))]
        return tuple(
            Origin(column=origin.column, ordered=False)
            for origin, width in zip(origins, widths, strict=True)
            for _ in range(width)
        )
    return NoExactAnswer(f"a {kind.__name__} is not known to work column by column")


def _trace_imputer(step: Any, origins: Sequence[Origin]) -> tuple[Origin, ...] | NoExactAnswer:
    """Columns without any value in training are dropped; a number that counts as missing breaks the order."""
    if step.indicator_ is not None:
        return NoExactAnswer("a SimpleImputer with add_indicator makes two inputs of one column in an order not read")
    # Only NaN differs from itself, whatever its type.
    empty = [value != value for value in step.statistics_]
    ordered = step.missing_values is None or step.missing_values != step.missing_values
    return tuple(
        Origin(column=origin.column, ordered=origin.ordered and ordered)
        for origin, none in zip(origins, empty, strict=True)
        if step.keep_empty_features or not none
    )


def _width(encoder: Any, place: int) -> int:
    """How many columns a one-hot encoder makes of its input at this place."""
    width = len(encoder.categories_[place])
    rare = getattr(encoder, "infrequent_categories_", None)
    if rare is not None and rare[place] is not None:
        width -= len(rare[place]) - 1
    dropped = encoder.drop_idx_ is not None and encoder.drop_idx_[place] is not None
    return width - 1 if dropped else width


def _trace_columns(
    step: Any, origins: Sequence[Origin], *, names: tuple[str, ...] | None
) -> tuple[Origin, ...] | NoExactAnswer:
    outputs: dict[int, Origin] = {}
    for name, inner, chosen in step.transformers_:
        if isinstance(inner, str) and inner == "drop":
            continue
        places = _places(chosen, len(origins), names=names)
        if places is None:
            return NoExactAnswer("a ColumnTransformer names columns that an earlier step has made")
        if not places:
            continue
        inner_names = None if names is None else tuple(names[place] for place in places)
        traced = trace(inner, [origins[place] for place in places], names=inner_names)
        if isinstance(traced, NoExactAnswer):
            return traced
        span = step.output_indices_[name]
        if span.stop - span.start != len(traced):
            return NoExactAnswer(f"the step {name!r} of a ColumnTransformer makes other columns than expected")
        outputs.update(zip(range(span.start, span.stop), traced, strict=True))
    return tuple(outputs[place] for place in range(len(outputs)))


def _places(chosen: Any, count: int, *, names: tuple[str, ...] | None) -> list[int] | None:
    """Column numbers of a choice by name, number, mask or slice; None where names are not known."""
    import numpy as np

    if isinstance(chosen, slice) and not isinstance(chosen.start or chosen.stop, str):
        return list(range(count))[chosen]
    listed = np.atleast_1d(np.asarray(chosen, dtype=object)) if not isinstance(chosen, slice) else np.array([""])
    if len(listed) and all(isinstance(item, (bool, np.bool_)) for item in listed):
        return np.flatnonzero(listed.astype(bool)).tolist()
    if all(isinstance(item, (int, np.integer)) for item in listed):
        return [int(item) % count for item in listed]
    if names is None or isinstance(chosen, slice):
        return None
    return [names.index(item) for item in listed]
