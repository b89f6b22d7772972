"""Randomised smoothing: radii within which the majority answer under noise provably does not change.

Cohen, Rosenfeld and Kolter (2019), "Certified Adversarial Robustness via Randomized Smoothing". The certificate is of
the smoothed model, the majority answer under Gaussian noise, not of the model itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.balls import streams_of
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

ROWS = 200_000
CELLS = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """Per row (n,): the smoothed answer (-1 where it abstains) and the L2 radius it is certified for (0 there).

    A radius is wrong with probability `alpha` at most, row by row.
    """

    answers: np.ndarray
    radii: np.ndarray
    alpha: float


def certify(
    answers: Callable[[np.ndarray], np.ndarray], x: np.ndarray, *, sigma: float, seed: int, guesses: int = 100,
    samples: int = 1000, alpha: float = 0.001,
) -> Certified:  # fmt: skip
    """Certify rows (n, d): `guesses` noisy copies say which class leads, `samples` fresh ones how surely.

    `answers` maps points (m, d) to class numbers (m,) and sees Gaussian noise of standard deviation `sigma` in every
    coordinate, outside the box too. radius = sigma * Phi^-1(p), p the one-sided Clopper-Pearson lower bound at level
    1 - alpha; below one half the row abstains. Every row draws from a stream of its own.

    Raises:
        CheckError: sigma, samples or alpha say nothing.
    """
    import numpy as np
    from scipy.stats import beta, norm

    if not (sigma > 0 and guesses >= 1 and samples >= 1 and 0 < alpha < 0.5):
        raise CheckError(
            f"sigma {sigma!r}, guesses {guesses!r}, samples {samples!r} and alpha {alpha!r} certify nothing; "
            "give positive ones and alpha below one half"
        )
    leaders, radii = np.full(len(x), -1), np.zeros(len(x))
    for row, stream in enumerate(streams_of(seed, np.arange(len(x)), purpose=6)):
        first = _count(answers, x[row], sigma, guesses, stream)
        leader = max(first, key=lambda one: (first[one], -one))
        second = _count(answers, x[row], sigma, samples, stream)
        hits = second.get(leader, 0)
        low = float(beta.ppf(alpha, hits, samples - hits + 1)) if hits else 0.0
        if low > 0.5:
            leaders[row], radii[row] = leader, sigma * float(norm.ppf(low))
    return Certified(answers=leaders, radii=radii, alpha=alpha)


def _count(
    answers: Callable[[np.ndarray], np.ndarray], row: np.ndarray, sigma: float, copies: int, stream: np.random.Generator
) -> dict[int, int]:
    """How often each class is answered to noisy copies of a row (d,)."""
    import numpy as np

    counts: dict[int, int] = {}
    most = max(1, min(ROWS, CELLS // max(1, len(row))))
    for first in range(0, copies, most):
        noise = stream.standard_normal((min(most, copies - first), len(row)))
        classes, times = np.unique(answers((row + sigma * noise).astype(row.dtype)), return_counts=True)
        for one, count in zip(classes.tolist(), times.tolist(), strict=True):
            counts[int(one)] = counts.get(int(one), 0) + count
    return counts
