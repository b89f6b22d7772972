"""Missing values of the rows under attack: a gap is a value, as long as the model takes rows with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Model

PROBED = 200  # rows with gaps that show whether the model takes them


def refused_gaps(model: Model, features: pd.DataFrame) -> tuple[str, ...]:
    """The columns whose gaps make the model raise instead of answer; rows with one of them cannot be attacked.

    Args:
        model: asked about at most 200 rows with gaps, and about one row for each column where it refuses those.
        features: raw rows, shape (n, d).
    """
    gaps = features.isna()
    rows = features[gaps.any(axis=1)].head(PROBED).reset_index(drop=True)
    if rows.empty or _takes(model, rows):
        return ()
    full = features.head(1).reset_index(drop=True)
    for name in features.columns:
        full[name] = features[name].dropna().head(1).reset_index(drop=True)
    if not _takes(model, full):
        return tuple(features.columns[gaps.any()])
    return tuple(name for name in features.columns[gaps.any()] if not _takes(model, _without(full, features, name)))


def takes_gap(model: Model, features: pd.DataFrame, name: str) -> bool:
    """Whether the model answers for the first row of `features` once this column has no value in it."""
    row = features.head(1).reset_index(drop=True)
    row[name] = row[name].where([False])
    return _takes(model, row)


def usable_rows(features: pd.DataFrame, refused: Collection[str]) -> np.ndarray:
    """Mask (n,) of the rows without infinite values, and without a gap in these columns."""
    import numpy as np
    import pandas as pd

    usable: np.ndarray = features[list(refused)].notna().all(axis=1).to_numpy()
    for name in features.columns:
        if pd.api.types.is_float_dtype(features[name].dtype):
            usable = usable & ~np.isinf(features[name].to_numpy(dtype=np.float64, na_value=np.nan))
    return usable


def _without(full: pd.DataFrame, features: pd.DataFrame, name: str) -> pd.DataFrame:
    """The full row with a gap of this column as the data show it: None and NaN are two things to some encoders."""
    row = full.copy()
    row[name] = features.loc[features[name].isna(), name].head(1).reset_index(drop=True)
    return row


def _takes(model: Model, rows: pd.DataFrame) -> bool:
    try:
        model.predict(rows)
    except ModelMisbehaved:
        return False
    return True
