"""Between which numbers the values of each place of an axis lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.trees.ladder import below, largest

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.trees.cells import Cut


def place_bounds(cut: Cut, allowed: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The smallest and the largest value of each place, shape (2, places).

    Args:
        cut: of the feature.
        allowed: numbers of its cells that can be reached, ascending.
        place: of each of them.
    """
    import numpy as np

    low, high = _cell_bounds(cut)
    count = int(place.max()) + 1
    ends = np.array([np.full(count, np.inf), np.full(count, -np.inf)])
    np.minimum.at(ends[0], place, low[allowed])
    np.maximum.at(ends[1], place, high[allowed])
    return ends


def _cell_bounds(cut: Cut) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np
    import pandas as pd

    if cut.starts is not None:
        low, high = cut.starts, np.append(below(cut.starts[1:], cut.held), largest(cut.held))
        # The cell of missing values, which no tied feature goes to, holds no number.
        return (np.append(low, np.inf), np.append(high, -np.inf)) if cut.has_missing else (low, high)
    assert cut.cell_of is not None  # noqa: S101 - a cut of listed values
    listed = pd.to_numeric(pd.Series(list(cut.listed)), errors="coerce").to_numpy(dtype=float)
    low, high = np.full(cut.cells, np.inf), np.full(cut.cells, -np.inf)
    np.fmin.at(low, cut.cell_of, listed)
    np.fmax.at(high, cut.cell_of, listed)
    return low, high
