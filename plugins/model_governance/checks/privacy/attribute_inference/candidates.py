"""The candidate values of a sensitive attribute, and the rows that represent each of them in a query."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from model_governance.checks.privacy.attribute_inference.params import MIN_ROWS_PER_VALUE
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.attribute_inference.params import AttributeParams

QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateValues:
    """The values (or bins) of an attribute between which the attacker chooses, with their names and numbers.

    `edges` are those of the bins of a numeric column; None where values are taken as they are.
    """

    column: str
    names: tuple[str, ...]
    numbers: Mapping[Any, int]
    edges: tuple[float, ...] | None = None

    def encode(self, cells: pd.Series) -> np.ndarray:
        """The number of the value of each cell, shape (n,); -1 where it is missing or rare."""
        import numpy as np

        if self.edges is None:
            return np.array([self.numbers.get(cell, -1) for cell in cells.tolist()], dtype=int)
        values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        numbers = [self.numbers.get(place, -1) for place in np.digitize(values, self.edges).tolist()]
        return np.where(np.isnan(values), -1, numbers).astype(int)


def candidate_values(cells: pd.Series, params: AttributeParams) -> CandidateValues:
    """The frequent values of a column, the most frequent first, as the attacker's own rows show them.

    A numeric column with more than `max_values` values is binned: by the edges of the policy, or by quartiles.

    Raises:
        CheckError: fewer than two values have ten rows each.
    """
    column = str(cells.name)
    edges = _edges(cells, params)
    if edges is None:
        counts = [(int(rows), value) for value, rows in cells.value_counts().items()]
        names = {value: str(value) for _, value in counts}
    else:
        counts = _count_bins(cells, edges)
        names = _bin_names(edges)
    frequent = sorted(
        ((rows, value) for rows, value in counts if rows >= MIN_ROWS_PER_VALUE),
        key=lambda entry: (-entry[0], names[entry[1]]),
    )
    chosen = [value for _, value in frequent[: params.max_values]]
    if len(chosen) < 2:
        raise CheckError(
            f"attribute {column!r}: {len(chosen)} value(s) have {MIN_ROWS_PER_VALUE} rows or more among the "
            f"{int(cells.notna().sum())} rows of the attacker; there is nothing to infer. Provide more rows, set "
            f"bins for a numeric column, or remove it from sensitive"
        )
    numbers = {value: number for number, value in enumerate(chosen)}
    return CandidateValues(column=column, names=tuple(names[value] for value in chosen), numbers=numbers, edges=edges)


def draw_fillings(
    values: CandidateValues,
    rows: pd.DataFrame,
    numbers: np.ndarray,
    *,
    columns: Sequence[str],
    count: int,
    generator: np.random.Generator,
) -> tuple[pd.DataFrame, ...]:
    """For each value, cells of `columns` from rows that have it, which replace those of a record in a query.

    One row is enough for a single value where nothing else is unknown; otherwise `count` rows, spread evenly over a
    bin.

    Args:
        values: the candidate values.
        rows: the attacker's own rows.
        numbers: the value of each of them (n,).
        columns: the attribute, then the other unknown features.
        count: rows per value.
        generator: draws the rows.
    """
    import numpy as np

    fillings = []
    for number in range(len(values.names)):
        own = generator.permutation(np.flatnonzero(numbers == number))
        if values.edges is not None:
            own = own[np.argsort(rows[values.column].to_numpy(dtype=np.float64)[own], kind="stable")]
        size = 1 if values.edges is None and len(columns) == 1 else min(count, len(own))
        places = ((np.arange(size) + 0.5) * len(own) / size).astype(int)
        fillings.append(rows[list(columns)].iloc[own[places]].reset_index(drop=True))
    return tuple(fillings)


def _edges(cells: pd.Series, params: AttributeParams) -> tuple[float, ...] | None:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    given = params.bins.get(str(cells.name))
    if not is_numeric_dtype(cells) or is_bool_dtype(cells):
        if given:
            raise CheckError(f"bins of {cells.name}: the column holds no numbers; only numeric columns have bins")
        return None
    if given:
        return given
    if cells.nunique() <= params.max_values:
        return None
    return tuple(sorted({float(f"{cells.quantile(quantile):.3g}") for quantile in QUARTILES}))


def _count_bins(cells: pd.Series, edges: Sequence[float]) -> list[tuple[int, Any]]:
    import numpy as np

    places, counts = np.unique(np.digitize(cells.dropna().to_numpy(dtype=np.float64), edges), return_counts=True)
    return [(int(count), int(place)) for place, count in zip(places, counts, strict=True)]


def _bin_names(edges: Sequence[float]) -> dict[Any, str]:
    inner = {number: f"{low:g} to below {high:g}" for number, (low, high) in enumerate(pairwise(edges), 1)}
    return {0: f"below {edges[0]:g}", **inner, len(edges): f"{edges[-1]:g} and above"}
