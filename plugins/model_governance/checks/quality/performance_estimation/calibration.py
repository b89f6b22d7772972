"""From scores to chances: what share of the reference rows with such a score was a hit.

Isotonic regression (Zadrozny and Elkan, 2002) or a logistic curve of the score's logit (Platt, 1999),
cross-fitted: every reference row is judged by a curve that has not seen it, every later row by the mean
of all curves. Rows that the model names get a curve of their own, as do the others: one isotonic curve lies
too low below any cut and too high above it (its sums are the convex minorant of the observed ones), which
would promise too few mistakes; with two, the sums agree at the very cut that counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from model_governance.contract.result import Table

if TYPE_CHECKING:
    import numpy as np

Method = Literal["isotonic", "platt", "none"]
Wanted = Literal["auto", "isotonic", "platt", "none"]

LEAST_PER_ANSWER = 50
NEAREST = 1e-9  # how near 0 and 1 a score may come before its logit is taken
BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Chance by score: linear between knots (k,), level beyond them; without knots the score itself."""

    at: np.ndarray | None = None
    chance: np.ndarray | None = None
    slope: float = 0.0
    level: float = 0.0

    def __call__(self, score: np.ndarray) -> np.ndarray:
        """Chances in [0, 1], shape (n,)."""
        import numpy as np
        from scipy.special import expit

        if self.at is not None and self.chance is not None:
            return np.interp(score, self.at, self.chance)
        if self.slope:
            return np.asarray(expit(self.slope * _logit(score) + self.level))
        return score


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A curve for the rows that the model names and one for the others."""

    named: Curve
    other: Curve

    def __call__(self, score: np.ndarray, said: np.ndarray) -> np.ndarray:
        """Chances in [0, 1], shape (n,), of scores (n,) and what the model said (n,) bool."""
        import numpy as np

        chance = np.empty(len(score))
        chance[said], chance[~said] = self.named(score[said]), self.other(score[~said])
        return chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Curves of the folds, those of the bootstrap, and the held-out chance of every reference row (n,)."""

    method: Method
    curves: tuple[Pair, ...]
    resampled: tuple[Pair, ...]
    held_out: np.ndarray

    def __call__(self, score: np.ndarray, said: np.ndarray) -> np.ndarray:
        """Mean over the curves of the folds, shape (n,)."""
        import numpy as np

        return np.mean([curve(score, said) for curve in self.curves], axis=0)


def calibrate(
    score: np.ndarray, said: np.ndarray, hit: np.ndarray, *, wanted: Wanted, folds: int, resamples: int, seed: int
) -> Calibration:
    """Curves from scores in [0, 1], answers and hits (n,) bool; `none` takes scores as they are.

    `auto` takes the logistic curve, unless isotonic regression serves held-out rows better (Brier score) by more
    than the standard error of the difference: it bends to noise, and promises too good a ranking.
    """
    import numpy as np

    if wanted == "none":
        return Calibration(method=wanted, curves=(Pair(named=Curve(), other=Curve()),), resampled=(), held_out=score)
    generator = np.random.default_rng(seed)
    n = len(score)
    fold = generator.permutation(n) % folds
    methods: tuple[Method, ...] = ("platt", "isotonic") if wanted == "auto" else (wanted,)
    fitted = {one: _cross_fit(one, score, said, hit, fold=fold) for one in methods}
    method: Method = methods[0]
    if wanted == "auto":
        gain = (fitted["platt"][1] - hit) ** 2 - (fitted["isotonic"][1] - hit) ** 2
        method = "isotonic" if gain.mean() > gain.std(ddof=1) / np.sqrt(n) else "platt"
    curves, held_out = fitted[method]
    drawn = (generator.integers(0, n, size=n) for _ in range(resamples))
    resampled = tuple(_fit(method, score[rows], said[rows], hit[rows]) for rows in drawn)
    return Calibration(method=method, curves=curves, resampled=resampled, held_out=held_out)


def _cross_fit(
    method: Method, score: np.ndarray, said: np.ndarray, hit: np.ndarray, *, fold: np.ndarray
) -> tuple[tuple[Pair, ...], np.ndarray]:
    """One pair of curves per fold left out, and the chances of the rows left out."""
    import numpy as np

    held_out, curves = np.empty(len(score)), []
    for one in np.unique(fold):
        kept, left = fold != one, fold == one
        curves.append(_fit(method, score[kept], said[kept], hit[kept]))
        held_out[left] = curves[-1](score[left], said[left])
    return tuple(curves), held_out


def _fit(method: Method, score: np.ndarray, said: np.ndarray, hit: np.ndarray) -> Pair:
    """One curve per answer; where an answer is too rare to learn from, both share the curve of all rows."""
    if min(int(said.sum()), int((~said).sum())) < LEAST_PER_ANSWER:
        both = _curve(method, score, hit)
        return Pair(named=both, other=both)
    return Pair(named=_curve(method, score[said], hit[said]), other=_curve(method, score[~said], hit[~said]))


def _curve(method: Method, score: np.ndarray, hit: np.ndarray) -> Curve:
    """A curve from rows, gathered by score first: equal scores must get equal chances."""
    import numpy as np

    at, cell = np.unique(score, return_inverse=True)
    rows, hits = np.bincount(cell), np.bincount(cell, weights=hit)
    return _isotonic(at, rows, hits) if method == "isotonic" else _platt(at, rows, hits)


def _isotonic(at: np.ndarray, rows: np.ndarray, hits: np.ndarray) -> Curve:
    from sklearn.isotonic import isotonic_regression

    return Curve(at=at, chance=isotonic_regression(hits / rows, sample_weight=rows.astype(float)))


def _platt(at: np.ndarray, rows: np.ndarray, hits: np.ndarray) -> Curve:
    """Newton's method on two parameters; one imagined row of either kind keeps separated scores finite."""
    import numpy as np
    from scipy.special import expit

    x = np.append(_logit(at), [0.0, 0.0])
    weight, share = np.append(rows, [1.0, 1.0]), np.append(hits / rows, [0.0, 1.0])
    design = np.column_stack([x, np.ones(len(x))])
    found = np.array([1.0, 0.0])
    for _ in range(50):
        chance = expit(design @ found)
        gradient = design.T @ (weight * (share - chance))
        curvature = (design * (weight * np.maximum(chance * (1 - chance), 1e-12))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        found = found + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    # A slope of exactly 0 would read as "no curve".
    return Curve(slope=float(found[0]) or 1e-300, level=float(found[1]))


def _logit(score: np.ndarray) -> np.ndarray:
    import numpy as np
    from scipy.special import logit

    return np.asarray(logit(np.clip(score, NEAREST, 1 - NEAREST)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """Reference rows in bins of equal frequency by held-out chance: rows, means and observed share (k,)."""

    rows: np.ndarray
    score: np.ndarray
    chance: np.ndarray
    observed: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error (Naeini et al., 2015)."""
        import numpy as np

        return float((self.rows * np.abs(self.chance - self.observed)).sum() / self.rows.sum())

    @property
    def by_chance(self) -> float:
        """The error that perfectly calibrated chances would show on average."""
        import numpy as np

        noise = np.sqrt(self.chance * (1 - self.chance) / self.rows)
        return float((self.rows * noise).sum() / self.rows.sum() * np.sqrt(2 / np.pi))

    def table(self, hits: str) -> Table:
        """Score, chance and observed share per bin."""
        rows = tuple(
            (place, int(self.rows[place - 1]), float(self.score[place - 1]), float(self.chance[place - 1]),
             float(self.observed[place - 1]))
            for place in range(1, len(self.rows) + 1)
        )  # fmt: skip
        header = ("bin", "rows", "mean probability", "mean chance", "observed share")
        title = f"Reference, held-out parts: probability, calibrated chance and observed share of {hits}"
        return Table(name="calibration", title=title, header=header, rows=rows)


def into_bins(score: np.ndarray, hit: np.ndarray, held_out: np.ndarray) -> Bins:
    """Bins of neighbouring held-out chances; equal frequency, so that no bin is small."""
    import numpy as np

    order = np.argsort(held_out, kind="stable")
    parts = np.array_split(order, BINS)
    return Bins(
        rows=np.array([len(one) for one in parts]),
        score=np.array([score[one].mean() for one in parts]),
        chance=np.array([held_out[one].mean() for one in parts]),
        observed=np.array([hit[one].mean() for one in parts]),
    )
