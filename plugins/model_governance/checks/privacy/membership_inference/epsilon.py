"""How much memorisation one training run proves: a lower bound in the unit of differential privacy.

The counting bound of Steinke, Nasr and Jagielski (NeurIPS 2023). It bounds the epsilon of the training procedure
where every audited record was included by an independent fair coin; elsewhere it is a measure of memorisation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEVEL = 0.05


def correct_guesses(members: np.ndarray, others: np.ndarray, *, guesses: int) -> int:
    """How many are right if the highest guesses/2 scores are called members and the lowest guesses/2 non-members.

    Scores of shape (n,) and (m,). Tied scores at an edge count as wrong as they can, so that ties prove nothing.

    Raises:
        ValueError: guesses is odd, below 2, or more than the records.
    """
    half = guesses // 2
    if guesses < 2 or guesses % 2 or guesses > len(members) + len(others):
        raise ValueError(f"guesses must be even and lie between 2 and {len(members) + len(others)}, got {guesses}")
    return _right_on_top(members, others, half) + _right_on_top(-others, -members, half)


def lower_bound(correct: int, guesses: int, *, records: int, delta: float = 0.0) -> float:
    """The largest epsilon that so many correct guesses of `records` audited ones rule out with 95% confidence, or 0."""
    from scipy.optimize import brentq

    if p_value(correct, guesses, epsilon=0.0, records=records, delta=delta) > LEVEL:
        return 0.0

    def gap(epsilon: float) -> float:
        return p_value(correct, guesses, epsilon=epsilon, records=records, delta=delta) - LEVEL

    high = 1.0
    while gap(high) < 0:
        high *= 2
    return float(brentq(gap, 0.0, high, xtol=1e-9))


def p_value(correct: int, guesses: int, *, epsilon: float, records: int, delta: float = 0.0) -> float:
    """Chance of at least so many correct guesses if training is (epsilon, delta)-differentially private."""
    import numpy as np
    from scipy.special import expit
    from scipy.stats import binom

    share = float(expit(epsilon))
    tail = float(binom.sf(correct - 1, guesses, share))
    if delta == 0 or correct == 0:
        return tail
    fewer = np.arange(1, correct + 1)
    steepest = float(((binom.sf(correct - fewer - 1, guesses, share) - tail) / fewer).max())
    return min(1.0, tail + 2 * records * delta * steepest)


def ceiling(guesses: int) -> float:
    """The bound that `guesses` perfect guesses give at delta 0: no attack can show more with so few."""
    share = LEVEL ** (1 / guesses)
    return math.log(share / (1 - share))


def _right_on_top(right: np.ndarray, wrong: np.ndarray, places: int) -> int:
    """How many of the `places` highest scores are `right`, ties going to the wrong ones first."""
    import numpy as np

    edge = float(np.partition(np.concatenate([right, wrong]), -places)[-places])
    above_right, above_wrong = int((right > edge).sum()), int((wrong > edge).sum())
    left = places - above_right - above_wrong
    return above_right + max(0, left - int((wrong == edge).sum()))
