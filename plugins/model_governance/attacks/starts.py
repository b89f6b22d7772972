"""First flipping points for decision-based attacks: other real rows, and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.balls import sizes, streams_of

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.boundary_walk import Flips, HopSkipJumpSettings

ROUND = 10
NOISE = 2


def find_starts(
    flips: Flips, origins: np.ndarray, *, donors: np.ndarray | None, settings: HopSkipJumpSettings, seed: int, tries: int = 100,
    movable: np.ndarray | None = None, rows: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """A flipping point for every row (n, d), NaN where `tries` points held none; and the points asked per row (n,).

    Rounds of ten points per row: eight of `donors` (m, d) and two of noise, uniform in the box; all noise without
    donors. The nearest flipping point of the first round that has one is taken: a boundary walk from a real row ends nearer
    than one from noise. Where `movable` (d,) or (n, d) is False the origin's value stands.
    Rows outside the mask `rows` (n,) are passed over.
    """
    import numpy as np

    n, d = origins.shape
    free = np.broadcast_to(True if movable is None else movable, (n, d))
    starts, asked = np.full((n, d), np.nan, dtype=origins.dtype), np.zeros(n, dtype=np.int64)
    streams = streams_of(seed, np.arange(n), purpose=1)
    missing = np.arange(n) if rows is None else np.flatnonzero(rows)
    for _ in range(-(-tries // ROUND)):
        if len(missing) == 0:
            break
        drawn = np.stack([_candidates(streams[row], d, donors, settings) for row in missing])
        own = origins[missing][:, None, :]
        points = np.where(free[missing][:, None, :], drawn, own).astype(origins.dtype)
        hit = np.asarray(flips(points.reshape(-1, d), np.repeat(missing, ROUND)), dtype=bool).reshape(-1, ROUND)
        asked[missing] += ROUND
        gaps = sizes((points - own).reshape(-1, d), settings.norm).reshape(-1, ROUND)
        nearest = np.where(hit, gaps, np.inf).argmin(axis=1)
        found = hit.any(axis=1)
        starts[missing[found]] = points[found, nearest[found]]
        missing = missing[~found]
    return starts, asked


def _candidates(
    stream: np.random.Generator, d: int, donors: np.ndarray | None, settings: HopSkipJumpSettings
) -> np.ndarray:  # fmt: skip
    """One round of points (ROUND, d) for one row."""
    import numpy as np

    noise = ROUND if donors is None else NOISE
    low, high = np.broadcast_to(settings.low, d), np.broadcast_to(settings.high, d)
    points = low + (high - low) * stream.random((noise, d))
    if donors is None:
        return points
    lent = donors[stream.integers(0, len(donors), ROUND - noise)]
    return np.concatenate([np.clip(lent, low, high), points])
