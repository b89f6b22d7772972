"""Which group each row belongs to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.fairness.params import FairnessParams
    from model_governance.contract.subject import Subject

MOST_GROUPS = 100
MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Groups by one column or by several at once: their names (k,) and the number of each row's group (n,)."""

    name: str
    names: tuple[str, ...]
    number: np.ndarray
    rows: np.ndarray

    def scored(self, least: int) -> np.ndarray:
        """Numbers of the groups of at least that many rows."""
        import numpy as np

        return np.flatnonzero(self.rows >= least)


def groupings(subject: Subject, params: FairnessParams) -> tuple[Grouping, ...]:
    """One grouping per column of `groups`, and one of all columns together where intersections are asked for.

    Raises:
        CheckError: a column makes more groups than can be compared, or bands cut something that is no number.
        SubjectError: current lacks a column of groups.
    """
    frame = subject.frame("current", columns=params.groups)
    uri = subject.datasets["current"].uri
    texts = {name: _texts(frame[name], params.bands.get(name), uri=uri) for name in params.groups}
    found = [_grouping(name, one, uri=uri) for name, one in texts.items()]
    if params.intersections and len(texts) > 1:
        together = [" x ".join(parts) for parts in zip(*texts.values(), strict=True)]
        found.append(_grouping(" x ".join(texts), together, uri=uri))
    return tuple(found)


def _grouping(name: str, texts: list[str], *, uri: str) -> Grouping:
    import numpy as np

    names, number, rows = np.unique(np.array(texts, dtype=object), return_inverse=True, return_counts=True)
    if len(names) > MOST_GROUPS:
        raise CheckError(
            f"{uri}: column(s) {name} make {len(names):,} groups, at most {MOST_GROUPS} can be compared; cut numbers with "
            "params.bands, leave out intersections, or name a coarser column"
        )
    return Grouping(name=name, names=tuple(map(str, names)), number=number, rows=rows)


def _texts(column: pd.Series, cuts: tuple[float, ...] | None, *, uri: str) -> list[str]:
    """The group of every row as text; rows without a value are a group of their own."""
    if cuts is None:
        return [MISSING if gap else _text(value) for value, gap in zip(column.tolist(), column.isna(), strict=True)]
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(column):
        raise CheckError(f"{uri}: params.bands cut column {column.name!r}, which holds {column.dtype}, no numbers")
    import numpy as np

    names = [f"below {cuts[0]:g}", *(f"{low:g} to {high:g}" for low, high in itertools.pairwise(cuts))]
    names.append(f"from {cuts[-1]:g}")
    places = np.searchsorted(np.array(cuts), column.to_numpy(dtype=np.float64, na_value=np.nan), side="right")
    return [MISSING if gap else names[place] for place, gap in zip(places, column.isna(), strict=True)]


def _text(value: Any) -> str:
    # The same code read from another file may be a float.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
