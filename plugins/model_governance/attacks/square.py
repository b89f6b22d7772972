"""Square attack: random search with blocks of extreme changes, seeing scores only.

Andriushchenko, Croce, Flammarion and Hein (2020), "Square Attack: a query-efficient black-box adversarial attack via
random search". On images a block is a square; on flat rows it is a random subset of the features. Linf is the paper's
for images; in L2 a block carries what length the rest of the change leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.losses import margins

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.attacks.balls import Ball

# Queries (of 10,000) after which the share of features in a block is halved, as published.
HALVE_AFTER = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)

# Blocks tried per row and call, of which the best is kept: a call costs more than its rows.
PROPOSALS = 8
# In L2 a new block carries this share of the ball at least: without it a block could change nothing.
LEAST = 0.3


def square(
    logits: Callable[[np.ndarray, np.ndarray], np.ndarray], x: np.ndarray, y: np.ndarray, *, ball: Ball, queries: int, seed: int,
    shape: tuple[int, ...] | None = None, rows: np.ndarray | None = None, total: int | None = None, share: float = 0.8,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Points (n, d) of the ball and the mask (n,) of rows that they fool.

    Args:
        logits: (points (m, d), row numbers (m,)) -> scores (m, k), of which only differences are used.
        x: rows (n, d) in the box.
        y: classes (n,) to leave.
        ball: norm, size and box.
        queries: questions per row.
        seed: of the random search.
        shape: (channels, height, width) of a row; None for rows without neighbourhoods.
        rows: numbers (n,) of the rows among `total`, so that a row draws the same numbers whichever other rows are attacked.
        total: how many rows there are, of which `x` are some.
        share: of the features that change in the first block.
    """
    import numpy as np

    generator = np.random.Generator(np.random.SFC64([seed, 2]))
    alive = np.arange(len(x))
    lines = alive if rows is None else rows
    lot = len(x) if total is None else total
    spots = shape if shape is not None and len(shape) == 3 else (1, 1, x.shape[1])
    blocks = _Blocks(ball, spots, flat=spots[1] == 1)
    points = blocks.begin(x, generator, lines, lot)
    best = margins(logits(points, lines), y) if len(x) else np.zeros(0)
    fooled = best < 0
    for query in range(1, queries, PROPOSALS):
        alive = alive[~fooled[alive]]
        if len(alive) == 0:
            break
        size = share / 2 ** sum(query / queries * 10_000 > limit for limit in HALVE_AFTER)
        each = np.repeat(alive, PROPOSALS)
        draws = (lines[alive][:, None] * PROPOSALS + np.arange(PROPOSALS)).ravel()
        tried = blocks.change(points[each], x[each], size, generator, draws, lot * PROPOSALS)
        found = margins(logits(tried, lines[each]), y[each]).reshape(-1, PROPOSALS)
        least = found.argmin(axis=1)
        chosen = np.arange(len(alive)) * PROPOSALS + least
        better = found.min(axis=1) < best[alive]
        points[alive[better]], best[alive[better]] = tried[chosen[better]], found.min(axis=1)[better]
        fooled = best < 0
    return points, fooled


class _Blocks:
    """Where blocks lie and what they carry, for rows of one shape."""

    def __init__(self, ball: Ball, spots: tuple[int, ...], *, flat: bool) -> None:
        self.ball, self.spots, self.flat = ball, spots, flat

    def begin(
        self, x: np.ndarray, generator: np.random.Generator, lines: np.ndarray, total: int
    ) -> np.ndarray:  # fmt: skip
        """Vertical stripes (images) or random signs (flat rows) on the surface of the ball."""
        import numpy as np

        channels, height, width = self.spots
        signs = np.sign(generator.random((total, channels, 1, width))[lines] - 0.5)
        change = np.broadcast_to(signs, (len(x), channels, height, width)).reshape(x.shape)
        length = self.ball.epsilon if self.ball.norm == "linf" else self.ball.epsilon / np.sqrt(x.shape[1])
        return self.ball.inside(x + length * change, x)

    def change(
        self, points: np.ndarray, x: np.ndarray, size: float, generator: np.random.Generator, lines: np.ndarray, total: int
    ) -> np.ndarray:  # fmt: skip
        """The points with a new block each."""
        import numpy as np

        channels = self.spots[0]
        mask = self._mask(size, generator, lines, total)
        signs = np.sign(generator.random((total, self.spots[2] if self.flat else channels))[lines] - 0.5)
        if not self.flat:
            signs = np.broadcast_to(signs[:, :, None, None], (len(x), *self.spots)).reshape(x.shape)
        if self.ball.norm == "linf":
            tried = np.where(mask, x + self.ball.epsilon * signs, points)
            return np.clip(tried, self.ball.low, self.ball.high).astype(x.dtype)
        outside = np.where(mask, 0.0, points - x)
        left = np.sqrt(np.maximum(self.ball.epsilon**2 - (outside**2).sum(axis=1, keepdims=True), 0.0))
        spare = np.maximum(left, LEAST * self.ball.epsilon)
        inner = np.where(mask, signs, 0.0) * spare / np.sqrt(np.maximum(mask.sum(axis=1, keepdims=True), 1))
        return self.ball.inside(x + outside + inner, x)

    def _mask(self, size: float, generator: np.random.Generator, lines: np.ndarray, total: int) -> np.ndarray:
        """Which features (n, d) the block of each row covers."""
        import numpy as np

        channels, height, width = self.spots
        if self.flat:
            drawn = generator.random((total, width))[lines]
            return drawn <= np.maximum(size, drawn.min(axis=1, keepdims=True))
        side = min(max(round((size * height * width) ** 0.5), 1), height, width)
        corner = generator.random((total, 2))[lines] * (height - side + 1, width - side + 1)
        top, left = np.floor(corner[:, :1]), np.floor(corner[:, 1:])
        down, across = np.arange(height)[None, :], np.arange(width)[None, :]
        high = (down >= top) & (down < top + side)
        wide = (across >= left) & (across < left + side)
        block = np.broadcast_to((high[:, :, None] & wide[:, None, :])[:, None], (len(lines), channels, height, width))
        return block.reshape(len(lines), -1)
