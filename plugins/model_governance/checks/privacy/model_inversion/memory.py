"""How near reconstructions come to training rows: beside held-out rows, and beside what is public."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.model_inversion.ground import Measure, OneClass

MOST_TO_ONE = 4  # rows of the larger side to each of the smaller
NEAREST = 100  # rows in order of distance that relabelling looks through
MOST_REACH = 5.0  # of an interval on the scale of logarithms: a factor of 150 either way
CHUNK = 250  # relabellings at once
FEW_BELOW, MORE = 5, 20  # so few relabellings as near are worth so many times more, for the sake of a small p
BLUR = 0.005  # distances below say no more: half a percent of the spread of every column
LEAST_HELD_OUT = 10
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """Nearest distances of each reconstruction, (n,): to training rows, and to held-out rows.

    `ratio` is the one over the other, a geometric mean over reconstructions, 1 for what relabelling gives; `chance`
    is the share of relabellings that give as little. `places` counts the rows that reconstructions ended at, `rows`
    those that they were compared with.
    """

    trained: np.ndarray
    held_out: np.ndarray
    ratio: float
    interval: Interval
    chance: float
    places: int
    rows: int


def nearness(
    rebuilt: pd.DataFrame, one: OneClass, measure: Measure, *, resamples: int, generator: np.random.Generator
) -> Nearness | None:
    """Nearest training against nearest held-out row; None where too few rows are held out.

    If the model knows no single row, training and held-out rows could be exchanged and nothing would differ, whatever
    the reconstructions are and however alike: so relabelling the rows gives the distribution of the ratio. The interval
    is Student's t with a variance that lets reconstructions with the same nearest row on either side depend on one
    another (Cameron, Gelbach and Miller, 2011).
    """
    import numpy as np

    fewer = min(len(one.trained), len(one.held_out))
    if fewer < LEAST_HELD_OUT:
        return None
    sides = [side.iloc[: MOST_TO_ONE * fewer] for side in (one.trained, one.held_out)]
    apart = np.concatenate([measure.distances(rebuilt, side) for side in sides], axis=1)
    count = len(sides[0])
    trained, held_out = apart[:, :count].min(axis=1), apart[:, count:].min(axis=1)
    nearest = apart[:, :count].argmin(axis=1), apart[:, count:].argmin(axis=1)
    logs = np.log((trained + BLUR) / (held_out + BLUR))
    drawn = _relabelled(apart, count, resamples, generator)
    # Of more rows the nearest is nearer: 1 is what relabelling gives, whatever the numbers of both sides are.
    seen, neutral = float(logs.mean()), float(drawn.mean())
    if (drawn <= seen).sum() <= FEW_BELOW:
        drawn = np.concatenate([drawn, _relabelled(apart, count, MORE * resamples, generator)])
    chance = (1 + int((drawn <= seen + 1e-9).sum())) / (1 + len(drawn))
    reach = _reach(logs, *nearest)
    ratio, low, high = (float(np.exp(number - neutral).round(12)) for number in (seen, seen - reach, seen + reach))
    return Nearness(
        trained=trained, held_out=held_out, ratio=ratio, interval=(low, high), chance=chance,
        places=len(np.unique(apart.argmin(axis=1))), rows=apart.shape[1],
    )  # fmt: skip


def _relabelled(apart: np.ndarray, count: int, relabellings: int, generator: np.random.Generator) -> np.ndarray:
    """Mean log ratio after each relabelling, (relabellings,): of rows in order of distance the first of either label."""
    import numpy as np

    order = np.argsort(apart, axis=1, kind="stable")[:, :NEAREST]
    logs = np.log(np.take_along_axis(apart, order, axis=1) + BLUR)
    labels = np.tile(np.arange(apart.shape[1]) < count, (CHUNK, 1))
    rows, found = np.arange(len(apart)), []
    for _ in range(0, relabellings, CHUNK):
        inside = generator.permuted(labels, axis=1)[:, order]
        # Where all of the nearest have one label the last stands for the other, which hardly ever happens.
        inside[:, :, -1] = inside[:, :, -1] | ~inside.any(axis=2)
        first, second = inside.argmax(axis=2), (~inside).argmax(axis=2)
        found.append((logs[rows, first] - logs[rows, second]).mean(axis=1))
    return np.concatenate(found)[:relabellings].round(12)


def _reach(logs: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Half the width of the interval of the mean of logs (n,), clustered by both nearest rows (n,)."""
    import numpy as np
    from scipy.stats import t

    away = logs - logs.mean()

    def variance(members: np.ndarray) -> float:
        sums = np.bincount(members, weights=away)
        count = len(sums)
        return float(np.square(sums).sum()) / len(away) ** 2 * count / max(1, count - 1)

    pairs = np.unique(np.stack([first, second]), axis=1, return_inverse=True)[1].ravel()
    by_first, by_second = (np.unique(one, return_inverse=True)[1] for one in (first, second))
    both = variance(by_first) + variance(by_second) - variance(pairs)
    widest = max(both, variance(by_first), variance(by_second))
    clusters = 1 + min(by_first.max(), by_second.max())
    if clusters < 2:
        return MOST_REACH  # all ended at one row: nothing is known of others
    return min(MOST_REACH, float(t.ppf(0.975, clusters - 1)) * float(np.sqrt(widest)))


def gain(
    rebuilt: pd.DataFrame, one: OneClass, measure: Measure, *, resamples: int, generator: np.random.Generator
) -> tuple[float, Interval]:
    """Share of the public centre's mean distance to the training rows that reconstructions save, with its interval.

    The interval resamples reconstructions and training rows together; restarts that end alike make it no narrower
    than the rows do.
    """
    import numpy as np

    apart = measure.distances(rebuilt, one.trained)
    public = measure.distances(one.centre, one.trained)[0]

    def share(starts: np.ndarray, rows: np.ndarray) -> float:
        return 1 - (float(apart[starts].mean(axis=0)[rows].mean()) + BLUR) / (float(public[rows].mean()) + BLUR)

    restarts, members = apart.shape
    starts = generator.integers(0, restarts, (resamples, restarts))
    rows = generator.integers(0, members, (resamples, members))
    drawn = [share(starts[number], rows[number]) for number in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return share(np.arange(restarts), np.arange(members)), (float(low), float(high))
