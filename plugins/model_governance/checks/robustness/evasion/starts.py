"""First adversarial rows: other real rows, random rows and corners, tried for all rows under attack at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.robustness.evasion.queries import Queries

ROUND = 50


def find_starts(queries: Queries, donors: np.ndarray, *, tries: int, generator: np.random.Generator) -> np.ndarray:
    """A point that flips each row, shape (n, width) float32; NaN rows where `tries` points found none.

    Candidates per round: a fifth each of uniform points and corners of the box, the rest `donors`
    (m, width), encoded real rows, a third of which give their categories only. The nearest
    candidate of the first round that has one is taken: HopSkipJump converges faster from a real
    row than from noise.
    """
    import numpy as np

    origins, empty = queries.origins.encoded, queries.origins.gaps
    starts = np.full(origins.shape, np.nan, dtype=np.float32)
    missing = np.arange(len(origins))
    done = 0
    while done < tries and len(missing):
        size = min(ROUND, tries - done)
        points = _candidates(origins[missing], donors, len(queries.space.axes), size, generator)
        if empty.any():
            points = np.where(empty[missing][:, None, :], origins[missing][:, None, :], points)
        flips = queries.flips(points.reshape(-1, points.shape[2]), np.repeat(missing, size)).reshape(-1, size)
        gaps = np.abs(points - origins[missing][:, None, :]).max(axis=2)
        nearest = np.where(flips, gaps, np.inf).argmin(axis=1)
        hit = flips.any(axis=1)
        starts[missing[hit]] = points[np.flatnonzero(hit), nearest[hit]]
        missing = missing[~hit]
        done += size
    return starts


def _candidates(
    origins: np.ndarray, donors: np.ndarray, axes: int, size: int, generator: np.random.Generator
) -> np.ndarray:
    """Points (n, size, width) for rows (n, width); donor rows keep categories and numbers together."""
    import numpy as np

    n, width = origins.shape
    noise = size // 5
    uniform = generator.random((n, noise, width))
    corners = generator.integers(0, 2, size=(n, noise, width)).astype(np.float64)
    real = donors[generator.integers(0, len(donors), size=(n, size - 2 * noise))].astype(np.float64)
    if axes < width:
        # Free categories cost nothing, so a change of categories only is the cheapest flip.
        categories_only = slice(None, None, 3)
        real[:, categories_only, :axes] = origins[:, None, :axes]
    return np.concatenate([real, uniform, corners], axis=1).astype(np.float32)
