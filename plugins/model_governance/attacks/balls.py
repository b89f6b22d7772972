"""Sizes of changes and the balls that bound them, in the L2 and the Linf norm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np

Norm = Literal["linf", "l2"]


def norm_named(norm: float | str) -> Norm:
    """The norm in our words; ART says 2, inf or "inf".

    Raises:
        CheckError: another norm.
    """
    found: Norm | None = {"l2": "l2", "2": "l2", "2.0": "l2", "linf": "linf", "inf": "linf"}.get(str(norm).lower())  # type: ignore[assignment]
    if found is None:
        raise CheckError(f"norm {norm!r} is not known; use 2 or 'l2', numpy.inf or 'linf'")
    return found


def sizes(changes: np.ndarray, norm: Norm) -> np.ndarray:
    """Size of every change, shape (n,), for changes (n, ...)."""
    import numpy as np

    flat = changes.reshape(len(changes), math.prod(changes.shape[1:])).astype(np.float64)
    if flat.shape[1] == 0:
        return np.zeros(len(flat))
    return np.abs(flat).max(axis=1) if norm == "linf" else np.sqrt((flat**2).sum(axis=1))


def streams_of(seed: int, rows: np.ndarray, *, purpose: int = 0) -> list[np.random.Generator]:
    """One random stream per row number and purpose: what a row draws does not depend on the rows beside it."""
    import numpy as np

    return [np.random.Generator(np.random.SFC64([seed, int(row), purpose])) for row in rows]
