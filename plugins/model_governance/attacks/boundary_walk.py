"""HopSkipJump on all rows at once: along the decision boundary, from predicted labels alone.

Chen, Jordan and Wainwright (2020), "HopSkipJumpAttack: A Query-Efficient Decision-Based Attack". Differences: every
call to the model holds the queries of all active rows, and the point returned is one that was projected
on to the boundary last, so that its distance is not overstated by 1/sqrt(iterations).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from model_governance.attacks.balls import Norm, sizes, streams_of

if TYPE_CHECKING:
    import numpy as np

# Bounds of one call to the model: rows, and numbers in them.
ROWS = 200_000
CELLS = 20_000_000
# A call costs more than its rows: bisection cuts an interval into ARMS + 1 parts, a step is tried at LENGTHS at once.
ARMS = 7
LENGTHS = 4
SHORTENINGS = 7
# Width of the bracket around the boundary in shares of the distance: during the walk, and at the end.
COARSE = 2e-3
FINE = 1e-5
# Reach of the probes in shares of the distance: their length (L2), their coordinates (Linf). Short probes see one face
# of a tree ensemble only and end twice as far away; smooth models do not mind long ones.
PROBE = 0.3
# A row whose distance exceeds that of its nearest point by this factor returns to it.
LEASH = 1.1
# Queries reserved from the probes of a row, so that it can still step and project twice; the fewest useful probes.
RESERVE = LENGTHS + 9 * ARMS
FEWEST = 10


class Flips(Protocol):
    """Whether points (m, d) flip the answers of the rows with these numbers (m,): bool (m,)."""

    def __call__(self, points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Whether the points flip; the array must not be modified or stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HopSkipJumpSettings:
    """`iterations` steps with `directions` probes in the first, growing to `most_directions`.

    `queries` bounds the queries per row under attack; a row that reaches it stops. `low` and `high` are the box that
    points stay in.
    """

    norm: Norm = "linf"
    iterations: int = 10
    directions: int = 30
    most_directions: int = 300
    queries: int | None = None
    low: float | np.ndarray = 0.0
    high: float | np.ndarray = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryPoints:
    """Nearest flipping point of every row (n, d), NaN where there was no start; its distance (n,), infinite there.

    `asked` (n,) counts the points that were shown to the model for each row.
    """

    points: np.ndarray
    distances: np.ndarray
    asked: np.ndarray

    @property
    def failed(self) -> np.ndarray:
        """Mask (n,) of the rows that had no start: not attacked, which is not the same as robust."""
        import numpy as np

        return ~np.isfinite(self.distances)


def boundary_walk(
    flips: Flips, origins: np.ndarray, *, starts: np.ndarray, settings: HopSkipJumpSettings, seed: int,
    movable: np.ndarray | None = None, asked: np.ndarray | None = None,
) -> BoundaryPoints:  # fmt: skip
    """The nearest flipping point of every row, found along the boundary from its start towards its origin.

    Args:
        flips: the model, with at most 200,000 rows in a call.
        origins: rows under attack (n, d), float32 or float64; points are asked in that precision. They must not flip.
        starts: a flipping point per row (n, d); NaN rows are not attacked.
        settings: norm, box and effort.
        seed: every row draws from a stream of (seed, its number), so its path does not depend on other rows.
        movable: features that may change, bool (d,) or (n, d); the start must agree with the origin in all others.
        asked: questions (n,) that finding the starts took; they count against `settings.queries`.

    Whatever `flips` raises passes through.
    """
    import numpy as np

    starts = np.asarray(starts, dtype=origins.dtype)
    points = starts.copy()
    asked = np.zeros(len(origins), dtype=np.int64) if asked is None else asked.astype(np.int64)
    begun = np.flatnonzero(~np.isnan(starts).any(axis=1))
    points[~np.isin(np.arange(len(origins)), begun)] = np.nan
    most = min(ROWS, CELLS // max(1, origins.shape[1])) // max(1, settings.most_directions)
    for first in range(0, len(begun), max(1, most)):
        rows = begun[first : first + max(1, most)]
        batch = _Batch(flips, origins, starts, rows, settings, seed, movable, asked)
        batch.run()
        points[rows], asked[rows] = batch.points, batch.asked
    distances = np.full(len(origins), np.inf)
    distances[begun] = sizes(points[begun] - origins[begun].astype(np.float64), settings.norm)
    return BoundaryPoints(points=points, distances=distances, asked=asked)


class _Batch:
    """The rows of one batch, each with its nearest flipping point so far."""

    def __init__(
        self, flips: Flips, origins: np.ndarray, starts: np.ndarray, rows: np.ndarray, settings: HopSkipJumpSettings, seed: int,
        movable: np.ndarray | None, asked: np.ndarray,
    ) -> None:  # fmt: skip
        import numpy as np

        self.flips, self.rows, self.settings = flips, rows, settings
        self.origins, self.points = origins[rows], starts[rows]
        self.asked = asked[rows]
        self.movable = np.broadcast_to(True if movable is None else movable, origins.shape)[rows]
        # A row that is outside the box already may stay where it is; it may not go further.
        self.low, self.high = (np.asarray(end, dtype=origins.dtype) for end in (settings.low, settings.high))
        if ((self.origins < self.low) | (self.origins > self.high)).any():
            self.low, self.high = np.minimum(self.low, self.origins), np.maximum(self.high, self.origins)
        self.width = float(np.mean(np.asarray(settings.high) - np.asarray(settings.low)))
        self.streams = streams_of(seed, rows)

    def run(self) -> None:
        """Project the starts, then step and project; `points` holds the nearest flipping points."""
        import numpy as np

        every_row = np.arange(len(self.rows))
        self.points = self._project(every_row, self.points, to=COARSE)
        here, nearest = self.points.copy(), self._distances(every_row, self.points)
        for iteration in range(self.settings.iterations):
            active = np.flatnonzero((self._remaining() >= RESERVE + FEWEST) & (nearest > 0))
            if len(active) == 0:
                break
            directions = self._directions(active, here[active], iteration)
            stepped, moved = self._step(active, here[active], directions, iteration)
            movers = active[moved]
            here[movers] = self._project(movers, stepped[moved], to=COARSE)
            distances = self._distances(movers, here[movers])
            nearer = distances < nearest[movers]
            self.points[movers[nearer]], nearest[movers[nearer]] = here[movers[nearer]], distances[nearer]
            distant = movers[distances > LEASH * nearest[movers]]
            here[distant] = self.points[distant]
        if self.settings.norm == "l2":
            self.points = self._restore(every_row, self.points)
        self.points = self._project(every_row, self.points, to=FINE)

    def _remaining(self) -> np.ndarray:
        """Queries that each row may still make, shape (n,)."""
        import numpy as np

        if self.settings.queries is None:
            return np.full(len(self.rows), np.iinfo(np.int64).max)
        return self.settings.queries - self.asked

    def _ask(self, points: np.ndarray, who: np.ndarray) -> np.ndarray:
        import numpy as np

        self.asked += np.bincount(who, minlength=len(self.rows))
        return np.asarray(self.flips(points, self.rows[who]), dtype=bool)

    def _inside(self, points: np.ndarray, who: np.ndarray) -> np.ndarray:
        """The points (m, d) cut to the box of their rows, in place where their precision is the rows' own."""
        import numpy as np

        points = points.astype(self.origins.dtype, copy=False)
        low, high = (end[who] if end.ndim > 1 else end for end in (self.low, self.high))
        return np.clip(points, low, high, out=points)

    def _distances(self, who: np.ndarray, points: np.ndarray) -> np.ndarray:
        return sizes(points.astype("float64") - self.origins[who], self.settings.norm)

    def _project(self, who: np.ndarray, points: np.ndarray, *, to: float) -> np.ndarray:
        """The flipping points (k, d) pulled towards their origins by bisection; each one returned flips the model."""
        import numpy as np

        found = points.copy()
        low, high = np.zeros(len(who)), np.ones(len(who))
        if self.settings.norm == "linf":
            high = self._distances(who, points)
        stop = to * high
        shares = np.arange(1, ARMS + 1) / (ARMS + 1)
        while True:
            open_ = np.flatnonzero((high - low > stop) & (self._remaining()[who] >= ARMS))
            if len(open_) == 0:
                break
            cuts = low[open_, None] + shares * (high - low)[open_, None]
            each = np.repeat(open_, ARMS)
            tried = self._between(self.origins[who[each]], points[each], cuts.ravel())
            hit = self._ask(tried, who[each]).reshape(-1, ARMS)
            first = np.where(hit.any(axis=1), hit.argmax(axis=1), ARMS)
            ends = np.concatenate([low[open_, None], cuts, high[open_, None]], axis=1)
            line = np.arange(len(open_))
            low[open_], high[open_] = ends[line, first], ends[line, first + 1]
            nearer = first < ARMS
            found[open_[nearer]] = tried.reshape(len(open_), ARMS, -1)[nearer, first[nearer]]
        return found

    def _restore(self, who: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Flipping points (k, d) with as many of their smallest changes undone as leaves them flipping.

        Answers of trees hang on few features; what the probes did to the others only adds to the distance.
        """
        import numpy as np

        changes = np.abs(points.astype(np.float64) - self.origins[who])
        ranks = changes.argsort(axis=1, kind="stable").argsort(axis=1)
        found, low, high = points.copy(), np.zeros(len(who)), np.full(len(who), float(points.shape[1]))
        shares = np.arange(1, ARMS + 1) / (ARMS + 1)
        while True:
            open_ = np.flatnonzero((high - low > 1) & (self._remaining()[who] >= ARMS))
            if len(open_) == 0:
                return found
            cuts = np.rint(low[open_, None] + shares * (high - low)[open_, None])
            each = np.repeat(open_, ARMS)
            tried = np.where(ranks[each] < cuts.reshape(-1, 1), self.origins[who[each]], points[each])
            hit = self._ask(tried, who[each]).reshape(-1, ARMS)
            last = np.where(hit.any(axis=1), ARMS - hit[:, ::-1].argmax(axis=1), 0)
            ends = np.concatenate([low[open_, None], cuts, high[open_, None]], axis=1)
            line = np.arange(len(open_))
            reached = last > 0
            found[open_[reached]] = tried.reshape(len(open_), ARMS, -1)[reached, last[reached] - 1]
            low[open_], high[open_] = ends[line, last], ends[line, last + 1]

    def _between(self, origins: np.ndarray, points: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """Points nearer to the origins: blended by a share (L2), cut to a box of half-width `reach` (Linf)."""
        import numpy as np

        change = points.astype(np.float64) - origins
        limit = reach[:, None]
        change = np.clip(change, -limit, limit) if self.settings.norm == "linf" else limit * change
        return (origins + change).astype(origins.dtype)

    def _directions(self, who: np.ndarray, here: np.ndarray, iteration: int) -> np.ndarray:
        """Estimated normals of the boundary at points (k, d): unit length (L2) or signs (Linf)."""
        import numpy as np

        settings = self.settings
        probes_per_row = min(int(settings.directions * np.sqrt(iteration + 1)), settings.most_directions)
        counts = np.minimum(probes_per_row, self._remaining()[who] - RESERVE)
        deltas = self._probe_lengths(who, here, iteration)
        each = np.repeat(np.arange(len(who)), counts)
        ends = np.cumsum(counts)
        begins = ends - counts
        centres = here[each]
        probes = self._noise(who, begins, ends)
        probes *= (deltas[each] / np.maximum(np.sqrt(np.einsum("ij,ij->i", probes, probes)), 1e-30))[:, None]
        probes += centres
        probes = self._inside(probes, who[each])
        answers = np.where(self._ask(probes, who[each]), 1.0, -1.0)
        means = np.add.reduceat(answers, begins) / counts
        weights = np.where(np.abs(means[each]) == 1.0, answers, answers - means[each]).astype(probes.dtype)
        probes -= centres
        groups = zip(begins, ends, strict=True)
        normals = np.array([weights[begin:end] @ probes[begin:end] for begin, end in groups], dtype=np.float64)
        if settings.norm == "linf":
            return np.sign(normals)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        return np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)

    def _probe_lengths(self, who: np.ndarray, here: np.ndarray, iteration: int) -> np.ndarray:
        """L2 lengths of each row's probes, shape (k,): a tenth of the box first, then in step with the distance."""
        import numpy as np

        if iteration == 0:
            return np.full(len(who), 0.1 * self.width)
        spread = 1.0 if self.settings.norm == "l2" else np.sqrt(here.shape[1])
        return PROBE * spread * self._distances(who, here)

    def _noise(self, who: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Random directions (ends[-1], d), each row's own from its own stream, within what it may change."""
        import numpy as np

        drawn = np.empty((int(ends[-1]), self.origins.shape[1]), dtype=self.origins.dtype)
        for row, begin, end in zip(who, begins, ends, strict=True):
            draw = self.streams[row].standard_normal if self.settings.norm == "l2" else self.streams[row].random
            draw(out=drawn[begin:end], dtype=drawn.dtype)
        if self.settings.norm == "linf":
            drawn *= 2
            drawn -= 1
        if not self.movable.all():
            drawn *= self.movable[np.repeat(who, ends - begins)]
        return drawn

    def _step(
        self, who: np.ndarray, here: np.ndarray, directions: np.ndarray, iteration: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points (k, d) a step further, halved until they flip, and the mask (k,) of rows where that was reached."""
        import numpy as np

        lengths = self._distances(who, here) / np.sqrt(iteration + 1)
        shares = 0.5 ** np.arange(LENGTHS)
        stepped, moved = here.copy(), np.zeros(len(who), dtype=bool)
        for _ in range(SHORTENINGS):
            trying = np.flatnonzero(~moved & (self._remaining()[who] >= LENGTHS))
            if len(trying) == 0:
                break
            each = np.repeat(trying, LENGTHS)
            reach = (lengths[trying, None] * shares).ravel()[:, None]
            ahead = here[each] + reach * directions[each]
            tried = self._inside(ahead, who[each])
            hit = self._ask(tried, who[each]).reshape(-1, LENGTHS)
            reached = hit.any(axis=1)
            longest = tried.reshape(len(trying), LENGTHS, -1)[np.arange(len(trying)), hit.argmax(axis=1)]
            stepped[trying[reached]], moved[trying[reached]] = longest[reached], True
            lengths[trying] *= 0.5**LENGTHS
        return stepped, moved
