"""Sizes of changes and the balls that bound them, in the L2 and the Linf norm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np

Norm = Literal["linf", "l2"]


def norm_named(norm: float | str) -> Norm:
    """The norm as "linf" or "l2"; ART spells them 2, inf or "inf".

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
    """One random stream per row number and purpose, so that a row's draws do not depend on the other rows."""
    import numpy as np

    return [np.random.Generator(np.random.SFC64([seed, int(row), purpose])) for row in rows]


def steepest(gradients: np.ndarray, norm: Norm) -> np.ndarray:
    """Steps (n, d) of size 1 along gradients (n, d) by steepest ascent: signs (Linf) or unit vectors (L2)."""
    import numpy as np

    if norm == "linf":
        return np.sign(gradients)
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    return np.divide(gradients, lengths, out=np.zeros_like(gradients), where=lengths > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ball:
    """Points at most `epsilon` from their centre and inside the box from `low` to `high` (d,)."""

    norm: Norm
    epsilon: float
    low: float | np.ndarray = 0.0
    high: float | np.ndarray = 1.0

    def inside(self, points: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """The points (n, d) pulled into the ball around their centres (n, d), which lie in the box, and into the box."""
        import numpy as np

        change = points - centres
        if self.norm == "linf":
            change = np.clip(change, -self.epsilon, self.epsilon)
        else:
            lengths = np.linalg.norm(change, axis=1, keepdims=True)
            change = change * np.minimum(1.0, self.epsilon / np.maximum(lengths, 1e-12))
        return np.clip(centres + change, self.low, self.high).astype(centres.dtype)

    def steepest(self, gradients: np.ndarray) -> np.ndarray:
        """As `steepest`, in the norm of the ball."""
        return steepest(gradients, self.norm)

    def random_points(self, centres: np.ndarray, streams: list[np.random.Generator]) -> np.ndarray:
        """A random point of the ball for every centre (n, d), on its surface in L2."""
        import numpy as np

        d = centres.shape[1]
        if self.norm == "linf":
            drawn = np.array([stream.uniform(-1.0, 1.0, d) for stream in streams])
        else:
            normal = np.array([stream.standard_normal(d) for stream in streams])
            drawn = self.steepest(normal.reshape(centres.shape))
        return self.inside(centres + self.epsilon * drawn.reshape(centres.shape), centres)

    def holds(self, points: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """Mask (n,) of points within the ball, up to the rounding of float32."""
        within: np.ndarray = sizes(points.astype("float64") - centres, self.norm) <= self.epsilon * (1 + 1e-5) + 1e-7
        return within
