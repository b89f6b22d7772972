"""What the values of a single column show: a key, a moment, a constant, the label in another dress."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

KEY_NAME = re.compile(
    r"(?i:^(.*[_\-. ])?(ids?|key|uuid|guid|row|rownames?|index|hash)$|^unnamed(:.*)?$)|^.*[a-z]I[Dd]$"
)
MOMENT_NAME = re.compile(r"(?i)(time|timestamp|date|epoch|_at|_ts)$")
ISO = re.compile(r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$")
EPOCHS = ((5e8, 2.5e9), (5e11, 2.5e12), (5e14, 2.5e15), (5e17, 2.5e18))
"""Seconds, milli-, micro- and nanoseconds since 1970 of the years 1985 to 2049."""
LOOKED_AT = 5000
FEWEST_ROWS, FEWEST_OF_LABEL, ROWS_PER_VALUE = 20, 5, 3
MOST_PARTS = 60
SAME_ORDER = 0.9999


def is_nested(column: pd.Series) -> bool:
    """Whether it holds lists, arrays or mappings."""
    import numpy as np

    if column.dtype != object:
        return False
    return any(isinstance(value, (list, tuple, dict, set, np.ndarray)) for value in column.dropna().iloc[:LOOKED_AT])


def distinct(column: pd.Series) -> int:
    """Distinct values, missing ones not counted."""
    return int(column.nunique())


def is_constant(column: pd.Series) -> bool:
    """One value in every row, none missing."""
    return bool(column.notna().all()) and distinct(column) == 1


def is_key_like(name: str, column: pd.Series) -> bool:
    """Called like a key and holding whole numbers or texts, more than two of them."""
    return bool(KEY_NAME.match(name)) and column.dtype.kind not in "fbmM" and distinct(column) > 2


def is_moment(name: str, column: pd.Series) -> bool:
    """Dates, times, ISO 8601 texts, or numbers since 1970 in a column that is called like a time."""
    from datetime import date

    values = column.dropna().iloc[:LOOKED_AT]
    if len(values) == 0 or column.dtype.kind == "M":
        return column.dtype.kind == "M"
    if column.dtype.kind in "iuf":
        middle = float(values.median())
        return bool(MOMENT_NAME.search(name)) and any(low <= middle <= high for low, high in EPOCHS)
    if column.dtype.kind == "b":
        return False
    return all(isinstance(value, date) or (isinstance(value, str) and ISO.match(value)) for value in values.tolist())


def label_twin(column: pd.Series, labels: pd.Series) -> str:
    """Why a column is the label in another dress; empty where it is not.

    Every value goes with one label, or the order of the values is that of the labels without exception.
    """
    import pandas as pd

    pair = pd.DataFrame({"value": column.array, "label": labels.array}).dropna()
    pair = pair.iloc[:: max(1, len(pair) // LOOKED_AT)]
    counts = pair["label"].value_counts()
    if len(pair) < FEWEST_ROWS or len(counts) < 2:
        return ""
    is_classes = counts.min() >= FEWEST_OF_LABEL
    values = pair["value"].nunique()
    if is_classes and values * ROWS_PER_VALUE <= len(pair):
        return "each of its values has one label" if _determines(pair) else ""
    if not _numbers(pair["value"]):
        return ""
    if is_classes and len(counts) == 2:
        return "it separates the two labels without exception" if _separates(pair) else ""
    if not is_classes and _numbers(pair["label"]) and values > 2:
        order = pair["value"].astype(float).rank().corr(pair["label"].astype(float).rank())
        return "it has the order of the label" if abs(order) >= SAME_ORDER else ""
    return ""


def _determines(pair: pd.DataFrame) -> bool:
    return int(pair.groupby("value", observed=True)["label"].nunique().max()) == 1


def _separates(pair: pd.DataFrame) -> bool:
    ends = pair.assign(value=pair["value"].astype(float)).groupby("label", observed=True)["value"].agg(["min", "max"])
    (first_low, first_high), (other_low, other_high) = ends.to_numpy()
    return bool(first_high < other_low or other_high < first_low)


def _numbers(values: pd.Series) -> bool:
    return values.dtype.kind in "iuf"


def parts_of_label(frame: pd.DataFrame, labels: pd.Series, *, known: Mapping[str, Any]) -> dict[str, str]:
    """Pairs of numbers that add up to the label in every row, by column."""
    import numpy as np

    if not _numbers(labels) or labels.nunique() <= 2:
        return {}
    rows = labels.notna().to_numpy()
    step = max(1, int(rows.sum()) // LOOKED_AT)
    names = [
        name for name in frame.columns
        if name != labels.name and name not in known and _numbers(frame[name]) and frame[name].nunique() > 1
    ][:MOST_PARTS]  # fmt: skip
    total = labels.to_numpy(dtype=float)[rows][::step]
    parts = {name: frame[name].to_numpy(dtype=float)[rows][::step] for name in names}
    found: dict[str, str] = {}
    for place, name in enumerate(names):
        rest = total - parts[name]
        for other in names[place + 1 :]:
            if len(total) >= FEWEST_ROWS and np.allclose(rest, parts[other], rtol=1e-9, atol=1e-9):
                found |= {name: f"with {other} it adds up to the label", other: f"with {name} it adds up to the label"}
    return found
